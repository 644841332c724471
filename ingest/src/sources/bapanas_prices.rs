//! Consumer prices of the food agency's panel (Badan Pangan Nasional), by province: what food costs today and did yesterday.
//!
//! Off by default: it wants a key of "Web API NFA", which the agency grants on request, and has no documented reply. The reply that is
//! understood here is that of the panel's public page (`front/harga-pangan-informasi`, seen keyless until 2025 and rebuilt from what
//! public clients read); the keyed service could not be asked. Zero is no price; days come as `12-9-2025` and `13-09-2025`; units as
//! `Rp./Kg`, `Rp/kg`, `Rp./Liter`.
//!
//! Prices go by names of their own (`bapanas-bawang-merah`): two surveys of one food in one series would be a jump that never was.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Asia::Jakarta;
use platform::config::SourcesConfig;
use platform::db::DbError;
use platform::db::market_prices::MarketPriceVersion;
use platform::db::stores::list_regions;
use platform::http::{Manners, Question, Quota, Reply};
use secrecy::ExposeSecret;
use sqlx::PgPool;

use crate::feed::{Asking, Days, Feed, FetchError, History, Terms};
use crate::json::{Row, document, list, shape};
use crate::source::{Batch, Batches, Facts, Once, ParseContext, RawRecord, Rejected, Source, SourceError, Understanding};

const SOURCE: &str = "bapanas_prices";
/// What consumers pay; 1 is producers, 2 wholesale.
const LEVEL: &str = "3";
const MARKET: &str = "consumer";
/// Rupiah that a unit of food may cost.
const SANE: std::ops::RangeInclusive<f64> = 500.0..=2_000_000.0;

/// Foods of the panel by its ids.
const COMMODITIES: [(i64, &str); 25] = [
    (27, "beras-premium"),
    (28, "beras-medium"),
    (29, "kedelai"),
    (30, "bawang-merah"),
    (31, "bawang-putih"),
    (32, "cabai-merah-keriting"),
    (33, "cabai-rawit-merah"),
    (34, "daging-sapi"),
    (35, "daging-ayam"),
    (36, "telur-ayam"),
    (37, "gula"),
    (38, "minyak-goreng-kemasan"),
    (40, "tepung-terigu-curah"),
    (101, "minyak-goreng-curah"),
    (102, "jagung"),
    (104, "ikan-kembung"),
    (105, "ikan-tongkol"),
    (106, "ikan-bandeng"),
    (107, "garam"),
    (108, "tepung-terigu-kemasan"),
    (109, "beras-sphp"),
    (126, "cabai-merah-besar"),
    (127, "minyakita"),
    (149, "daging-kerbau-beku"),
    (152, "daging-kerbau-segar"),
];

struct BapanasPrices;

pub(super) fn source() -> impl Source {
    BapanasPrices
}

impl Source for BapanasPrices {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "Consumer food prices of Badan Pangan Nasional; off until a key is set"
    }

    fn terms(&self) -> Terms {
        Terms {
            window_days: 1,
            lookback_days: 0,
            freshness: TimeDelta::hours(36),
            history: History::Landed,
            is_steady: true,
            attribution: "Sumber: Panel Harga Pangan, Badan Pangan Nasional",
            scope_is: "province",
        }
    }

    fn feed(&self) -> Option<&dyn Feed> {
        Some(self)
    }

    fn parse(&self, raw: &RawRecord, _: &ParseContext) -> Result<Box<dyn Batches>, SourceError> {
        let document = document(raw)?;
        let file = raw.contents.name();
        if document["status"].as_str() != Some("success") {
            return Err(shape(file, "its `status` is not `success`"));
        }
        let today = raw.fetched_at.with_timezone(&Jakarta).date_naive();
        let (mut facts, mut rejected) = (Vec::new(), Vec::new());
        for (value, number) in list(&document, "data", file)?.iter().zip(1..) {
            match food(&Row { value, number }, today) {
                Ok(food) => facts.extend(food.prices.into_iter().flatten().map(|(price_date, price)| MarketPriceVersion {
                    commodity: food.commodity.clone(),
                    region: raw.scope.clone(),
                    market: MARKET.to_owned(),
                    price_date,
                    price,
                    unit: food.unit.to_owned(),
                    available_at: raw.fetched_at,
                })),
                Err(refused) => rejected.push(refused),
            }
        }
        let understanding = Understanding { level: "prices by commodity and day", ..Understanding::default() };
        let cells = (facts.len() + rejected.len()) as u64;
        Ok(Box::new(Once::new(understanding, Batch::of(cells, Facts::MarketPrices(facts), rejected))))
    }
}

#[async_trait]
impl Feed for BapanasPrices {
    fn manners(&self, _: &SourcesConfig) -> Manners {
        let quota = Quota { name: "bapanas.calls".to_owned(), limit: 1, per: Duration::from_secs(2) };
        Manners { source: SOURCE, quotas: vec![quota], units: 1, timeout: Duration::from_secs(60) }
    }

    fn missing(&self, config: &SourcesConfig) -> Option<&'static str> {
        config.bapanas_key.is_none().then_some("BAPANAS_API_KEY, or `sources.bapanas_key`: a key that the agency grants")
    }

    /// Provinces where stores are and whose number in the panel is known.
    async fn scopes(&self, pool: &PgPool, config: &SourcesConfig) -> Result<Vec<String>, DbError> {
        let regions = list_regions(pool).await?;
        let mut provinces: Vec<String> = regions.iter().filter_map(|region| region.get(..2)).map(str::to_owned).collect();
        provinces.sort();
        provinces.dedup();
        provinces.retain(|province| number(config, province).is_some());
        Ok(provinces)
    }

    async fn fetch(&self, asking: &Asking<'_>, scope: &str, _: Days) -> Result<Vec<Reply>, FetchError> {
        let Some(province) = number(asking.config, scope) else {
            let reason = "its number in the panel is not set (sources.bapanas_provinces)".to_owned();
            let ask_again_after = TimeDelta::days(7);
            return Err(FetchError::NotCovered { source_name: SOURCE, scope: scope.to_owned(), reason, ask_again_after });
        };
        let key = asking.config.bapanas_key.as_ref().map(|key| key.expose_secret()).unwrap_or_default();
        let question = Question::get(format!("{}/front/harga-pangan-informasi", asking.config.bapanas_url.trim_end_matches('/')))
            .query("province_id", province)
            .query("city_id", "")
            .query("level_harga_id", LEVEL)
            .header("x-authorization", key);
        let reply = asking.http.ask(&self.manners(asking.config), asking.clock, &question).await?;
        match reply.status {
            200..=299 => Ok(vec![reply]),
            401 | 403 => Err(FetchError::NotSetUp { source_name: SOURCE, missing: "BAPANAS_API_KEY to a key that the agency takes" }),
            status => Err(FetchError::Refused { source_name: SOURCE, status, reason: reply.excerpt() }),
        }
    }
}

/// The panel's own number of a province.
fn number<'a>(config: &'a SourcesConfig, province: &str) -> Option<&'a str> {
    let pairs = config.bapanas_provinces.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(code, number)| (code.trim(), number.trim())).find(|(code, _)| *code == province).map(|(_, number)| number)
}

struct Food {
    commodity: String,
    unit: &'static str,
    /// Of today and of the day before it.
    prices: [Option<(NaiveDate, i64)>; 2],
}

fn food(row: &Row<'_>, today: NaiveDate) -> Result<Food, Rejected> {
    let id = row.value["id"].as_i64();
    let known = COMMODITIES.iter().find(|(known, _)| Some(*known) == id);
    let (_, commodity) = known.ok_or_else(|| row.refuse("id", "is no commodity that we know"))?;
    let unit = match row.text("satuan")?.rsplit('/').next().unwrap_or_default().trim().to_lowercase().as_str() {
        "kg" => "kg",
        "liter" | "l" => "l",
        _ => return Err(row.refuse("satuan", "is neither a kilogram nor a litre")),
    };
    let now = price(row, "today")?.map(|price| (today, price));
    let before = match price(row, "yesterday")? {
        Some(price) => Some((yesterday(row, today)?, price)),
        None => None,
    };
    Ok(Food { commodity: format!("bapanas-{commodity}"), unit, prices: [now, before] })
}

/// Whole rupiah; zero is none.
fn price(row: &Row<'_>, field: &str) -> Result<Option<i64>, Rejected> {
    let told = row.optional_number(field, 0.0..=*SANE.end())?.filter(|price| *price > 0.0);
    match told {
        Some(price) if !SANE.contains(&price) => Err(row.refuse(field, "is too little for a unit of food")),
        told => Ok(told.map(|price| price.round() as i64)),
    }
}

/// The day before today that was surveyed.
fn yesterday(row: &Row<'_>, today: NaiveDate) -> Result<NaiveDate, Rejected> {
    let field = "yesterday_date";
    let day = NaiveDate::parse_from_str(row.text(field)?.trim(), "%d-%m-%Y").map_err(|_| row.refuse(field, "is no day as in 12-9-2025"))?;
    let is_near = day < today && today - day <= TimeDelta::days(31);
    if is_near { Ok(day) } else { Err(row.refuse(field, "is not of the month before the reply")) }
}
