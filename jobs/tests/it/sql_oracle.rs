//! Lags and rolling statistics of the pipeline against window functions of Postgres over the very rows in its tables.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use domain::frequency::days_since_epoch;
use domain::time::Night;
use domain::{FeatureMatrix, FeatureSource, Layout};
use jobs::nightly::{calendar, facts, load};
use pipeline::{FeatureConfig, PanelFeatures};
use sqlx::{AssertSqlSafe, PgConnection, Row};
use uuid::Uuid;

use crate::shop::{NIGHT, Shop, at, date};

/// Every product's days up to the night's last one: what was sold, 0 where only others sold something, null where nobody did.
const GRID: &str = "
insert into grid
with current as (
    select distinct on (product_id, business_date) product_id, business_date as day, quantity::float8 as sold
    from sales_daily
    where store_id = $1 and available_at <= $2 and business_date <= $3
    order by product_id, business_date, available_at desc
),
open as (select distinct day from current where sold > 0),
first as (select product_id, min(day) as day from current group by product_id)
select first.product_id, on_day::date as day,
       case when open.day is not null then coalesce(current.sold, 0) end as sold
from first
cross join lateral generate_series(first.day, $3, interval '1 day') as on_day
left join open on open.day = on_day::date
left join current on current.product_id = first.product_id and current.day = on_day::date";

/// A column's definition in SQL, or `None` if it is none of this oracle's.
fn definition(column: &str, lead: u16) -> Option<String> {
    let number = |prefix: &str| column.strip_prefix(prefix)?.parse::<u16>().ok();
    let over = |window: u16| {
        format!("over (partition by product_id order by day rows between {} preceding and {lead} preceding)", lead + window - 1)
    };
    number("lag_")
        .map(|steps| format!("lag(sold, {steps}) over (partition by product_id order by day)"))
        .or_else(|| number("rolling_mean_").map(|window| format!("avg(sold) {}", over(window))))
        .or_else(|| number("rolling_std_").map(|window| format!("stddev_samp(sold) {}", over(window))))
        .or_else(|| number("rolling_zeros_").map(|window| format!("avg((sold = 0)::int) {}", over(window))))
}

type Answers = BTreeMap<(Uuid, NaiveDate), Vec<Option<f64>>>;

async fn ask(connection: &mut PgConnection, definitions: &[String]) -> Answers {
    let columns: Vec<String> = definitions.iter().map(|definition| format!("({definition})::float8")).collect();
    let query = format!("select product_id, day, array[{}] as answers from grid", columns.join(", "));
    let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(connection).await.expect("answers");
    rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect()
}

fn compare(matrix: &FeatureMatrix, columns: &[usize], products: &[(Uuid, String)], answers: &Answers) {
    for (position, &column) in columns.iter().enumerate() {
        for (row, &value) in matrix.column(column).iter().enumerate() {
            let (product, name) = &products[matrix.series[row] as usize];
            let day = domain::frequency::date_from_epoch(matrix.at[row]).expect("a date");
            let expected = answers[&(*product, day)][position].unwrap_or(f64::NAN);
            let value = f64::from(value);
            let agree = (value.is_nan() && expected.is_nan()) || (value - expected).abs() <= 1e-4 * expected.abs().max(1e-2);
            assert!(agree, "{} of {name} on {day}: {value}, Postgres says {expected}", matrix.columns[column].name);
        }
    }
}

#[tokio::test]
async fn lags_and_rolling_statistics_are_what_postgres_says() {
    let shop = Shop::open().await;
    // A correction, so that versions matter on both sides.
    shop.tell_at(&[shop.row("nasi", date(NIGHT) - Days::new(20), 7.0)], at("2026-06-15T20:00:00Z")).await;
    let night = Night::of(date(NIGHT), calendar(&shop.store).expect("a calendar"));
    let mut loaded = load::load(shop.db.work(), &shop.store, night).await.expect("facts");
    // Recovered demand is in no table.
    loaded.facts.stockouts.clear();
    let panel = facts::panel(&loaded.facts, night.calendar, night.last_day());
    let leads = [1_u16, 3, 7, 14];
    let cutoff = days_since_epoch(night.last_day());
    // Polars blocks its thread, which must not be an async one.
    let made = tokio::task::spawn_blocking(move || {
        let source = PanelFeatures::new(panel, FeatureConfig::default()).expect("a panel");
        leads.map(|lead| source.training(cutoff, Layout::Direct { lead }, usize::MAX).expect("rows"))
    });
    let matrices = made.await.expect("no panic");
    let mut work = shop.work().await;
    sqlx::query("create temp table grid (product_id uuid, day date, sold float8)").execute(&mut *work).await.expect("a table");
    sqlx::query(GRID).bind(shop.store.id).bind(night.cutoff()).bind(night.last_day()).execute(&mut *work).await.expect("a grid");

    for (lead, matrix) in leads.into_iter().zip(&matrices) {
        let known = matrix.columns.iter().enumerate().filter_map(|(index, column)| Some((index, definition(&column.name, lead)?)));
        let (columns, definitions): (Vec<usize>, Vec<String>) = known.unzip();
        assert!(columns.len() >= 4 * 3 + 7 && matrix.rows > 700, "{} columns, {} rows", columns.len(), matrix.rows);
        compare(matrix, &columns, &loaded.facts.products, &ask(&mut work, &definitions).await);
    }
    drop(work);
    shop.close().await;
}
