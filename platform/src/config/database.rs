use secrecy::SecretString;

use super::setting::settings;

settings! {
    /// Where the database is. Without `url` it is the private cluster in the data folder.
    pub struct DatabaseConfig in "database" {
        /// PostgreSQL 15 or newer, as the role that owns the schema: `postgres://user:password@host:5432/database`.
        /// Another machine must show a certificate for its name (`?sslrootcert=FILE` for one of your own), unless `?sslmode=` says less.
        /// Unset: a private cluster in the data folder.
        url: Option<SecretString> = None, "DATABASE_URL";
        /// The same server past any pooler, for migrations and LISTEN. Unset: `database.url`.
        direct_url: Option<SecretString> = None, "DATABASE_DIRECT_URL";
        /// Login of workers and commands, who see the rows of all stores. Unset: `database.url` acting as `viralcast_work`.
        work_url: Option<SecretString> = None, "DATABASE_WORK_URL";
        /// Login of the API, which row-level security confines to one store. Unset: `database.url` acting as `viralcast_serve`.
        serve_url: Option<SecretString> = None, "DATABASE_SERVE_URL";
        /// Most connections in the pool of workers, and as many again in that of the API.
        max_connections: u32 = 10, "VIRALCAST_DATABASE__MAX_CONNECTIONS";
        /// Seconds that a query waits for a free connection before it fails.
        acquire_timeout_seconds: u64 = 10, "VIRALCAST_DATABASE__ACQUIRE_TIMEOUT_SECONDS";
    }
}
