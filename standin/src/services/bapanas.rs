//! The food agency's panel of prices: `GET /api/front/harga-pangan-informasi`, answered from the simulated world.
//!
//! Nothing was recorded from the real service with a key. Taken from what public clients read off its page: path and query, field
//! names, ids, names and units of the foods, days such as `12-9-2025`, zero for no price, `up`, `down` and `no_change`, the numbers of
//! two provinces. Reconstructed by us: the header of the key (that of the agency's other service), the 401, how prices come about.
//! Prices are synthetic.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{Datelike, Duration, NaiveDate};
use chrono_tz::Asia::Jakarta;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Context, Ordered, Service};
use crate::world::{Key, market_price};

/// The one key that is refused.
pub const INVALID_KEY: &str = "invalid";
/// Numbers of provinces that are known, and the first part of their adm4 codes.
const PROVINCES: [(&str, &str); 2] = [("12", "32"), ("15", "35")];

/// Id, name, unit, the world's ingredient that it follows (none: never surveyed here) and its price against that.
const FOODS: [(i64, &str, &str, &str, f64); 12] = [
    (27, "Beras Premium", "Rp./Kg", "beras", 1.1),
    (28, "Beras Medium", "Rp./Kg", "beras", 1.0),
    (102, "Jagung Tk Peternak", "Rp/kg", "", 1.0),
    (30, "Bawang Merah", "Rp./Kg", "bawang-merah", 1.0),
    (31, "Bawang Putih Bonggol", "Rp./Kg", "bawang-putih", 1.0),
    (32, "Cabai Merah Keriting", "Rp./Kg", "cabai-merah", 1.0),
    (33, "Cabai Rawit Merah", "Rp./Kg", "cabai-rawit", 1.0),
    (34, "Daging Sapi Murni", "Rp./Kg", "daging-sapi", 1.0),
    (35, "Daging Ayam Ras", "Rp./Kg", "ayam", 1.0),
    (36, "Telur Ayam Ras", "Rp./Kg", "telur", 1.0),
    (101, "Minyak Goreng Curah", "Rp./Liter", "minyak-curah", 1.0),
    (149, "Daging Kerbau Beku (Impor Luar Negeri)", "Rp/Kg", "", 1.0),
];

/// The service, for the registry.
pub fn service() -> Service {
    Service { name: "bapanas", about: "food prices of today and yesterday by province, with a key", routes: router, control: None }
}

/// Its routes, as at the real service's root.
pub fn router(context: &Context) -> Router {
    Router::new().route("/api/front/harga-pangan-informasi", get(prices)).with_state(context.clone())
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Wanted {
    province_id: String,
    city_id: String,
    level_harga_id: String,
}

async fn prices(State(context): State<Context>, headers: HeaderMap, Query(wanted): Query<Wanted>) -> Response {
    let key = headers.get("x-authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if key.is_empty() || key == INVALID_KEY {
        return (StatusCode::UNAUTHORIZED, Json(json!({"status": "error", "message": "Unauthorized"}))).into_response();
    }
    let today = (context.now)().with_timezone(&Jakarta).date_naive();
    let province = PROVINCES.iter().find(|(number, _)| *number == wanted.province_id).map(|(_, adm1)| *adm1);
    let data: Vec<Ordered> = match province.filter(|_| wanted.level_harga_id == "3") {
        Some(adm1) => FOODS.iter().map(|food| row(&context, adm1, food, today)).collect(),
        None => Vec::new(),
    };
    let asked = json!({"province_id": wanted.province_id, "city_id": wanted.city_id, "level_harga_id": wanted.level_harga_id});
    let answer = [("status", json!("success")), ("data", json!(data)), ("request_data", asked)];
    Json(Ordered(answer.map(|(name, value)| (name.to_owned(), value)).into())).into_response()
}

fn row(context: &Context, adm1: &str, food: &(i64, &str, &str, &str, f64), today: NaiveDate) -> Ordered {
    let (id, name, unit, ..) = food;
    let day_before = today - Duration::days(1);
    let (now, before) = (price(context, adm1, food, today), price(context, adm1, food, day_before));
    let gap = if now == 0 || before == 0 { 0 } else { now - before };
    let share = if before == 0 { 0.0 } else { (gap as f64 / before as f64 * 10_000.0).round() / 100.0 };
    let change = match gap {
        0 => "no_change",
        1.. => "up",
        _ => "down",
    };
    let date = format!("{}-{}-{}", day_before.day(), day_before.month(), day_before.year());
    let fields: [(&str, Value); 9] = [
        ("id", json!(id)),
        ("name", json!(name)),
        ("satuan", json!(unit)),
        ("today", json!(now)),
        ("yesterday", json!(before)),
        ("yesterday_date", json!(date)),
        ("gap", json!(gap)),
        ("gap_percentage", json!(share)),
        ("gap_change", json!(change)),
    ];
    Ordered(fields.map(|(name, value)| (name.to_owned(), value)).into())
}

/// Rupiah a kilogram or litre; zero where nobody asked.
fn price(context: &Context, adm1: &str, (id, _, _, ingredient, level): &(i64, &str, &str, &str, f64), day: NaiveDate) -> i64 {
    let definition = &context.world.definition;
    let Some(ingredient) = definition.ingredients.iter().find(|known| known.slug == *ingredient) else { return 0 };
    let key = Key::root(context.world.seed).of("bapanas").of(adm1);
    let monday = day - Duration::days(i64::from(day.weekday().num_days_from_monday()));
    let weekly = market_price(key.of(&ingredient.slug), definition, ingredient, monday) as f64;
    let strays = 0.05 * ingredient.volatility * key.at(*id).at(i64::from(day.num_days_from_ce())).stream().normal();
    // Packs in a kilogram or litre.
    let per_unit = if matches!(ingredient.unit.as_str(), "g" | "ml") { 1000.0 / ingredient.pack } else { 1.0 };
    (weekly * per_unit * level * (1.0 + strays)).round() as i64
}
