//! Where a file's bytes are.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::TabularError;

/// A file on disk, or contents in memory, with the name that messages use.
#[derive(Debug, Clone)]
pub struct Origin {
    name: String,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Path(PathBuf),
    Memory(Bytes),
}

/// What the first bytes say a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Parquet,
    Workbook,
}

impl Origin {
    /// A file on disk; messages show its file name.
    #[must_use]
    pub fn path(path: &Path) -> Self {
        let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
        Self { name, place: Place::Path(path.to_owned()) }
    }

    /// A file on disk, under a name of its own.
    #[must_use]
    pub fn named_path(name: &str, path: PathBuf) -> Self {
        Self { name: name.to_owned(), place: Place::Path(path) }
    }

    /// Contents in memory, under a name of their own.
    #[must_use]
    pub fn memory(name: &str, contents: impl Into<Bytes>) -> Self {
        Self { name: name.to_owned(), place: Place::Memory(contents.into()) }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file name without its extension: what a single series is called.
    #[must_use]
    pub fn stem(&self) -> &str {
        self.name.rsplit_once('.').map_or(self.name.as_str(), |(stem, _)| stem)
    }

    /// Opens the bytes from the start.
    ///
    /// # Errors
    /// [`TabularError::Open`].
    pub fn open(&self) -> Result<Box<dyn Read + Send>, TabularError> {
        Ok(match &self.place {
            Place::Path(_) => Box::new(self.file()?),
            Place::Memory(contents) => Box::new(Cursor::new(contents.clone())),
        })
    }

    /// All of it in memory.
    ///
    /// # Errors
    /// [`TabularError::Open`], [`TabularError::Read`].
    pub(super) fn bytes(&self) -> Result<Bytes, TabularError> {
        if let Place::Memory(contents) = &self.place {
            return Ok(contents.clone());
        }
        let mut bytes = Vec::new();
        self.open()?.read_to_end(&mut bytes).map_err(|source| self.read_error(source))?;
        Ok(bytes.into())
    }

    /// Size in bytes.
    ///
    /// # Errors
    /// [`TabularError::Open`].
    pub fn size(&self) -> Result<u64, TabularError> {
        match &self.place {
            Place::Path(path) => std::fs::metadata(path).map(|meta| meta.len()).map_err(|source| open_error(path, source)),
            Place::Memory(contents) => Ok(contents.len() as u64),
        }
    }

    pub(super) fn file(&self) -> Result<File, TabularError> {
        match &self.place {
            Place::Path(path) => open_file(path),
            Place::Memory(_) => Err(open_error(Path::new(&self.name), std::io::ErrorKind::NotFound.into())),
        }
    }

    pub(crate) fn contents(&self) -> Option<&Bytes> {
        match &self.place {
            Place::Path(_) => None,
            Place::Memory(contents) => Some(contents),
        }
    }

    pub(super) fn read_error(&self, source: std::io::Error) -> TabularError {
        TabularError::Read { file: self.name.clone(), source }
    }

    /// The first bytes of the file, at most `limit`.
    pub(super) fn head(&self, limit: u64) -> Result<Vec<u8>, TabularError> {
        let mut head = Vec::new();
        self.open()?.take(limit).read_to_end(&mut head).map_err(|source| self.read_error(source))?;
        Ok(head)
    }

    /// Tells what a file is by the first bytes, whatever the file is called.
    pub(super) fn kind(&self) -> Result<Kind, TabularError> {
        let head = self.head(8)?;
        if head.is_empty() {
            return Err(TabularError::Empty { file: self.name.clone() });
        }
        const FOREIGN: [(&[u8], &str); 4] = [
            (b"\x1F\x8B", "gzip-compressed"),
            (b"\xFF\xFE", "text in UTF-16"),
            (b"\xFE\xFF", "text in UTF-16"),
            (b"%PDF", "a PDF document"),
        ];
        if let Some((_, what)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Err(TabularError::Foreign { file: self.name.clone(), what });
        }
        // A ZIP archive, and what Microsoft had before it.
        const BOOKS: [&[u8]; 2] = [b"PK\x03\x04", b"\xD0\xCF\x11\xE0"];
        Ok(match &head {
            head if head.starts_with(b"PAR1") => Kind::Parquet,
            head if BOOKS.iter().any(|magic| head.starts_with(magic)) => Kind::Workbook,
            _ => Kind::Text,
        })
    }
}

fn open_file(path: &Path) -> Result<File, TabularError> {
    let file = File::open(path).map_err(|source| open_error(path, source))?;
    let is_folder = file.metadata().is_ok_and(|meta| meta.is_dir());
    if is_folder { Err(open_error(path, std::io::ErrorKind::IsADirectory.into())) } else { Ok(file) }
}

fn open_error(path: &Path, source: std::io::Error) -> TabularError {
    TabularError::Open { path: path.display().to_string(), source }
}
