//! The promo plan of a store, every version of it.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::error::{DbError, InTable};

/// One version of one promo. The same (product, name, start) with a later `available_at` takes its place.
#[derive(Debug, Clone, PartialEq)]
pub struct PromoVersion {
    /// `None`: the whole store.
    pub product_id: Option<Uuid>,
    pub name: String,
    pub starts_on: NaiveDate,
    /// The last day.
    pub ends_on: NaiveDate,
    /// Share of the price that is taken off, in [0, 1].
    pub discount_share: Option<f64>,
    /// Rupiah during the promo.
    pub price: Option<i64>,
    pub is_cancelled: bool,
    pub available_at: DateTime<Utc>,
}

/// Stores promo versions and returns how many were new.
pub async fn insert_promos(executor: impl PgExecutor<'_>, store_id: Uuid, source: &str, promos: &[PromoVersion]) -> Result<u64, DbError> {
    let done = sqlx::query!(
        "insert into promos (store_id, source, product_id, name, starts_on, ends_on, discount_share, price, is_cancelled,
                             available_at)
         select $1, $2, new.product_id, new.name, new.starts_on, new.ends_on, new.discount_share::numeric(5,4), new.price,
                new.is_cancelled, new.available_at
         from unnest($3::uuid[], $4::text[], $5::date[], $6::date[], $7::float8[], $8::bigint[], $9::boolean[],
                     $10::timestamptz[])
             as new (product_id, name, starts_on, ends_on, discount_share, price, is_cancelled, available_at)
         on conflict on constraint promo_version_is_taken do nothing",
        store_id,
        source,
        &promos.iter().map(|promo| promo.product_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &promos.iter().map(|promo| promo.name.clone()).collect::<Vec<_>>(),
        &promos.iter().map(|promo| promo.starts_on).collect::<Vec<_>>(),
        &promos.iter().map(|promo| promo.ends_on).collect::<Vec<_>>(),
        &promos.iter().map(|promo| promo.discount_share).collect::<Vec<_>>() as &[Option<f64>],
        &promos.iter().map(|promo| promo.price).collect::<Vec<_>>() as &[Option<i64>],
        &promos.iter().map(|promo| promo.is_cancelled).collect::<Vec<_>>(),
        &promos.iter().map(|promo| promo.available_at).collect::<Vec<_>>(),
    )
    .execute(executor)
    .await
    .in_table("promos", "store promos")?;
    Ok(done.rows_affected())
}

/// Versions of promos that touch [`first`, `last`] and were known by `available_until`, cancellations included, in the order
/// in which they became known.
pub async fn promo_versions(
    executor: impl PgExecutor<'_>,
    store_id: Uuid,
    first: NaiveDate,
    last: NaiveDate,
    available_until: DateTime<Utc>,
) -> Result<Vec<PromoVersion>, DbError> {
    sqlx::query_as!(
        PromoVersion,
        "select product_id, name, starts_on, ends_on, discount_share::float8 as discount_share, price, is_cancelled, available_at
         from promos
         where store_id = $1 and starts_on <= $3 and ends_on >= $2 and available_at <= $4
         order by available_at, starts_on, name, product_id",
        store_id,
        first,
        last,
        available_until,
    )
    .fetch_all(executor)
    .await
    .in_table("promos", "read the versions of promos")
}

/// A promo as it is planned now.
#[derive(Debug, Clone, PartialEq)]
pub struct Promo {
    /// Of its first version: it stays.
    pub id: Uuid,
    pub version: PromoVersion,
}

/// Nobody else changes the store's promos until the end of the transaction.
pub async fn lock_promos(transaction: &mut PgConnection, store_id: Uuid) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('promos:' || $1::uuid::text, 0))", store_id)
        .execute(transaction)
        .await
        .in_table("promos", "wait for other changes of promos")?;
    Ok(())
}

/// The last version of each promo of a store, cancelled ones too, by their start.
pub async fn list_promos(executor: impl PgExecutor<'_>, store_id: Uuid) -> Result<Vec<Promo>, DbError> {
    let rows = sqlx::query!(
        r#"select distinct on (starts_on, name, product_id)
                  first_value(id) over (partition by starts_on, name, product_id order by available_at, id) as "id!", product_id, name,
                  starts_on, ends_on, discount_share::float8 as discount_share, price, is_cancelled, available_at
           from promos
           where store_id = $1
           order by starts_on, name, product_id, available_at desc"#,
        store_id,
    )
    .fetch_all(executor)
    .await
    .in_table("promos", "list promos")?;
    let promos = rows.into_iter().map(|row| Promo {
        id: row.id,
        version: PromoVersion {
            product_id: row.product_id,
            name: row.name,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            discount_share: row.discount_share,
            price: row.price,
            is_cancelled: row.is_cancelled,
            available_at: row.available_at,
        },
    });
    Ok(promos.collect())
}
