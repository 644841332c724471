//! Daily signals from the news, every version.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgExecutor};

use super::error::{DbError, InTable};

/// What the news said of a topic on a day. The same (topic, region, day) with a later `available_at` takes its place.
#[derive(Debug, Clone, PartialEq)]
pub struct NewsSignalVersion {
    pub topic: String,
    /// First parts of a Kemendagri code; empty: everywhere.
    pub region: String,
    pub signal_date: NaiveDate,
    /// Articles that day.
    pub volume: f32,
    pub novelty: Option<f32>,
    pub momentum: Option<f32>,
    /// From -1 to 1.
    pub sentiment: Option<f32>,
    pub available_at: DateTime<Utc>,
}

/// Stores signal versions and returns how many were new.
pub async fn insert_news_signals(executor: impl PgExecutor<'_>, source: &str, signals: &[NewsSignalVersion]) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "insert into news_signals (source, topic, region, signal_date, volume, novelty, momentum, sentiment, available_at)
         select $1, new.*
         from unnest($2::text[], $3::text[], $4::date[], $5::real[], $6::real[], $7::real[], $8::real[], $9::timestamptz[]) as new
         on conflict on constraint news_signal_version_is_taken do nothing",
        source,
        &signals.iter().map(|signal| signal.topic.clone()).collect::<Vec<_>>(),
        &signals.iter().map(|signal| signal.region.clone()).collect::<Vec<_>>(),
        &signals.iter().map(|signal| signal.signal_date).collect::<Vec<_>>(),
        &signals.iter().map(|signal| signal.volume).collect::<Vec<_>>(),
        &signals.iter().map(|signal| signal.novelty).collect::<Vec<_>>() as &[Option<f32>],
        &signals.iter().map(|signal| signal.momentum).collect::<Vec<_>>() as &[Option<f32>],
        &signals.iter().map(|signal| signal.sentiment).collect::<Vec<_>>() as &[Option<f32>],
        &signals.iter().map(|signal| signal.available_at).collect::<Vec<_>>(),
    )
    .execute(executor)
    .await
    .in_table("news_signals", "store news signals")?;
    Ok(done.rows_affected())
}

/// Derives the signals of a topic and the days [`first`, `last`] anew: those there were are replaced whole.
pub async fn replace_news_signals(
    connection: &mut PgConnection,
    source: &str,
    topic: &str,
    first: NaiveDate,
    last: NaiveDate,
    signals: &[NewsSignalVersion],
) -> Result<(), DbError> {
    sqlx::query!(
        "delete from news_signals where source = $1 and topic = $2 and signal_date between $3 and $4",
        source,
        topic,
        first,
        last,
    )
    .execute(&mut *connection)
    .await
    .in_table("news_signals", "replace news signals")?;
    insert_news_signals(connection, source, signals).await?;
    Ok(())
}

/// Versions of the signals of [`first`, `last`] that concern `adm4` and were known by `available_until`, in the order in which
/// they became known.
pub async fn news_signal_versions(
    executor: impl PgExecutor<'_>,
    adm4: &str,
    first: NaiveDate,
    last: NaiveDate,
    available_until: DateTime<Utc>,
) -> Result<Vec<NewsSignalVersion>, DbError> {
    sqlx::query_as!(
        NewsSignalVersion,
        "select topic, region, signal_date, volume, novelty, momentum, sentiment, available_at
         from news_signals
         where starts_with($1, region) and signal_date between $2 and $3 and available_at <= $4
         order by available_at, topic, region, signal_date",
        adm4,
        first,
        last,
        available_until,
    )
    .fetch_all(executor)
    .await
    .in_table("news_signals", "read the versions of news signals")
}
