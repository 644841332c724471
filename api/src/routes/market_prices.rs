//! What food costs on the markets, as the sources tell it.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Days, NaiveDate, Timelike as _, Utc};
use chrono_tz::Asia::Jakarta;
use domain::access::{Action, Permission, Resource as Kind};
use platform::cache::keys;
use platform::db::market_prices::{MarketPriceRow, PriceFilter, list_market_prices};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Caller;
use crate::cursor::{Cell, cell_cursor, default_limit, limit, page};
use crate::error::{ApiError, FieldError};
use crate::extract::{Asked, optional_day, optional_text};
use crate::kept::{IfNoneMatch, kept};
use crate::problem::Problem;
use crate::provenance::place;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list))
}

const HOUR: Duration = Duration::from_secs(60 * 60);
const MOST_DAYS: i64 = 400;
/// What is shown if nothing is said.
const USUAL_DAYS: u64 = 30;

#[derive(Serialize, ToSchema)]
struct MarketPrices {
    /// The newest day first, then by item, region, market and source.
    prices: Vec<MarketPrice>,
    /// For the `cursor` of the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// The price of an item in a region on a day, as it is known now.
#[derive(Serialize, ToSchema)]
struct MarketPrice {
    date: NaiveDate,
    /// As `commodity` of an ingredient.
    #[schema(example = "daging_ayam")]
    item: String,
    /// `ID` for the whole country, or the first parts of a Kemendagri code.
    #[schema(example = "31")]
    region: String,
    /// `traditional`, `modern`, `wholesale` or `producer`.
    #[schema(example = "traditional")]
    market: String,
    /// Rupiah per `unit`.
    #[schema(example = 38_500, minimum = 1)]
    price: i64,
    #[schema(example = "kg")]
    unit: String,
    #[schema(example = "pihps_prices")]
    source: String,
    /// Whom to name where the price is shown, as the source asks for.
    #[schema(required = true, example = "Sumber: PIHPS Nasional, Bank Indonesia")]
    attribution: Option<String>,
    /// From when on it could be known; a correction has its own.
    available_at: DateTime<Utc>,
    /// When the source last said just so, if it said so again.
    #[schema(required = true)]
    confirmed_at: Option<DateTime<Utc>>,
}

impl From<MarketPriceRow> for MarketPrice {
    fn from(row: MarketPriceRow) -> Self {
        Self {
            date: row.price_date,
            item: row.commodity,
            region: row.region,
            market: row.market,
            price: row.price,
            unit: row.unit,
            source: row.source,
            attribution: row.attribution,
            available_at: row.available_at,
            confirmed_at: row.confirmed_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PriceQuery {
    /// One region: `ID` for the whole country, or the first parts of a Kemendagri code.
    #[serde(default, deserialize_with = "optional_text")]
    #[param(nullable = false, example = "31", min_length = 1, max_length = 200)]
    region: Option<String>,
    /// Slug or id of a store of the caller's: prices of the regions that it lies in, and of the whole country. Not with `region`.
    #[serde(default, deserialize_with = "optional_text")]
    #[param(nullable = false, example = "warung-bu-sri", min_length = 1, max_length = 200)]
    store: Option<String>,
    /// One item, as `commodity` of an ingredient.
    #[serde(default, deserialize_with = "optional_text")]
    #[param(nullable = false, example = "daging_ayam", min_length = 1, max_length = 200)]
    item: Option<String>,
    /// First day; 29 days before the last if not said, and at most 399.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-01")]
    from: Option<NaiveDate>,
    /// Last day; today if not said.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-23")]
    to: Option<NaiveDate>,
    /// `next_cursor` of the page before.
    #[serde(default, deserialize_with = "cell_cursor")]
    #[param(nullable = false, value_type = String)]
    cursor: Option<Cell<4>>,
    /// Rows of a page.
    #[serde(default = "default_limit", deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: i64,
}

impl PriceQuery {
    /// As many ask. Of days and pages that one person chooses nothing is kept: there is no end of them.
    fn is_usual(&self) -> bool {
        self.from.is_none() && self.to.is_none() && self.cursor.is_none() && self.limit == default_limit()
    }
}

/// Food prices on the markets, the newest first.
///
/// Where several sources tell a price, each is a row. Nights follow the nearest region, and its traditional market.
#[utoipa::path(
    get,
    path = "/api/v1/market-prices", operation_id = "list_market_prices",
    tag = "market",
    params(PriceQuery, IfNoneMatch),
    responses(
        (status = 200, description = "A page of prices", body = MarketPrices, headers(("etag" = String, description = "Of these very bytes"))),
        (status = 304, description = "The caller has them already"),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn list(State(state): State<AppState>, caller: Caller, asked: Asked, headers: HeaderMap) -> Result<Response, ApiError> {
    let query: PriceQuery = asked.read()?;
    let around = match (&query.store, &query.region) {
        (Some(_), Some(_)) => return Err(FieldError::unfit("region", "must not be given together with `store`").into()),
        (Some(store), None) => {
            let store = caller.store_id(&state, store, Permission::to(Action::Read, Kind::Store)).await?;
            // A store that has not said where it is lies in the country all the same.
            Some(place(&state, caller.tenant(), store).await?.region)
        }
        (None, _) => None,
    };
    let now = state.clock.now().with_timezone(&Jakarta);
    let load = || find(&state, &caller, &query, around.as_deref());
    if !query.is_usual() {
        return Ok(Json(load().await?).into_response());
    }
    let PriceQuery { item, region, .. } = &query;
    // A price that is told before its time is there from then on, and nobody says so: an hour later at the latest it is asked again.
    let part = format!("{}:{item:?}:{region:?}:{around:?}", now.hour());
    let key = keys::market_prices(now.date_naive()).part(&part).for_at_most(HOUR);
    kept(&state.cache, &key, &headers, load).await
}

async fn find(state: &AppState, caller: &Caller, query: &PriceQuery, around: Option<&str>) -> Result<MarketPrices, ApiError> {
    let mut transaction = state.db.begin_read(caller.tenant()).await?;
    let now = state.clock.now();
    let (first, last) = days(query.from, query.to, now.with_timezone(&Jakarta).date_naive())?;
    let filter = PriceFilter {
        first,
        last,
        now,
        commodity: query.item.as_deref(),
        region: query.region.as_deref(),
        around,
        after: query.cursor.as_ref().map(|(day, names)| (*day, names)),
        limit: query.limit + 1,
    };
    let rows = list_market_prices(&mut *transaction, filter).await?;
    let place = |row: &MarketPriceRow| (row.price_date, [&row.commodity, &row.region, &row.market, &row.source].map(Clone::clone));
    let (rows, next_cursor) = page(rows, query.limit, place);
    Ok(MarketPrices { prices: rows.into_iter().map(MarketPrice::from).collect(), next_cursor })
}

fn days(from: Option<NaiveDate>, to: Option<NaiveDate>, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), FieldError> {
    let last = to.unwrap_or(today);
    let first = from.unwrap_or(last - Days::new(USUAL_DAYS - 1));
    match (last - first).num_days() {
        0..MOST_DAYS => Ok((first, last)),
        MOST_DAYS.. => Err(FieldError::unfit("from", format!("must be at most {} days before `to`", MOST_DAYS - 1))),
        _ if to.is_none() => Ok((first, last)),
        _ => Err(FieldError::unfit("to", "must not be before `from`")),
    }
}
