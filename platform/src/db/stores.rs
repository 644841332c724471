//! Shops, with what decides their days: zone, cutoff, calendar, region.

use chrono::{NaiveDate, NaiveTime};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::error::{DbError, InTable};

#[derive(Debug, Clone, PartialEq)]
pub struct NewStore {
    pub slug: String,
    pub name: String,
    /// Becomes an admin of the store at once.
    pub owner_id: Uuid,
    pub address: Option<String>,
    /// IANA name.
    pub time_zone: String,
    /// Local time at which a business day ends; sales before it belong to the day before.
    pub business_day_cutoff: NaiveTime,
    /// Kemendagri village code, as in `31.71.03.1001`.
    pub adm4: Option<String>,
    /// Which national calendar applies; `id` is Indonesia's.
    pub calendar: String,
    pub sales_source: SalesSource,
    pub is_synthetic: bool,
    pub opened_on: Option<NaiveDate>,
}

/// Which of a store's sales count, where it has both its own orders and imported totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SalesSource {
    Orders,
    Imports,
}

impl SalesSource {
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Imports => "imports",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct StoreRow {
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    pub owner_id: Uuid,
    pub address: Option<String>,
    pub time_zone: String,
    pub business_day_cutoff: NaiveTime,
    pub adm4: Option<String>,
    pub calendar: String,
    pub sales_source: String,
    pub is_synthetic: bool,
    pub is_active: bool,
    pub opened_on: Option<NaiveDate>,
}

pub async fn create_store(executor: impl PgExecutor<'_>, store: &NewStore) -> Result<Uuid, DbError> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into stores (id, slug, name, user_id, address, time_zone, business_day_cutoff, adm4, calendar,
                             sales_source, is_synthetic, opened_on)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        id,
        store.slug,
        store.name,
        store.owner_id,
        store.address,
        store.time_zone,
        store.business_day_cutoff,
        store.adm4,
        store.calendar,
        store.sales_source.name(),
        store.is_synthetic,
        store.opened_on,
    )
    .execute(executor)
    .await
    .in_table("stores", "create a store")?;
    Ok(id)
}

/// Finds a store by its slug or by its id, as a person may type either.
pub async fn find_store(executor: impl PgExecutor<'_>, slug_or_id: &str) -> Result<Option<StoreRow>, DbError> {
    sqlx::query_as!(
        StoreRow,
        "select id, slug, name, user_id as owner_id, address, time_zone, business_day_cutoff, adm4, calendar,
                sales_source, is_synthetic, is_active, opened_on
         from stores
         where slug = $1 or id = $2",
        slug_or_id,
        Uuid::try_parse(slug_or_id).ok(),
    )
    .fetch_optional(executor)
    .await
    .in_table("stores", "find a store")
}

/// Writes everything that an owner decides of a store.
pub async fn update_store(executor: impl PgExecutor<'_>, store: &StoreRow) -> Result<(), DbError> {
    sqlx::query!(
        "update stores
         set slug = $2, name = $3, address = $4, time_zone = $5, business_day_cutoff = $6, adm4 = $7, calendar = $8,
             sales_source = $9, is_active = $10, opened_on = $11
         where id = $1",
        store.id,
        store.slug,
        store.name,
        store.address,
        store.time_zone,
        store.business_day_cutoff,
        store.adm4,
        store.calendar,
        store.sales_source,
        store.is_active,
        store.opened_on,
    )
    .execute(executor)
    .await
    .in_table("stores", "change a store")?;
    Ok(())
}

/// Active stores by slug; closed ones too where `with_inactive` is set.
pub async fn list_stores(executor: impl PgExecutor<'_>, with_inactive: bool) -> Result<Vec<StoreRow>, DbError> {
    sqlx::query_as!(
        StoreRow,
        "select id, slug, name, user_id as owner_id, address, time_zone, business_day_cutoff, adm4, calendar,
                sales_source, is_synthetic, is_active, opened_on
         from stores
         where is_active or $1
         order by slug",
        with_inactive,
    )
    .fetch_all(executor)
    .await
    .in_table("stores", "list stores")
}

/// Villages (adm4) of active stores, each once.
pub async fn list_regions(executor: impl PgExecutor<'_>) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar!(r#"select distinct adm4 as "adm4!" from stores where is_active and adm4 is not null order by 1"#)
        .fetch_all(executor)
        .await
        .in_table("stores", "list the regions of stores")
}

/// National calendars of active stores, each once.
pub async fn list_calendars(executor: impl PgExecutor<'_>) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar!("select distinct calendar from stores where is_active order by 1")
        .fetch_all(executor)
        .await
        .in_table("stores", "list the calendars of stores")
}

/// Active stores with a national calendar.
pub async fn stores_by_calendar(executor: impl PgExecutor<'_>, calendar: &str) -> Result<Vec<Uuid>, DbError> {
    sqlx::query_scalar!("select id from stores where is_active and calendar = $1 order by id", calendar)
        .fetch_all(executor)
        .await
        .in_table("stores", "list the stores of a calendar")
}

/// Active stores inside a region: the first parts of a Kemendagri code, `ID` for the whole country.
pub async fn stores_in(executor: impl PgExecutor<'_>, region: &str) -> Result<Vec<Uuid>, DbError> {
    sqlx::query_scalar!("select id from stores where is_active and ($1 = 'ID' or starts_with(adm4, $1)) order by id", region)
        .fetch_all(executor)
        .await
        .in_table("stores", "list the stores of a region")
}
