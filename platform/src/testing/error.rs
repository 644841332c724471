use crate::data_dir::DataDirError;
use crate::embedded::EmbeddedError;

/// Why there is no test database.
#[derive(Debug, thiserror::Error)]
pub enum TestDbError {
    #[error(transparent)]
    Folder(#[from] DataDirError),

    #[error(transparent)]
    Cluster(#[from] EmbeddedError),

    /// The migrations in `migrations/` do not apply to an empty database.
    #[error("the migrations do not apply to an empty database: {0}")]
    Migrations(#[from] sqlx::migrate::MigrateError),

    #[error("the test cluster refused a command: {0}")]
    Database(#[from] sqlx::Error),
}
