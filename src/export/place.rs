//! Where an export goes, and how it gets there: whole or not at all.
//!
//! A file is written beside its place as `.NAME.convault-part`, synced and renamed; a directory is
//! built beside its place under such a name, synced and renamed as a whole. What a killed export has
//! left is taken over by the next one to the same place. A lock keeps two of them apart; the kernel
//! frees it at death.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, BufWriter, Read as _, Write},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::error::ExportError;

/// The file of a directory that says what is in it. Readers of partitioned files pass over names
/// that begin with an underscore.
pub(super) const MANIFEST: &str = "_manifest.json";
/// How often a name that another process has just renamed is tried again.
const TRIES: usize = 10;

/// What was written under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) bytes: u64,
    /// Lower-case hexadecimal.
    pub(super) sha256: String,
}

/// Writes, counts and hashes.
#[derive(Debug)]
pub(super) struct Sink {
    into: BufWriter<Into>,
    sha256: Sha256,
    bytes: u64,
}

#[derive(Debug)]
enum Into {
    Stdout(io::Stdout),
    File(File),
}

impl Write for Into {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File(file) => file.flush(),
        }
    }
}

impl Sink {
    pub(super) fn stdout() -> Self {
        Self::over(Into::Stdout(io::stdout()))
    }

    pub(super) fn file(file: File) -> Self {
        Self::over(Into::File(file))
    }

    /// A new file inside of a directory that is being built.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        File::create_new(path).map(Self::file)
    }

    fn over(into: Into) -> Self {
        Self {
            into: BufWriter::with_capacity(1 << 16, into),
            sha256: Sha256::new(),
            bytes: 0,
        }
    }

    /// Hands everything on and says what it was.
    pub(super) fn finish(mut self) -> io::Result<Written> {
        self.into.flush()?;
        let mut sha256 = String::with_capacity(64);
        for byte in self.sha256.finalize() {
            use std::fmt::Write as _;
            write!(sha256, "{byte:02x}").expect("a string takes all");
        }
        Ok(Written {
            bytes: self.bytes,
            sha256,
        })
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.into.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

/// A file that is not under its name yet.
#[derive(Debug)]
pub(super) struct PendingFile {
    target: PathBuf,
    /// `None` where the target is no file (a pipe, a device) and is written to as it is.
    temporary: Option<PathBuf>,
    file: File,
    is_done: bool,
}

impl PendingFile {
    /// Makes room beside `target`.
    pub(super) fn create(target: &Path) -> Result<Self, ExportError> {
        let target = match fs::canonicalize(target) {
            Ok(path) if path.is_dir() => {
                return Err(refused(
                    format!("{} is a directory", target.display()),
                    "name a file; --partition month and HTML make directories",
                ));
            }
            Ok(path) if !path.is_file() => {
                let open = OpenOptions::new().write(true).open(&path);
                let file = open.map_err(ExportError::file("opening", &path))?;
                return Ok(Self {
                    target: path,
                    temporary: None,
                    file,
                    is_done: false,
                });
            }
            Ok(path) if is_database(&path) => {
                return Err(refused(
                    format!("{} is a database and would be lost", path.display()),
                    "name another file with --output",
                ));
            }
            Ok(path) => path,
            Err(_) => target.to_owned(),
        };
        let temporary = beside(&target)?;
        let file = take(&temporary, &target, |path| {
            let mut open = OpenOptions::new();
            let open = open.write(true).create(true).truncate(false);
            open.mode(0o600).custom_flags(flags(&[])).open(path)
        })?;
        file.set_len(0)
            .map_err(ExportError::file("emptying", &temporary))?;
        keep_mode(&target, &file).map_err(ExportError::file("protecting", &temporary))?;
        Ok(Self {
            target,
            temporary: Some(temporary),
            file,
            is_done: false,
        })
    }

    /// What to write into.
    pub(super) fn sink(&self) -> Result<Sink, ExportError> {
        let file = self.file.try_clone();
        file.map(Sink::file)
            .map_err(ExportError::file("opening", &self.target))
    }

    /// The name that it will have.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Whether it is a file, and no pipe or device.
    pub(super) const fn is_regular(&self) -> bool {
        self.temporary.is_some()
    }

    /// Puts it under its name, durable.
    pub(super) fn commit(mut self) -> Result<(), ExportError> {
        if let Some(temporary) = &self.temporary {
            self.file
                .sync_all()
                .map_err(ExportError::file("syncing", temporary))?;
            fs::rename(temporary, &self.target).map_err(ExportError::file(
                "putting the export in its place at",
                &self.target,
            ))?;
            self.is_done = true;
            sync_parent(&self.target)?;
        }
        self.is_done = true;
        Ok(())
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.as_ref().filter(|_| !self.is_done) {
            // What is left is of no use to anybody; why it was left is told elsewhere.
            let _ = fs::remove_file(temporary);
        }
    }
}

/// A directory that is not under its name yet.
#[derive(Debug)]
pub(super) struct PendingDirectory {
    target: PathBuf,
    temporary: PathBuf,
    handle: File,
    /// Whether an earlier export is there.
    replaces: bool,
    is_done: bool,
}

impl PendingDirectory {
    /// Makes room beside `target`, which is not there, or empty, or an earlier export that may be
    /// replaced.
    pub(super) fn create(target: &Path, may_replace: bool) -> Result<Self, ExportError> {
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        let replaces = match fs::read_dir(&target) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(ExportError::file("reading", &target)(error)),
        };
        if replaces && !may_replace {
            return Err(refused(
                format!("{} is there already and is not empty", target.display()),
                "name another directory, or say --replace where it is an earlier export",
            ));
        }
        if replaces && !is_export(&target) {
            return Err(refused(
                format!(
                    "{} was not made by an export, or holds something else too, so it is not replaced",
                    target.display()
                ),
                "name another directory, or take this one away yourself",
            ));
        }
        let temporary = beside(&target)?;
        let handle = take(&temporary, &target, |path| {
            match DirBuilder::new().mode(0o700).create(path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                _ => {
                    let only = flags(&[rustix::fs::OFlags::DIRECTORY]);
                    OpenOptions::new().read(true).custom_flags(only).open(path)
                }
            }
        })?;
        clear(&temporary).map_err(ExportError::file("emptying", &temporary))?;
        if replaces {
            keep_mode(&target, &handle).map_err(ExportError::file("protecting", &temporary))?;
        }
        Ok(Self {
            target,
            temporary,
            handle,
            replaces,
            is_done: false,
        })
    }

    /// Where to build it.
    pub(super) fn path(&self) -> &Path {
        &self.temporary
    }

    /// Puts it under its name, durable, and takes the earlier one away.
    pub(super) fn commit(mut self) -> Result<(), ExportError> {
        sync_tree(&self.handle, &self.temporary)
            .map_err(ExportError::file("syncing", &self.temporary))?;
        let place = ExportError::file("putting the export in its place at", &self.target);
        if self.replaces && !is_export(&self.target) {
            return Err(refused(
                format!("{} holds something else by now", self.target.display()),
                "take it away yourself, or name another directory",
            ));
        }
        if self.replaces {
            exchange(&self.temporary, &self.target).map_err(place)?;
        } else {
            fs::rename(&self.temporary, &self.target).map_err(place)?;
        }
        self.is_done = true;
        sync_parent(&self.target)?;
        if self.replaces {
            fs::remove_dir_all(&self.temporary).map_err(ExportError::file(
                "taking the earlier export away from",
                &self.temporary,
            ))?;
        }
        Ok(())
    }
}

impl Drop for PendingDirectory {
    fn drop(&mut self) {
        if !self.is_done {
            // As with a file.
            let _ = fs::remove_dir_all(&self.temporary);
        }
    }
}

fn refused(message: String, hint: &str) -> ExportError {
    ExportError::Refused {
        message,
        hint: hint.to_owned(),
    }
}

/// Opens what is to be written beside the target, alone.
fn take(
    temporary: &Path,
    target: &Path,
    open: impl Fn(&Path) -> io::Result<File>,
) -> Result<File, ExportError> {
    for _ in 0..TRIES {
        let file = match open(temporary) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(refused(
                    format!("there is no folder for {}", target.display()),
                    "make it first, or name another place with --output",
                ));
            }
            Err(error) => return Err(ExportError::file("creating", temporary)(error)),
        };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(refused(
                    format!("another export is writing {}", target.display()),
                    "wait until it ends, or name another place with --output",
                ));
            }
            // A file system without locks is written to all the same.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        // The one who held it may have renamed it between the opening and the lock.
        let ours = file
            .metadata()
            .map_err(ExportError::file("looking at", temporary))?;
        let is_ours = |named: fs::Metadata| (named.dev(), named.ino()) == (ours.dev(), ours.ino());
        if fs::symlink_metadata(temporary).is_ok_and(is_ours) {
            return Ok(file);
        }
    }
    Err(refused(
        format!("other exports are writing {}", target.display()),
        "wait until they end, or name another place with --output",
    ))
}

fn beside(target: &Path) -> Result<PathBuf, ExportError> {
    let name = target.file_name().ok_or_else(|| {
        refused(
            format!("{} has no name of its own", target.display()),
            "name a file or a directory with --output",
        )
    })?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(".convault-part");
    Ok(target.with_file_name(temporary))
}

/// Flags with which what lies under the temporary name is opened: no link is followed, since
/// somebody else may have put it there, and nothing is waited for.
fn flags(more: &[rustix::fs::OFlags]) -> i32 {
    use rustix::fs::OFlags;
    let all = more
        .iter()
        .fold(OFlags::NOFOLLOW | OFlags::NONBLOCK, |all, one| all | *one);
    i32::try_from(all.bits()).expect("flags of the system's call")
}

/// Gives what is written the mode of what it replaces, if it replaces something.
fn keep_mode(target: &Path, file: &File) -> io::Result<()> {
    match fs::metadata(target) {
        Ok(there) => file.set_permissions(there.permissions()),
        Err(_) => Ok(()),
    }
}

/// The first bytes of a file, as many as there are up to so many.
fn beginning(path: &Path, bytes_max: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(bytes_max).read_to_end(&mut bytes));
    if read.is_err() {
        bytes.clear();
    }
    bytes
}

/// Whether a file is one of SQLite's, or the log of one: the archive itself, for one.
fn is_database(path: &Path) -> bool {
    let bytes = beginning(path, 16);
    bytes == b"SQLite format 3\0" || bytes.starts_with(&[0x37, 0x7f, 0x06])
}

/// Whether a directory says of itself that an export made it, and holds nothing else.
fn is_export(directory: &Path) -> bool {
    let text = beginning(&directory.join(MANIFEST), 4 << 10);
    let text = String::from_utf8_lossy(&text);
    let says_so = text.starts_with("{\n  \"manifest_version\": ")
        && text.contains("\"program\": \"convault ");
    let is_ours = |name: &str| {
        name == MANIFEST
            || name == "conversations"
            || name.starts_with("index")
            || name.starts_with("year=")
    };
    let Ok(mut entries) = fs::read_dir(directory) else {
        return false;
    };
    says_so
        && entries
            .all(|entry| entry.is_ok_and(|entry| entry.file_name().to_str().is_some_and(is_ours)))
}

fn clear(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The folder that the target is a name in.
fn parent(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn sync_parent(target: &Path) -> Result<(), ExportError> {
    let parent = parent(target);
    let synced = File::open(parent).and_then(|folder| folder.sync_all());
    synced.map_err(ExportError::file("syncing", parent))
}

/// Makes everything below a directory durable: in one call, since there may be very many files.
#[cfg(target_os = "linux")]
fn sync_tree(handle: &File, _path: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(handle)?)
}

/// Makes everything below a directory durable.
#[cfg(not(target_os = "linux"))]
fn sync_tree(handle: &File, path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let inner = File::open(&path)?;
        if path.is_dir() {
            sync_tree(&inner, &path)?;
        } else {
            inner.sync_all()?;
        }
    }
    handle.sync_all()
}

/// Swaps two directories at once, where the system can; else the place is empty for a moment.
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
            Ok(()) => return Ok(()),
            Err(
                rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP,
            ) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut aside = new.as_os_str().to_owned();
    aside.push("-old");
    let aside = PathBuf::from(aside);
    fs::rename(old, &aside)?;
    fs::rename(new, old)?;
    fs::rename(&aside, new)
}
