//! Order lines from Parquet into the database, beside a bare `COPY` of the same rows: `cargo bench -p viralcast-ingest --bench bulk
//! -- --rows 10000000`. Prints seconds, rows a second, ratios and the most memory that this process held.

#![allow(clippy::print_stdout, reason = "figures are what it is for")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ingest::sales_csv::{self, Destination, SalesCsvOptions};
use ingest::tabular::{ColumnData, TableFormat, TableWriter};
use platform::clock::SystemClock;
use platform::db::stores::{NewStore, SalesSource, StoreRow, create_store, find_store};
use platform::db::users::{NewUser, create_user};
use platform::objects::StoredObjects;
use platform::testing::TestDb;
use sqlx::PgPool;

const PRODUCTS: u64 = 60;
/// Lines of an order.
const LINES: u64 = 3;
/// Orders a day.
const ORDERS: u64 = 3_000;

fn main() {
    let rows = argument("--rows").unwrap_or(1_000_000);
    let rounds = argument("--rounds").unwrap_or(1);
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        for _ in 0..rounds {
            round(rows).await;
        }
    });
}

fn argument(name: &str) -> Option<u64> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1)?.parse().ok()
}

async fn round(rows: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("orders.parquet");
    write(&file, rows);
    println!("{rows} order lines, {} MB of Parquet", std::fs::metadata(&file).expect("a file").len() / 1_000_000);

    let db = TestDb::new().await;
    let (warung, kedai) = (store(db.work(), "warung").await, store(db.work(), "kedai").await);
    let objects = StoredObjects::folder(&folder.path().join("objects")).expect("objects");
    let to = Destination { pool: db.work(), objects: &objects, clock: &SystemClock };

    forget_peak();
    let started = Instant::now();
    let report = sales_csv::run(to, &warung, &file, &SalesCsvOptions::default(), Arc::new(|_| ())).await.expect("ingested");
    assert_eq!(report.rows_good, rows);
    let ours = told("order lines, ours", rows, started, Some(peak_mb()));
    let started = Instant::now();
    let again = sales_csv::run(to, &warung, &file, &SalesCsvOptions::default(), Arc::new(|_| ())).await.expect("ingested again");
    assert!(again.changed_nothing());
    told("the same file again", rows, started, None);

    forget_peak();
    let started = Instant::now();
    let options = SalesCsvOptions { totals_only: true, ..SalesCsvOptions::default() };
    sales_csv::run(to, &kedai, &file, &options, Arc::new(|_| ())).await.expect("added up");
    let totals = told("daily totals only, ours", rows, started, Some(peak_mb()));

    let (items, plain) = bare(&db, &warung, rows).await;
    println!("as order lines: {:.2} of a bare COPY into order_items", items / ours);
    println!("as daily totals: {:.2} of a bare COPY into a table without indexes", plain / totals);
    db.close().await;
}

/// Seconds of a `COPY` of what we stored, from memory that is filled beforehand: into the same table with its indexes and keys, the
/// orders being there, and into one without.
async fn bare(db: &TestDb, store: &StoreRow, rows: u64) -> (f64, f64) {
    use futures::TryStreamExt as _;
    let pool = db.work();
    let mut chunks: Vec<String> = vec![String::new()];
    {
        let query =
            "select concat_ws(E'\\t', id, store_id, order_id, line_number, product_id, product_name, quantity, unit_price, total_price)
                     from order_items where store_id = $1 order by ctid";
        let mut lines = sqlx::query_scalar::<_, String>(query).bind(store.id).fetch(pool);
        while let Some(line) = lines.try_next().await.expect("a line") {
            if chunks.last().is_some_and(|chunk| chunk.len() > 256 * 1024) {
                chunks.push(String::with_capacity(260 * 1024));
            }
            writeln!(chunks.last_mut().expect("a chunk"), "{line}").expect("memory");
        }
    }
    sqlx::raw_sql("truncate order_items").execute(db.owner()).await.expect("emptied");
    let mut connection = pool.acquire().await.expect("a connection");
    let started = Instant::now();
    let columns = "id, store_id, order_id, line_number, product_id, product_name, quantity, unit_price, total_price";
    let mut copy = connection.copy_in_raw(&format!("copy order_items ({columns}) from stdin")).await.expect("copy");
    for chunk in &chunks {
        copy.send(chunk.as_bytes()).await.expect("sent");
    }
    assert_eq!(copy.finish().await.expect("copied"), rows);
    let items = told("order lines, bare COPY into order_items", rows, started, None);
    let plain = "create temp table bare (id uuid, store_id uuid, order_id uuid, line_number integer, product_id uuid, product_name text,
                                    quantity numeric(14,3), unit_price bigint, total_price bigint)";
    let mut owner = sqlx::Connection::begin(&mut *connection).await.expect("a transaction");
    sqlx::raw_sql(plain).execute(&mut *owner).await.expect("a table");
    let started = Instant::now();
    let mut copy = owner.copy_in_raw("copy bare from stdin").await.expect("copy");
    for chunk in &chunks {
        copy.send(chunk.as_bytes()).await.expect("sent");
    }
    copy.finish().await.expect("copied");
    (items, told("order lines, bare COPY into a table without indexes", rows, started, None))
}

fn told(what: &str, rows: u64, started: Instant, peak: Option<u64>) -> f64 {
    let seconds = started.elapsed().as_secs_f64();
    let memory = peak.map(|peak| format!(", at most {peak} MiB")).unwrap_or_default();
    println!("{what}: {seconds:.1} s, {:.0} rows/s{memory}", rows as f64 / seconds);
    seconds
}

fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").ok();
}

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1024
}

fn write(file: &Path, rows: u64) {
    let mut writer = TableWriter::new(file, TableFormat::Parquet);
    let chunk = 100_000;
    // 2016-01-01, in days since 1970.
    let first = 16_801;
    for start in (0..rows).step_by(chunk) {
        let numbers: Vec<u64> = (start..rows.min(start + chunk as u64)).collect();
        let text = |of: &dyn Fn(u64) -> String| -> Vec<String> { numbers.iter().map(|number| of(*number)).collect() };
        let order = |number: u64| number / LINES;
        let orders = text(&|number| format!("INV-{:08}", order(number)));
        let time = |number: &u64| {
            let (day, minute) = (order(*number) / ORDERS, order(*number) % ORDERS * 700 / ORDERS);
            ((first + day) * 1_440 + 8 * 60 + minute) as i64 * 60_000_000
        };
        let products = text(&|number| format!("Produk Nomor {:03}", number.wrapping_mul(2_654_435_761) % PRODUCTS));
        let quantities: Vec<f64> = numbers.iter().map(|number| 1.0 + (number % 4) as f64).collect();
        let prices: Vec<f64> = numbers.iter().map(|number| 5_000.0 + 500.0 * (number % 40) as f64).collect();
        fn shown(texts: &[String]) -> ColumnData {
            ColumnData::text(texts.iter().map(String::as_str))
        }
        let columns = [
            ("no_order", shown(&orders)),
            ("waktu", ColumnData::Timestamp(numbers.iter().map(time).collect())),
            ("produk", shown(&products)),
            ("jumlah", ColumnData::Float64(quantities)),
            ("harga", ColumnData::Float64(prices)),
        ];
        writer.write(&columns).expect("written");
    }
    writer.finish().expect("finished");
}

async fn store(pool: &PgPool, slug: &str) -> StoreRow {
    let owner = NewUser { email: format!("{slug}@example.test"), name: None, password_hash: None, is_operator: false };
    let store = NewStore {
        slug: slug.to_owned(),
        name: "Warung".to_owned(),
        owner_id: create_user(pool, &owner).await.expect("a user"),
        address: None,
        time_zone: "Asia/Jakarta".to_owned(),
        business_day_cutoff: "00:00:00".parse().expect("a time"),
        adm4: None,
        calendar: "id".to_owned(),
        sales_source: SalesSource::Imports,
        is_synthetic: true,
        opened_on: None,
    };
    create_store(pool, &store).await.expect("a store");
    find_store(pool, slug).await.expect("a query").expect("the store")
}
