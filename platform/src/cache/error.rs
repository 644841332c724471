use domain::Hint;

/// What can go wrong with a cache. A caller goes on without it.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("the cache is not reachable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the value for cache key `{key}` has no JSON form")]
    Encode {
        key: String,
        #[source]
        source: serde_json::Error,
    },
}

impl CacheError {
    pub(super) fn unavailable(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Box::new(source))
    }
}

impl Hint for CacheError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unavailable(_) => "reads go to the database meanwhile; `viralcast doctor` says whether the cache answers".to_owned(),
            Self::Encode { .. } => "cache only types that serde can write as JSON".to_owned(),
        })
    }
}
