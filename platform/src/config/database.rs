use secrecy::SecretString;

/// Where the database is. Without `url` it is the private cluster in the data folder.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    pub url: Option<SecretString>,
    pub direct_url: Option<SecretString>,
    pub work_url: Option<SecretString>,
    pub serve_url: Option<SecretString>,
    pub max_connections: u32,
    pub acquire_timeout_seconds: u64,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: None, direct_url: None, work_url: None, serve_url: None, max_connections: 10, acquire_timeout_seconds: 10 }
    }
}
