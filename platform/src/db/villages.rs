//! Where villages are.

use sqlx::PgExecutor;

use super::error::{DbError, InTable};

/// A village and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct VillageRow {
    pub adm4: String,
    pub name: String,
    /// Degrees.
    pub latitude: f64,
    pub longitude: f64,
    /// IANA name.
    pub time_zone: String,
}

/// Notes where a village is; the last word counts.
pub async fn upsert_village(executor: impl PgExecutor<'_>, village: &VillageRow) -> Result<(), DbError> {
    sqlx::query!(
        "insert into villages as known (adm4, name, latitude, longitude, time_zone) values ($1, $2, $3, $4, $5)
         on conflict (adm4) do update
         set name = excluded.name, latitude = excluded.latitude, longitude = excluded.longitude, time_zone = excluded.time_zone
         where (known.name, known.latitude, known.longitude, known.time_zone)
             is distinct from (excluded.name, excluded.latitude, excluded.longitude, excluded.time_zone)",
        village.adm4,
        village.name,
        village.latitude,
        village.longitude,
        village.time_zone,
    )
    .execute(executor)
    .await
    .in_table("villages", "note a village")?;
    Ok(())
}

pub async fn get_village(executor: impl PgExecutor<'_>, adm4: &str) -> Result<Option<VillageRow>, DbError> {
    sqlx::query_as!(VillageRow, "select adm4, name, latitude, longitude, time_zone from villages where adm4 = $1", adm4)
        .fetch_optional(executor)
        .await
        .in_table("villages", "find a village")
}

/// Villages of active stores whose place is known.
pub async fn placed_regions(executor: impl PgExecutor<'_>) -> Result<Vec<String>, DbError> {
    sqlx::query_scalar!(
        r#"select distinct v.adm4 as "adm4!" from villages v join stores s on s.adm4 = v.adm4 where s.is_active order by 1"#
    )
    .fetch_all(executor)
    .await
    .in_table("villages", "list the placed regions of stores")
}
