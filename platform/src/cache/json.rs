use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Cache, CacheError, Key};

/// Typed values in a [`Cache`].
pub struct Json<'a>(pub &'a dyn Cache);

impl Json<'_> {
    /// A value that another version of the program wrote in another shape counts as absent.
    ///
    /// # Errors
    /// [`CacheError::Unavailable`].
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, CacheError> {
        let bytes = self.0.get(&key.name).await?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Lives as long as the key's pattern says.
    ///
    /// # Errors
    /// [`CacheError`].
    pub async fn set<T: Serialize>(&self, key: &Key, value: &T) -> Result<(), CacheError> {
        let bytes = serde_json::to_vec(value).map_err(|source| CacheError::Encode { key: key.name.clone(), source })?;
        self.0.set(&key.name, bytes, key.time_to_live).await
    }

    /// # Errors
    /// [`CacheError::Unavailable`].
    pub async fn delete(&self, key: &Key) -> Result<(), CacheError> {
        self.0.delete(&key.name).await
    }
}
