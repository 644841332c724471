//! Objects: raw records as they came, model artifacts, reports. Bytes under a key, over the `object_store` crate.

mod error;
mod key;
mod place;
mod s3;
mod stored;
pub mod testing;

use std::path::{Path, PathBuf};

use async_trait::async_trait;

pub use error::ObjectError;
pub use key::ObjectKey;
pub use place::{FileSeen, Place};
pub use stored::StoredObjects;

/// Bytes by key. Writing is atomic: a reader sees the old object, the new one or none, never a part.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Writes or replaces an object; durable when it returns.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    async fn put(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<(), ObjectError>;

    /// # Errors
    /// [`ObjectError::NotFound`]; [`ObjectError::Corrupt`] if the key is the hash of other bytes; [`ObjectError::Store`].
    async fn get(&self, key: &ObjectKey) -> Result<Vec<u8>, ObjectError>;

    /// # Errors
    /// [`ObjectError::Store`].
    async fn exists(&self, key: &ObjectKey) -> Result<bool, ObjectError>;

    /// Removes an object; one that is not there is no error.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    async fn delete(&self, key: &ObjectKey) -> Result<(), ObjectError>;

    /// Keys inside the folder `prefix` and its subfolders, sorted; the empty text is all.
    ///
    /// # Errors
    /// [`ObjectError::Store`], [`ObjectError::Key`].
    async fn list(&self, prefix: &str) -> Result<Vec<ObjectKey>, ObjectError>;

    /// Writes a file under the hash of its bytes, piece by piece, and answers the key and the size.
    ///
    /// # Errors
    /// [`ObjectError::File`] if the file cannot be read or changes meanwhile; [`ObjectError::Store`].
    async fn put_file(&self, path: &Path) -> Result<(ObjectKey, u64), ObjectError>;

    /// Where an object lies on this machine, if it does.
    fn local_path(&self, key: &ObjectKey) -> Option<PathBuf>;

    /// Writes an object under the hash of its bytes: the same bytes have the same key and are kept once.
    ///
    /// # Errors
    /// [`ObjectError::Store`].
    async fn put_content(&self, bytes: Vec<u8>) -> Result<ObjectKey, ObjectError> {
        let key = ObjectKey::of_content(&bytes);
        if !self.exists(&key).await? {
            self.put(&key, bytes).await?;
        }
        Ok(key)
    }
}
