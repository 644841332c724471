//! Sales files as sources: what they are understood to say, and which rows go to quarantine.

use std::fmt::Write;
use std::path::PathBuf;

use domain::Hint;
use domain::time::BusinessCalendar;
use ingest::sales_csv::SalesCsvOptions;
use ingest::source::{Batch, Facts, ParseContext, RawRecord, SourceError};
use ingest::sources;
use ingest::tabular::Origin;
use insta::assert_snapshot;
use proptest::prelude::*;

pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where")).join("../data/fixtures/sales_csv").join(name)
}

/// A warung in WIB that closes at 02:00.
fn context() -> ParseContext {
    let calendar = BusinessCalendar { time_zone: chrono_tz::Asia::Jakarta, cutoff: "03:00:00".parse().expect("a time") };
    ParseContext { calendar }
}

fn parse(contents: Origin, options: &SalesCsvOptions) -> Result<(Vec<String>, Vec<Batch>), SourceError> {
    let raw = RawRecord {
        contents,
        fetched_at: "2026-11-23T00:00:00Z".parse().expect("an instant"),
        parameters: serde_json::to_value(options).expect("serialisable"),
        scope: String::new(),
    };
    let mut rows = sources::all().find("sales_csv").expect("registered").parse(&raw, &context())?;
    let understood = rows.understood().clone();
    let columns: Vec<String> = understood.columns.iter().map(|(part, name)| format!("{part} = {name}")).collect();
    let told = vec![
        understood.level.to_owned(),
        columns.join(", "),
        format!("unused: {}", understood.unused.join(", ")),
        understood.formats.join("; "),
    ];
    let mut batches = Vec::new();
    while let Some(batch) = rows.next_batch()? {
        batches.push(batch);
    }
    Ok((told, batches))
}

/// All that a file says, as text.
fn told(contents: Origin, options: &SalesCsvOptions) -> String {
    let (understood, batches) = parse(contents, options).expect("understood");
    let mut text = understood.join("\n");
    for batch in batches {
        match batch.facts {
            Facts::DailySales(totals) => totals.iter().for_each(|total| {
                let revenue = total.revenue.map(|revenue| format!(", {revenue}")).unwrap_or_default();
                let sold_out = if total.sold_out { ", sold out" } else { "" };
                write!(text, "\n{} {}: {}{revenue}{sold_out}", total.business_date, total.product, total.quantity).expect("text");
            }),
            Facts::OrderLines(lines) => lines.iter().for_each(|line| {
                let price = line.unit_price.map(|price| format!(" at {price}")).unwrap_or_default();
                write!(text, "\n{} {} {}: {}{price}", line.order, line.ordered_at, line.product, line.quantity).expect("text");
            }),
            other => panic!("no sales: {other:?}"),
        }
        batch.rejected.iter().for_each(|rejected| write!(text, "\nrejected {}", rejected.error).expect("text"));
    }
    text
}

fn memory(contents: &str) -> Origin {
    Origin::memory("kas.csv", contents.as_bytes().to_vec())
}

fn refusal(contents: &str) -> String {
    let error = parse(memory(contents), &SalesCsvOptions::default()).expect_err("not understood");
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("{error}{hint}")
}

#[test]
fn daily_totals_of_an_indonesian_spreadsheet() {
    assert_snapshot!(told(Origin::path(&fixture("kas_harian.csv")), &SalesCsvOptions::default()), @r#"
    daily totals
    ds = Tanggal, product = Menu, category = Kategori, y = Jumlah, price = Harga, sold_out = Habis
    unused: Catatan
    semicolon-separated, UTF-8; dates dd/mm/yyyy; quantities with a decimal comma
    2026-10-30 Ayam geprek: 84, Rp1.260.000
    2026-10-30 Es teh: 121, Rp484.000
    2026-10-31 Ayam geprek: 96, Rp1.440.000, sold out
    2026-10-31 Es teh: 140, Rp560.000
    2026-10-31 Sambal matah: 7.5, Rp18.750
    2026-11-02 Sambal matah: 1250.5, Rp3.126.250
    rejected row 7, column `Jumlah`: `-3` is negative; returns are not sales
    rejected row 8, column `Jumlah`: `banyak` is not a number (decimal comma)
    rejected row 9, column `Tanggal`: `32/11/2026` is not a date (dd/mm/yyyy)
    rejected row 10, column `Menu` is empty, so the sale has no product
    rejected row 11, column `Menu`: `Ayam geprek` has a total for 2026-10-31 already, in row 4
    rejected row 12, column `Jumlah` is empty, so nothing is known of the sale
    rejected row 13, column `Tanggal`: `01/11/2062` is no day of a sale that has happened
    rejected row 14: has 3 fields where the header has 7
    rejected row 15, column `Harga`: `gratis` is not a number (decimal comma)
    rejected row 16, column `Habis`: `mungkin` is neither yes nor no
    "#);
}

#[test]
fn order_lines_of_a_till_that_is_open_past_midnight() {
    assert_snapshot!(told(Origin::path(&fixture("kasir.csv")), &SalesCsvOptions::default()), @r#"
    order lines
    ds = Waktu, order = No. Pesanan, product = Nama Menu, category = Kategori, y = Qty, price = Harga Satuan
    unused: Kasir
    comma-separated, UTF-8; dates yyyy-mm-dd; quantities with a decimal point
    A-001 2026-10-30 18:05:12 Nasi goreng: 2 at Rp18.000
    A-001 2026-10-30 18:05:12 Es jeruk: 2 at Rp7.000
    A-002 2026-10-30 23:40:00 Nasi goreng: 1 at Rp18.000
    A-003 2026-10-31 01:15:30 Mie rebus: 3 at Rp15.000
    A-004 2026-10-31 19:20:00 Nasi goreng: 4 at Rp18.000
    rejected row 7, column `Qty`: `0` is zero; an order line sells something
    rejected row 8, column `Qty`: `-1` is negative; returns are not sales
    rejected row 9, column `No. Pesanan` is empty, so the line belongs to no order
    rejected row 10, column `Waktu`: `2026-10-31 25:10:00` is not a date (yyyy-mm-dd)
    "#);
}

#[test]
fn sales_with_a_time_apart_from_the_date() {
    assert_snapshot!(told(Origin::path(&fixture("per_sale.csv")), &SalesCsvOptions::default()), @r#"
    sales with a time, added up by business day
    ds = date, time = time, product = item, y = qty, revenue = total
    unused: 
    pipe-separated, UTF-8; dates mm/dd/yyyy; quantities with a decimal point
    2026-10-31 Croissant: 2, Rp30.000
    2026-10-31 Croissant: 1, Rp15.000
    2026-10-31 Kopi susu: 3, Rp54.000
    2026-11-01 Croissant: 4, Rp60.000
    rejected row 6, column `time`: `noon` is not a time of day
    "#);
}

#[test]
fn the_user_can_map_columns_and_add_up_repetitions() {
    let options = SalesCsvOptions {
        map: "ds=Kapan,product=Apa,y=Berapa".parse().expect("a map"),
        sum_duplicates: true,
        ..SalesCsvOptions::default()
    };
    assert_snapshot!(told(memory("Kapan,Apa,Berapa\n2026-11-01,Soto,5\n2026-11-01,Soto,6\n"), &options), @r#"
    daily totals
    ds = Kapan, product = Apa, y = Berapa
    unused: 
    comma-separated, UTF-8; dates yyyy-mm-dd; quantities with a decimal point
    2026-11-01 Soto: 5
    2026-11-01 Soto: 6
    "#);
}

#[test]
fn midnight_stamps_are_days() {
    // With a cutoff at 03:00, midnight as a time would belong to the day before.
    let text = told(memory("ds,unique_id,y\n2026-11-01 00:00:00,Soto,5\n2026-11-02 00:00:00,Soto,6\n"), &SalesCsvOptions::default());
    assert!(text.contains("2026-11-01 Soto: 5") && text.starts_with("daily totals"), "{text}");
}

#[test]
fn rupiah_have_no_fraction() {
    let text = told(memory("tanggal,produk,jumlah,harga\n2026-11-01,Soto,2,12.500\n"), &SalesCsvOptions::default());
    assert!(text.contains("2026-11-01 Soto: 2, Rp25.000"), "{text}");
}

#[test]
fn what_cannot_be_told_is_asked() {
    assert_snapshot!(refusal("tanggal,apa,jumlah\n2026-11-01,Soto,2\n"), @r#"
    no column of `kas.csv` can be told to hold the product; it has `tanggal`, `apa`, `jumlah`
    hint: name it: `--map product=COLUMN`
    "#);
    assert_snapshot!(refusal("tanggal,produk,jumlah\n01/11/2026,Soto,2\n"), @r#"
    dates in column `tanggal` of `kas.csv` can be read two ways: `01/11/2026` (row 2) is either 2026-11-01 or 2026-01-11, and no row tells which
    hint: say which one it is: `--date-format dd/mm/yyyy` or `--date-format mm/dd/yyyy`
    "#);
    assert_snapshot!(refusal("tanggal;produk;jumlah\n2026-11-01;Soto;1.250\n"), @r#"
    numbers in column `jumlah` of `kas.csv` can be read two ways: `1.250` (row 2) is either 1.25 or 1250, and no row tells which
    hint: say which one it is: `--decimal point` or `--decimal comma`
    "#);
    assert_snapshot!(refusal("tanggal,produk,jumlah\n"), @r#"
    `kas.csv` has a header but no rows
    hint: export it again with at least one row of data below the column names
    "#);
}

#[test]
fn batches_are_bounded_and_repetitions_found_across_them() {
    let rows: String = (0..70_000).map(|n| format!("2026-11-01,produk {n},1\n")).collect();
    let text = format!("ds,product,y\n{rows}2026-11-01,produk 3,1\n");
    let (_, batches) = parse(memory(&text), &SalesCsvOptions::default()).expect("understood");
    let sizes: Vec<u64> = batches.iter().map(|batch| batch.rows).collect();
    assert_eq!(sizes, [65_536, 4_465]);
    let rejected: Vec<String> = batches.iter().flat_map(|batch| &batch.rejected).map(|rejected| rejected.error.to_string()).collect();
    assert_eq!(rejected, ["row 70002, column `product`: `produk 3` has a total for 2026-11-01 already, in row 5"]);
}

proptest! {
    #[test]
    fn any_file_is_answered(contents in "(no_order[,;])?tanggal[,;]produk[,;]jumlah[,;]harga\n([0-9a]{0,2}[,;][0-9/: -]{0,16}[,;][a-c ]{0,3}[,;]-?[0-9.,Rpx]{0,7}[,;][0-9.,Rp-]{0,8}\n){0,10}", level in any::<bool>()) {
        let options = SalesCsvOptions { sum_duplicates: level, ..SalesCsvOptions::default() };
        if let Ok((_, batches)) = parse(memory(&contents), &options) {
            for batch in batches {
                prop_assert_eq!(batch.rows, batch.facts.len() as u64 + batch.rejected.len() as u64);
            }
        }
    }
}
