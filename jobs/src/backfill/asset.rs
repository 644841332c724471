use std::time::Duration;

use async_trait::async_trait;
use chrono::NaiveDate;
use domain::ids::JobId;
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

    /// Outside calls of one partition and what bounds them; `None` for none.
    fn quota(&self) -> Option<Quota> {
        None
    }

    /// Scopes that have anything to be made of, with the days that can be made; all, or those of these names.
    async fn scopes(&self, named: &[String]) -> Result<Vec<Scope>, BackfillError>;

    /// Makes one partition, unseen. Making it again changes nothing.
    async fn make(&self, scope: &str, day: NaiveDate, job: JobId) -> Result<Made, NightError>;

    /// Time and rows of one partition, from history.
    async fn typical(&self) -> Result<(Option<Duration>, Option<f64>), BackfillError>;

    /// What today's screens would show if they were made again from what is known now.
    async fn screen_changes(&self, scopes: &[Scope]) -> Result<Vec<ScreenChange>, BackfillError>;
}

/// Calls to an outside service.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Quota {
    pub name: String,
    pub calls_per_partition: u32,
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
