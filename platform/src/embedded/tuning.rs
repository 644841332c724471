/// How much the data is worth: decides the server's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tuning {
    /// Committed data survives a power cut.
    Durable,
    /// For tests: fast, and a power cut may cost the whole cluster.
    Disposable,
}

/// Unix socket only; one clock; no just-in-time compilation, which costs more than it saves on short queries.
const COMMON: &[(&str, &str)] = &[
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("cluster_name", "viralcast"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("jit", "off"),
];

const DURABLE: &[(&str, &str)] = &[("max_wal_size", "2GB"), ("checkpoint_completion_target", "0.9")];

const DISPOSABLE: &[(&str, &str)] =
    &[("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"), ("autovacuum", "off"), ("max_connections", "300")];

impl Tuning {
    pub(super) fn settings(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let own = match self {
            Self::Durable => DURABLE,
            Self::Disposable => DISPOSABLE,
        };
        COMMON.iter().chain(own).copied()
    }
}
