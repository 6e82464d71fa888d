//! Which file the archive is: the file itself, whatever name it was reached by.
//!
//! SQLite finds a database's log by the name that the database was opened under, and so does the lock
//! of a run. Two names of one file have a log and a lock each: two runs through them would both
//! succeed and lose what the other wrote. So a file that has several names, or is mounted by itself
//! away from its folder, is not written. A run that writes remembers the file's device and inode, and
//! each transaction asserts that the names it was opened by still lead there. SQLite's locks end
//! when any descriptor of the file is closed, so it is never opened here, only asked about by name.

use std::{
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use super::open::file;
use crate::store::StoreError;

/// What distinguishes a file from all others: its device and its inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId(u64, u64);

/// The log and the memory that SQLite's connections share, beside the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Companions([FileId; 2]);

/// The file that an archive was opened as.
#[derive(Debug)]
pub(super) struct Identity {
    /// The name that was asked for, and the one that it leads to.
    names: [PathBuf; 2],
    file: FileId,
    /// How a name was first found to lead elsewhere; nothing is written from then on, even where
    /// it leads back.
    moved: OnceLock<&'static str>,
}

impl Identity {
    /// Of a file that is there, by the name that was asked for and the one that this leads to.
    pub(super) fn of(asked: &Path, path: &Path) -> Result<Self, StoreError> {
        let found = fs::metadata(path);
        let found = found.map_err(|source| file("looking at the archive", path, source))?;
        Ok(Self {
            names: [path.to_owned(), asked.to_owned()],
            file: id(&found),
            moved: OnceLock::new(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.names[0]
    }

    /// An error where the names no longer lead to the file.
    pub(super) fn assert(&self) -> Result<(), StoreError> {
        for name in &self.names {
            match fs::metadata(name) {
                Ok(found) if id(&found) == self.file => {}
                Ok(_) => self.note("was replaced by another file"),
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.note("was removed"),
                Err(source) => return Err(file("looking at the archive", name, source)),
            }
        }
        self.moved()
    }

    /// An error where the names no longer lead to the file, or what is beside it is not what this
    /// connection has found there before.
    pub(super) fn assert_with(&self, found: &mut Option<Companions>) -> Result<(), StoreError> {
        let now = self.companions();
        match found {
            None => *found = now,
            Some(_) if *found == now => {}
            Some(_) => self.note("lost its log (-wal) or shared memory (-shm)"),
        }
        self.assert()
    }

    fn companions(&self) -> Option<Companions> {
        let beside = |suffix: &str| {
            let mut name = self.path().as_os_str().to_owned();
            name.push(suffix);
            fs::metadata(name).ok().map(|found| id(&found))
        };
        Some(Companions([beside("-wal")?, beside("-shm")?]))
    }

    fn note(&self, how: &'static str) {
        self.moved.get_or_init(|| how);
    }

    fn moved(&self) -> Result<(), StoreError> {
        self.moved.get().map_or(Ok(()), |how| {
            Err(StoreError::Moved {
                path: self.path().to_owned(),
                how,
            })
        })
    }
}

/// Refuses a file that a run could reach by two names, beside which there would be two logs.
pub(super) fn refuse_several_names(path: &Path) -> Result<(), StoreError> {
    let found = fs::metadata(path);
    let found = found.map_err(|source| file("looking at the archive", path, source))?;
    let names = names(&found);
    if names > 1 {
        return Err(StoreError::SeveralNames {
            path: path.to_owned(),
            names,
        });
    }
    let is_mounted = mounts().iter().any(|mount| mount.at == path);
    if is_mounted {
        return Err(StoreError::MountedAlone {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// A place where a file system, or a part of one, is mounted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) at: PathBuf,
    pub(super) kind: String,
}

/// What is mounted, where the system says so.
pub(super) fn mounts() -> Vec<Mount> {
    let table = fs::read_to_string("/proc/mounts").unwrap_or_default();
    table.lines().filter_map(mount).collect()
}

fn mount(line: &str) -> Option<Mount> {
    let mut fields = line.split(' ').skip(1);
    // What would end a field is written in octal.
    let escapes = [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ];
    let at = escapes
        .iter()
        .fold(fields.next()?.to_owned(), |at, (escape, plain)| {
            at.replace(escape, plain)
        });
    Some(Mount {
        at: at.into(),
        kind: fields.next()?.to_owned(),
    })
}

#[cfg(unix)]
fn id(found: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt as _;
    FileId(found.dev(), found.ino())
}

#[cfg(unix)]
fn names(found: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(found)
}

/// Here nothing distinguishes two files.
#[cfg(not(unix))]
fn id(_: &Metadata) -> FileId {
    FileId(0, 0)
}

#[cfg(not(unix))]
fn names(_: &Metadata) -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_mounted_by_itself_is_a_mount_point() {
        let line = "/dev/sda1 /data/my\\040archive.db ext4 rw,relatime 0 0";
        let expected = Mount {
            at: "/data/my archive.db".into(),
            kind: "ext4".to_owned(),
        };
        assert_eq!(mount(line), Some(expected));
        assert_eq!(mount("nothing"), None);
    }

    #[test]
    fn a_name_that_led_elsewhere_once_is_lost_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive.db");
        let away = folder.path().join("away.db");
        fs::write(&path, "").unwrap();
        let identity = Identity::of(&path, &path).unwrap();
        identity.assert().unwrap();
        fs::rename(&path, &away).unwrap();
        assert!(matches!(identity.assert(), Err(StoreError::Moved { .. })));
        fs::rename(&away, &path).unwrap();
        assert!(matches!(identity.assert(), Err(StoreError::Moved { .. })));
        Identity::of(&path, &path).unwrap().assert().unwrap();
    }
}
