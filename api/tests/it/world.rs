//! A small world: a simulated warung with a published run, a shop with nothing published, and a run that failed.

use chrono::{DateTime, NaiveDate, Utc};
use platform::db::backfills::{NewBackfill, create_backfill};
use platform::db::forecast_runs::{ForecastRunRow, upsert_forecast_run};
use platform::db::forecasts::{ForecastRow, replace_forecasts};
use platform::db::ingredients::{NewIngredient, upsert_ingredients};
use platform::db::partition_ranges::Span;
use platform::db::plan_items::{PlanItemRow, replace_plan_items};
use platform::db::products::{NewProduct, upsert_products};
use platform::db::published_runs::publish;
use platform::db::runs::{NewRun, RunResult, StartedRun, fail_run, finish_run, start_run};
use platform::db::store_members::add_member;
use platform::db::stores::{NewStore, SalesSource, create_store};
use platform::db::users::{NewUser, create_user};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

/// 08:00 in Jakarta on the business day that the published run serves.
pub const NOW: &str = "2026-11-23T01:00:00Z";

pub struct World {
    pub store: Uuid,
    pub run: Uuid,
    pub backfill: Uuid,
    /// Admin of the warung.
    pub owner: Uuid,
    pub manager: Uuid,
    /// Works at its counter.
    pub cashier: Uuid,
    /// Admin of the shop with nothing published.
    pub neighbour: Uuid,
    pub operator: Uuid,
}

pub fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub async fn create(connection: &mut PgConnection) -> World {
    let owner = NewUser { email: "sri@example.com".into(), name: Some("Sri".into()), password_hash: None, is_operator: false };
    let owner = create_user(&mut *connection, &owner).await.expect("an owner");
    let store = shop("warung-bu-sri", "Warung Bu Sri", "Asia/Jakarta", owner, true);
    let store = create_store(&mut *connection, &store).await.expect("a store");
    let other = NewUser { email: "made@example.com".into(), name: None, password_hash: None, is_operator: false };
    let other = create_user(&mut *connection, &other).await.expect("another owner");
    let empty = shop("kedai-kosong", "Kedai Kosong", "Asia/Makassar", other, false);
    create_store(&mut *connection, &empty).await.expect("another store");
    failed_run(connection, store).await;
    let run = published_run(connection, store).await;
    let mut hire = async |email: &str, role| {
        let new = NewUser { email: email.into(), name: None, password_hash: None, is_operator: false };
        let user = create_user(&mut *connection, &new).await.expect("a member");
        add_member(&mut *connection, store, user, role).await.expect("a membership");
        user
    };
    let (manager, cashier) = (hire("putu@example.com", "manager").await, hire("budi@example.com", "user").await);
    let operator = NewUser { email: "ops@example.com".into(), name: None, password_hash: None, is_operator: true };
    let operator = create_user(&mut *connection, &operator).await.expect("an operator");
    World { store, run, backfill: backfill(connection, store).await, owner, manager, cashier, neighbour: other, operator }
}

async fn backfill(connection: &mut PgConnection, store: Uuid) -> Uuid {
    let new = NewBackfill {
        id: Uuid::now_v7(),
        asset: "forecasts".into(),
        first_day: day("2026-10-01"),
        end_day: day("2026-11-01"),
        mode: "missing".into(),
        is_reversed: false,
        requested_by: None,
        parent_job_id: Uuid::nil(),
    };
    let range = Span { scope: store.to_string(), first_day: new.first_day, end_day: new.end_day };
    create_backfill(connection, &new, &[range]).await.expect("a backfill");
    new.id
}

fn shop(slug: &str, name: &str, time_zone: &str, owner_id: Uuid, is_synthetic: bool) -> NewStore {
    NewStore {
        slug: slug.into(),
        name: name.into(),
        owner_id,
        address: Some("Jl. Melati 1".into()),
        time_zone: time_zone.into(),
        business_day_cutoff: "02:00:00".parse().expect("a time"),
        adm4: Some("31.71.03.1001".into()),
        calendar: "id".into(),
        sales_source: SalesSource::Imports,
        is_synthetic,
        opened_on: Some(day("2023-11-01")),
    }
}

fn nightly(store: Uuid, business_date: &str, started_at: &str, input: u8) -> NewRun<'static> {
    const INPUTS: [[u8; 32]; 3] = [[0; 32], [1; 32], [2; 32]];
    NewRun {
        kind: "nightly",
        store_id: Some(store),
        business_date: Some(day(business_date)),
        input_hash: &INPUTS[usize::from(input)],
        config_hash: Some(&[0xab; 32]),
        code_version: "0.1.0+test",
        job_id: None,
        started_at: instant(started_at),
    }
}

async fn start(connection: &mut PgConnection, run: &NewRun<'_>) -> Uuid {
    match start_run(connection, run).await.expect("a run") {
        StartedRun::New(id) => id,
        StartedRun::Finished(_) => panic!("a fresh database has no finished run"),
    }
}

async fn failed_run(connection: &mut PgConnection, store: Uuid) {
    let run = start(connection, &nightly(store, "2026-11-22", "2026-11-21T20:45:00Z", 1)).await;
    fail_run(connection, run, instant("2026-11-21T20:45:02Z"), "no sales for 2026-11-21").await.expect("a failed run");
}

async fn published_run(connection: &mut PgConnection, store: Uuid) -> Uuid {
    let run = start(connection, &nightly(store, "2026-11-23", "2026-11-22T20:45:00Z", 2)).await;
    let forecast = ForecastRunRow {
        run_id: run,
        store_id: store,
        cutoff: instant("2026-11-22T20:30:00Z"),
        last_day: day("2026-11-22"),
        first_day: day("2026-11-23"),
        horizon: 14,
        gates: json!([{"name": "no_missing_series", "passed": true}]),
        gates_passed: Some(true),
        metrics: json!({"wape": 0.21}),
        inputs: json!({}),
        guard_hits: 0,
    };
    upsert_forecast_run(&mut *connection, &forecast).await.expect("a forecast run");
    let ayam_geprek = product(connection, store).await;
    let ayam = ingredient(connection, store).await;
    replace_forecasts(&mut *connection, run, store, &forecasts(ayam_geprek, ayam)).await.expect("forecasts");
    replace_plan_items(&mut *connection, run, store, &plan(ayam_geprek, ayam)).await.expect("a plan");
    let result =
        RunResult { finished_at: instant("2026-11-22T20:45:12Z"), rung: Some("fresh"), row_count: 6, details: json!({"series": 3}) };
    finish_run(&mut *connection, run, &result).await.expect("a finished run");
    publish(connection, store, run, day("2026-11-23"), instant("2026-11-22T20:45:13Z")).await.expect("a published run");
    run
}

async fn product(connection: &mut PgConnection, store: Uuid) -> Uuid {
    let product = NewProduct {
        name: "Ayam Geprek".into(),
        category: Some("Makanan".into()),
        unit: "porsi".into(),
        price: Some(18_000),
        batch_size: 10.0,
        shelf_life_days: 0,
        first_sold_on: None,
    };
    upsert_products(connection, store, &[product]).await.expect("a product")["Ayam Geprek"]
}

async fn ingredient(connection: &mut PgConnection, store: Uuid) -> Uuid {
    let ingredient = NewIngredient {
        name: "Ayam".into(),
        unit: "kg".into(),
        pack_size: 1.0,
        pack_price: Some(36_000),
        shelf_life_days: 2,
        commodity: Some("daging_ayam".into()),
    };
    upsert_ingredients(connection, store, &[ingredient]).await.expect("an ingredient")["Ayam"]
}

fn forecasts(product: Uuid, ingredient: Uuid) -> Vec<ForecastRow> {
    let cell = |kind: &str, id, item: &str, date: &str, step, yhat: f64| ForecastRow {
        target_kind: kind.into(),
        target_id: id,
        target_item: item.into(),
        target_date: day(date),
        step,
        yhat,
        quantiles: [0.5, 0.6, 0.7, 0.85, 1.0, 1.15, 1.25, 1.5, 1.75].map(|share| yhat * share),
        chosen: "elastic_net".into(),
        confidence_score: 0.71,
        rung: "fresh".into(),
        guard_hits: 0,
        explanation: (step == 1 && kind == "product").then(|| json!({"gajian": 14.0, "hujan": -6.0})),
    };
    vec![
        cell("product", Some(product), "Ayam Geprek", "2026-11-23", 1, 84.0),
        cell("product", Some(product), "Ayam Geprek", "2026-11-24", 2, 60.0),
        cell("product", Some(product), "Ayam Geprek", "2026-12-06", 14, 72.0),
        cell("ingredient", Some(ingredient), "Ayam", "2026-11-23", 1, 12.0),
        cell("category", None, "Makanan", "2026-11-23", 1, 84.0),
        cell("sales", None, "total", "2026-11-23", 1, 1_512_000.0),
    ]
}

fn plan(product: Uuid, ingredient: Uuid) -> Vec<PlanItemRow> {
    let item = |date: &str, kind: &str, item: &str, unit: &str, need: f64, pieces| PlanItemRow {
        business_date: day(date),
        kind: kind.into(),
        part_of_day: "all".into(),
        product_id: None,
        ingredient_id: None,
        item: item.into(),
        unit: unit.into(),
        need,
        low: need * 0.75,
        high: need * 1.25,
        quantity: need,
        pieces,
        cost: None,
        reason: None,
    };
    let reason = Some("Gajian +14, hujan -6".to_owned());
    vec![
        PlanItemRow { product_id: Some(product), reason, ..item("2026-11-23", "prep", "Ayam Geprek", "porsi", 84.0, 9) },
        PlanItemRow { ingredient_id: Some(ingredient), cost: Some(432_000), ..item("2026-11-23", "purchase", "Ayam", "kg", 12.0, 12) },
        item("2026-11-23", "purchase", "Daun Pisang", "lembar", 90.0, 3),
        item("2026-11-23", "kitchen", "Sambal", "kg", 4.0, 2),
        PlanItemRow { product_id: Some(product), ..item("2026-11-24", "prep", "Ayam Geprek", "porsi", 60.0, 6) },
        item("2026-11-25", "prep", "Ayam Geprek", "porsi", 50.0, 5),
    ]
}
