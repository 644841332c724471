use std::time::Duration;

use domain::Hint;

use crate::db::DbError;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("no outside service can be asked: the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
    /// Nothing was asked.
    #[error("`{source_name}` is left alone for another {} s after failing again and again", .wait.as_secs().max(1))]
    Open { source_name: &'static str, wait: Duration },
    /// Nothing was asked.
    #[error("the quota of `{source_name}` is used up for another {} s", .wait.as_secs().max(1))]
    Quota { source_name: &'static str, wait: Duration },
    /// The service asked us to slow down.
    #[error("`{source_name}` asks for patience{}", .wait.map(|wait| format!(": {} s", wait.as_secs())).unwrap_or_default())]
    TooMany { source_name: &'static str, wait: Option<Duration> },
    /// A firewall answered, or a page where data should be.
    #[error("`{source_name}` answered {status} with a page instead of data: it may be blocking us")]
    Blocked { source_name: &'static str, status: u16 },
    #[error("`{source_name}` answered nothing")]
    Empty { source_name: &'static str },
    #[error("`{source_name}` answered {status}")]
    Server { source_name: &'static str, status: u16 },
    #[error("`{source_name}` did not answer")]
    Transport {
        source_name: &'static str,
        #[source]
        source: reqwest::Error,
    },
    #[error("`{source_name}` answered more than {limit} bytes")]
    TooLong { source_name: &'static str, limit: usize },
    #[error("the quota of a source cannot be looked at")]
    Database(#[from] DbError),
}

impl AskError {
    /// When to ask again, if the answer tells.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Open { wait, .. } | Self::Quota { wait, .. } => Some(*wait),
            Self::TooMany { wait, .. } => *wait,
            _ => None,
        }
    }

    /// Whether nothing was asked: no fault of the service, and no attempt.
    #[must_use]
    pub fn is_unasked(&self) -> bool {
        matches!(self, Self::Open { .. } | Self::Quota { .. })
    }

    /// Whether asking again at once may help.
    pub(super) fn may_pass_soon(&self) -> bool {
        match self {
            Self::Server { .. } | Self::Transport { .. } | Self::Empty { .. } => true,
            Self::TooMany { wait, .. } => wait.is_none_or(|wait| wait <= SOON),
            _ => false,
        }
    }
}

/// A wait that is worth staying for.
pub(super) const SOON: Duration = Duration::from_secs(10);

impl Hint for AskError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Client(_) => "install the certificates of your system (ca-certificates)",
            Self::Open { .. } => "`viralcast ingest status` shows the last error",
            Self::Quota { .. } => "it goes on by itself; `viralcast ingest status` shows what is left",
            Self::Blocked { .. } => "set `outside.user_agent` to one that names you and how to reach you",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
