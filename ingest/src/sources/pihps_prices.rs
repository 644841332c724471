//! Food prices of Bank Indonesia's PIHPS, by province and working day, on the traditional market.
//!
//! The site's own table calls: undocumented, slow, without an agreement. A question is a province and at most a month, all
//! commodities at once, one question a second over all programs. Dates are column names; a comma parts thousands; a dash is no
//! price; weekends and holidays have none.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Asia::Jakarta;
use platform::config::SourcesConfig;
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

/// Days before and after a price that it is held against, and how many times as much it may be.
const AROUND: usize = 3;
const MOST_TIMES: i64 = 4;

struct PihpsPrices;

pub(super) fn source() -> impl Source {
    PihpsPrices
}

impl Source for PihpsPrices {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "Food prices of Bank Indonesia (PIHPS) for the provinces where stores are"
    }

    fn terms(&self) -> Terms {
        Terms {
            window_days: 31,
            lookback_days: 14,
            // A long weekend is no delay.
            freshness: TimeDelta::days(5),
            history: History::Since(FIRST_DAY),
            is_steady: true,
            attribution: "Sumber: PIHPS Nasional, Bank Indonesia",
            scope_is: "province",
        }
    }

    fn feed(&self) -> Option<&dyn Feed> {
        Some(self)
    }

    fn parse(&self, raw: &RawRecord, _: &ParseContext) -> Result<Box<dyn Batches>, SourceError> {
        let understanding = Understanding { level: "prices by commodity and day", ..Understanding::default() };
        Ok(Box::new(Once::new(understanding, parse(raw)?)))
    }
}

#[async_trait]
impl Feed for PihpsPrices {
    fn manners(&self, _: &SourcesConfig) -> Manners {
        let quota = Quota { name: "pihps.calls".to_owned(), limit: 1, per: Duration::from_secs(1) };
        Manners { source: SOURCE, quotas: vec![quota], units: 1, timeout: Duration::from_secs(60) }
    }

    async fn scopes(&self, pool: &PgPool, _: &SourcesConfig) -> Result<Vec<String>, DbError> {
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
        let reply = asking.http.ask(&self.manners(asking.config), asking.clock, &question).await?;
        match reply.status {
            200..=299 => Ok(vec![reply]),
            status => Err(FetchError::Refused { source_name: SOURCE, status, reason: reply.excerpt() }),
        }
    }
}

fn parse(raw: &RawRecord) -> Result<Batch, SourceError> {
    let document = document(raw)?;
    let (mut facts, mut rejected) = (Vec::new(), Vec::new());
    for (value, number) in list(&document, "data", raw.contents.name())?.iter().zip(1..) {
        let row = Row { value, number };
        let (commodity, unit) = match commodity(&row) {
            Ok(Some(known)) => known,
            Ok(None) => continue,
            Err(refused) => {
                rejected.push(refused);
                continue;
            }
        };
        facts.extend(prices(&row, raw, &mut rejected).into_iter().map(|(price_date, price)| MarketPriceVersion {
            commodity: commodity.to_owned(),
            region: raw.scope.clone(),
            market: MARKET.to_owned(),
            price_date,
            price,
            unit: unit.to_owned(),
            available_at: published_at(price_date).min(raw.fetched_at),
        }));
    }
    // Cells of the grid that say something.
    let cells = (facts.len() + rejected.len()) as u64;
    Ok(Batch::of(cells, Facts::MarketPrices(facts), rejected))
}

/// What a row is about, and the unit; `None` for the mean of a category.
fn commodity(row: &Row<'_>) -> Result<Option<(&'static str, &'static str)>, Rejected> {
    match row.value["level"].as_i64() {
        Some(1) => return Ok(None),
        Some(2) => {}
        _ => return Err(row.refuse("level", "is neither 1 nor 2")),
    }
    let name = row.text("name")?.trim();
    let known = COMMODITIES.iter().find(|(known, _, _)| *known == name);
    known.map(|(_, commodity, unit)| Some((*commodity, *unit))).ok_or_else(|| row.refuse("name", "is no commodity that we know"))
}

/// The prices of a row by day; those that cannot be are put aside.
fn prices(row: &Row<'_>, raw: &RawRecord, rejected: &mut Vec<Rejected>) -> Vec<(NaiveDate, i64)> {
    let today = raw.fetched_at.with_timezone(&Jakarta).date_naive();
    let mut told: BTreeMap<NaiveDate, (&String, i64)> = BTreeMap::new();
    for (column, _) in row.value.as_object().into_iter().flatten() {
        let Ok(day) = NaiveDate::parse_from_str(column, "%d/%m/%Y") else { continue };
        match price(row, column) {
            Ok(None) => {}
            Ok(Some(_)) if !(FIRST_DAY..=today).contains(&day) => {
                rejected.push(row.refuse(column, "is of no day that the survey can tell of"))
            }
            Ok(Some(price)) => drop(told.insert(day, (column, price))),
            Err(refused) => rejected.push(refused),
        }
    }
    let series: Vec<i64> = told.values().map(|(_, price)| *price).collect();
    let mut good = Vec::new();
    for (place, (day, (column, price))) in told.into_iter().enumerate() {
        match slip(&series, place) {
            None => good.push((day, price)),
            Some(usual) => {
                rejected.push(row.refuse(column, &format!("is far from the {usual} of the days around it: a digit may have slipped")));
            }
        }
    }
    good
}

/// The median of the days around a price, where the price is like neither those before, nor those after, nor both together. A price
/// that has leapt and stays is believed once three days have told it.
fn slip(series: &[i64], place: usize) -> Option<i64> {
    let before: Vec<i64> = series[..place].iter().rev().take(AROUND).copied().collect();
    let after: Vec<i64> = series[place + 1..].iter().take(AROUND).copied().collect();
    let both = [before.as_slice(), after.as_slice()].concat();
    let is_like = |usual: i64| series[place] <= usual * MOST_TIMES && series[place] * MOST_TIMES >= usual;
    let usual = median(&both)?;
    let is_odd = [Some(usual), median(&before), median(&after)].into_iter().flatten().all(|usual| !is_like(usual));
    is_odd.then_some(usual)
}

/// Of two at least: one day proves nothing.
fn median(prices: &[i64]) -> Option<i64> {
    let mut sorted = prices.to_vec();
    sorted.sort_unstable();
    (sorted.len() > 1).then(|| (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2)
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

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn slips(series: &[i64]) -> Vec<usize> {
        (0..series.len()).filter(|place| slip(series, *place).is_some()).collect()
    }

    #[test]
    fn a_slipped_digit_is_told_from_a_price_that_stays() {
        assert_eq!(slips(&[43_000, 43_500, 435_500, 43_550, 44_000]), [2]);
        assert_eq!(slips(&[43_000, 43_500, 43_550, 4_400]), [3], "also the last one");
        assert_eq!(slips(&[430_000, 43_500, 43_550, 44_000]), [0], "and the first");
        assert_eq!(slips(&[20_000, 30_000, 45_000, 70_000, 100_000]), NONE, "chillies do that in a bad week");
        assert_eq!(slips(&[20_000, 20_000, 20_000, 100_000]), [3], "not believed at once");
        assert_eq!(slips(&[20_000, 20_000, 20_000, 100_000, 100_000, 100_000]), NONE, "believed when it stays");
        assert_eq!(slips(&[20_000, 200_000]), NONE, "nobody knows which");
        assert_eq!(slips(&[]), NONE);
    }
}
