//! What a source tells of the past: asked for where it still tells, parsed again where only our own records do.

use std::time::Duration;

use async_trait::async_trait;
use chrono::NaiveDate;
use chrono_tz::Asia::Jakarta;
use domain::ids::JobId;
use ingest::feed::{Days, Feed, History};
use ingest::source::Source;
use ingest::sources;
use ingest::take::{reparse, take};
use platform::db::partition_ranges::Span;
use platform::db::raw_records::landed_spans;
use platform::db::source_breakers::uncovered_scopes;

use super::asset::MakeError;
use super::plan::ScreenChange;
use super::{Asset, BackfillError, Made, Quota, Scope};
use crate::nightly::Nightly;

/// Days of landed records that are parsed again between two looks at the clock.
const LANDED_AT_ONCE: u32 = 7;

pub(super) struct SourceAsset {
    pub name: &'static str,
    pub nightly: Nightly,
}

/// Sources that ask somebody.
pub(super) fn names() -> Vec<&'static str> {
    sources::all().iter().filter(|source| source.feed().is_some()).map(|source| source.name()).collect()
}

#[async_trait]
impl Asset for SourceAsset {
    fn name(&self) -> &'static str {
        self.name
    }

    fn has_shadow(&self) -> bool {
        false
    }

    fn quota(&self) -> Option<Quota> {
        self.with(|source, feed| match source.terms().history {
            History::Landed => None,
            History::Since(_) => {
                let tightest = feed
                    .manners(&self.nightly.outside.sources)
                    .quotas
                    .into_iter()
                    .min_by(|a, b| per_minute(a).total_cmp(&per_minute(b)))?;
                Some(Quota { calls_per_minute: per_minute(&tightest) as u32, name: tightest.name })
            }
        })
        .flatten()
    }

    fn days_at_once(&self) -> u32 {
        self.with(|source, _| match source.terms().history {
            History::Landed => LANDED_AT_ONCE,
            History::Since(_) => source.terms().window_days,
        })
        .unwrap_or(1)
    }

    async fn scopes(&self, named: &[String]) -> Result<Vec<Scope>, BackfillError> {
        let sources = sources::all();
        let Some((source, feed)) = sources.find(self.name).and_then(|source| Some((source, source.feed()?))) else { return Ok(Vec::new()) };
        let pool = &self.nightly.work;
        let spans: Vec<(String, NaiveDate, NaiveDate)> = match source.terms().history {
            History::Landed => landed_spans(pool, self.name).await?,
            History::Since(first) => {
                let today = self.nightly.clock.now().with_timezone(&Jakarta).date_naive();
                let uncovered = uncovered_scopes(pool, self.name, self.nightly.clock.now()).await?;
                let mut scopes = feed.scopes(pool, &self.nightly.outside.sources).await?;
                scopes.retain(|scope| !uncovered.iter().any(|(known, _)| known == scope));
                scopes.into_iter().map(|scope| (scope, first, today)).collect()
            }
        };
        let unknown = named.iter().find(|name| !spans.iter().any(|(scope, _, _)| scope == *name));
        if let Some(name) = unknown {
            return Err(BackfillError::UnknownScope { name: name.clone() });
        }
        let wanted = spans.into_iter().filter(|(scope, _, _)| named.is_empty() || named.contains(scope));
        Ok(wanted.map(|(scope, first_day, end_day)| Scope { label: scope.clone(), span: Span { scope, first_day, end_day } }).collect())
    }

    async fn make(&self, scope: &str, days: Days, _: JobId) -> Result<Made, MakeError> {
        let sources = sources::all();
        let Some(source) = sources.find(self.name) else { return Ok(Made { run: None, rows: 0, read_in: None }) };
        let taken = match source.terms().history {
            History::Landed => reparse(self.nightly.workshop(), source, scope, days).await?,
            History::Since(_) => take(self.nightly.workshop(), source, scope, days).await?,
        };
        Ok(Made { run: None, rows: taken.new_facts, read_in: None })
    }

    /// Nobody has kept how long windows took; the quota tells the least.
    async fn typical(&self) -> Result<(Option<Duration>, Option<f64>), BackfillError> {
        Ok((None, None))
    }

    /// Facts change the screens of nights that are made again: plan `forecasts` in the mode `stale` afterwards.
    async fn screen_changes(&self, _: &[Scope]) -> Result<Vec<ScreenChange>, BackfillError> {
        Ok(Vec::new())
    }
}

impl SourceAsset {
    fn with<T>(&self, of: impl FnOnce(&dyn Source, &dyn Feed) -> T) -> Option<T> {
        let sources = sources::all();
        let source = sources.find(self.name)?;
        Some(of(source, source.feed()?))
    }
}

fn per_minute(quota: &platform::http::Quota) -> f64 {
    f64::from(quota.limit) * 60.0 / quota.per.as_secs_f64()
}
