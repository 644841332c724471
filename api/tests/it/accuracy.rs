//! What was said of days that are over, and how good it was.

use chrono::{DateTime, Days, NaiveDate, Utc};
use platform::db::forecast_runs::{ForecastRunRow, upsert_forecast_run};
use platform::db::forecasts::{ForecastRow, replace_forecasts};
use platform::db::overrides::{NewOverride, set_override};
use platform::db::published_runs::{publish, rollback};
use platform::db::runs::{NewRun, RunResult, StartedRun, finish_run, start_run};
use platform::db::sales_daily::{DailyLoad, DailyRow, copy_sales_daily};
use platform::db::stockout_events::{StockoutRow, insert_stockouts};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::app::App;
use crate::world::{NOW, day, instant};

const PAST: &str = "/api/v1/stores/warung-bu-sri/predictions/past";
const ACCURACY: &str = "/api/v1/stores/warung-bu-sri/accuracy";

struct Shop {
    app: App,
    product: Uuid,
    other: Uuid,
}

impl Shop {
    async fn new() -> Self {
        Self::at(NOW).await
    }

    async fn at(now: &str) -> Self {
        let app = App::with(api::Limits::default(), now).await;
        let product = sqlx::query_scalar("select id from products").fetch_one(app.db.work()).await.expect("a product");
        let new = "insert into products (id, store_id, name) values (gen_random_uuid(), $1, 'Es Teh') returning id";
        let other = sqlx::query_scalar(new).bind(app.world.store).fetch_one(app.db.work()).await.expect("another");
        Self { app, product, other }
    }

    async fn connection(&self) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        self.app.db.work().acquire().await.expect("a connection")
    }

    /// A run for a business day, with means of Ayam Geprek for it and the days after, published at a time.
    async fn publish(&self, business_date: &str, at: &str, means: &[f64]) -> Uuid {
        let cells = (0_u64..).zip(means).map(|(ahead, mean)| self.cell(day(business_date) + Days::new(ahead), ahead as i32 + 1, *mean));
        self.publish_cells(business_date, at, cells.collect()).await
    }

    fn cell(&self, target_date: NaiveDate, step: i32, yhat: f64) -> ForecastRow {
        ForecastRow {
            target_kind: "product".into(),
            target_id: Some(self.product),
            target_item: "Ayam Geprek".into(),
            target_date,
            step,
            yhat,
            quantiles: [0.5, 0.6, 0.7, 0.85, 1.0, 1.15, 1.25, 1.5, 1.75].map(|share| yhat * share),
            chosen: "ets".into(),
            confidence_score: 0.65,
            rung: "fresh".into(),
            guard_hits: 0,
            explanation: None,
        }
    }

    async fn publish_cells(&self, business_date: &str, at: &str, cells: Vec<ForecastRow>) -> Uuid {
        let mut connection = self.connection().await;
        let run = run(&mut connection, self.app.world.store, day(business_date), instant(at)).await;
        replace_forecasts(&mut connection, run, self.app.world.store, &cells).await.expect("forecasts");
        publish(&mut connection, self.app.world.store, run, day(business_date), instant(at)).await.expect("published");
        run
    }

    /// Known from 19:00 UTC of the day on, or as a correction from when it is told.
    async fn sell(&self, product: Uuid, business_date: &str, quantity: f64, told_at: &str) {
        let end = day(business_date).and_hms_opt(19, 0, 0).expect("a time").and_utc();
        let row = DailyRow {
            product_id: product,
            business_date: day(business_date),
            quantity,
            revenue: Some(quantity as i64 * 18_000),
            is_sold_out: false,
            available_at: end,
        };
        let load = DailyLoad { store_id: self.app.world.store, source: "sales_csv", raw_record_id: None, recorded_at: instant(told_at) };
        copy_sales_daily(&mut *self.connection().await, load, [row].into_iter()).await.expect("sales");
    }

    async fn past(&self, query: &str) -> Vec<Value> {
        let reply = self.app.get(&format!("{PAST}?{query}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["predictions"].as_array().expect("predictions").clone()
    }

    async fn accuracy(&self, query: &str) -> Vec<Value> {
        let reply = self.app.get(&format!("{ACCURACY}?{query}")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["groups"].as_array().expect("groups").clone()
    }
}

async fn run(connection: &mut PgConnection, store: Uuid, business_date: NaiveDate, at: DateTime<Utc>) -> Uuid {
    let input = Uuid::now_v7();
    let hash = [*input.as_bytes(), *input.as_bytes()].concat();
    let new = NewRun {
        kind: "nightly",
        store_id: Some(store),
        business_date: Some(business_date),
        input_hash: &hash,
        config_hash: None,
        code_version: "0.1.0+test",
        job_id: None,
        started_at: at,
    };
    let StartedRun::New(run) = start_run(&mut *connection, &new).await.expect("a run") else { panic!("every input is another") };
    let forecast = ForecastRunRow {
        run_id: run,
        store_id: store,
        // 03:30 in Jakarta.
        cutoff: (business_date - Days::new(1)).and_hms_opt(20, 30, 0).expect("a time").and_utc(),
        last_day: business_date - Days::new(1),
        first_day: business_date,
        horizon: 14,
        gates: json!([]),
        gates_passed: Some(true),
        metrics: json!({}),
        inputs: json!({}),
        guard_hits: 0,
    };
    upsert_forecast_run(&mut *connection, &forecast).await.expect("a forecast run");
    let result = RunResult { finished_at: at, rung: Some("fresh"), row_count: 1, details: json!({}) };
    finish_run(&mut *connection, run, &result).await.expect("finished");
    run
}

fn seen(rows: &[Value]) -> Vec<(String, f64)> {
    rows.iter().map(|row| (row["date"].as_str().expect("a date").to_owned(), row["predicted_value"].as_f64().expect("a number"))).collect()
}

#[tokio::test]
async fn what_counts_was_published_last_before_the_day_began() {
    let shop = Shop::new().await;
    shop.publish("2026-11-20", "2026-11-19T20:45:00Z", &[10.0, 20.0]).await;
    shop.publish("2026-11-20", "2026-11-19T21:30:00Z", &[11.0, 21.0]).await;
    // A minute after 04:30: too late for the day itself, early enough for the next.
    shop.publish("2026-11-20", "2026-11-19T21:31:00Z", &[12.0, 22.0]).await;
    // Caught up with days later.
    shop.publish("2026-11-21", "2026-11-22T23:00:00Z", &[33.0]).await;
    let of = |date: &str, mean| (date.to_owned(), mean);
    assert_eq!(seen(&shop.past("type=product&from=2026-11-19").await), [of("2026-11-20", 11.0)]);
    assert_eq!(seen(&shop.past("type=product&from=2026-11-19&step=2").await), [of("2026-11-21", 22.0)]);
    assert_eq!(seen(&shop.past("type=product&from=2026-11-19&to=2026-11-19").await), []);
}

#[tokio::test]
async fn what_was_rolled_back_in_time_does_not_count() {
    let shop = Shop::new().await;
    shop.publish("2026-11-20", "2026-11-19T20:45:00Z", &[10.0, 20.0]).await;
    shop.publish("2026-11-20", "2026-11-19T21:00:00Z", &[99.0, 98.0]).await;
    let mut connection = shop.connection().await;
    rollback(&mut connection, shop.app.world.store, instant("2026-11-19T21:10:00Z")).await.expect("rolled back");
    shop.publish("2026-11-21", "2026-11-20T20:45:00Z", &[30.0]).await;
    // After 04:30: the day had begun with it.
    rollback(&mut connection, shop.app.world.store, instant("2026-11-20T21:40:00Z")).await.expect("rolled back");
    let rows = shop.past("from=2026-11-19").await;
    assert_eq!(seen(&rows), [("2026-11-21".to_owned(), 30.0), ("2026-11-20".to_owned(), 10.0)]);
}

#[tokio::test]
async fn the_day_is_the_stores_own() {
    let in_jayapura = async |now| {
        let shop = Shop::at(now).await;
        let moved = "update stores set time_zone = 'Asia/Jayapura'";
        sqlx::query(moved).execute(shop.app.db.work()).await.expect("moved");
        // 04:30 in Jayapura is 19:30 UTC.
        shop.publish("2026-11-20", "2026-11-19T19:30:00Z", &[10.0]).await;
        shop.publish("2026-11-20", "2026-11-19T19:31:00Z", &[11.0]).await;
        seen(&shop.past("from=2026-11-19").await)
    };
    // Its day ends at 02:00, which is 17:00 UTC.
    assert_eq!(in_jayapura("2026-11-20T16:59:59Z").await, [], "a day that goes on is not over");
    assert_eq!(in_jayapura("2026-11-20T17:00:00Z").await, [("2026-11-20".to_owned(), 10.0)]);
}

#[tokio::test]
async fn a_past_prediction_stands_beside_what_became_of_it() {
    let shop = Shop::new().await;
    for (date, mean) in [("2026-11-19", 9.0), ("2026-11-20", 10.0), ("2026-11-21", 11.0), ("2026-11-22", 12.0)] {
        let eve = (day(date) - Days::new(1)).to_string();
        shop.publish(date, &format!("{eve}T20:45:00Z"), &[mean]).await;
    }
    shop.sell(shop.product, "2026-11-19", 8.0, "2026-11-19T20:00:00Z").await;
    shop.sell(shop.other, "2026-11-20", 3.0, "2026-11-20T20:00:00Z").await;
    shop.sell(shop.product, "2026-11-21", 14.0, "2026-11-21T20:00:00Z").await;
    let gone = StockoutRow {
        product_id: shop.product,
        business_date: day("2026-11-21"),
        sold_out_at: instant("2026-11-21T11:00:00Z"),
        restocked_at: None,
        available_at: instant("2026-11-21T11:00:00Z"),
    };
    insert_stockouts(shop.app.db.work(), shop.app.world.store, "api", &[gone]).await.expect("an event");
    let better = NewOverride {
        product_id: shop.product,
        target_date: day("2026-11-19"),
        quantity: 8.5,
        reason: "Hujan".into(),
        user_id: Some(shop.app.world.owner),
        run_id: None,
        model_quantity: Some(9.0),
    };
    set_override(&mut *shop.connection().await, shop.app.world.store, instant("2026-11-18T22:00:00Z"), &better).await.expect("an override");
    let shown =
        |row: &Value| json!([row["date"], row["outcome"], row["actual"], row["error"], row["is_within_80"], row["override"]["quantity"]]);
    let rows = shop.past("type=product").await;
    let expected = [
        json!(["2026-11-22", "pending", null, null, null, null]),
        json!(["2026-11-21", "sold_out", 14.0, null, null, null]),
        json!(["2026-11-20", "scored", 0.0, 10.0, false, null]),
        json!(["2026-11-19", "scored", 8.0, 1.0, true, 8.5]),
    ];
    assert_eq!(rows.iter().map(shown).collect::<Vec<_>>(), expected);
    // A correction that comes late changes what was true, and nothing of what was said.
    shop.sell(shop.product, "2026-11-19", 20.0, "2026-11-22T20:00:00Z").await;
    let row = &shop.past("type=product&to=2026-11-19").await[0];
    assert_eq!(shown(row), json!(["2026-11-19", "scored", 20.0, -11.0, false, 8.5]));
    assert_eq!(
        (row["predicted_value"].as_f64(), row["quantiles"]["q90"].as_f64(), row["rung"].as_str()),
        (Some(9.0), Some(11.25), Some("fresh"))
    );

    let value = &shop.accuracy("from=2026-11-19&to=2026-11-19").await[0]["overrides"];
    assert_eq!((value["predictions"].as_u64(), value["model_wape"].as_f64(), value["wape"].as_f64()), (Some(1), Some(0.55), Some(0.575)));
}

#[tokio::test]
async fn pages_show_every_row_once() {
    let shop = Shop::new().await;
    for date in ["2026-11-18", "2026-11-19", "2026-11-20"] {
        let eve = (day(date) - Days::new(1)).to_string();
        let of =
            |kind: &str, item: &str| ForecastRow { target_kind: kind.into(), target_item: item.into(), ..shop.cell(day(date), 1, 5.0) };
        let cells = vec![
            of("product", "Ayam Geprek"),
            of("product", "Es Teh"),
            of("sales", "total"),
            of("category", "Makanan"),
            of("ingredient", "Ayam"),
        ];
        shop.publish_cells(date, &format!("{eve}T20:45:00Z"), cells).await;
    }
    let name = |row: &Value| json!([row["date"], row["type"], row["item"]]).to_string();
    let whole: Vec<String> = shop.past("limit=200").await.iter().map(name).collect();
    assert_eq!(whole.len(), 12, "categories are no predictions");
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = shop.app.get(&format!("{PAST}?limit=5{cursor}")).await.json();
        paged.extend(page["predictions"].as_array().expect("rows").iter().map(name));
        cursor = page["next_cursor"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
    }
    assert_eq!((paged, cursor.as_str()), (whole, ""));
    assert_eq!(shop.past("type=ingredient&limit=1").await[0]["outcome"], "unobserved");
    assert_eq!(shop.past("item=Es%20Teh").await.len(), 3);
}

#[tokio::test]
async fn the_report_adds_up() {
    let shop = Shop::new().await;
    // Two weeks of sales, of which the second is forecast; its Friday brought nothing at all.
    for (date, quantity) in [("2026-11-09", 10.0), ("2026-11-10", 20.0), ("2026-11-11", 30.0), ("2026-11-12", 40.0), ("2026-11-13", 50.0)] {
        shop.sell(shop.product, date, quantity, "2026-11-14T00:00:00Z").await;
    }
    for (date, mean, sold) in
        [("2026-11-16", 12.0, 10.0), ("2026-11-17", 18.0, 22.0), ("2026-11-18", 33.0, 30.0), ("2026-11-19", 40.0, 48.0)]
    {
        let eve = (day(date) - Days::new(1)).to_string();
        shop.publish(date, &format!("{eve}T20:45:00Z"), &[mean, 25.0]).await;
        shop.sell(shop.product, date, sold, "2026-11-20T00:00:00Z").await;
    }
    shop.publish("2026-11-20", "2026-11-19T20:45:00Z", &[60.0]).await;
    shop.sell(shop.product, "2026-11-21", 5.0, "2026-11-22T00:00:00Z").await;
    let total = shop.accuracy("from=2026-11-16").await;
    let [total] = total.as_slice() else { panic!("one group") };
    assert_eq!((total["group"].as_str(), total["days"].as_u64(), total["predictions"].as_u64()), (Some("total"), Some(4), Some(4)));
    assert_eq!(total["left_out"], json!({"sold_out": 0, "closed": 1, "pending": 0, "unobserved": 0}));
    let near = |name: &str, expected: f64| {
        let found = total[name].as_f64().unwrap_or(f64::NAN);
        assert!((found - expected).abs() < 1e-9, "{name}: {found}");
    };
    // Errors 2, -4, 3, -8 against actuals of 110; the week before was wrong by 0, 2, 0, 8.
    near("wape", 17.0 / 110.0);
    near("bias", -7.0 / 110.0);
    near("skill", 1.0 - 17.0 / 10.0);
    near("predicted", 103.0);
    assert_eq!(total["skill_predictions"], 4);
    // Within 15 % of the mean: 12 and 10 no, 18 and 22 no, 33 and 30 yes, 40 and 48 no; within 25 % all but the first's lower bound.
    let observed: Vec<_> = total["coverage"].as_array().expect("intervals").iter().map(|one| one["observed"].as_f64()).collect();
    assert_eq!(observed, [Some(0.25), Some(1.0), Some(1.0), Some(1.0)]);
    let bucket = &total["confidence"][6];
    assert_eq!((bucket["predictions"].as_u64(), bucket["mean_score"].as_f64(), bucket["near"].as_f64()), (Some(4), Some(0.65), Some(0.75)));

    let names = |groups: &[Value]| {
        groups.iter().map(|one| (one["group"].as_str().expect("a name").to_owned(), one["predictions"].as_u64())).collect::<Vec<_>>()
    };
    let of = |name: &str, count| (name.to_owned(), Some(count));
    let days = ["monday", "tuesday", "wednesday", "thursday"].map(|name| of(name, 1));
    assert_eq!(names(&shop.accuracy("from=2026-11-16&by=weekday").await), [&days[..], &[of("friday", 0)]].concat());
    assert_eq!(names(&shop.accuracy("from=2026-11-16&by=item").await), [of("Ayam Geprek", 4)]);
    assert_eq!(names(&shop.accuracy("from=2026-11-16&by=step").await), [of("1", 4), of("2", 3)]);
    assert_eq!(names(&shop.accuracy("from=2026-11-16&by=step&step=2").await), [of("2", 3)]);
    assert_eq!(names(&shop.accuracy("from=2026-11-16&item=Rendang").await), [of("total", 0)]);
}

#[tokio::test]
async fn nothing_scored_is_null_and_never_a_wrong_number() {
    let shop = Shop::new().await;
    let [total] = <[Value; 1]>::try_from(shop.accuracy("from=2025-10-19").await).expect("one group");
    for name in ["wape", "bias", "pinball", "wql", "skill", "actual", "predicted"] {
        assert_eq!(total[name], Value::Null, "{name}");
    }
    assert_eq!((total["levels"].as_array().map(Vec::len), total["confidence"].as_array().map(Vec::len)), (Some(9), Some(10)));
    assert_eq!(total["coverage"][1], json!({"nominal": 0.8, "observed": null}));
    assert_eq!(shop.accuracy("by=item").await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_is_wrong_with_a_question_is_named() {
    let app = App::new().await;
    let field = async |path: &str| {
        let reply = app.get(path).await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.text());
        reply.json()["errors"][0]["field"].as_str().expect("a field").to_owned()
    };
    for path in [PAST, ACCURACY] {
        assert_eq!(field(&format!("{path}?from=2025-10-18")).await, "from", "401 days");
        assert_eq!(field(&format!("{path}?from=2026-11-02&to=2026-11-01")).await, "to");
        for step in ["0", "29", "x", ""] {
            assert_eq!(field(&format!("{path}?step={step}")).await, "step");
        }
        assert_eq!(field(&format!("{path}?stpe=1")).await, "stpe");
    }
    assert_eq!(field(&format!("{ACCURACY}?by=month")).await, "by");
    assert_eq!(field(&format!("{ACCURACY}?type=ingredient")).await, "type");
    assert_eq!(field(&format!("{PAST}?cursor=x")).await, "cursor");
}
