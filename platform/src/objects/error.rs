use domain::Hint;

use super::ObjectKey;

/// What can go wrong with objects.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    #[error("object `{key}` does not exist")]
    NotFound { key: ObjectKey },
    #[error("object `{key}` is not the bytes that were stored")]
    Corrupt { key: ObjectKey },
    #[error("`{text}` is not an object key: {reason}")]
    Key { text: String, reason: &'static str },
    #[error("the object store could not {action} `{name}`")]
    Store {
        /// What was being done, as an infinitive.
        action: &'static str,
        /// Key, prefix or folder.
        name: String,
        #[source]
        source: object_store::Error,
    },
    #[error("`{path}` cannot be kept as an object")]
    File {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("there is no folder `{path}`")]
    NoFolder {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("`{path}` is or lies behind a symbolic link, which is not followed")]
    Linked { path: String },
    #[error("`{address}` names no bucket")]
    NoBucket { address: String },
    #[error("folder `{path}` for objects cannot be made")]
    Folder {
        path: String,
        #[source]
        source: std::io::Error,
    },
}

impl Hint for ObjectError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound { .. } => "was another data folder or object store used when it was written? `viralcast doctor`".to_owned(),
            Self::Corrupt { key } => format!("restore `{key}` from a backup, or fetch its source again"),
            Self::Key { .. } => "use segments of letters, digits, `.`, `_`, `=`, `-`, joined by `/`".to_owned(),
            Self::Store { .. } => "see that the object store is reachable and writable: `viralcast doctor`".to_owned(),
            Self::File { .. } => "see that the file is there, readable and no longer written to".to_owned(),
            Self::NoFolder { .. } => "make it, or name another: a folder, or s3://BUCKET/PREFIX".to_owned(),
            Self::Linked { .. } => "put the file itself there".to_owned(),
            Self::NoBucket { .. } => "name it as s3://BUCKET/PREFIX".to_owned(),
            Self::Folder { path, .. } => format!("make `{path}` writable, or set VIRALCAST_DATA_DIR"),
        })
    }
}
