//! The pointer from a store to the run on its screen.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{Connection, PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

/// Where the pointer of a store stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedRun {
    pub store_id: Uuid,
    pub run_id: Uuid,
    /// Where a rollback leads.
    pub previous_run_id: Option<Uuid>,
    /// The business day that the run serves.
    pub business_date: NaiveDate,
    pub published_at: DateTime<Utc>,
}

const TABLE: &str = "published_runs";

/// Points the store's screen at `run_id` and returns the run that was there before. Publishing what is published already
/// changes nothing. A run whose gates have not passed is refused.
pub async fn publish(
    connection: &mut PgConnection,
    store_id: Uuid,
    run_id: Uuid,
    business_date: NaiveDate,
    published_at: DateTime<Utc>,
) -> Result<Option<Uuid>, DbError> {
    let operation = "publish a run";
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    refuse_unless_gates_passed(&mut transaction, store_id, run_id).await?;
    let current = lock_pointer(&mut transaction, store_id).await?;
    if let Some(current) = current
        && current.run_id == run_id
    {
        return Ok(current.previous_run_id);
    }
    let previous = current.map(|current| current.run_id);
    move_pointer(&mut transaction, &PublishedRun { store_id, run_id, previous_run_id: previous, business_date, published_at }).await?;
    log_move(&mut transaction, store_id, run_id, previous, "publish", business_date, published_at).await?;
    transaction.commit().await.in_table(TABLE, operation)?;
    Ok(previous)
}

/// What [`publish_unless_newer`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publication {
    /// The pointer moved from the run before.
    Moved { previous: Option<Uuid> },
    /// It stood there already.
    Unchanged,
    /// It serves a later business day, and stays.
    NewerStays(PublishedRun),
}

/// As [`publish`], but a run of a later business day keeps its place: a night that is caught up with must not take today's
/// plan off the screen. With `or_same_day` one of the same day does so too: a plan made in a hurry must not take the place of one
/// that was finished meanwhile.
pub async fn publish_unless_newer(
    connection: &mut PgConnection,
    store_id: Uuid,
    run_id: Uuid,
    business_date: NaiveDate,
    published_at: DateTime<Utc>,
    or_same_day: bool,
) -> Result<Publication, DbError> {
    let mut transaction = connection.begin().await.in_table(TABLE, "publish a run")?;
    let publication = match lock_pointer(&mut transaction, store_id).await? {
        Some(current) if current.run_id == run_id => Publication::Unchanged,
        Some(current) if current.business_date > business_date || (or_same_day && current.business_date == business_date) => {
            Publication::NewerStays(current)
        }
        current => {
            publish(&mut transaction, store_id, run_id, business_date, published_at).await?;
            Publication::Moved { previous: current.map(|current| current.run_id) }
        }
    };
    transaction.commit().await.in_table(TABLE, "publish a run")?;
    Ok(publication)
}

/// Points the store's screen back at the run before, and returns where it stands now. Can be repeated as far as there are
/// earlier runs; without one it is refused.
pub async fn rollback(connection: &mut PgConnection, store_id: Uuid, now: DateTime<Utc>) -> Result<PublishedRun, DbError> {
    let operation = "roll back to the run before";
    let mut transaction = connection.begin().await.in_table(TABLE, operation)?;
    let current = lock_pointer(&mut transaction, store_id).await?;
    let Some((current, target)) = current.and_then(|current| Some((current, current.previous_run_id?))) else {
        return Err(DbError::Refused {
            table: TABLE,
            operation,
            reason: format!("store `{store_id}` has no earlier published run"),
            hint: "`viralcast runs list` shows the runs of the store; run the nightly job to publish a new one",
        });
    };
    // How the target itself was published tells its day, and where the next rollback leads.
    let origin = sqlx::query!(
        "select business_date, replaced_run_id
         from published_run_log
         where store_id = $1 and run_id = $2 and action = 'publish'
         order by published_at desc, id desc
         limit 1",
        store_id,
        target,
    )
    .fetch_one(&mut *transaction)
    .await
    .in_table("published_run_log", operation)?;
    let restored = PublishedRun {
        store_id,
        run_id: target,
        previous_run_id: origin.replaced_run_id,
        business_date: origin.business_date,
        published_at: now,
    };
    move_pointer(&mut transaction, &restored).await?;
    log_move(&mut transaction, store_id, target, Some(current.run_id), "rollback", origin.business_date, now).await?;
    transaction.commit().await.in_table(TABLE, operation)?;
    Ok(restored)
}

/// What is on a store's screen.
pub async fn published_run(executor: impl PgExecutor<'_>, store_id: Uuid) -> Result<Option<PublishedRun>, DbError> {
    sqlx::query_as!(
        PublishedRun,
        "select store_id, run_id, previous_run_id, business_date, published_at from published_runs where store_id = $1",
        store_id,
    )
    .fetch_optional(executor)
    .await
    .in_table(TABLE, "read the published run")
}

/// Active stores that had a plan within a week and, after the deadline of their business day, have none for it.
pub async fn unserved_stores(executor: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar!(
        "select s.slug
         from stores s
         join published_runs p on p.store_id = s.id
         where s.is_active
           and ($1::timestamptz at time zone s.time_zone)::time between '04:30' and '23:59:59'
           and p.business_date < ($1::timestamptz at time zone s.time_zone)::date
           and p.business_date >= ($1::timestamptz at time zone s.time_zone)::date - 7
         order by s.slug",
        now,
    )
    .fetch_all(executor)
    .await
    .in_table(TABLE, "look for stores without a plan")
}

async fn refuse_unless_gates_passed(transaction: &mut PgConnection, store_id: Uuid, run_id: Uuid) -> Result<(), DbError> {
    let operation = "publish a run";
    let passed = sqlx::query_scalar!(
        r#"select coalesce(gates_passed, false) as "passed!" from forecast_runs where run_id = $1 and store_id = $2"#,
        run_id,
        store_id,
    )
    .fetch_optional(transaction)
    .await
    .in_table("forecast_runs", operation)?;
    let reason = match passed {
        Some(true) => return Ok(()),
        Some(false) => format!("the gates of run `{run_id}` have not passed"),
        None => format!("run `{run_id}` is no forecast run of store `{store_id}`"),
    };
    let hint = "`viralcast runs show` tells which gate stopped it; publish the next rung of the ladder instead";
    Err(DbError::Refused { table: TABLE, operation, reason, hint })
}

/// Waits for whoever else moves this store's pointer, also where there is none yet. Take it before [`super::overrides::lock_overrides`].
pub async fn lock_pointer(transaction: &mut PgConnection, store_id: Uuid) -> Result<Option<PublishedRun>, DbError> {
    let operation = "lock the published run";
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('published_run:' || $1::uuid::text, 0))", store_id)
        .execute(&mut *transaction)
        .await
        .in_table(TABLE, operation)?;
    published_run(transaction, store_id).await
}

async fn move_pointer(transaction: &mut PgConnection, to: &PublishedRun) -> Result<(), DbError> {
    sqlx::query!(
        "insert into published_runs (store_id, run_id, previous_run_id, business_date, published_at)
         values ($1, $2, $3, $4, $5)
         on conflict (store_id) do update
         set run_id = excluded.run_id, previous_run_id = excluded.previous_run_id, business_date = excluded.business_date,
             published_at = excluded.published_at",
        to.store_id,
        to.run_id,
        to.previous_run_id,
        to.business_date,
        to.published_at,
    )
    .execute(transaction)
    .await
    .in_table(TABLE, "move the published run")?;
    Ok(())
}

async fn log_move(
    transaction: &mut PgConnection,
    store_id: Uuid,
    run_id: Uuid,
    replaced_run_id: Option<Uuid>,
    action: &str,
    business_date: NaiveDate,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into published_run_log (id, store_id, run_id, replaced_run_id, action, business_date, published_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        Uuid::now_v7(),
        store_id,
        run_id,
        replaced_run_id,
        action,
        business_date,
        at,
    )
    .execute(transaction)
    .await
    .in_table("published_run_log", "log a published run")?;
    Ok(())
}

/// The run that was last published for a business day, wherever the pointer stands today.
pub async fn run_published_for(executor: impl PgExecutor<'_>, store_id: Uuid, business_date: NaiveDate) -> Result<Option<Uuid>, DbError> {
    sqlx::query_scalar!(
        "select run_id
         from published_run_log
         where store_id = $1 and business_date = $2
         order by published_at desc, id desc
         limit 1",
        store_id,
        business_date,
    )
    .fetch_optional(executor)
    .await
    .in_table("published_run_log", "find the run published for a day")
}
