use crate::embedded::EmbeddedError;

/// Why the database cannot be opened, migrated or closed.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),

    /// A database URL does not parse. The URL itself may hold a password and is not shown.
    #[error("{variable} is not a PostgreSQL URL ({source}); write postgres://user:password@host:5432/database")]
    InvalidUrl {
        variable: &'static str,
        #[source]
        source: sqlx::Error,
    },

    /// One of the other database URLs is set, but the main one is not.
    #[error("{variable} is set but DATABASE_URL is not; set DATABASE_URL too, or unset it to use the private cluster")]
    UrlMissing { variable: &'static str },

    #[error(
        "cannot {purpose}: no connection to the database: {source}; check DATABASE_URL (and DATABASE_DIRECT_URL behind a pooler) with `viralcast doctor`; where TLS fails, name the certificate by `?sslrootcert=FILE`, or say how much you want by `?sslmode=`"
    )]
    Connect {
        purpose: &'static str,
        #[source]
        source: sqlx::Error,
    },

    #[error("cannot migrate the database: {0}")]
    Migrate(#[source] sqlx::migrate::MigrateError),
}

impl DatabaseError {
    pub(crate) fn connecting(purpose: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Connect { purpose, source }
    }
}
