//! Forecasts, plans, and the pointer that publishes them.

use chrono::Days;
use platform::db::forecast_runs::{ForecastRunRow, get_forecast_run, upsert_forecast_run};
use platform::db::forecasts::{ForecastRow, forecasts_of_run, published_forecasts, replace_forecasts};
use platform::db::model_artifacts::{NewModelArtifact, forget_model_artifacts, keep_model_artifact, last_model_artifact};
use platform::db::plan_items::{PlanItemRow, published_plan, replace_plan_items};
use platform::db::predictions::list_predictions;
use platform::db::published_runs::{publish, published_run, rollback, run_published_for};
use platform::db::runs::{NewRun, StartedRun, start_run};
use sqlx::PgConnection;
use uuid::Uuid;

use super::shop::{Shop, at, date};

/// A forecast run for `day` that has passed its gates, or not.
async fn forecast_run(shop: &Shop, day: &str, gates_passed: Option<bool>) -> Uuid {
    let mut work = shop.connection().await;
    let unlike_any_other = Uuid::now_v7();
    let run = NewRun {
        kind: "nightly",
        store_id: Some(shop.store_id),
        business_date: Some(date(day)),
        input_hash: unlike_any_other.as_bytes(),
        config_hash: None,
        code_version: "0.1.0",
        job_id: None,
        started_at: at("2026-11-22T20:30:00Z"),
    };
    let StartedRun::New(run_id) = start_run(&mut work, &run).await.expect("a run") else { panic!("a new input has run already") };
    let row = ForecastRunRow {
        run_id,
        store_id: shop.store_id,
        cutoff: at("2026-11-22T20:30:00Z"),
        last_day: date(day) - Days::new(1),
        first_day: date(day),
        horizon: 14,
        gates: serde_json::json!([{"gate": "no_missing_series", "passed": true}]),
        gates_passed,
        metrics: serde_json::json!({"mase": 0.61}),
        inputs: serde_json::json!({}),
        guard_hits: 0,
    };
    upsert_forecast_run(&mut *work, &row).await.expect("a forecast run");
    assert_eq!(get_forecast_run(&mut *work, run_id).await.expect("a read"), Some(row));
    run_id
}

fn row(shop: &Shop, kind: &str, item: &str, day: &str, yhat: f64) -> ForecastRow {
    ForecastRow {
        target_kind: kind.to_owned(),
        target_id: shop.products.get(item).copied(),
        target_item: item.to_owned(),
        target_date: date(day),
        step: 1,
        yhat,
        quantiles: [0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.4, 1.6, 2.0].map(|factor| factor * yhat),
        chosen: "elastic_net".to_owned(),
        confidence_score: 0.71,
        rung: "fresh".to_owned(),
        guard_hits: 0,
        explanation: Some(serde_json::json!({"payday": 14.0, "note": "tab\tand \\ and \"quotes\""})),
    }
}

async fn store(shop: &Shop, run_id: Uuid, rows: &[ForecastRow]) -> Result<u64, platform::db::DbError> {
    replace_forecasts(&mut *shop.connection().await, run_id, shop.store_id, rows).await
}

#[tokio::test]
async fn storing_forecasts_again_replaces_them_whole() {
    let shop = Shop::open().await;
    let run_id = forecast_run(&shop, "2026-11-23", Some(true)).await;
    let rows = [row(&shop, "product", "ayam", "2026-11-23", 85.123456789), row(&shop, "product", "ayam", "2026-12-01", 90.0)];
    assert_eq!(store(&shop, run_id, &rows).await.expect("forecasts"), 2);
    assert_eq!(store(&shop, run_id, &rows).await.expect("the same"), 2);
    assert_eq!(forecasts_of_run(shop.db.work(), run_id).await.expect("forecasts"), rows, "to the last digit");
    assert_eq!(store(&shop, run_id, &rows[..1]).await.expect("fewer"), 1);
    assert_eq!(forecasts_of_run(shop.db.work(), run_id).await.expect("forecasts"), rows[..1]);
    shop.db.close().await;
}

#[tokio::test]
async fn impossible_forecasts_are_refused_by_name_and_leave_the_old_ones() {
    let shop = Shop::open().await;
    let run_id = forecast_run(&shop, "2026-11-23", Some(true)).await;
    let good = row(&shop, "product", "ayam", "2026-11-23", 85.0);
    store(&shop, run_id, std::slice::from_ref(&good)).await.expect("a forecast");
    let broken = |change: fn(&mut ForecastRow)| {
        let mut row = good.clone();
        change(&mut row);
        row
    };
    let cases = [
        (broken(|row| row.yhat = -0.001), "yhat_is_finite_and_not_negative"),
        (broken(|row| row.yhat = f64::NAN), "yhat_is_finite_and_not_negative"),
        (broken(|row| row.yhat = f64::INFINITY), "yhat_is_finite_and_not_negative"),
        (broken(|row| row.quantiles.swap(3, 4)), "quantiles_rise_with_level"),
        (broken(|row| row.quantiles[8] = f64::NAN), "quantiles_rise_with_level"),
        (broken(|row| row.quantiles[0] = f64::NAN), "quantiles_rise_with_level"),
        (broken(|row| row.quantiles[0] = -1.0), "quantiles_rise_with_level"),
        (broken(|row| row.confidence_score = 1.2), "confidence_is_a_share"),
        (broken(|row| row.rung = "best_effort".to_owned()), "forecast_rung_is_known"),
        (broken(|row| row.target_kind = "guess".to_owned()), "target_kind_is_known"),
        (broken(|row| row.step = 0), "forecast_step_is_positive"),
    ];
    for (row, rule) in cases {
        let error = store(&shop, run_id, &[row]).await.expect_err(rule);
        assert_eq!(error.rule(), Some(rule));
    }
    assert_eq!(forecasts_of_run(shop.db.work(), run_id).await.expect("forecasts"), [good]);
    shop.db.close().await;
}

#[tokio::test]
async fn publishing_moves_a_pointer_and_rolling_back_moves_it_back() {
    let shop = Shop::open().await;
    let mut runs = Vec::new();
    for (day, yhat) in [("2026-11-21", 70.0), ("2026-11-22", 80.0), ("2026-11-23", 90.0)] {
        let run_id = forecast_run(&shop, day, Some(true)).await;
        store(&shop, run_id, &[row(&shop, "product", "ayam", "2026-11-23", yhat)]).await.expect("a forecast");
        runs.push(run_id);
    }
    let mut work = shop.connection().await;
    let mut replaced = Vec::new();
    for (run_id, day, moment) in [
        (runs[0], "2026-11-21", "2026-11-20T21:00:00Z"),
        (runs[1], "2026-11-22", "2026-11-21T21:00:00Z"),
        (runs[2], "2026-11-23", "2026-11-22T21:00:00Z"),
    ] {
        replaced.push(publish(&mut work, shop.store_id, run_id, date(day), at(moment)).await.expect("published"));
    }
    assert_eq!(replaced, [None, Some(runs[0]), Some(runs[1])]);
    let shown = || async {
        let (first, last) = (date("2026-11-23"), date("2026-11-24"));
        let shown = published_forecasts(shop.db.work(), shop.store_id, Some("product"), first, last).await.expect("the screen");
        shown.iter().map(|row| row.yhat).collect::<Vec<_>>()
    };
    assert_eq!(shown().await, [90.0]);

    let back = rollback(&mut work, shop.store_id, at("2026-11-23T02:00:00Z")).await.expect("one back");
    assert_eq!((back.run_id, back.previous_run_id, back.business_date), (runs[1], Some(runs[0]), date("2026-11-22")));
    assert_eq!(shown().await, [80.0]);
    rollback(&mut work, shop.store_id, at("2026-11-23T03:00:00Z")).await.expect("two back");
    assert_eq!(shown().await, [70.0]);
    let error = rollback(&mut work, shop.store_id, at("2026-11-23T04:00:00Z")).await.expect_err("nothing before");
    assert!(error.to_string().contains("no earlier published run"), "{error}");
    assert_eq!(published_run(&mut *work, shop.store_id).await.expect("a read").expect("a pointer").run_id, runs[0]);
    assert_eq!(run_published_for(&mut *work, shop.store_id, date("2026-11-23")).await.expect("a read"), Some(runs[2]));

    let moves: Vec<String> =
        sqlx::query_scalar("select action from published_run_log order by published_at").fetch_all(&mut *work).await.expect("a log");
    assert_eq!(moves, ["publish", "publish", "publish", "rollback", "rollback"]);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn publishing_again_changes_nothing() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let first = forecast_run(&shop, "2026-11-22", Some(true)).await;
    let second = forecast_run(&shop, "2026-11-23", Some(true)).await;
    publish(&mut work, shop.store_id, first, date("2026-11-22"), at("2026-11-21T21:00:00Z")).await.expect("published");
    publish(&mut work, shop.store_id, second, date("2026-11-23"), at("2026-11-22T21:00:00Z")).await.expect("published");
    let before = published_run(&mut *work, shop.store_id).await.expect("a read");
    let again = publish(&mut work, shop.store_id, second, date("2026-11-23"), at("2026-11-22T22:00:00Z")).await.expect("again");
    assert_eq!(again, Some(first));
    assert_eq!(published_run(&mut *work, shop.store_id).await.expect("a read"), before);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn a_run_is_published_only_past_its_gates_and_for_its_own_store() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let (_, neighbour) = super::shop::add_store(&mut work, "tetangga").await;
    for gates in [None, Some(false)] {
        let run_id = forecast_run(&shop, "2026-11-23", gates).await;
        let error = publish(&mut work, shop.store_id, run_id, date("2026-11-23"), at("2026-11-22T21:00:00Z")).await.expect_err("gates");
        assert!(error.to_string().contains("gates"), "{error}");
    }
    let run_id = forecast_run(&shop, "2026-11-23", Some(true)).await;
    let error = publish(&mut work, neighbour, run_id, date("2026-11-23"), at("2026-11-22T21:00:00Z")).await.expect_err("another's run");
    assert!(error.to_string().contains("is no forecast run of store"), "{error}");
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn the_seeds_predictions_are_the_published_ones() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let run_id = forecast_run(&shop, "2026-11-23", Some(true)).await;
    let rows = [
        row(&shop, "category", "lauk", "2026-11-23", 200.0),
        row(&shop, "product", "ayam", "2026-11-23", 85.0),
        row(&shop, "sales", "total", "2026-11-23", 2e6),
    ];
    store(&shop, run_id, &rows).await.expect("forecasts");
    let list = || list_predictions(shop.db.work(), shop.store_id, date("2026-11-01"), date("2026-11-30"));
    assert_eq!(list().await.expect("predictions"), [], "not before they are published");
    publish(&mut work, shop.store_id, run_id, date("2026-11-23"), at("2026-11-22T21:00:00Z")).await.expect("published");
    let seen = list().await.expect("predictions");
    let brief: Vec<_> = seen
        .iter()
        .map(|row| (row.prediction_type.as_str(), row.target_item.as_str(), row.predicted_value, row.confidence_score))
        .collect();
    assert_eq!(brief, [("product", "ayam", 85.0, 0.71), ("sales", "total", 2e6, 0.71)], "categories are not in the seed");
    assert_eq!(list().await.expect("predictions")[0].id, seen[0].id, "ids are stable");
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn a_plan_is_replaced_whole_and_read_once_published() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let run_id = forecast_run(&shop, "2026-11-23", Some(true)).await;
    let item = |kind: &str, name: &str, quantity: f64| PlanItemRow {
        business_date: date("2026-11-23"),
        kind: kind.to_owned(),
        part_of_day: "all".to_owned(),
        product_id: shop.products.get(name).copied(),
        ingredient_id: None,
        item: name.to_owned(),
        unit: "porsi".to_owned(),
        need: quantity - 0.5,
        low: 0.0,
        high: quantity * 1.5,
        quantity,
        pieces: 3,
        cost: Some(96_000),
        reason: Some("gajian".to_owned()),
    };
    let plan = [item("prep", "nasi", 90.0), item("prep", "ayam", 85.0), item("purchase", "beras", 25.0)];
    replace_plan_items(&mut work, run_id, shop.store_id, &[item("prep", "teh", 1.0)]).await.expect("a plan");
    replace_plan_items(&mut work, run_id, shop.store_id, &plan).await.expect("a better plan");
    assert_eq!(published_plan(&mut *work, shop.store_id, date("2026-11-23")).await.expect("a plan"), []);
    publish(&mut work, shop.store_id, run_id, date("2026-11-23"), at("2026-11-22T21:00:00Z")).await.expect("published");
    assert_eq!(published_plan(&mut *work, shop.store_id, date("2026-11-23")).await.expect("a plan"), plan, "in the order of the plan");
    let mut upside_down = item("prep", "nasi", 90.0);
    upside_down.low = 1_000.0;
    let error = replace_plan_items(&mut work, run_id, shop.store_id, &[upside_down]).await.expect_err("low above high");
    assert_eq!(error.rule(), Some("plan_range_is_ordered"));
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn the_last_models_are_the_youngest_that_a_night_may_know() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let run_id = forecast_run(&shop, "2026-11-23", Some(true)).await;
    let keep = async |work: &mut PgConnection, hash: u8, key: &str, day: &str| {
        let row = NewModelArtifact {
            store_id: shop.store_id,
            run_id,
            forecaster: "engine",
            object_key: key,
            content_hash: &[hash; 32],
            content_length: 3,
            trained_until: date(day),
            code_version: "0.1.0",
            config_hash: &[],
            metrics: serde_json::json!({"bias": 0.01}),
        };
        keep_model_artifact(work, &row).await.expect("a model");
    };
    for (hash, key, day) in
        [(1, "a", "2026-11-18"), (2, "b", "2026-11-19"), (3, "a", "2026-11-20"), (4, "c", "2026-11-21"), (4, "c", "2026-11-21")]
    {
        keep(&mut work, hash, key, day).await;
    }
    let cutoff = at("2026-11-22T20:30:00Z");
    let last = async |day: &str, cutoff| {
        let row = last_model_artifact(shop.db.work(), shop.store_id, "engine", date(day), cutoff).await.expect("a query");
        row.map(|row| (row.object_key, row.trained_until, row.metrics["bias"].as_f64()))
    };
    assert_eq!(last("2026-11-22", cutoff).await, Some(("c".to_owned(), date("2026-11-21"), Some(0.01))));
    assert_eq!(last("2026-11-19", cutoff).await.map(|row| row.0), Some("b".to_owned()), "none that was fitted to later days");
    assert_eq!(last("2026-11-22", cutoff - chrono::TimeDelta::seconds(1)).await, None, "none that knew facts of later");
    assert_eq!(last("2026-11-17", cutoff).await, None);

    // The oldest and the second go; the object that a younger one shares stays.
    let unneeded = forget_model_artifacts(shop.db.work(), shop.store_id, "engine", 2).await.expect("forgotten");
    assert_eq!(unneeded, ["b"]);
    assert_eq!(forget_model_artifacts(shop.db.work(), shop.store_id, "engine", 2).await.expect("forgotten"), Vec::<String>::new());
    assert_eq!(last("2026-11-20", cutoff).await.map(|row| row.0), Some("a".to_owned()));
    drop(work);
    shop.db.close().await;
}
