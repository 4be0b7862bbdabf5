//! Files of an app that are named by a path: found step by step below a directory, so that no symbolic link leads out of
//! it, and only if they are regular; put where the device keeps them, and taken away. Which may be used for what is
//! decided by who asks.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};

/// What a `file:` URL doesn't show as it is.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// A regular file, open, with the directory that holds it.
#[derive(Debug)]
pub(crate) struct AppFile {
    directory: OwnedFd,
    name: OsString,
    file: File,
    status: Stat,
}

/// The name a file had, without holding it open.
#[derive(Debug)]
pub(crate) struct Original {
    root: PathBuf,
    relative: PathBuf,
    status: Stat,
}

/// The absolute path that a `file:` URL names on this machine.
pub(crate) fn path_of(url: &str) -> Option<PathBuf> {
    let (scheme, rest) = url.split_once("://")?;
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !scheme.eq_ignore_ascii_case("file") || !path.starts_with('/') {
        return None;
    }
    let bytes: Vec<u8> = percent_decode_str(path).collect();
    (!bytes.contains(&0)).then(|| PathBuf::from(OsStr::from_bytes(&bytes)))
}

pub(crate) fn url_of(path: &Path) -> String {
    format!("file://{}", percent_encode(path.as_os_str().as_bytes(), ESCAPED))
}

/// Down from `root`, a directory at a time; answers the last one and what is left.
fn descend(root: &Path, relative: &Path, make: bool) -> io::Result<(OwnedFd, OsString)> {
    let strange = || io::Error::new(io::ErrorKind::InvalidInput, "a path of plain names is wanted");
    let mut parts = relative.components();
    let Some(Component::Normal(name)) = parts.next_back() else { return Err(strange()) };
    let as_directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut directory = rustix::fs::open(root, as_directory, Mode::empty())?;
    for part in parts {
        let Component::Normal(part) = part else { return Err(strange()) };
        if make {
            match rustix::fs::mkdirat(&directory, part, Mode::RWXU) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        directory = rustix::fs::openat(&directory, part, as_directory | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok((directory, name.to_owned()))
}

fn is_regular(status: &Stat) -> bool {
    FileType::from_raw_mode(status.st_mode) == FileType::RegularFile
}

const fn is_same(one: &Stat, other: &Stat) -> bool {
    one.st_dev == other.st_dev && one.st_ino == other.st_ino
}

impl AppFile {
    /// Opens `relative` below `root`, if it is a regular file there. Nothing else is opened, so that none waits.
    pub(crate) fn open(root: &Path, relative: &Path) -> io::Result<Self> {
        let (directory, name) = descend(root, relative, false)?;
        let irregular = || io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
        let seen = rustix::fs::statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW)?;
        if !is_regular(&seen) {
            return Err(irregular());
        }
        let how = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&directory, &name, how, Mode::empty())?);
        let status = rustix::fs::fstat(&file)?;
        if !is_regular(&status) {
            return Err(irregular());
        }
        Ok(Self { directory, name, file, status })
    }

    /// The name that it was opened by.
    pub(crate) const fn original(&self, root: PathBuf, relative: PathBuf) -> Original {
        Original { root, relative, status: self.status }
    }

    pub(crate) fn len(&self) -> u64 {
        u64::try_from(self.status.st_size).unwrap_or(0)
    }

    /// At most so many of its bytes, from there on.
    pub(crate) fn part(&self, from: u64, most: usize) -> io::Result<Vec<u8>> {
        let mut part = vec![0; most];
        let mut read = 0;
        while read < most {
            match rustix::io::pread(&self.file, &mut part[read..], from + read as u64)? {
                0 => break,
                more => read += more,
            }
        }
        part.truncate(read);
        Ok(part)
    }

    /// Puts it at `place`, where nothing is: as the same file if `moved` and the file system can, else as a copy, which is
    /// there whole or not at all. What was there before stays until [`Original::remove`].
    pub(crate) fn put(&self, place: &Path, moved: bool) -> io::Result<()> {
        if !(moved && self.link(place)?) {
            self.copy(place)?;
        }
        match place.parent() {
            Some(directory) => File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    }

    /// `false` if a copy is needed.
    fn link(&self, place: &Path) -> io::Result<bool> {
        if rustix::fs::linkat(&self.directory, &self.name, CWD, place, AtFlags::empty()).is_err() {
            return Ok(false);
        }
        let linked = rustix::fs::statat(CWD, place, AtFlags::SYMLINK_NOFOLLOW)?;
        if is_same(&linked, &self.status) {
            self.file.sync_all()?;
            return Ok(true);
        }
        // Another took its name meanwhile.
        std::fs::remove_file(place)?;
        Ok(false)
    }

    fn copy(&self, place: &Path) -> io::Result<()> {
        let unfinished = place.with_extension("part");
        let copied = self.copy_to(&unfinished).and_then(|()| std::fs::rename(&unfinished, place));
        if copied.is_err() {
            drop(std::fs::remove_file(&unfinished));
        }
        copied
    }

    /// As long as it was when it was opened, and no longer.
    fn copy_to(&self, unfinished: &Path) -> io::Result<()> {
        let mut to = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(unfinished)?;
        let (mut at, mut chunk) = (0, vec![0; 64 * 1024]);
        while at < self.len() {
            let read = rustix::io::pread(&self.file, &mut chunk, at)?;
            let wanted = read.min(usize::try_from(self.len() - at).unwrap_or(usize::MAX));
            if wanted == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            to.write_all(&chunk[..wanted])?;
            at += wanted as u64;
        }
        to.sync_all()
    }

    /// Takes away the name that it was opened by, unless that is another file's by now.
    pub(crate) fn remove(self) -> io::Result<()> {
        let now = rustix::fs::statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW)?;
        if is_same(&now, &self.status) {
            rustix::fs::unlinkat(&self.directory, &self.name, AtFlags::empty())?;
        }
        Ok(())
    }
}

impl Original {
    /// Takes the name away, unless it is another file's by now.
    pub(crate) fn remove(self) -> io::Result<()> {
        let now = AppFile::open(&self.root, &self.relative)?;
        // A number may be given again once nobody holds the file.
        let is_it = is_same(&now.status, &self.status)
            && (now.status.st_mtime, now.status.st_mtime_nsec, now.status.st_size)
                == (self.status.st_mtime, self.status.st_mtime_nsec, self.status.st_size);
        if is_it { now.remove() } else { Ok(()) }
    }
}

/// A file that is being written, beside an app's directory; it is in there once it is finished. What a crash leaves belongs to
/// no app.
#[derive(Debug)]
pub(crate) struct Upload {
    directory: OwnedFd,
    name: OsString,
    unfinished: PathBuf,
    file: File,
    done: bool,
}

impl Upload {
    pub(crate) fn begin(root: &Path, relative: &Path) -> io::Result<Self> {
        let (directory, name) = descend(root, relative, true)?;
        let number = getrandom::u64().map_err(io::Error::other)?;
        let unfinished = root.with_file_name(format!(".upload-{number:016x}"));
        let file = File::options().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        Ok(Self { directory, name, unfinished, file, done: false })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// It takes the place of what has its name.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        rustix::fs::renameat(CWD, &self.unfinished, &self.directory, &self.name)?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.done {
            let _ = std::fs::remove_file(&self.unfinished);
        }
    }
}

/// Bytes and files below a directory; what can't be read counts nothing. Looking ends beyond `most_files`.
pub(crate) fn used(directory: &Path, most_files: usize) -> (u64, usize) {
    let (mut bytes, mut files) = (0_u64, 0);
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(status) = entry.metadata() else { continue };
            (bytes, files) = (bytes.saturating_add(status.len()), files + 1);
            if files > most_files {
                return (bytes, files);
            }
            if status.is_dir() {
                left.push(entry.path());
            }
        }
    }
    (bytes, files)
}

#[cfg(test)]
mod tests;
