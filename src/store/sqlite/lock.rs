//! One run at a time: a lock on the file `<archive>.lock`, which the kernel frees at death.
//!
//! The file says who holds it and since when, for the message that another run shows. It is
//! never deleted: two runs could then lock two files of one name.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Seek as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::open::file;
use crate::{
    model::Timestamp,
    store::{Held, RunLock, StoreError, StoreOptions},
};

const POLL: Duration = Duration::from_millis(50);

/// Takes the lock, waiting `lock_wait` at most.
pub(super) async fn take(archive: &Path, options: &StoreOptions) -> Result<RunLock, StoreError> {
    let mut name = archive.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let mut open = OpenOptions::new();
    open.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let mut lock = open
        .open(&path)
        .map_err(|source| file("opening the lock of the archive", &path, source))?;

    let give_up = Instant::now() + options.lock_wait;
    loop {
        match lock.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < give_up => sleep(POLL).await,
            Err(TryLockError::WouldBlock) => return Err(held(&path, options)),
            Err(TryLockError::Error(source)) => {
                return Err(file("locking the archive", &path, source));
            }
        }
    }
    sign(&mut lock, options)
        .map_err(|source| file("signing the lock of the archive", &path, source))?;
    Ok(RunLock(Held::File(lock)))
}

fn sign(lock: &mut File, options: &StoreOptions) -> std::io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    write!(lock, "{}\n{}\n", options.clock.now(), options.holder)
}

fn held(path: &Path, options: &StoreOptions) -> StoreError {
    let text = fs::read_to_string(path).unwrap_or_default();
    let (since, holder) = text.split_once('\n').unwrap_or_default();
    let holder = holder.trim();
    StoreError::Held {
        archive: options.url.to_string(),
        holder: if holder.is_empty() {
            "another run"
        } else {
            holder
        }
        .to_owned(),
        age: since
            .parse::<Timestamp>()
            .ok()
            .map(|since| options.clock.now().since(since)),
    }
}
