//! How the mail server behaves from now on.

use serde::Deserialize;

/// Its bad days; without any it takes every mail of every client.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Behaviour {
    /// So many of the next connections are turned away with 421.
    pub refuse_connections: u32,
    /// Who may send; without it everyone may, and any password is right.
    pub credentials: Option<Credentials>,
    /// Refuses each recipient once, with 450.
    pub greylist: bool,
    /// Recipients that are refused with 550.
    pub unknown: Vec<String>,
    /// The most bytes of a message; longer ones are refused with 552.
    pub max_bytes: usize,
    /// So many of the next messages are refused after the dot, with 451.
    pub refuse_after_dot: u32,
    /// So many of the next connections are closed inside their message.
    pub drop_in_data: u32,
    /// So many of the next messages are kept, and the connection is closed without a word: the client cannot know.
    pub drop_after_dot: u32,
    /// Milliseconds before each reply.
    pub slow_ms: u64,
    /// Milliseconds more before the 354.
    pub slow_data_ms: u64,
}

/// One user of the mail server.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Without the password.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour {
            refuse_connections: 0,
            credentials: None,
            greylist: false,
            unknown: Vec::new(),
            max_bytes: 25 * 1024 * 1024,
            refuse_after_dot: 0,
            drop_in_data: 0,
            drop_after_dot: 0,
            slow_ms: 0,
            slow_data_ms: 0,
        }
    }
}
