//! Holidays, feasts, paydays, closures: national or of one store, every version.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::NewFacts;
use super::error::{DbError, InTable};

/// Whose calendar an event is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalendarOf {
    /// A national calendar by name, as in `stores.calendar`.
    Nation(String),
    Store(Uuid),
}

/// One version of one event. The same (calendar, kind, name, start) with a later `available_at` takes its place.
#[derive(Debug, Clone, PartialEq)]
pub struct CalendarEventVersion {
    /// holiday, cuti_bersama, ramadan, lebaran, payday, school, closed or event.
    pub kind: String,
    pub name: String,
    pub starts_on: NaiveDate,
    /// The last day.
    pub ends_on: NaiveDate,
    /// 1 once decreed; the branches of a moving feast share it before.
    pub likelihood: f64,
    pub is_cancelled: bool,
    pub available_at: DateTime<Utc>,
}

/// Stores event versions of one calendar and returns those that were new.
pub async fn insert_calendar_events(
    executor: impl PgExecutor<'_>,
    calendar: &CalendarOf,
    source: &str,
    events: &[CalendarEventVersion],
) -> Result<NewFacts, DbError> {
    let (nation, store_id) = match calendar {
        CalendarOf::Nation(name) => (Some(name.as_str()), None),
        CalendarOf::Store(id) => (None, Some(*id)),
    };
    let new = sqlx::query!(
        r#"with inserted as (
               insert into calendar_events (calendar, store_id, source, kind, name, starts_on, ends_on, likelihood, is_cancelled,
                                            available_at)
               select $1, $2, $3, new.kind, new.name, new.starts_on, new.ends_on, new.likelihood::numeric(4,3), new.is_cancelled,
                      new.available_at
               from unnest($4::text[], $5::text[], $6::date[], $7::date[], $8::float8[], $9::boolean[], $10::timestamptz[])
                   as new (kind, name, starts_on, ends_on, likelihood, is_cancelled, available_at)
               on conflict on constraint calendar_event_version_is_taken do nothing
               returning available_at
           )
           select count(*) as "count!", min(available_at) as earliest from inserted"#,
        nation,
        store_id,
        source,
        &events.iter().map(|event| event.kind.clone()).collect::<Vec<_>>(),
        &events.iter().map(|event| event.name.clone()).collect::<Vec<_>>(),
        &events.iter().map(|event| event.starts_on).collect::<Vec<_>>(),
        &events.iter().map(|event| event.ends_on).collect::<Vec<_>>(),
        &events.iter().map(|event| event.likelihood).collect::<Vec<_>>(),
        &events.iter().map(|event| event.is_cancelled).collect::<Vec<_>>(),
        &events.iter().map(|event| event.available_at).collect::<Vec<_>>(),
    )
    .fetch_one(executor)
    .await
    .in_table("calendar_events", "store calendar events")?;
    Ok(NewFacts::of(new.count, new.earliest))
}

/// Versions of the events that touch [`first`, `last`] and were known by `available_until`: those of the store's national
/// calendar and the store's own, cancellations included, in the order in which they became known.
pub async fn calendar_event_versions(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first: NaiveDate,
    last: NaiveDate,
    available_until: DateTime<Utc>,
) -> Result<Vec<CalendarEventVersion>, DbError> {
    sqlx::query_as!(
        CalendarEventVersion,
        r#"select e.kind, e.name, e.starts_on, e.ends_on, e.likelihood::float8 as "likelihood!", e.is_cancelled, e.available_at
           from calendar_events e
           join stores s on s.id = $1 and (e.calendar = s.calendar or e.store_id = s.id)
           where e.starts_on <= $3 and e.ends_on >= $2 and e.available_at <= $4
           order by e.available_at, e.starts_on, e.kind, e.name"#,
        store_id,
        first,
        last,
        available_until,
    )
    .fetch_all(executor)
    .await
    .in_table("calendar_events", "read the versions of calendar events")
}

/// An event of a store's own calendar as it is planned now.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreEvent {
    /// Of its first version: it stays.
    pub id: Uuid,
    pub version: CalendarEventVersion,
}

/// Nobody else changes the store's calendar until the end of the transaction.
pub async fn lock_store_events(transaction: &mut PgConnection, store_id: Uuid) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('calendar_events:' || $1::uuid::text, 0))", store_id)
        .execute(transaction)
        .await
        .in_table("calendar_events", "wait for other changes of a calendar")?;
    Ok(())
}

/// The last version of each event of a store's own calendar, cancelled ones too, by their start.
pub async fn list_store_events(executor: impl PgExecutor<'_>, store_id: Uuid) -> Result<Vec<StoreEvent>, DbError> {
    let rows = sqlx::query!(
        r#"select distinct on (starts_on, kind, name)
                  first_value(id) over (partition by starts_on, kind, name order by available_at, id) as "id!", kind, name, starts_on,
                  ends_on, likelihood::float8 as "likelihood!", is_cancelled, available_at
           from calendar_events
           where store_id = $1
           order by starts_on, kind, name, available_at desc"#,
        store_id,
    )
    .fetch_all(executor)
    .await
    .in_table("calendar_events", "list the events of a store")?;
    let events = rows.into_iter().map(|row| StoreEvent {
        id: row.id,
        version: CalendarEventVersion {
            kind: row.kind,
            name: row.name,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            likelihood: row.likelihood,
            is_cancelled: row.is_cancelled,
            available_at: row.available_at,
        },
    });
    Ok(events.collect())
}
