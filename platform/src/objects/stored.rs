use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::prefix::PrefixStore;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutPayload};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{ObjectError, ObjectKey, Objects, s3};
use crate::config::S3Config;

/// Objects in anything that the `object_store` crate reaches; the embedded one is a local folder.
#[derive(Debug, Clone)]
pub struct StoredObjects {
    store: Arc<dyn ObjectStore>,
    /// Where they lie on this machine.
    folder: Option<PathBuf>,
}

/// Bytes of a file in memory at a time. S3 takes no parts of less than 5 MiB but the last.
const PIECE: usize = 8 << 20;

impl StoredObjects {
    /// A folder, made if missing. Files are written beside their place, synced and renamed.
    ///
    /// # Errors
    /// [`ObjectError::Folder`] or [`ObjectError::Store`] if the folder cannot be made or opened.
    pub fn folder(path: &Path) -> Result<Self, ObjectError> {
        let name = path.display().to_string();
        std::fs::create_dir_all(path).map_err(|source| ObjectError::Folder { path: name.clone(), source })?;
        let store = LocalFileSystem::new_with_prefix(path).map_err(failed("open", name))?.with_fsync(true);
        Ok(Self { folder: Some(path.to_owned()), ..Self::over(Arc::new(store)) })
    }

    /// A bucket of S3 and its like, `s3://BUCKET/PREFIX`. Nothing is asked yet.
    ///
    /// # Errors
    /// [`ObjectError::NoBucket`], [`ObjectError::Store`] if the address makes no sense.
    pub fn bucket(url: &str, access: &S3Config) -> Result<Self, ObjectError> {
        let (name, prefix) = s3::named(url).ok_or_else(|| ObjectError::NoBucket { address: url.to_owned() })?;
        Ok(Self::over(Arc::new(PrefixStore::new(s3::bucket(name, access)?, s3::location(prefix)?))))
    }

    /// Any other store, such as one in memory for tests.
    #[must_use]
    pub fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, folder: None }
    }
}

#[async_trait]
impl Objects for StoredObjects {
    async fn put(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), ObjectError> {
        self.store.put(&location(key), PutPayload::from(bytes)).await.map_err(failed("write", key))?;
        Ok(())
    }

    async fn put_file(&self, path: &Path) -> Result<(ObjectKey, u64), ObjectError> {
        let failed_file = |source| ObjectError::File { path: path.display().to_string(), source };
        let (hash, size) = hash_of(path).await.map_err(failed_file)?;
        let key = ObjectKey::of_hash(&hash);
        if self.exists(&key).await? {
            return Ok((key, size));
        }
        let mut writer = BufWriter::with_capacity(Arc::clone(&self.store), location(&key), PIECE);
        let written = write_pieces(path, &mut writer).await;
        let changed = || std::io::Error::other("it was written to while it was read");
        if let Err(error) = written.and_then(|written| if written == hash { Ok(()) } else { Err(changed()) }) {
            // What went wrong first is what is told.
            let _ = writer.abort().await;
            return Err(failed_file(error));
        }
        writer.shutdown().await.map_err(failed_file)?;
        Ok((key, size))
    }

    fn local_path(&self, key: &ObjectKey) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(key.as_str()))
    }

    async fn get(&self, key: &ObjectKey) -> Result<Vec<u8>, ObjectError> {
        let found = match self.store.get(&location(key)).await {
            Err(Error::NotFound { .. }) => return Err(ObjectError::NotFound { key: key.clone() }),
            found => found.map_err(failed("read", key))?,
        };
        let bytes = found.bytes().await.map_err(failed("read", key))?;
        if key.fits(&bytes) { Ok(bytes.into()) } else { Err(ObjectError::Corrupt { key: key.clone() }) }
    }

    async fn exists(&self, key: &ObjectKey) -> Result<bool, ObjectError> {
        match self.store.head(&location(key)).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(failed("look for", key)(source)),
        }
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError> {
        match self.store.delete(&location(key)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(failed("delete", key)(source)),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<ObjectKey>, ObjectError> {
        let folder = prefix.trim_end_matches('/');
        let within = if folder.is_empty() { None } else { Some(location(&folder.parse()?)) };
        let found: Vec<_> = self.store.list(within.as_ref()).try_collect().await.map_err(failed("list", prefix))?;
        // What is no key was not put there by us.
        let mut keys: Vec<ObjectKey> = found.iter().filter_map(|object| object.location.as_ref().parse().ok()).collect();
        keys.sort();
        Ok(keys)
    }
}

async fn hash_of(path: &Path) -> std::io::Result<([u8; 32], u64)> {
    let (mut file, mut hash, mut size) = (File::open(path).await?, Sha256::new(), 0);
    while let Some(piece) = next_piece(&mut file).await? {
        hash.update(&piece);
        size += piece.len() as u64;
    }
    Ok((hash.finalize().into(), size))
}

/// Answers the hash of what was written.
async fn write_pieces(path: &Path, writer: &mut BufWriter) -> std::io::Result<[u8; 32]> {
    let (mut file, mut hash) = (File::open(path).await?, Sha256::new());
    while let Some(piece) = next_piece(&mut file).await? {
        hash.update(&piece);
        writer.put(piece).await?;
    }
    Ok(hash.finalize().into())
}

async fn next_piece(file: &mut File) -> std::io::Result<Option<Bytes>> {
    let mut piece = BytesMut::with_capacity(PIECE);
    while piece.len() < PIECE && file.read_buf(&mut piece).await? > 0 {}
    Ok((!piece.is_empty()).then(|| piece.freeze()))
}

/// A key has no character that a location would encode.
fn location(key: &ObjectKey) -> Location {
    Location::from(key.as_str())
}

fn failed(action: &'static str, name: impl std::fmt::Display) -> impl FnOnce(Error) -> ObjectError {
    move |source| ObjectError::Store { action, name: name.to_string(), source }
}
