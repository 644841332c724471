use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutPayload};

use super::{ObjectError, ObjectKey, Objects};

/// Objects in anything that the `object_store` crate reaches; the embedded one is a local folder.
#[derive(Debug, Clone)]
pub struct StoredObjects {
    store: Arc<dyn ObjectStore>,
}

impl StoredObjects {
    /// A folder, made if missing. Files are written beside their place, synced and renamed.
    ///
    /// # Errors
    /// [`ObjectError::Folder`] or [`ObjectError::Store`] if the folder cannot be made or opened.
    pub fn folder(path: &Path) -> Result<Self, ObjectError> {
        let name = path.display().to_string();
        std::fs::create_dir_all(path).map_err(|source| ObjectError::Folder { path: name.clone(), source })?;
        let store = LocalFileSystem::new_with_prefix(path).map_err(failed("open", name))?.with_fsync(true);
        Ok(Self::over(Arc::new(store)))
    }

    /// Any other store: S3, or one in memory for tests.
    #[must_use]
    pub fn over(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Objects for StoredObjects {
    async fn put(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), ObjectError> {
        self.store.put(&location(key), PutPayload::from(bytes)).await.map_err(failed("write", key))?;
        Ok(())
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

/// A key has no character that a location would encode.
fn location(key: &ObjectKey) -> Location {
    Location::from(key.as_str())
}

fn failed(action: &'static str, name: impl std::fmt::Display) -> impl FnOnce(Error) -> ObjectError {
    move |source| ObjectError::Store { action, name: name.to_string(), source }
}
