//! Where others leave files for us: a folder, or a prefix of a bucket. We read there and never write.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{Error, ObjectStore, ObjectStoreExt};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

use super::{ObjectError, s3};
use crate::config::S3Config;

/// A folder or a prefix.
#[derive(Debug, Clone)]
pub struct Place {
    store: Arc<dyn ObjectStore>,
    name: String,
    folder: Option<PathBuf>,
}

/// A file that lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSeen {
    /// Within the place, its parts joined by `/`.
    pub path: String,
    pub size: u64,
    /// Changes when the file does.
    pub version: String,
    pub modified: DateTime<Utc>,
}

impl Place {
    /// A folder by its path, or `s3://BUCKET/PREFIX`.
    ///
    /// # Errors
    /// [`ObjectError::NoFolder`] if there is no such folder; [`ObjectError::Store`] if the address makes no sense.
    pub fn open(address: &str, access: &S3Config) -> Result<Self, ObjectError> {
        let name = address.trim_end_matches('/').to_owned();
        if let Some((bucket, prefix)) = s3::named(address) {
            let store = PrefixStore::new(s3::bucket(bucket, access)?, s3::location(prefix)?);
            return Ok(Self { store: Arc::new(store), name, folder: None });
        }
        let no_folder = |source| ObjectError::NoFolder { path: address.to_owned(), source };
        let folder = Path::new(address).canonicalize().map_err(no_folder)?;
        let opened = LocalFileSystem::new_with_prefix(&folder);
        let store = opened.map_err(|source| ObjectError::Store { action: "open", name: name.clone(), source })?;
        Ok(Self { store: Arc::new(store), name, folder: Some(folder) })
    }

    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a file is there whole or not at all. In a folder it may still be written to.
    #[must_use]
    pub fn is_atomic(&self) -> bool {
        self.folder.is_none()
    }

    /// Everything that lies there, in the order in which it was left.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn list(&self) -> Result<Vec<FileSeen>, ObjectError> {
        let found: Vec<_> = self.store.list(None).try_collect().await.map_err(|source| self.failed("list", "", source))?;
        let mut files: Vec<FileSeen> = found
            .into_iter()
            .map(|file| FileSeen {
                version: file.e_tag.unwrap_or_else(|| format!("{}-{}", file.last_modified.timestamp_micros(), file.size)),
                path: file.location.to_string(),
                size: file.size,
                modified: file.last_modified,
            })
            .collect();
        files.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
        Ok(files)
    }

    /// A small file; `None` if it is not there.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    pub async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        if let Some(folder) = self.folder.as_ref().filter(|folder| folder.join(path).exists()) {
            self.inside(folder, path)?;
        }
        match self.store.get(&s3::location(path)?).await {
            Err(Error::NotFound { .. }) => Ok(None),
            found => {
                let bytes = match found {
                    Ok(found) => found.bytes().await,
                    Err(error) => Err(error),
                };
                Ok(Some(bytes.map_err(|source| self.failed("read", path, source))?.into()))
            }
        }
    }

    /// Where a file can be read on this machine: where it lies, or a copy in the folder `scratch`, written piece by piece.
    ///
    /// # Errors
    /// [`ObjectError::Store`] if it cannot be read; [`ObjectError::File`] if it cannot be written.
    pub async fn bring(&self, file: &FileSeen, scratch: &Path) -> Result<PathBuf, ObjectError> {
        if let Some(folder) = &self.folder {
            return self.inside(folder, &file.path);
        }
        let copy = scratch.join(file.path.rsplit('/').next().unwrap_or("file"));
        let unwritable = |source| ObjectError::File { path: copy.display().to_string(), source };
        let location = s3::location(&file.path)?;
        let mut pieces = self.store.get(&location).await.map_err(|source| self.failed("read", &file.path, source))?.into_stream();
        let mut target = File::create(&copy).await.map_err(unwritable)?;
        while let Some(piece) = pieces.try_next().await.map_err(|source| self.failed("read", &file.path, source))? {
            target.write_all(&piece).await.map_err(unwritable)?;
        }
        target.flush().await.map_err(unwritable)?;
        Ok(copy)
    }

    /// A link may lead to another store's files, or anywhere.
    fn inside(&self, folder: &Path, path: &str) -> Result<PathBuf, ObjectError> {
        let found = folder.join(path);
        let real = found.canonicalize().map_err(|source| ObjectError::File { path: found.display().to_string(), source })?;
        if real == found { Ok(real) } else { Err(ObjectError::Linked { path: path.to_owned() }) }
    }

    fn failed(&self, action: &'static str, path: &str, source: Error) -> ObjectError {
        ObjectError::Store { action, name: format!("{}/{path}", self.name), source }
    }
}
