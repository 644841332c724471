//! Every parser on documents that were sound before somebody broke them: bytes flipped, cut, doubled, put elsewhere, numbers and
//! names exchanged. Nothing may panic, and what is taken for a fact must be one that could be.
//!
//! `make test` does a few of them, `make fuzz` a million for each parser. `FUZZ_SEED` repeats a run.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Asia::Jakarta;
use domain::time::BusinessCalendar;
use ingest::news::{dates, link};
use ingest::sales_csv::SalesCsvOptions;
use ingest::source::{Facts, ParseContext, RawRecord};
use ingest::sources;
use ingest::tabular::{ColumnData, DateFormat, Decimal, Origin, TableFormat, TableWriter, numbers};
use serde_json::{Value, json};

/// Of each parser in a usual run.
const EXECUTIONS: u64 = 3_000;

fn fetched_at() -> DateTime<Utc> {
    "2026-11-23T01:00:00Z".parse().expect("an instant")
}

/// Small, quick and the same everywhere (xorshift64*).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most.max(1) as u64) as usize
    }
}

/// Words that parsers stumble over.
const WORDS: [&str; 22] = [
    "-",
    "null",
    "NaN",
    "1e308",
    "-1",
    "0",
    "9999",
    "8888",
    "43,550",
    "1.234,5",
    "99999999999999999999",
    "31/02/2026",
    "2026-13-45",
    "0001-01-01",
    "9999-12-31T23:59:59Z",
    "\u{feff}",
    "\"",
    "\u{0}",
    "Infinity",
    "{}",
    "[]",
    "\u{1f35a}",
];

fn broken(seeds: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seeds[chance.below(seeds.len())].clone();
    for _ in 0..=chance.below(6) {
        if bytes.is_empty() {
            break;
        }
        let (at, length) = (chance.below(bytes.len()), 1 + chance.below(12));
        let end = (at + length).min(bytes.len());
        match chance.below(8) {
            0 => bytes[at] ^= 1 << chance.below(8),
            1 => bytes[at] = chance.next() as u8,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let part = bytes[at..end].to_vec();
                let to = chance.below(bytes.len());
                bytes.splice(to..to, part);
            }
            5 => {
                let other = &seeds[chance.below(seeds.len())];
                let from = chance.below(other.len());
                let part = other[from..(from + 4 * length).min(other.len())].to_vec();
                bytes.splice(at..end, part);
            }
            _ => drop(bytes.splice(at..end, WORDS[chance.below(WORDS.len())].bytes())),
        }
    }
    bytes
}

/// Breaks and parses as often as is asked for; a panic names the seed.
fn run(seeds: &[Vec<u8>], mut parse: impl FnMut(Vec<u8>)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let (executions, seed) = (number("FUZZ_EXECUTIONS").unwrap_or(EXECUTIONS), number("FUZZ_SEED").unwrap_or(20_261_129));
    let mut chance = Chance(seed);
    let told = Told { executions, seed };
    for _ in 0..executions {
        parse(broken(seeds, &mut chance));
    }
    drop(told);
}

/// Says how a run that panics is repeated.
struct Told {
    executions: u64,
    seed: u64,
}

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            panic_note(&format!("FUZZ_EXECUTIONS={} FUZZ_SEED={}", self.executions, self.seed));
        }
    }
}

#[expect(clippy::print_stderr, reason = "beside the panic's message")]
fn panic_note(text: &str) {
    eprintln!("again with {text}");
}

fn run_source(name: &'static str, scope: &str, parameters: &Value, seeds: &[Vec<u8>]) {
    let (sources, calendar) = (sources::all(), BusinessCalendar { time_zone: Jakarta, cutoff: chrono::NaiveTime::MIN });
    let source = sources.find(name).expect("registered");
    let (mut parsed, mut facts) = (0, 0);
    run(seeds, |bytes| {
        let contents = Origin::memory("reply", bytes);
        let raw = RawRecord { contents, fetched_at: fetched_at(), parameters: parameters.clone(), scope: scope.to_owned() };
        let Ok(mut batches) = source.parse(&raw, &ParseContext { calendar }) else { return };
        while let Ok(Some(batch)) = batches.next_batch() {
            parsed += 1;
            facts += batch.facts.len();
            check(&batch.facts);
        }
    });
    assert!(parsed > 0 && facts > 0, "{name}: everything was refused, so nothing was tried");
}

/// What could be a fact.
fn check(facts: &Facts) {
    let soon = fetched_at() + TimeDelta::days(2);
    match facts {
        Facts::WeatherForecasts(rows) => rows.iter().for_each(|row| {
            assert!(row.available_at <= soon && row.issued_at <= soon && row.target_date.year() > 2020, "{row:?}");
            assert!(row.rain_mm.is_none_or(|rain| (0.0..=8_000.0).contains(&rain)), "{row:?}");
        }),
        Facts::WeatherObservations(rows) => rows.iter().for_each(|row| {
            assert!(row.available_at <= soon && row.observed_on <= soon.date_naive() && row.observed_on.year() >= 1950, "{row:?}");
            assert!(row.rain_mm.is_none_or(|rain| (0.0..=700.0).contains(&rain)), "8888 is no rain: {row:?}");
        }),
        Facts::MarketPrices(rows) => rows.iter().for_each(|row| {
            assert!(row.available_at <= soon && row.price_date.year() >= 2017 && (500..=2_000_000).contains(&row.price), "{row:?}");
        }),
        Facts::CalendarEvents(rows) => rows.iter().for_each(|row| {
            assert!(row.ends_on >= row.starts_on && row.likelihood > 0.0 && row.likelihood <= 1.0 && row.available_at <= soon, "{row:?}");
        }),
        Facts::Articles(rows) => rows.iter().for_each(|row| {
            assert!(!row.title.is_empty() && row.url.starts_with("https://") && row.available_at == fetched_at(), "{row:?}");
            assert!(row.published.is_none_or(|(at, _)| at <= fetched_at()), "{row:?}");
        }),
        Facts::PosOrders(rows) => rows.iter().for_each(|row| {
            assert!(!row.items.is_empty() && row.updated_at <= soon && row.ordered_at <= soon, "{row:?}");
            assert!(row.items.iter().all(|item| item.quantity > 0.0 && item.unit_price.is_none_or(|price| price >= 0)), "{row:?}");
        }),
        Facts::OrderLines(rows) => rows.iter().for_each(|row| {
            assert!(row.quantity > 0.0 && row.ordered_at.year() >= 1970 && row.unit_price.is_none_or(|price| price.0 >= 0), "{row:?}");
        }),
        Facts::DailySales(rows) => rows.iter().for_each(|row| {
            assert!(row.quantity >= 0.0 && row.quantity.is_finite() && row.business_date.year() >= 1970, "{row:?}");
        }),
    }
}

fn text(document: &Value) -> Vec<u8> {
    document.to_string().into_bytes()
}

#[test]
fn fuzz_bmkg_forecast() {
    let slot = |day: u32, hour: u32| {
        json!({ "local_datetime": format!("2026-11-{day} {hour:02}:00:00"), "analysis_date": "2026-11-23T00:00:00", "t": 27, "hu": 80,
                "tp": 0.5, "ws": 3.6 })
    };
    let days: Vec<Vec<Value>> = (24..26).map(|day| (0..8).map(|place| slot(day, 3 * place)).collect()).collect();
    let place = json!({ "adm4": "32.73.09.1001", "desa": "Husen", "lat": -6.9, "lon": 107.58, "timezone": "Asia/Jakarta" });
    run_source(
        "bmkg_forecast",
        "32.73.09.1001",
        &Value::Null,
        &[text(&json!({ "lokasi": place, "data": [{ "lokasi": place, "cuaca": days }] }))],
    );
}

#[test]
fn fuzz_pihps_prices() {
    let row =
        |name: &str, price: &str| json!({ "no": 1, "name": name, "level": 2, "19/11/2026": price, "20/11/2026": price, "21/11/2026": "-" });
    let mean = json!({ "no": "I", "name": "Beras", "level": 1, "20/11/2026": "14,000" });
    let grid = json!({ "data": [mean, row("Gula Pasir Lokal", "17,000"), row("Cabai Merah Keriting ", "43.550")] });
    run_source("pihps_prices", "32", &Value::Null, &[text(&grid)]);
}

#[test]
fn fuzz_bapanas_prices() {
    let food = |id: u32, unit: &str, today: u32| json!({ "id": id, "name": "Bawang Merah", "satuan": unit, "today": today, "yesterday": 40_000, "yesterday_date": "22-11-2026" });
    let reply = json!({ "status": "success", "data": [food(30, "Rp./Kg", 42_500), food(101, "Rp./Liter", 0)], "request_data": {} });
    run_source("bapanas_prices", "32", &Value::Null, &[text(&reply)]);
}

#[test]
fn fuzz_weather_history() {
    let units = json!({ "time": "iso8601", "temperature_2m_mean": "°C", "precipitation_sum": "mm", "wind_speed_10m_max": "km/h" });
    let series = |value: f64| json!([value, value, null]);
    let daily = json!({ "time": ["2026-11-01", "2026-11-02", "2026-11-03"], "temperature_2m_min": series(20.5),
                        "temperature_2m_mean": series(24.0), "temperature_2m_max": series(30.1), "precipitation_sum": series(18.3),
                        "relative_humidity_2m_mean": series(83.0), "wind_speed_10m_max": series(9.8) });
    let reply = json!({ "latitude": -6.9, "timezone": "Asia/Jakarta", "daily_units": units, "daily": daily });
    let table = "TANGGAL,TN,TX,TAVG,RH_AVG,RR,SS,FF_X,DDD_X,FF_AVG,DDD_CAR\n01-02-2025,\"20,8\",30,\"25,3\",81,\"37,1\",\"4,1\",3,24,0,C\n\
                 02-02-2025,22.4,30.4,-,9999,8888,2.7,1,90,0,C \n";
    run_source("weather_history", "32.73.09.1001", &Value::Null, &[text(&reply), table.as_bytes().to_vec()]);
}

#[test]
fn fuzz_calendar() {
    let table = "kind,name,starts_on,ends_on,likelihood,known_on,cancelled,basis\nholiday,Natal,2026-12-25,2026-12-25,1,2025-09-19,no,decree\n\
                 ramadan,Ramadan 1448 H,2027-02-08,2027-03-09,0.6,2026-09-30,yes,branch\n";
    run_source("calendar", "id", &Value::Null, &[table.as_bytes().to_vec()]);
}

#[test]
fn fuzz_serper_news() {
    let item = |title: &str, date: &str| json!({ "title": title, "link": "https://warta.example.test/a?utm_source=x", "snippet": "Diserbu pembeli", "date": date, "source": "Warta" });
    let news = json!([item("Ayam geprek viral", "2 jam lalu"), item("Harga cabai", "May 10, 2026"), item("Lain", "kemarin")]);
    run_source(
        "serper_news",
        "ayam geprek",
        &Value::Null,
        &[text(&json!({ "searchParameters": { "q": "\"ayam geprek\"" }, "news": news, "credits": 1 }))],
    );
}

#[test]
fn fuzz_sales_http() {
    let order = |id: u32, status: &str| {
        json!({ "id": format!("A-{id}"), "status": status, "created_at": "2026-11-20T12:00:00+07:00", "updated_at": "2026-11-20T12:10:00+07:00",
                "items": [{ "product": "Nasi", "quantity": "2", "price": 15_000 }, { "product": "Es Teh", "quantity": 1.5, "price": 5_000 }] })
    };
    run_source("sales_http", "warung", &Value::Null, &[text(&json!({ "data": [order(1, "completed"), order(2, "void")], "meta": {} }))]);
}

fn sales_options() -> Value {
    serde_json::to_value(SalesCsvOptions::default()).expect("options")
}

#[test]
fn fuzz_sales_csv() {
    let tables = [
        "tanggal;produk;jumlah;harga\n25/11/2025;Nasi Goreng;12;\"15.000\"\n26/11/2025;\"Es; Teh\";7,5;5.000\n",
        "ds,unique_id,y,revenue\n2025-11-25,nasi,12,180000\n2025-11-26,nasi,7.5,112500\n",
        "no_order,waktu,produk,jumlah,harga\nINV-1,2025-11-25 12:00:00,Nasi,2,15000\nINV-1,2025-11-25 12:00:00,Es,1,5000\n",
    ];
    run_source("sales_csv", "", &sales_options(), &tables.map(|table| table.as_bytes().to_vec()));
}

#[test]
fn fuzz_parquet() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sales.parquet");
    let mut writer = TableWriter::new(&path, TableFormat::Parquet);
    let products: Vec<String> = (0..40).map(|number| format!("Produk {}", number % 4)).collect();
    let columns = [
        ("ds", ColumnData::Date((0..40).map(|day| 20_000 + day / 4).collect())),
        ("product", ColumnData::text(products.iter().map(String::as_str))),
        ("y", ColumnData::Float64((0..40).map(f64::from).collect())),
    ];
    writer.write(&columns).expect("written");
    writer.finish().expect("finished");
    // The reader's own panics are caught; they need not be read.
    std::panic::set_hook(Box::new(|_| ()));
    run_source("sales_csv", "", &sales_options(), &[std::fs::read(&path).expect("a file")]);
    let _ = std::panic::take_hook();
}

#[test]
fn fuzz_workbook() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in ["Tanggal", "Produk", "Jumlah"].iter().enumerate() {
        sheet.write(0, column as u16, *name).expect("written");
        sheet.write(1, column as u16, ["2025-11-25", "Nasi", "3"][column]).expect("written");
    }
    let bytes = book.save_to_buffer().expect("a workbook");
    std::panic::set_hook(Box::new(|_| ()));
    run_source("sales_csv", "", &sales_options(), &[bytes]);
    let _ = std::panic::take_hook();
}

/// Numbers and dates of both locales, display dates, links: texts, not documents.
#[test]
fn fuzz_cells() {
    let seeds = [
        "1.234.567,89",
        "1,234,567.89",
        "Rp 15.000",
        "-3,5",
        "25/11/2025 12:30",
        "2025-11-25T12:30:00+07:00",
        "11-25-25",
        "3 jam yang lalu",
        "12 Okt 2026",
        "May 10, 2026",
        "https://m.warta.example.test/amp/a?utm_source=x&id=7#b",
    ];
    let seeds = seeds.map(|text| text.as_bytes().to_vec());
    let mut read: HashMap<&str, u64> = HashMap::new();
    run(&seeds, |bytes| {
        let text = String::from_utf8_lossy(&bytes);
        for decimal in [Decimal::Point, Decimal::Comma] {
            if let Some(number) = numbers::parse(&text, decimal) {
                assert!(number.is_finite(), "{text}");
                *read.entry("numbers").or_default() += 1;
            }
        }
        for format in [DateFormat::ISO, DateFormat::DAY_FIRST, DateFormat::MONTH_FIRST] {
            *read.entry("dates").or_default() += u64::from(ingest::tabular::dates::parse(&text, format).is_some());
        }
        if let Some((at, _)) = dates::published(&text, fetched_at()) {
            assert!(at <= fetched_at(), "{text}");
            *read.entry("display dates").or_default() += 1;
        }
        if let Some(link) = link::normalised(&text) {
            assert_eq!(link::normalised(&link).as_deref(), Some(link.as_str()), "made one once and for all: {text}");
            *read.entry("links").or_default() += 1;
        }
    });
    assert_eq!(read.len(), 4, "{read:?}");
}
