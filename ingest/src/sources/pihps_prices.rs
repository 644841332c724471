//! Food prices of Bank Indonesia's PIHPS, by province and working day, on the traditional market.
//!
//! The site's own table calls: undocumented, slow, without an agreement. A question is a province and at most a month, all
//! commodities at once, one question a second over all programs. Dates are column names; a comma parts thousands; a dash is no
//! price; weekends and holidays have none.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Asia::Jakarta;
use platform::db::DbError;
use platform::db::market_prices::MarketPriceVersion;
use platform::db::stores::list_regions;
use platform::http::{Manners, Question, Quota, Reply};
use sqlx::PgPool;

use crate::feed::{Asking, Days, Feed, FetchError, History, Terms};
use crate::json::{Row, document, list};
use crate::source::{Batch, Batches, Facts, Once, ParseContext, RawRecord, Rejected, Source, SourceError, Understanding};

const SOURCE: &str = "pihps_prices";
/// The first day that the survey tells of.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2017, 3, 27).expect("a date");
/// The whole country.
const NATION: &str = "ID";
const MARKET: &str = "traditional";
/// Rupiah that a unit of food may cost.
const SANE: std::ops::RangeInclusive<i64> = 500..=2_000_000;

/// Kemendagri codes of PIHPS' provinces 1 to 34, in its own order. The four provinces that Papua was parted into are not surveyed.
const PROVINCES: [&str; 34] = [
    "11", "12", "13", "14", "21", "15", "17", "16", "19", "18", "36", "32", "31", "33", "34", "35", "51", "52", "53", "61", "63", "62",
    "64", "65", "75", "73", "74", "72", "71", "76", "81", "82", "91", "92",
];

/// Commodities by PIHPS' names; prices are of a kilogram, of cooking oil of a litre.
const COMMODITIES: [(&str, &str, &str); 21] = [
    ("Beras Kualitas Bawah I", "beras-bawah-1", "kg"),
    ("Beras Kualitas Bawah II", "beras-bawah-2", "kg"),
    ("Beras Kualitas Medium I", "beras-medium-1", "kg"),
    ("Beras Kualitas Medium II", "beras-medium-2", "kg"),
    ("Beras Kualitas Super I", "beras-super-1", "kg"),
    ("Beras Kualitas Super II", "beras-super-2", "kg"),
    ("Daging Ayam Ras Segar", "daging-ayam", "kg"),
    ("Daging Sapi Kualitas 1", "daging-sapi-1", "kg"),
    ("Daging Sapi Kualitas 2", "daging-sapi-2", "kg"),
    ("Telur Ayam Ras Segar", "telur-ayam", "kg"),
    ("Bawang Merah Ukuran Sedang", "bawang-merah", "kg"),
    ("Bawang Putih Ukuran Sedang", "bawang-putih", "kg"),
    ("Cabai Merah Besar", "cabai-merah-besar", "kg"),
    ("Cabai Merah Keriting", "cabai-merah-keriting", "kg"),
    ("Cabai Rawit Hijau", "cabai-rawit-hijau", "kg"),
    ("Cabai Rawit Merah", "cabai-rawit-merah", "kg"),
    ("Minyak Goreng Curah", "minyak-goreng-curah", "l"),
    ("Minyak Goreng Kemasan Bermerk 1", "minyak-goreng-kemasan-1", "l"),
    ("Minyak Goreng Kemasan Bermerk 2", "minyak-goreng-kemasan-2", "l"),
    ("Gula Pasir Kualitas Premium", "gula-premium", "kg"),
    ("Gula Pasir Lokal", "gula-lokal", "kg"),
];

struct PihpsPrices;

pub(super) fn source() -> impl Source {
    PihpsPrices
}

impl Source for PihpsPrices {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn terms(&self) -> Terms {
        Terms {
            window_days: 31,
            lookback_days: 14,
            // A long weekend is no delay.
            freshness: TimeDelta::days(5),
            history: History::Since(FIRST_DAY),
            attribution: "Sumber: PIHPS Nasional, Bank Indonesia",
            scope_is: "province",
        }
    }

    fn feed(&self) -> Option<&dyn Feed> {
        Some(self)
    }

    fn parse(&self, raw: &RawRecord, _: &ParseContext) -> Result<Box<dyn Batches>, SourceError> {
        let (facts, rejected, rows) = parse(raw)?;
        let understanding = Understanding { level: "prices by commodity and day", ..Understanding::default() };
        Ok(Box::new(Once::new(understanding, Batch { rows, facts: Facts::MarketPrices(facts), products: Vec::new(), rejected })))
    }
}

#[async_trait]
impl Feed for PihpsPrices {
    fn manners(&self) -> Manners {
        let quota = Quota { name: "pihps.calls".to_owned(), limit: 1, per: Duration::from_secs(1) };
        Manners { source: SOURCE, quotas: vec![quota], units: 1, timeout: Duration::from_secs(60) }
    }

    async fn scopes(&self, pool: &PgPool) -> Result<Vec<String>, DbError> {
        let regions = list_regions(pool).await?;
        if regions.is_empty() {
            return Ok(Vec::new());
        }
        let mut provinces: Vec<String> = regions.iter().filter_map(|region| region.get(..2)).map(str::to_owned).collect();
        provinces.sort();
        provinces.dedup();
        provinces.retain(|province| PROVINCES.contains(&province.as_str()));
        provinces.insert(0, NATION.to_owned());
        Ok(provinces)
    }

    async fn fetch(&self, asking: &Asking<'_>, scope: &str, days: Days) -> Result<Vec<Reply>, FetchError> {
        let base = asking.config.pihps_url.trim_end_matches('/');
        let province = match PROVINCES.iter().position(|code| *code == scope) {
            Some(place) => (place + 1).to_string(),
            None if scope == NATION => String::new(),
            None => {
                let reason = "Bank Indonesia surveys no such province".to_owned();
                let ask_again_after = TimeDelta::days(90);
                return Err(FetchError::NotCovered { source_name: SOURCE, scope: scope.to_owned(), reason, ask_again_after });
            }
        };
        let last = days.end.pred_opt().unwrap_or(days.end);
        let question = Question::get(format!("{base}/TabelHarga/GetGridDataDaerah"))
            .query("price_type_id", "1")
            .query("comcat_id", "")
            .query("province_id", province)
            .query("regency_id", "")
            .query("market_id", "")
            .query("tipe_laporan", "1")
            .query("start_date", days.first.to_string())
            .query("end_date", last.to_string())
            .header("referer", format!("{base}/TabelHarga/PasarTradisionalDaerah"))
            .header("x-requested-with", "XMLHttpRequest");
        let reply = asking.http.ask(&self.manners(), asking.clock, &question).await?;
        match reply.status {
            200..=299 => Ok(vec![reply]),
            status => Err(FetchError::Refused { source_name: SOURCE, status, reason: reply.excerpt() }),
        }
    }
}

fn parse(raw: &RawRecord) -> Result<(Vec<MarketPriceVersion>, Vec<Rejected>, u64), SourceError> {
    let document = document(raw)?;
    let (mut facts, mut rejected, mut rows) = (Vec::new(), Vec::new(), 0);
    for value in list(&document, "data", raw.contents.name())? {
        rows += 1;
        let row = Row { value, number: rows };
        // Level 1 is the mean of a category.
        if value["level"].as_i64() != Some(2) {
            if value["level"].as_i64() != Some(1) {
                rejected.push(row.refuse("level", "is neither 1 nor 2"));
            }
            continue;
        }
        let name = match row.text("name") {
            Ok(name) => name.trim(),
            Err(refused) => {
                rejected.push(refused);
                continue;
            }
        };
        let Some((_, commodity, unit)) = COMMODITIES.iter().find(|(known, _, _)| *known == name) else {
            rejected.push(row.refuse("name", "is no commodity that we know"));
            continue;
        };
        for (column, _) in value.as_object().into_iter().flatten() {
            let Ok(price_date) = NaiveDate::parse_from_str(column, "%d/%m/%Y") else { continue };
            match price(&row, column) {
                Ok(None) => {}
                Ok(Some(price)) => facts.push(MarketPriceVersion {
                    commodity: (*commodity).to_owned(),
                    region: raw.scope.clone(),
                    market: MARKET.to_owned(),
                    price_date,
                    price,
                    unit: (*unit).to_owned(),
                    available_at: published_at(price_date).min(raw.fetched_at),
                }),
                Err(refused) => rejected.push(refused),
            }
        }
    }
    Ok((facts, rejected, rows))
}

/// `"43,550"` is 43550, as is the home page's `43.550`; `"-"` and `""` are none.
fn price(row: &Row<'_>, column: &str) -> Result<Option<i64>, Rejected> {
    if row.value[column].is_null() {
        return Ok(None);
    }
    let text = row.text(column)?.trim();
    if matches!(text, "" | "-") {
        return Ok(None);
    }
    let digits: String = text.chars().filter(|character| !matches!(character, ',' | '.')).collect();
    let price: i64 = digits.parse().map_err(|_| row.refuse(column, "is no price"))?;
    if !SANE.contains(&price) {
        return Err(row.refuse(column, &format!("is not between {} and {} rupiah", SANE.start(), SANE.end())));
    }
    Ok(Some(price))
}

/// The survey of a day is published at about 13:00 WIB; an hour more is allowed for.
fn published_at(day: NaiveDate) -> DateTime<Utc> {
    let local = day.and_time(NaiveTime::from_hms_opt(14, 0, 0).unwrap_or_default());
    Jakarta.from_local_datetime(&local).single().map_or_else(|| local.and_utc(), |at| at.with_timezone(&Utc))
}
