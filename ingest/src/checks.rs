//! What a record as a whole gives reason to look at: much less or much more than usual, the same fact twice. Nothing is held back
//! for it; people are told. What holds a row or a record back is in the parsers and in [`crate::take`].

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use platform::db::DbError;
use platform::db::source_findings::{note_finding, settle_finding, usual_facts_a_day};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::feed::Terms;
use crate::source::Facts;

/// Share of the usual below which, and multiple above which, a volume is odd.
const DRIFT: (f64, f64) = (0.5, 3.0);

/// A record that has been stored.
pub(crate) struct Stored<'a> {
    pub source: &'static str,
    pub scope: &'a str,
    pub record: Uuid,
    pub facts: u64,
    /// Told more than once in it.
    pub repeated: u64,
    /// Days it was asked for.
    pub days: i64,
}

/// Notes what is odd and settles what no longer is.
pub(crate) async fn check(tx: &mut PgConnection, terms: &Terms, stored: &Stored<'_>, now: DateTime<Utc>) -> Result<(), DbError> {
    let Stored { source, scope, record, facts, repeated, days } = *stored;
    let usual = usual_facts_a_day(&mut *tx, source, scope, record, i64::try_from(facts).unwrap_or(i64::MAX)).await?;
    let expected = usual.filter(|_| terms.is_steady).map(|usual| usual * days.max(1) as f64);
    let drifted = expected.filter(|expected| {
        let share = facts as f64 / expected.max(1.0);
        share < DRIFT.0 || share > DRIFT.1
    });
    let volume = drifted.map(|expected| format!("{facts} facts where about {expected:.0} are usual"));
    let duplicates = (repeated > 0).then(|| format!("{repeated} of its facts are told more than once; the last word counts"));
    for (name, detail) in [("volume", volume), ("duplicates", duplicates), ("error", None)] {
        match detail {
            Some(detail) => {
                crate::events::finding(source, scope, name, &detail);
                note_finding(&mut *tx, source, scope, name, &detail, now).await?;
            }
            None => settle_finding(&mut *tx, source, scope, name).await?,
        }
    }
    Ok(())
}

/// Facts that a batch tells more than once.
pub(crate) fn repeated(facts: &Facts) -> u64 {
    fn again<K: Eq + std::hash::Hash>(keys: impl Iterator<Item = K>) -> u64 {
        let mut seen = HashSet::new();
        keys.map(|key| u64::from(!seen.insert(key))).sum()
    }
    match facts {
        Facts::WeatherForecasts(rows) => again(rows.iter().map(|row| (&row.region, row.target_date, row.issued_at))),
        Facts::WeatherObservations(rows) => again(rows.iter().map(|row| (&row.region, &row.observer, row.observed_on))),
        Facts::MarketPrices(rows) => again(rows.iter().map(|row| (&row.commodity, &row.region, &row.market, row.price_date))),
        Facts::CalendarEvents(rows) => again(rows.iter().map(|row| (&row.kind, &row.name, row.starts_on, row.available_at))),
        // Made one already, or told twice on purpose.
        Facts::Articles(_) | Facts::PosOrders(_) => 0,
        // A sales file has checks of its own.
        Facts::DailySales(_) | Facts::OrderLines(_) => 0,
    }
}
