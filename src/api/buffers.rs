//! Memory for bodies that is used again and again: they are large, live until their messages are
//! committed, and are let go of by other threads, so that asking for each anew would leave holes
//! of 10 MiB in the memory of the process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Bodies of a hundred messages are smaller; larger ones are not kept.
const BYTES_MAX: usize = 128 * 1024;
/// As many as stand in memory at once, and some.
const COUNT_MAX: usize = 128;
/// What is asked for is a multiple of it, so that a body of about the same length fits.
const STEP: usize = 8 * 1024;

/// Those that nobody uses at the moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    /// One that is empty and has room for as many bytes.
    pub(super) fn take(&self, room: usize) -> Vec<u8> {
        let unused = if room > BYTES_MAX {
            None
        } else {
            self.lock().pop()
        };
        let mut buffer = unused.unwrap_or_default();
        buffer.reserve_exact(room.next_multiple_of(STEP));
        buffer
    }

    /// What one holds, in no more than twice the memory that it needs; comes back when nobody holds
    /// any part of it.
    pub(super) fn lend(&self, buffer: Vec<u8>) -> Bytes {
        if buffer.len() < buffer.capacity() / 2 {
            let bytes = Bytes::copy_from_slice(&buffer);
            self.put(buffer);
            return bytes;
        }
        Bytes::from_owner(Lent {
            buffer,
            home: self.clone(),
        })
    }

    /// Gives one back.
    pub(super) fn put(&self, mut buffer: Vec<u8>) {
        let mut unused = self.lock();
        if buffer.capacity() <= BYTES_MAX && unused.len() < COUNT_MAX {
            buffer.clear();
            unused.push(buffer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Lent {
    buffer: Vec<u8>,
    home: Buffers,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.put(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lent(buffers: &Buffers, bytes: &[u8]) -> Bytes {
        let mut buffer = buffers.take(bytes.len());
        buffer.extend_from_slice(bytes);
        buffers.lend(buffer)
    }

    fn unused(buffers: &Buffers) -> usize {
        buffers.lock().len()
    }

    #[test]
    fn one_is_used_again_once_no_part_of_it_is_held() {
        let buffers = Buffers::default();
        let body = lent(&buffers, &[1; STEP]);
        let part = body.slice(10..20);
        drop(body);
        assert_eq!(unused(&buffers), 0);
        let other = lent(&buffers, &[2; STEP]);
        assert_eq!(part, [1; 10][..]);
        drop(part);
        assert_eq!(unused(&buffers), 1);
        assert_eq!(lent(&buffers, &[3; STEP]), [3; STEP][..]);
        assert_eq!(other, [2; STEP][..]);
    }

    #[test]
    fn a_short_body_holds_no_large_one_and_a_huge_one_is_not_kept() {
        let buffers = Buffers::default();
        let short = lent(&buffers, b"short");
        assert_eq!(unused(&buffers), 1, "it is a copy");
        assert_eq!(short, b"short"[..]);
        let huge = lent(&buffers, &vec![0; 2 * BYTES_MAX]);
        drop(huge);
        assert_eq!(unused(&buffers), 1);
        let many: Vec<Bytes> = (0..2 * COUNT_MAX)
            .map(|_| lent(&buffers, &[0; STEP]))
            .collect();
        drop(many);
        assert_eq!(unused(&buffers), COUNT_MAX);
    }
}
