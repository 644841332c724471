//! Sources that ask somebody: what they promise, and how they ask.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{NaiveDate, TimeDelta};
use domain::Hint;
use platform::auth::InstallationSecret;
use platform::clock::Clock;
use platform::config::SourcesConfig;
use platform::db::DbError;
use platform::http::{AskError, Manners, Polite, Reply};
use sqlx::PgPool;

/// What a source is like, whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Days of one question; a longer range is asked in pieces.
    pub window_days: u32,
    /// Days up to today that are asked for each time, since they may have been corrected.
    pub lookback_days: u32,
    /// Data older than this is late.
    pub freshness: TimeDelta,
    pub history: History,
    /// Whether each day tells about as much as the one before.
    pub is_steady: bool,
    /// What must be shown where its data is shown.
    pub attribution: &'static str,
    /// What a scope is: `region`, `province`, `topic`, `store`.
    pub scope_is: &'static str,
}

/// What can be had of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Only what landed here at its time.
    Landed,
    /// Whatever was since this day.
    Since(NaiveDate),
}

/// Days `[first, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    pub first: NaiveDate,
    /// Exclusive.
    pub end: NaiveDate,
}

impl Days {
    /// In pieces of at most `length` days, oldest first.
    #[must_use]
    pub fn pieces(self, length: u32) -> Vec<Days> {
        let step = chrono::Days::new(u64::from(length.max(1)));
        let next = |first: &NaiveDate| first.checked_add_days(step).filter(|first| *first < self.end);
        let firsts = std::iter::successors(Some(self.first).filter(|first| *first < self.end), next);
        firsts.map(|first| Days { first, end: next(&first).unwrap_or(self.end) }).collect()
    }
}

/// What a feed works with.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    pub http: &'a Polite,
    pub clock: &'a dyn Clock,
    pub config: &'a SourcesConfig,
    /// For what is known of a scope already.
    pub pool: &'a PgPool,
    /// Opens what is kept sealed.
    pub secret: &'a InstallationSecret,
}

/// How a source asks.
#[async_trait]
pub trait Feed: Send + Sync {
    fn manners(&self, config: &SourcesConfig) -> Manners;

    /// What has to be set before it can ask, if anything.
    fn missing(&self, _: &SourcesConfig) -> Option<&'static str> {
        None
    }

    /// Everything that it is to be asked about for the stores there are, each once however many stores share it.
    ///
    /// # Errors
    /// [`DbError`].
    async fn scopes(&self, pool: &PgPool, config: &SourcesConfig) -> Result<Vec<String>, DbError>;

    /// Asks about one scope and window. IO only: what the replies mean is [`crate::source::Source::parse`]'s.
    ///
    /// # Errors
    /// [`FetchError`].
    async fn fetch(&self, asking: &Asking<'_>, scope: &str, days: Days) -> Result<Vec<Reply>, FetchError>;
}

/// Why a window could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Database(DbError),
    /// The vendor knows nothing of this scope, and will not soon.
    #[error("`{source_name}` does not cover `{scope}`: {reason}")]
    NotCovered { source_name: &'static str, scope: String, reason: String, ask_again_after: TimeDelta },
    /// Asking again changes nothing.
    #[error("`{source_name}` refuses ({status}): {reason}")]
    Refused { source_name: &'static str, status: u16, reason: String },
    /// Nobody should ask for a while.
    #[error("`{source_name}` cannot serve us: {reason}")]
    Exhausted { source_name: &'static str, reason: String, wait: Duration },
    #[error("`{source_name}` is not set up: {missing}")]
    NotSetUp { source_name: &'static str, missing: &'static str },
}

impl Hint for FetchError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Ask(error) => error.hint(),
            Self::Database(error) => error.hint(),
            Self::NotCovered { .. } => Some("correct the store's region if it is wrong; it is asked again in some weeks".to_owned()),
            Self::Exhausted { .. } => Some("see the vendor's account; `viralcast ingest status` shows when it is asked again".to_owned()),
            Self::NotSetUp { missing, .. } => Some(format!("set {missing}")),
            Self::Refused { .. } => None,
        }
    }
}
