//! Lists through the public parser, at the sizes that people have.

use std::io::{self, BufReader, Read};

use convault::sync::input::Collector;

/// Ids without end, made as they are read, so that the test itself holds none.
struct Ids {
    next: u64,
    end: u64,
    pending: Vec<u8>,
}

impl Read for Ids {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.pending.is_empty() {
            if self.next == self.end {
                return Ok(0);
            }
            // Each id twice, the second time far from the first.
            let number = self.next % (self.end / 2);
            self.pending = format!("conv_{number:036}\n").into_bytes();
            self.next += 1;
        }
        let count = self.pending.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.pending[..count]);
        self.pending.drain(..count);
        Ok(count)
    }
}

#[test]
fn a_long_list_is_read_from_a_stream_and_each_id_is_there_once() {
    let ids = Ids {
        next: 0,
        end: 200_000,
        pending: Vec::new(),
    };
    let mut collector = Collector::new();
    collector.add_ids("stream", BufReader::new(ids)).unwrap();
    let input = collector.finish(false, false).unwrap();
    assert_eq!(input.ids.len(), 100_000);
    assert_eq!(input.duplicates, 100_000);
    assert!(input.ids.iter().last().unwrap().ends_with("99999"));
}
