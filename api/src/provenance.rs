//! Where published numbers come from: shown with every one of them.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::ids::StoreId;
use domain::time::BusinessCalendar;
use platform::cache::{Key, keys};
use platform::db::forecast_runs::{ForecastRunRow, get_forecast_run};
use platform::db::published_runs::{PublishedRun, published_run};
use platform::db::runs::{RunRow, get_run};
use platform::db::stores::StoreRow;
use platform::db::tenant::Tenant;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::extract::Asked;
use crate::routes::find_store;
use crate::state::AppState;

/// The run that is on the store's screen.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Provenance {
    pub run_id: Uuid,
    /// The business day that the run was made for.
    pub business_date: NaiveDate,
    /// The business day that it is in the store now, by the server's clock.
    pub today: NaiveDate,
    /// The run was made for a day that is over.
    pub is_stale: bool,
    /// How it was made: `fresh` from tonight's data and models, `last_model` on tonight's data, the `last_published` run's own
    /// numbers, or `seasonal_naive`, the same weekday of last week.
    #[schema(required = true, example = "fresh")]
    pub rung: Option<String>,
    /// Nothing that became known later was used.
    pub cutoff: DateTime<Utc>,
    /// The last observed business day.
    pub last_day: NaiveDate,
    pub published_at: DateTime<Utc>,
    #[schema(example = "0.1.0+d2ad45b")]
    pub code_version: String,
    /// SHA-256 of the configuration, in hex.
    #[schema(required = true)]
    pub config_hash: Option<String>,
    /// SHA-256 of everything the run depends on, in hex: the same hash means the same numbers.
    pub input_hash: String,
    /// The store is simulated: these are numbers of no real shop.
    pub is_synthetic: bool,
    #[serde(skip)]
    pub first_day: NaiveDate,
    #[serde(skip)]
    pub horizon: i32,
}

impl Provenance {
    /// Of what a store has published.
    ///
    /// # Errors
    /// [`ApiError::NothingPublished`] before the first run.
    pub async fn of(connection: &mut PgConnection, store: &StoreRow, now: DateTime<Utc>) -> Result<Self, ApiError> {
        let missing = || ApiError::NothingPublished { store: store.slug.clone() };
        let pointer = published_run(&mut *connection, store.id).await?.ok_or_else(missing)?;
        let run = get_run(&mut *connection, pointer.run_id).await?.ok_or_else(missing)?;
        let forecast = get_forecast_run(connection, pointer.run_id).await?.ok_or_else(missing)?;
        Ok(Self::assemble(store, pointer, run, forecast, now))
    }

    fn assemble(store: &StoreRow, pointer: PublishedRun, run: RunRow, forecast: ForecastRunRow, now: DateTime<Utc>) -> Self {
        let today = business_day(store, now);
        Self {
            run_id: pointer.run_id,
            business_date: pointer.business_date,
            today,
            is_stale: pointer.business_date < today,
            rung: run.rung,
            cutoff: forecast.cutoff,
            last_day: forecast.last_day,
            published_at: pointer.published_at,
            code_version: run.code_version,
            config_hash: run.config_hash.map(hex::encode),
            input_hash: hex::encode(run.input_hash),
            is_synthetic: store.is_synthetic,
            first_day: forecast.first_day,
            horizon: forecast.horizon,
        }
    }

    /// The last day that the run predicts.
    pub fn last_predicted_day(&self) -> NaiveDate {
        let days = u64::try_from(self.horizon.max(1) - 1).unwrap_or_default();
        self.first_day.checked_add_days(chrono::Days::new(days)).unwrap_or(self.first_day)
    }
}

/// The store's business day at an instant.
pub(crate) fn business_day(store: &StoreRow, instant: DateTime<Utc>) -> NaiveDate {
    Place::of(store).business_day(instant)
}

/// Where a store is, and when its days begin and end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Place {
    time_zone: String,
    cutoff: NaiveTime,
    /// Its village; empty where it has not said so.
    pub region: String,
}

impl Place {
    fn of(store: &StoreRow) -> Self {
        Self { time_zone: store.time_zone.clone(), cutoff: store.business_day_cutoff, region: store.adm4.clone().unwrap_or_default() }
    }

    /// By UTC where the zone's name is unknown to this program.
    pub fn business_day(&self, instant: DateTime<Utc>) -> NaiveDate {
        let time_zone = self.time_zone.parse().unwrap_or(chrono_tz::UTC);
        BusinessCalendar { time_zone, cutoff: self.cutoff }.business_day(instant)
    }
}

/// The business day that it is in a store, which answers that are kept depend on: the next day they are others.
///
/// # Errors
/// [`ApiError::NotFound`].
pub(crate) async fn today(state: &AppState, tenant: Tenant, store: Uuid) -> Result<NaiveDate, ApiError> {
    Ok(place(state, tenant, store).await?.business_day(state.clock.now()))
}

/// A key of answers that are others the next business day, and depend on the question as it was written.
///
/// # Errors
/// [`ApiError::NotFound`].
pub(crate) async fn key_of_day(state: &AppState, tenant: Tenant, store: Uuid, key: Key, asked: &Asked) -> Result<Key, ApiError> {
    let today = today(state, tenant, store).await?;
    Ok(key.part(&format!("{today}:{}", asked.text())))
}

/// Where a store is, and when its days begin and end, as it was last read.
///
/// # Errors
/// [`ApiError::NotFound`].
pub(crate) async fn place(state: &AppState, tenant: Tenant, store: Uuid) -> Result<Place, ApiError> {
    let key = keys::store_data(StoreId(store));
    if let Some(place) = state.cache.at_hand(&key) {
        return Ok(place);
    }
    let load = async {
        let mut transaction = state.db.begin_read(tenant).await?;
        Ok(Place::of(&find_store(&mut transaction, &store.to_string()).await?))
    };
    Box::pin(state.cache.get(&key, load)).await.map_err(ApiError::Shared)
}

/// Which store the numbers are of.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoreReference {
    pub id: Uuid,
    #[schema(example = "warung-bu-sri")]
    pub slug: String,
    #[schema(example = "Warung Bu Sri")]
    pub name: String,
    #[schema(example = "Asia/Jakarta")]
    pub time_zone: String,
}

impl From<StoreRow> for StoreReference {
    fn from(row: StoreRow) -> Self {
        Self { id: row.id, slug: row.slug, name: row.name, time_zone: row.time_zone }
    }
}
