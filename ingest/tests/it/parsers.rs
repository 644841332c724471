//! Whatever a vendor sends: parsers of asked sources refuse it or understand it, and never panic.

use chrono::{DateTime, Utc};
use chrono_tz::Asia::Jakarta;
use domain::time::BusinessCalendar;
use ingest::source::{Batch, Facts, ParseContext, RawRecord, SourceError};
use ingest::sources;
use ingest::tabular::Origin;
use proptest::prelude::*;
use serde_json::{Value, json};

fn fetched_at() -> DateTime<Utc> {
    "2026-11-23T01:00:00Z".parse().expect("an instant")
}

fn parse(source: &str, scope: &str, bytes: Vec<u8>) -> Result<Vec<Batch>, SourceError> {
    let raw =
        RawRecord { contents: Origin::memory("reply", bytes), fetched_at: fetched_at(), parameters: Value::Null, scope: scope.to_owned() };
    let context = ParseContext { calendar: BusinessCalendar { time_zone: Jakarta, cutoff: "00:00:00".parse().expect("a time") } };
    let mut batches = sources::all().find(source).expect("registered").parse(&raw, &context)?;
    let mut all = Vec::new();
    while let Some(batch) = batches.next_batch()? {
        all.push(batch);
    }
    Ok(all)
}

fn asking() -> Vec<&'static str> {
    sources::all().iter().filter(|source| source.feed().is_some()).map(|source| source.name()).collect()
}

/// Any JSON, a few levels deep.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[0-9.,-]{0,9}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let field = prop_oneof![
            Just("data".to_owned()),
            Just("cuaca".to_owned()),
            Just("lokasi".to_owned()),
            Just("level".to_owned()),
            "[0-3][0-9]/[01][0-9]/20[12][0-9]",
            ".{0,6}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(field, inner, 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn price_row(name: &str, cells: &[(String, Value)]) -> Value {
    let mut row = json!({ "no": 1, "name": name, "level": 2 });
    cells.iter().for_each(|(day, cell)| row[day] = cell.clone());
    row
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for source in asking() {
            let _ = parse(source, "32", bytes.clone());
        }
    }

    #[test]
    fn documents_never_panic(document in anything()) {
        for source in asking() {
            let _ = parse(source, "32", document.to_string().into_bytes());
        }
    }

    /// Odd fields cost their own slot, never the others.
    #[test]
    fn a_slot_is_kept_or_named(field in prop::sample::select(vec!["t", "hu", "tp", "ws", "local_datetime", "analysis_date"]), odd in anything()) {
        let slot = |hour: u32| json!({
            "local_datetime": format!("2026-11-24 {hour:02}:00:00"), "analysis_date": "2026-11-23T00:00:00", "t": 27, "hu": 80, "tp": 0.5, "ws": 3.6
        });
        let mut slots: Vec<Value> = (0..8).map(|place| slot(1 + 3 * place)).collect();
        slots[3][field] = odd;
        let document = json!({ "lokasi": { "adm4": "32.73.09.1001" }, "data": [{ "cuaca": [slots] }] });
        let batch = parse("bmkg_forecast", "32.73.09.1001", document.to_string().into_bytes()).expect("a document").remove(0);
        let Facts::WeatherForecasts(days) = &batch.facts else { panic!("weather") };
        prop_assert_eq!(batch.rows, 8);
        prop_assert!(days.len() == 1 || batch.rejected.len() == 1 || field.contains("dat"), "{:?}", batch);
        prop_assert!(batch.rejected.iter().all(|row| row.error.row == 4 && row.error.column == field));
        prop_assert!(days.iter().all(|day| day.available_at <= fetched_at() && day.temperature_c == Some(27.0) || field == "t"));
    }

    /// Both ways of parting thousands are read back as what was written.
    #[test]
    fn prices_are_read_back(price in 500_i64..2_000_000, comma in any::<bool>()) {
        let sign = if comma { ',' } else { '.' };
        let digits = price.to_string();
        let mut text = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place) % 3 == 0 {
                text.push(sign);
            }
            text.push(digit);
        }
        let cells = [("20/11/2026".to_owned(), Value::from(text)), ("21/11/2026".to_owned(), "-".into()), ("22/11/2026".to_owned(), "".into())];
        let document = json!({ "data": [price_row("Cabai Merah Keriting ", &cells)] });
        let batch = parse("pihps_prices", "32", document.to_string().into_bytes()).expect("a document").remove(0);
        let Facts::MarketPrices(prices) = &batch.facts else { panic!("prices") };
        prop_assert_eq!(prices.len(), 1, "a dash is no price");
        prop_assert_eq!((prices[0].price, prices[0].commodity.as_str(), prices[0].region.as_str()), (price, "cabai-merah-keriting", "32"));
    }

    #[test]
    fn odd_prices_are_named_by_row_and_day(odd in anything()) {
        let good = ("19/11/2026".to_owned(), Value::from("43,550"));
        let document = json!({ "data": [price_row("Gula Pasir Lokal", &[good, ("20/11/2026".to_owned(), odd)])] });
        let batch = parse("pihps_prices", "ID", document.to_string().into_bytes()).expect("a document").remove(0);
        let Facts::MarketPrices(prices) = &batch.facts else { panic!("prices") };
        prop_assert!(prices.iter().any(|price| price.price == 43_550));
        prop_assert!(prices.iter().all(|price| (500..=2_000_000).contains(&price.price)));
        prop_assert!(batch.rejected.iter().all(|row| row.error.row == 1 && row.error.column == "20/11/2026"));
    }
}

#[test]
fn utf_16_with_its_mark_is_read_and_a_commodity_that_is_none_is_named() {
    let document = json!({ "data": [price_row("Kopi Luwak", &[])] }).to_string();
    let wide: Vec<u8> = std::iter::once(0xfeff).chain(document.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let batch = parse("pihps_prices", "ID", wide).expect("a document").remove(0);
    assert_eq!(batch.rejected[0].error.to_string(), "row 1, column `name`: `Kopi Luwak` is no commodity that we know");
}

#[test]
fn a_reply_about_another_village_is_refused() {
    let document = json!({ "lokasi": { "adm4": "32.73.09.1002" }, "data": [] });
    let error = parse("bmkg_forecast", "32.73.09.1001", document.to_string().into_bytes()).expect_err("another village");
    assert_eq!(error.to_string(), "`reply` is not what it should be: it tells of `32.73.09.1002`, and `32.73.09.1001` was asked for");
}
