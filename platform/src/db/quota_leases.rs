//! Quotas that all programs share: so many units in any span of a length. What is used is rows that expire.
//!
//! A sliding window: a vendor that counts by the minute on its own clock is never asked for more than its limit in any of its
//! minutes. Leases compare against the database's clock only.

use std::time::Duration;

use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

/// At most `limit` units in any `per`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Host, or vendor and unit: `bmkg.calls`, `serper.credits`.
    pub name: String,
    pub limit: u32,
    pub per: Duration,
}

/// What became of asking for units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leased {
    Granted,
    /// Nothing was taken; ask again after this long.
    Wait(Duration),
}

const TABLE: &str = "quota_leases";

/// Takes `units` of each quota, or of none. Programs that ask at one moment take turns.
pub async fn lease_quotas(connection: &mut PgConnection, quotas: &[Quota], units: u32, holder: &str) -> Result<Leased, DbError> {
    let operation = "lease a quota";
    let mut ordered: Vec<&Quota> = quotas.iter().collect();
    // One order of locks for everybody.
    ordered.sort_by(|a, b| a.name.cmp(&b.name));
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    for quota in &ordered {
        let wait = room_after(&mut transaction, quota, units).await?;
        if wait > Duration::ZERO {
            return Ok(Leased::Wait(wait));
        }
    }
    for quota in ordered {
        sqlx::query!(
            "insert into quota_leases (id, quota, units, holder, expires_at)
             values ($1, $2, $3, $4, clock_timestamp() + $5::float8 * interval '1 second')",
            Uuid::now_v7(),
            quota.name,
            i32::try_from(units.max(1)).unwrap_or(i32::MAX),
            holder,
            quota.per.as_secs_f64(),
        )
        .execute(&mut *transaction)
        .await
        .in_table(TABLE, operation)?;
    }
    transaction.commit().await.in_table(TABLE, operation)?;
    Ok(Leased::Granted)
}

/// How long until there is room; zero if there is now. Locks the quota until the transaction ends.
async fn room_after(transaction: &mut PgConnection, quota: &Quota, units: u32) -> Result<Duration, DbError> {
    let operation = "lease a quota";
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('quota:' || $1::text, 0))", quota.name)
        .execute(&mut *transaction)
        .await
        .in_table(TABLE, operation)?;
    // Room is there once the last of those has expired that, with all that outlive it, leave too little.
    let seconds = sqlx::query_scalar!(
        "select extract(epoch from max(expires_at) - clock_timestamp())::float8
         from (
             select expires_at, sum(units) over (order by expires_at desc, id) as held_with_later
             from quota_leases
             where quota = $1 and expires_at > clock_timestamp()
         ) as held
         where held_with_later > $2",
        quota.name,
        i64::from(quota.limit) - i64::from(units),
    )
    .fetch_one(transaction)
    .await
    .in_table(TABLE, operation)?;
    Ok(seconds.map_or(Duration::ZERO, |seconds| Duration::from_secs_f64(seconds.max(0.001))))
}

/// Units of each quota that are in use now, by name.
pub async fn quotas_in_use(executor: impl PgExecutor<'_>) -> Result<Vec<(String, i64)>, DbError> {
    let rows = sqlx::query!(
        r#"select quota, sum(units) as "units!" from quota_leases where expires_at > clock_timestamp() group by quota order by quota"#
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "look at quotas")?;
    Ok(rows.into_iter().map(|row| (row.quota, row.units)).collect())
}

/// Forgets leases that have expired.
pub async fn prune_quota_leases(executor: impl PgExecutor<'_>) -> Result<u64, DbError> {
    let done = sqlx::query!("delete from quota_leases where expires_at < clock_timestamp()")
        .execute(executor)
        .await
        .in_table(TABLE, "forget expired leases")?;
    Ok(done.rows_affected())
}
