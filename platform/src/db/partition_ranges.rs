//! Which days of each asset are made, stale or failed, as ranges. What is in none of them is missing.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgExecutor};

use super::error::{DbError, InTable};

const TABLE: &str = "partition_ranges";

/// What nights make, among assets.
pub const FORECASTS: &str = "forecasts";
/// What the models of a night saw.
pub const FEATURES: &str = "features";
/// Whatever is made of a store's facts, in the order in which it is locked.
const OF_FACTS: [&str; 2] = [FEATURES, FORECASTS];

/// State of a partition that is not missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Made {
    Materialised,
    /// Made from facts that have changed since.
    Stale,
    Failed,
}

impl Made {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Materialised => "materialised",
            Self::Stale => "stale",
            Self::Failed => "failed",
        }
    }
}

/// Says that one day is in this state and in no other. `read_in` is the snapshot in which its facts were read
/// ([`current_snapshot`]): what was made without facts that have come since is stale from the start.
pub async fn mark_day(
    connection: &mut PgConnection,
    asset: &str,
    scope: &str,
    state: Made,
    day: NaiveDate,
    read_in: Option<&str>,
) -> Result<(), DbError> {
    lock(&mut *connection, asset, scope).await?;
    let state = match read_in {
        Some(snapshot) if state == Made::Materialised && came_late(&mut *connection, asset, scope, day, snapshot).await? => Made::Stale,
        _ => state,
    };
    // Where nothing changes nothing is written: a night made twice is made.
    sqlx::query!(
        "update partition_ranges
         set days = days - datemultirange(daterange($4::date, $4::date + 1))
         where asset = $1 and scope = $2 and state <> $3 and days @> $4::date",
        asset,
        scope,
        state.as_str(),
        day,
    )
    .execute(&mut *connection)
    .await
    .in_table(TABLE, "mark a partition")?;
    sqlx::query!(
        "insert into partition_ranges as known (asset, scope, state, days)
         values ($1, $2, $3, datemultirange(daterange($4::date, $4::date + 1)))
         on conflict (asset, scope, state) do update set days = known.days + excluded.days where not known.days @> excluded.days",
        asset,
        scope,
        state.as_str(),
        day,
    )
    .execute(connection)
    .await
    .in_table(TABLE, "mark a partition")?;
    Ok(())
}

/// As [`mark_day`], for the days `[first_day, end_day)` of an asset that is made of nothing else.
pub async fn mark_days(
    connection: &mut PgConnection,
    asset: &str,
    scope: &str,
    state: Made,
    first_day: NaiveDate,
    end_day: NaiveDate,
) -> Result<(), DbError> {
    lock(&mut *connection, asset, scope).await?;
    sqlx::query!(
        "update partition_ranges set days = days - datemultirange(daterange($4, $5))
         where asset = $1 and scope = $2 and state <> $3 and days && daterange($4, $5)",
        asset,
        scope,
        state.as_str(),
        first_day,
        end_day,
    )
    .execute(&mut *connection)
    .await
    .in_table(TABLE, "mark partitions")?;
    sqlx::query!(
        "insert into partition_ranges as known (asset, scope, state, days) values ($1, $2, $3, datemultirange(daterange($4, $5)))
         on conflict (asset, scope, state) do update set days = known.days + excluded.days where not known.days @> excluded.days",
        asset,
        scope,
        state.as_str(),
        first_day,
        end_day,
    )
    .execute(connection)
    .await
    .in_table(TABLE, "mark partitions")?;
    Ok(())
}

/// Names what the statements of a transaction see, for [`mark_day`].
pub async fn current_snapshot(executor: impl PgExecutor<'_>) -> Result<String, DbError> {
    sqlx::query_scalar!(r#"select pg_current_snapshot()::text as "snapshot!""#)
        .fetch_one(executor)
        .await
        .in_table("late_marks", "name a snapshot")
}

/// Whoever makes a day and whoever finds it stale wait for each other: neither may miss what the other has just done.
async fn lock(executor: impl PgExecutor<'_>, asset: &str, scope: &str) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('partitions:' || $1::text || ':' || $2::text, 0))", asset, scope)
        .execute(executor)
        .await
        .in_table(TABLE, "lock a scope")?;
    Ok(())
}

async fn came_late(executor: impl PgExecutor<'_>, asset: &str, scope: &str, day: NaiveDate, snapshot: &str) -> Result<bool, DbError> {
    sqlx::query_scalar!(
        r#"select exists (
               select from late_marks
               where asset = $1 and scope = $2 and first_day <= $3 and not pg_visible_in_snapshot(txid, $4::text::pg_snapshot)
           ) as "late!""#,
        asset,
        scope,
        day,
        snapshot,
    )
    .fetch_one(executor)
    .await
    .in_table("late_marks", "look for late facts")
}

/// Forgets marks that no reader can have missed any more.
pub async fn prune_late_marks(executor: impl PgExecutor<'_>) -> Result<u64, DbError> {
    let done = sqlx::query!("delete from late_marks where created_at < now() - interval '2 days'")
        .execute(executor)
        .await
        .in_table("late_marks", "forget old marks")?;
    Ok(done.rows_affected())
}

/// Facts of a store came late: what was made at cutoffs that should have known them is stale. `available_at` is when the
/// earliest of them could have been known; nights before have not seen it and stay.
pub async fn mark_stale_since(connection: &mut PgConnection, store_id: uuid::Uuid, available_at: DateTime<Utc>) -> Result<(), DbError> {
    for asset in OF_FACTS {
        mark_asset_stale(&mut *connection, asset, store_id, available_at).await?;
    }
    Ok(())
}

async fn mark_asset_stale(
    connection: &mut PgConnection,
    asset: &str,
    store_id: uuid::Uuid,
    available_at: DateTime<Utc>,
) -> Result<(), DbError> {
    let scope = store_id.to_string();
    lock(&mut *connection, asset, &scope).await?;
    // The first night whose cutoff, half past three of its own day, is not before that time.
    sqlx::query!(
        "insert into late_marks as known (asset, scope, first_day)
         select $1, $2::uuid::text,
             (local - interval '3 hours 30 minutes')::date + case when (local - interval '3 hours 30 minutes')::time > '00:00' then 1 else 0 end
         from stores, lateral (select $3::timestamptz at time zone time_zone as local) as known_at
         where id = $2
         on conflict (asset, scope, txid) do update set first_day = least(known.first_day, excluded.first_day)",
        asset,
        store_id,
        available_at,
    )
    .execute(&mut *connection)
    .await
    .in_table("late_marks", "mark partitions as stale")?;
    sqlx::query!(
        "with late as (
             select datemultirange(daterange(first_day, null)) as days
             from late_marks
             where asset = $1 and scope = $2 and txid = pg_current_xact_id()
         ), stale as (
             select made.days * late.days as days
             from partition_ranges as made, late
             where asset = $1 and scope = $2 and state = 'materialised'
         ), kept as (
             update partition_ranges as made set days = made.days - late.days
             from late
             where asset = $1 and scope = $2 and state = 'materialised' and made.days && late.days
         )
         insert into partition_ranges as known (asset, scope, state, days)
         select $1, $2, 'stale', days from stale where not isempty(days)
         on conflict (asset, scope, state) do update set days = known.days + excluded.days",
        asset,
        scope,
    )
    .execute(connection)
    .await
    .in_table(TABLE, "mark partitions as stale")?;
    Ok(())
}

/// The days `[first_day, end_day)` that a scope of an asset can be made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub scope: String,
    pub first_day: NaiveDate,
    pub end_day: NaiveDate,
}

/// Days of some scopes, by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct StateCounts {
    pub missing: i64,
    pub stale: i64,
    pub failed: i64,
    pub materialised: i64,
}

/// Counts the days of these spans by state.
pub async fn count_states(executor: impl PgExecutor<'_>, asset: &str, spans: &[Span]) -> Result<StateCounts, DbError> {
    let (scopes, first, end) = columns(spans);
    let row = sqlx::query!(
        r#"with spans as (
               select scope, datemultirange(daterange(first_day, end_day)) as days, end_day - first_day as count
               from unnest($2::text[], $3::date[], $4::date[]) as spans (scope, first_day, end_day)
           ), made as (
               select state, sum(upper(range) - lower(range)) as days
               from spans
               join partition_ranges on asset = $1 and partition_ranges.scope = spans.scope
               cross join lateral unnest(partition_ranges.days * spans.days) as range
               group by state
           )
           select (select coalesce(sum(count), 0) from spans)::bigint as "all!",
               (select coalesce(sum(days), 0) from made where state = 'stale')::bigint as "stale!",
               (select coalesce(sum(days), 0) from made where state = 'failed')::bigint as "failed!",
               (select coalesce(sum(days), 0) from made where state = 'materialised')::bigint as "materialised!""#,
        asset,
        &scopes,
        &first,
        &end,
    )
    .fetch_one(executor)
    .await
    .in_table(TABLE, "count partitions")?;
    let missing = row.all - row.stale - row.failed - row.materialised;
    Ok(StateCounts { missing, stale: row.stale, failed: row.failed, materialised: row.materialised })
}

/// The ranges of these spans that are in the wanted state: `missing`, `stale`, `failed` or `all`.
pub async fn select_ranges(executor: impl PgExecutor<'_>, asset: &str, spans: &[Span], mode: &str) -> Result<Vec<Span>, DbError> {
    let (scopes, first, end) = columns(spans);
    sqlx::query_as!(
        Span,
        r#"select spans.scope as "scope!", lower(range) as "first_day!", upper(range) as "end_day!"
           from unnest($2::text[], $3::date[], $4::date[]) as spans (scope, first_day, end_day)
           left join lateral (
               select range_agg(days) filter (where state = $5) as wanted, range_agg(days) as made
               from partition_ranges where asset = $1 and partition_ranges.scope = spans.scope
           ) as known on true
           cross join lateral unnest(
               datemultirange(daterange(first_day, end_day)) * case $5
                   when 'all' then '{(,)}'::datemultirange
                   when 'missing' then '{(,)}'::datemultirange - coalesce(made, '{}')
                   else coalesce(wanted, '{}')
               end
           ) as range
           order by 1, 2"#,
        asset,
        &scopes,
        &first,
        &end,
        mode,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "select partitions")
}

/// Days in [`since`, `before`) of which nothing has come, in each scope from the first on of which something has.
pub async fn gaps(executor: impl PgExecutor<'_>, asset: &str, since: NaiveDate, before: NaiveDate) -> Result<Vec<Span>, DbError> {
    sqlx::query_as!(
        Span,
        r#"select scope as "scope!", lower(range) as "first_day!", upper(range) as "end_day!"
           from (select scope, range_agg(days) as made from partition_ranges where asset = $1 group by scope) as known
           cross join lateral unnest(
               datemultirange(daterange(greatest(lower(made), $2), greatest(lower(made), $2, $3))) - made
           ) as range
           order by 1, 2"#,
        asset,
        since,
        before,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "find gaps")
}

fn columns(spans: &[Span]) -> (Vec<String>, Vec<NaiveDate>, Vec<NaiveDate>) {
    let scopes = spans.iter().map(|span| span.scope.clone()).collect();
    (scopes, spans.iter().map(|span| span.first_day).collect(), spans.iter().map(|span| span.end_day).collect())
}
