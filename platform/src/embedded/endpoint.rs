//! How to connect to the private cluster, and as whom.

use std::path::PathBuf;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// The database inside the private cluster.
pub const DATABASE: &str = "viralcast";

/// Who a connection acts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Owns the schema and migrates it; subject to row-level security like everybody else.
    Owner,
    /// Workers and commands: reads and writes the rows of all stores (bypasses row-level security).
    Work,
    /// The API: sees only the rows of the store set in its transaction.
    Serve,
    /// Sets up the private cluster; never used to read or write product data.
    Superuser,
}

impl Role {
    /// The PostgreSQL role of this name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "viralcast_owner",
            Self::Work => "viralcast_work",
            Self::Serve => "viralcast_serve",
            Self::Superuser => "viralcast",
        }
    }
}

/// Socket of a running cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    folder: PathBuf,
    pub(super) port: u16,
}

impl Endpoint {
    pub(super) fn new(folder: PathBuf, port: u16) -> Self {
        Self { folder, port }
    }

    /// Connects over the socket; environment variables such as `PGHOST` have no say.
    pub fn options(&self, role: Role, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.folder)
            .port(self.port)
            .username(role.name())
            .database(database)
            .ssl_mode(PgSslMode::Disable)
            .application_name("viralcast")
    }

    /// The same as a URL, for other programs.
    pub fn url(&self, role: Role, database: &str) -> String {
        let folder: String = self.folder.to_string_lossy().bytes().map(percent_encoded).collect();
        format!("postgres://{}@localhost:{}/{database}?host={folder}&sslmode=disable", role.name(), self.port)
    }

    /// The folder as one item of a setting that takes a comma-separated list.
    pub(super) fn quoted_folder(&self) -> String {
        format!("\"{}\"", self.folder.to_string_lossy().replace('"', "\"\""))
    }
}

fn percent_encoded(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_leads_to_the_same_place_as_the_options() {
        let endpoint = Endpoint::new(PathBuf::from("/tmp/with space & more"), 5432);
        let parsed: PgConnectOptions = endpoint.url(Role::Work, "shop").parse().expect("the URL is well formed");
        let options = endpoint.options(Role::Work, "shop");
        assert_eq!(parsed.get_socket(), options.get_socket());
        assert_eq!(parsed.get_username(), "viralcast_work");
        assert_eq!(parsed.get_database(), Some("shop"));
    }
}
