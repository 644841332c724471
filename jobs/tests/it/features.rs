//! What models saw, kept as tables: as of each night's cutoff, made again where facts came late, read beside what was sold.

use std::collections::{HashMap, HashSet};

use chrono::{Days, NaiveDate};
use domain::frequency::days_since_epoch;
use ingest::tabular::ColumnData;
use jobs::backfill::{self, Mode, Request};
use jobs::{Nightly, training_table};
use platform::db::feature_matrices::{FeatureMatrixRow, feature_matrices};
use platform::db::sales_daily::DailyRow;

use crate::backfill::until;
use crate::program::Program;
use crate::shop::{Shop, at, date};

const FIRST: &str = "2026-05-21";
const DAYS: u64 = 5;

fn end() -> NaiveDate {
    date(FIRST) + Days::new(DAYS)
}

/// Makes what the mode asks for and answers how many days that was.
async fn make(nightly: &Nightly, mode: Mode) -> i64 {
    let request = Request {
        asset: "features".to_owned(),
        first_day: date(FIRST),
        end_day: end(),
        scopes: Vec::new(),
        mode,
        is_reversed: false,
        rehearse: 10,
    };
    let asset = backfill::asset(nightly, "features").expect("an asset");
    let plan = backfill::plan(&nightly.work, &asset, request).await.expect("a plan");
    let Some(id) = backfill::start(nightly, &plan, None).await.expect("a start") else { return 0 };
    let row = until(nightly, id, |row| row.finished_at.is_some()).await;
    assert_eq!((row.state.as_str(), row.failed_count), ("published", 0), "{}", row.gates);
    row.done_count
}

async fn kept(shop: &Shop) -> Vec<FeatureMatrixRow> {
    feature_matrices(shop.db.work(), shop.store.id, date(FIRST), end()).await.expect("matrices")
}

fn numbers<'a>(table: &'a [(String, ColumnData)], name: &str) -> &'a [f64] {
    match table.iter().find(|(column, _)| column == name) {
        Some((_, ColumnData::Float64(values))) => values,
        other => panic!("{name} is no column of numbers: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_matrix_is_what_its_night_knew_and_later_facts_change_none_but_late_ones() {
    let shop = Shop::open().await;
    let nightly = shop.nightly();
    let program = Program::start(&nightly, 2);
    assert_eq!(make(&nightly, Mode::Missing).await, DAYS as i64);
    assert_eq!(make(&nightly, Mode::Missing).await, 0);
    let first = kept(&shop).await;
    assert_eq!(first.iter().map(|row| row.business_date).collect::<Vec<_>>(), date(FIRST).iter_days().take(5).collect::<Vec<_>>());

    // Every number of every day is another from now on, and no past night has known it.
    let now = at("2026-06-15T20:40:00Z");
    let corrected: Vec<DailyRow> =
        shop.history().into_iter().map(|row| DailyRow { quantity: row.quantity + 5_000.0, available_at: now, ..row }).collect();
    shop.tell_at(&corrected, now).await;
    assert_eq!(make(&nightly, Mode::Stale).await, 0);
    assert_eq!(make(&nightly, Mode::All).await, DAYS as i64);
    assert_eq!(kept(&shop).await, first, "made again it is what it was, to the byte");

    // A bottle that nobody had told of: known since 02:15 of the 23rd, had it been told.
    shop.tell_at(&[shop.row("sambal botol", date("2026-05-22"), 3.0)], now).await;
    assert_eq!(make(&nightly, Mode::Stale).await, 3);
    let changed: Vec<NaiveDate> = kept(&shop)
        .await
        .into_iter()
        .zip(&first)
        .filter(|(new, old)| new.content_hash != old.content_hash)
        .map(|(new, _)| new.business_date)
        .collect();
    assert_eq!(changed, [date("2026-05-23"), date("2026-05-24"), date("2026-05-25")]);
    program.stop().await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_seen_is_read_beside_what_was_sold() {
    let shop = Shop::open().await;
    let nightly = shop.nightly();
    assert!(training_table(&nightly, &shop.store, date(FIRST), end()).await.expect("a table").is_empty());
    let program = Program::start(&nightly, 2);
    make(&nightly, Mode::Missing).await;
    program.stop().await;

    let table = training_table(&nightly, &shop.store, date(FIRST), end()).await.expect("a table");
    let named: Vec<&str> = table.iter().take(9).map(|(name, _)| name.as_str()).collect();
    assert_eq!(named, ["business_date", "product_id", "unique_id", "category", "date", "step", "lead", "y", "is_lower_bound"]);
    assert!(table.iter().all(|(name, _)| name != "series_code"), "a place in one night's list");
    let rows: i32 = kept(&shop).await.iter().map(|matrix| matrix.row_count).sum();
    assert!(table.iter().all(|(_, column)| column.len() == usize::try_from(rows).expect("rows")), "every column has every row");
    let [
        ColumnData::Date(nights),
        ColumnData::Text { codes, levels },
        ColumnData::Date(dates),
        ColumnData::Int64(steps),
        ColumnData::Int64(leads),
    ] = [&table[0].1, &table[1].1, &table[4].1, &table[5].1, &table[6].1]
    else {
        panic!("other types")
    };
    let (y, lag_3) = (numbers(&table, "y"), numbers(&table, "lag_3"));
    let sold: HashMap<(String, i64), f64> = shop
        .history()
        .into_iter()
        .map(|sale| ((sale.product_id.to_string(), days_since_epoch(sale.business_date)), sale.quantity))
        .collect();
    let open: HashSet<i64> = sold.keys().map(|(_, day)| *day).collect();
    let (mut taught, mut silent, mut seen) = (0, 0, 0);
    for row in 0..y.len() {
        assert_eq!(i64::from(dates[row]), i64::from(nights[row]) + steps[row] - 1, "the first step is the night's own day");
        assert!(steps[row] <= leads[row]);
        let on = |back: i32| sold.get(&(levels[codes[row] as usize].clone(), i64::from(dates[row] - back))).copied();
        match on(0) {
            Some(units) => {
                assert_eq!(y[row], units);
                taught += 1;
            }
            None if open.contains(&i64::from(dates[row])) => {
                assert_eq!(y[row], 0.0, "the shop was open and nobody asked for it");
                silent += 1;
            }
            None => assert!(y[row].is_nan(), "nothing was sold on Sundays"),
        }
        if leads[row] == 3 {
            seen += usize::from(on(3) == Some(lag_3[row]));
        } else {
            assert!(lag_3[row].is_nan(), "only the models of the first days see so much");
        }
    }
    assert!(taught > 100 && silent > 10 && seen > 20, "{taught} {silent} {seen}");
    shop.close().await;
}

/// A day that ends at four has not ended when its night is computed: the models reach one day further, and so does the matrix.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_closes_late_is_seen_from_a_day_before() {
    let shop = Shop::open().await;
    let late = sqlx::query("update stores set business_day_cutoff = '04:00' where id = $1").bind(shop.store.id);
    late.execute(shop.db.work()).await.expect("closes later");
    let nightly = shop.nightly();
    let program = Program::start(&nightly, 2);
    make(&nightly, Mode::Missing).await;
    program.stop().await;
    let table = training_table(&nightly, &shop.store, date(FIRST), end()).await.expect("a table");
    let [ColumnData::Date(nights), ColumnData::Date(dates), ColumnData::Int64(steps), ColumnData::Int64(leads)] =
        [&table[0].1, &table[4].1, &table[5].1, &table[6].1]
    else {
        panic!("other types")
    };
    assert!((0..dates.len()).all(|row| i64::from(dates[row]) == i64::from(nights[row]) + steps[row] - 2));
    assert_eq!((steps.iter().max(), leads.iter().max()), (Some(&15), Some(&15)), "as the night's own models");
    let y = numbers(&table, "y");
    assert!((0..y.len()).any(|row| dates[row] < nights[0] && y[row] > 0.0), "what was sold on the day before is known by now");
    shop.close().await;
}
