use std::time::Duration;

use async_trait::async_trait;
use domain::ids::JobId;
use ingest::feed::Days;
use ingest::take::TakeError;
use platform::db::partition_ranges::Span;
use uuid::Uuid;

use super::BackfillError;
use super::plan::ScreenChange;
use crate::nightly::NightError;

/// Something that is made day by day, scope by scope.
#[async_trait]
pub trait Asset: Send + Sync {
    /// As in `partition_ranges`.
    fn name(&self) -> &'static str;

    /// Whether what is made stays unseen until it is published. Facts do not: each says itself when it became known.
    fn has_shadow(&self) -> bool {
        true
    }

    /// Outside calls of one partition and what bounds them; `None` for none.
    fn quota(&self) -> Option<Quota> {
        None
    }

    /// Scopes that have anything to be made of, with the days that can be made; all, or those of these names.
    async fn scopes(&self, named: &[String]) -> Result<Vec<Scope>, BackfillError>;

    /// Consecutive days that are made at once, where one question brings many.
    fn days_at_once(&self) -> u32 {
        1
    }

    /// Makes the days `[first, end)` of a scope, unseen where anybody could see them. Making them again changes nothing.
    async fn make(&self, scope: &str, days: Days, job: JobId) -> Result<Made, MakeError>;

    /// Time and rows of one partition, from history.
    async fn typical(&self) -> Result<(Option<Duration>, Option<f64>), BackfillError>;

    /// What today's screens would show if they were made again from what is known now.
    async fn screen_changes(&self, scopes: &[Scope]) -> Result<Vec<ScreenChange>, BackfillError>;
}

/// Why partitions were not made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    #[error(transparent)]
    Night(#[from] NightError),
    #[error(transparent)]
    Take(#[from] TakeError),
}

impl MakeError {
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Night(error) => error.may_pass(),
            Self::Take(error) => error.may_pass(),
        }
    }

    /// When to go on, if somebody has asked for patience: the partition has not failed.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Night(_) => None,
            Self::Take(error) => error.wait(),
        }
    }
}

/// Calls to an outside service.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Quota {
    pub name: String,
    /// A call brings [`Asset::days_at_once`] at most.
    pub calls_per_minute: u32,
}

/// Where partitions are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub span: Span,
    /// For people: a store's slug.
    pub label: String,
}

/// A partition that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The run, of a store, that holds it.
    pub run: Option<(Uuid, Uuid)>,
    pub rows: u64,
    /// Snapshot of the database in which its facts were read.
    pub read_in: Option<String>,
}
