//! PIHPS, Bank Indonesia's survey of food prices: the calls its own public pages make, answered from the simulated world.
//!
//! Recorded from the real service: paths and query, dates `DD/MM/YYYY` as column keys of working days, `"43,550"` and
//! `"-"`, `no` as Roman numeral or number, levels of the rows, ids of provinces and commodities, the blank at the end of
//! `com_14`, one averaged series for several provinces, nothing for a regency or a market of `GetGridDataDaerah`, the
//! field names of the two lists (read in public clients).
//! Reconstructed by us: numbers that restart with each answer, a category's mean over all its commodities, an unknown
//! type, province or date answered by no rows, which cities are surveyed and how a respondent is labelled, the rule by
//! which a province is silent, holidays before 2022 (fixed dates only).
//! Not built: weekly, monthly and one-day reports (`tipe_laporan` 2 to 5 are answered 501), `regency_id` of
//! `GetGridDataKomoditas`. Prices are synthetic: those of the world's markets where a shop is, of the same recipe with
//! other chance elsewhere.

mod catalogue;
mod quotes;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::catalogue::{CATEGORIES, Category, Commodity, PROVINCES, Province};
use self::quotes::{PriceType, Survey, mean};
use super::{Context, Ordered, Service, with_thousands};

/// The service, for the registry.
pub fn service() -> Service {
    Service { name: "pihps", about: "daily food prices by province", routes: router, control: None }
}

/// Its routes, as at the real service's root.
pub fn router(context: &Context) -> Router {
    let tables = Router::new()
        .route("/GetGridDataDaerah", get(by_region))
        .route("/GetGridDataKomoditas", get(by_commodity))
        .route("/GetRefCommodityAndCategory", get(commodities));
    let site = Router::new().nest("/TabelHarga", tables).route("/Home/GetProvinceAll", get(provinces));
    Router::new().nest("/hargapangan/WebSite", site).with_state(context.clone())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wanted {
    price_type_id: String,
    comcat_id: String,
    province_id: String,
    regency_id: String,
    market_id: String,
    tipe_laporan: String,
    start_date: String,
    end_date: String,
    #[serde(rename = "showKota")]
    with_cities: String,
    #[serde(rename = "showPasar")]
    with_respondents: String,
}

impl Wanted {
    /// The survey and its days; none where a parameter makes no sense, which the real service answers with no rows.
    fn survey<'a>(&self, context: &'a Context) -> Option<(Survey<'a>, Vec<NaiveDate>)> {
        let survey = Survey::new(context, PriceType::parse(&self.price_type_id)?);
        let days = survey.days(self.start_date.parse().ok()?, self.end_date.parse().ok()?);
        Some((survey, days))
    }

    /// Blank is every province.
    fn provinces(&self) -> Vec<&'static Province> {
        let wanted: Vec<&str> = self.province_id.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
        let is_wanted = |province: &&Province| wanted.is_empty() || wanted.contains(&province.id.to_string().as_str());
        PROVINCES.iter().filter(is_wanted).collect()
    }

    fn is_unbuilt(&self) -> bool {
        matches!(self.tipe_laporan.as_str(), "2" | "3" | "4" | "5")
    }

    fn is_daily(&self) -> bool {
        matches!(self.tipe_laporan.as_str(), "" | "1")
    }
}

#[derive(Serialize)]
struct Grid {
    data: Vec<Ordered>,
}

fn rows(data: Vec<Ordered>) -> Response {
    Json(Grid { data }).into_response()
}

async fn by_region(State(context): State<Context>, Query(wanted): Query<Wanted>) -> Response {
    if wanted.is_unbuilt() {
        return unbuilt();
    }
    let is_wider = wanted.regency_id.is_empty() && wanted.market_id.is_empty() && wanted.is_daily();
    let provinces = wanted.provinces();
    match wanted.survey(&context).filter(|_| is_wider && !provinces.is_empty()) {
        Some((survey, days)) => rows(region_rows(&survey, &days, &provinces, &wanted.comcat_id)),
        None => rows(Vec::new()),
    }
}

/// Each category that is wanted or has a wanted commodity, with those commodities.
fn region_rows(survey: &Survey, days: &[NaiveDate], provinces: &[&Province], comcat_id: &str) -> Vec<Ordered> {
    let wanted: Vec<&str> = comcat_id.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
    let mut rows = Vec::new();
    let mut shown = 0;
    for (position, category) in CATEGORIES.iter().enumerate() {
        let whole = wanted.is_empty() || wanted.contains(&category_id(position).as_str());
        let is_wanted = |commodity: &&Commodity| whole || wanted.contains(&commodity_id(commodity).as_str());
        let commodities: Vec<&Commodity> = category.commodities.iter().filter(is_wanted).collect();
        if commodities.is_empty() {
            continue;
        }
        shown += 1;
        rows.push(row(roman(shown).into(), category.name, 1, days, |day| category_mean(survey, provinces, category, day)));
        for (number, commodity) in commodities.into_iter().enumerate() {
            rows.push(row((number + 1).into(), commodity.name, 2, days, |day| survey.mean(provinces, commodity, day)));
        }
    }
    rows
}

fn category_mean(survey: &Survey, provinces: &[&Province], category: &Category, day: NaiveDate) -> Option<i64> {
    mean(category.commodities.iter().filter_map(|commodity| survey.mean(provinces, commodity, day)))
}

async fn by_commodity(State(context): State<Context>, Query(wanted): Query<Wanted>) -> Response {
    if wanted.is_unbuilt() {
        return unbuilt();
    }
    let mut commodities = CATEGORIES.iter().flat_map(|category| category.commodities);
    let commodity = commodities.find(|commodity| commodity_id(commodity) == wanted.comcat_id);
    let found = wanted.survey(&context).zip(commodity).filter(|_| wanted.is_daily());
    rows(found.map_or_else(Vec::new, |((survey, days), commodity)| commodity_rows(&survey, &days, commodity, &wanted)))
}

/// The country, then each province with its cities and their respondents; what belongs to what is told by order alone.
fn commodity_rows(survey: &Survey, days: &[NaiveDate], commodity: &Commodity, wanted: &Wanted) -> Vec<Ordered> {
    let all: Vec<&Province> = PROVINCES.iter().collect();
    let mut rows = vec![row(roman(1).into(), "Semua Provinsi", 0, days, |day| survey.mean(&all, commodity, day))];
    for (position, province) in wanted.provinces().into_iter().enumerate() {
        rows.push(row(roman(position + 2).into(), province.name, 1, days, |day| survey.price(province, commodity, day)));
        for (city, name) in province.cities.into_iter().enumerate() {
            let price = |day| survey.city_price(province, commodity, city, day);
            if wanted.with_cities == "true" {
                rows.push(row((city + 1).into(), name, 2, days, price));
            }
            if wanted.with_respondents == "true" {
                rows.push(row("a".into(), &survey.price_type.respondent(name), 3, days, price));
            }
        }
    }
    rows
}

fn row(number: Value, name: &str, level: u8, days: &[NaiveDate], price: impl Fn(NaiveDate) -> Option<i64>) -> Ordered {
    let mut fields = vec![("no".to_owned(), number), ("name".to_owned(), name.into()), ("level".to_owned(), level.into())];
    let cell = |day: &NaiveDate| price(*day).map_or_else(|| "-".to_owned(), with_thousands);
    fields.extend(days.iter().map(|day| (day.format("%d/%m/%Y").to_string(), cell(day).into())));
    Ordered(fields)
}

async fn commodities() -> Json<Value> {
    let mut list = Vec::new();
    for (position, category) in CATEGORIES.iter().enumerate() {
        let category_id = category_id(position);
        list.push(json!({"id": category_id, "name": category.name, "denomination": "kg", "cat_id": null}));
        let one = |commodity: &Commodity| json!({"id": commodity_id(commodity), "name": commodity.name, "denomination": "kg", "cat_id": category_id});
        list.extend(category.commodities.iter().map(one));
    }
    Json(json!({ "data": list }))
}

#[derive(Deserialize)]
struct ProvincesWanted {
    filter: Option<String>,
}

/// With a `filter`, whatever it says, only the entry for all provinces is left.
async fn provinces(Query(wanted): Query<ProvincesWanted>) -> Json<Value> {
    let mut list = vec![json!({"province_id": 0, "province_name": "Semua Provinsi"})];
    if wanted.filter.is_none() {
        list.extend(PROVINCES.iter().map(|province| json!({"province_id": province.id, "province_name": province.name})));
    }
    Json(json!({ "data": list }))
}

fn unbuilt() -> Response {
    (StatusCode::NOT_IMPLEMENTED, "this stand-in has daily reports only: use tipe_laporan=1").into_response()
}

fn category_id(position: usize) -> String {
    format!("cat_{}", position + 1)
}

fn commodity_id(commodity: &Commodity) -> String {
    format!("com_{}", commodity.number)
}

/// Roman numerals up to 39, which is more than there are provinces.
fn roman(number: usize) -> String {
    const ONES: [&str; 10] = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"];
    format!("{}{}", "X".repeat(number / 10), ONES[number % 10])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals_are_roman() {
        assert_eq!([1, 4, 9, 10, 19, 35].map(roman), ["I", "IV", "IX", "X", "XIX", "XXXV"]);
    }

    #[test]
    fn every_commodity_follows_an_ingredient_of_the_world() {
        let known = &crate::world::World::definition().ingredients;
        let commodities: Vec<&Commodity> = CATEGORIES.iter().flat_map(|category| category.commodities).collect();
        assert_eq!(commodities.iter().map(|commodity| commodity.number).collect::<Vec<_>>(), (1..=21).collect::<Vec<_>>());
        assert!(commodities.iter().all(|commodity| known.iter().any(|entry| entry.slug == commodity.ingredient)));
        assert!(PROVINCES.iter().zip(1..).all(|(province, id)| province.id == id));
    }
}
