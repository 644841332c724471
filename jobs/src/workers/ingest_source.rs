//! Ask a source about everything that it is to be asked about: a job for each scope and window.

use chrono::{Days as Plus, NaiveDate};
use chrono_tz::Asia::Jakarta;
use domain::job::{IngestSource, IngestWindow, Outcome};
use ingest::feed::{Days, History, Terms};
use platform::database::begin;
use platform::db::partition_ranges::gaps;
use platform::db::source_breakers::uncovered_scopes;
use platform::db::watermarks::watermarks_of;
use platform::queue::{EnqueueOptions, JobContext, NewJob, Worker, enqueue_all};

use crate::nightly::Nightly;

/// A longer gap is a backfill, which plans first.
const LONGEST_GAP: u64 = 62;

/// The worker of [`IngestSource`].
pub fn worker(nightly: Nightly) -> impl Worker<IngestSource> {
    SourceWorker(nightly)
}

struct SourceWorker(Nightly);

type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Worker<IngestSource> for SourceWorker {
    async fn work(&self, args: IngestSource, context: JobContext) -> Outcome {
        match self.spread(&args.source, &context).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Retry(error),
        }
    }
}

impl SourceWorker {
    async fn spread(&self, name: &str, context: &JobContext) -> Result<Outcome, Failed> {
        let sources = ingest::sources::all();
        let Some(source) = sources.find(name) else {
            return Ok(Outcome::Cancel(format!("there is no source `{name}`; there are {}", sources.names().join(", "))));
        };
        let Some(feed) = source.feed() else {
            return Ok(Outcome::Cancel(format!("`{name}` is handed files and asks nobody")));
        };
        if let Some(missing) = feed.missing(&self.0.outside.sources) {
            crate::events::source_not_set_up(name, missing);
            return Ok(Outcome::Done);
        }
        let (pool, now) = (&self.0.work, self.0.clock.now());
        let uncovered = uncovered_scopes(pool, name, now).await?;
        let complete_until = watermarks_of(pool, name).await?;
        let today = now.with_timezone(&Jakarta).date_naive();
        // A newer window may have come while an older one was given up: the watermark does not tell.
        let gaps = match source.terms().history {
            History::Since(_) => gaps(pool, name, today.checked_sub_days(Plus::new(LONGEST_GAP)).unwrap_or(today), today).await?,
            History::Landed => Vec::new(),
        };
        let mut jobs = Vec::new();
        for scope in feed.scopes(pool, &self.0.outside.sources).await? {
            if uncovered.iter().any(|(known, _)| *known == scope) {
                continue;
            }
            let known = complete_until.get(&scope).map(|at| at.with_timezone(&Jakarta).date_naive());
            let current = windows(&source.terms(), known, today);
            let begins = current.first().map_or(today, |days| days.first);
            let older = gaps.iter().filter(|gap| gap.scope == scope && gap.first_day < begins);
            let older =
                older.flat_map(|gap| Days { first: gap.first_day, end: gap.end_day.min(begins) }.pieces(source.terms().window_days));
            for days in older.chain(current) {
                let window = IngestWindow { source: name.to_owned(), scope: scope.clone(), first_day: days.first, end_day: days.end };
                jobs.push(NewJob::of(&window, EnqueueOptions { trace_id: context.trace_id.clone(), ..EnqueueOptions::default() })?);
            }
        }
        let mut tx = begin(pool).await?;
        enqueue_all(&mut tx, &jobs).await?;
        context.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(Outcome::Done)
    }
}

/// The windows up to today: what may have been corrected, and what has been missed since it was last complete.
fn windows(terms: &Terms, complete_until: Option<NaiveDate>, today: NaiveDate) -> Vec<Days> {
    let end = today.checked_add_days(Plus::new(1)).unwrap_or(today);
    let History::Since(since) = terms.history else { return vec![Days { first: today, end }] };
    let back = |days: u64| today.checked_sub_days(Plus::new(days)).unwrap_or(today);
    let lookback = back(u64::from(terms.lookback_days));
    let first = complete_until.unwrap_or(lookback).min(lookback).max(back(LONGEST_GAP)).max(since);
    Days { first, end }.pieces(terms.window_days)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn asked(history: History, complete_until: Option<&str>) -> Vec<(String, String)> {
        let terms = Terms {
            window_days: 31,
            lookback_days: 14,
            freshness: TimeDelta::days(5),
            history,
            is_steady: true,
            attribution: "",
            scope_is: "province",
        };
        let days = windows(&terms, complete_until.map(date), date("2026-11-28"));
        days.iter().map(|days| (days.first.to_string(), days.end.to_string())).collect()
    }

    #[test]
    fn what_may_have_changed_and_what_was_missed_is_asked_for() {
        let pair = |first: &str, end: &str| (first.to_owned(), end.to_owned());
        let since = History::Since(date("2017-03-27"));
        assert_eq!(asked(since, None), [pair("2026-11-14", "2026-11-29")]);
        assert_eq!(asked(since, Some("2026-11-27")), [pair("2026-11-14", "2026-11-29")], "corrections");
        assert_eq!(asked(since, Some("2026-10-20")), [pair("2026-10-20", "2026-11-20"), pair("2026-11-20", "2026-11-29")]);
        assert_eq!(asked(since, Some("2020-01-01")).first(), Some(&pair("2026-09-27", "2026-10-28")), "the rest is a backfill");
        assert_eq!(asked(History::Since(date("2026-11-20")), None), [pair("2026-11-20", "2026-11-29")], "not before there was anything");
        assert_eq!(asked(History::Landed, Some("2026-10-20")), [pair("2026-11-28", "2026-11-29")], "the past cannot be asked for");
    }
}
