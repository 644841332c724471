//! Nights that go wrong: what is published instead, and what the run history says.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use domain::Rung;
use jobs::nightly::gates::GateBounds;
use jobs::nightly::{self, NightError, Stage};
use platform::db::forecasts::forecasts_of_run;
use platform::db::published_runs::published_run;
use platform::db::runs::{NewRun, RunFilter, StartedRun, get_run, list_runs, start_run};

use crate::shop::{NIGHT, Shop, date};

#[tokio::test]
async fn a_store_without_sales_gets_no_run() {
    let shop = Shop::empty().await;
    let error = shop.night(NIGHT).await.expect_err("nothing to learn from");
    assert!(matches!(error, NightError::NoSales { .. }), "{error:?}");
    assert!(shop.written().await.iter().all(|(_, count)| *count == 0));
    shop.close().await;
}

#[tokio::test]
async fn refused_forecasts_give_way_to_the_seasonal_naive_ones() {
    let shop = Shop::open().await;
    let nightly = shop.nightly_within(GateBounds { calibration: 0.0, bias: 0.3, explosion: 0.0 });
    let report = nightly::run(&nightly, &shop.store, date(NIGHT), Arc::new(|_| ())).await.expect("a night");
    assert_eq!((report.rung, report.published), (Rung::SeasonalNaive, true));
    assert!(report.gates.iter().all(|gate| gate.passed), "{:?}", report.gates);
    let run = get_run(shop.db.work(), report.run_id.0).await.expect("a query").expect("the run");
    assert_eq!(run.rung.as_deref(), Some("seasonal_naive"));
    let refused = run.details["refused_by"].as_array().expect("a list");
    let names: Vec<_> = refused.iter().map(|gate| gate["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["plausible", "calibrated"]);
    let cells = forecasts_of_run(shop.db.work(), report.run_id.0).await.expect("forecasts");
    assert!(cells.len() == 168 && cells.iter().all(|cell| cell.rung == "seasonal_naive"));
    let chosen = |kind: &str| cells.iter().filter(|cell| cell.target_kind == kind).map(|cell| cell.chosen.clone()).collect::<BTreeSet<_>>();
    assert_eq!(chosen("product"), BTreeSet::from(["seasonal_naive".to_owned()]));
    assert_eq!(chosen("category"), BTreeSet::from(["sum".to_owned()]));
    shop.close().await;
}

#[tokio::test]
async fn a_database_error_leaves_nothing_half_done_and_the_next_night_makes_good() {
    let shop = Shop::open().await;
    let superuser = shop.superuser().await;
    sqlx::query("alter table plan_items rename to plan_items_gone").execute(&superuser).await.expect("an accident");
    let error = shop.night(NIGHT).await.expect_err("no table for the plan");
    assert!(matches!(error, NightError::Database(_)) && error.may_pass(), "{error:?}");
    let runs = list_runs(shop.db.work(), RunFilter::default(), 9).await.expect("runs");
    assert_eq!(runs.iter().map(|run| run.state.as_str()).collect::<Vec<_>>(), ["failed"]);
    assert!(runs[0].error.as_deref().is_some_and(|error| error.contains("plan_items")), "{:?}", runs[0].error);
    assert!(forecasts_of_run(shop.db.work(), runs[0].id).await.expect("forecasts").is_empty());
    assert_eq!(published_run(shop.db.work(), shop.store.id).await.expect("a query"), None);

    sqlx::query("alter table plan_items_gone rename to plan_items").execute(&superuser).await.expect("mended");
    superuser.close().await;
    assert!(shop.night(NIGHT).await.expect("a night").published);
    shop.close().await;
}

#[tokio::test]
async fn a_panic_is_a_failed_run() {
    let shop = Shop::open().await;
    let panic = |stage: Stage| {
        if matches!(stage, Stage::Features { .. }) {
            panic!("a broken model")
        }
    };
    let error = nightly::run(&shop.nightly(), &shop.store, date(NIGHT), Arc::new(panic)).await.expect_err("a panic");
    assert!(matches!(error, NightError::Task { .. }), "{error:?}");
    let runs = list_runs(shop.db.work(), RunFilter::default(), 9).await.expect("runs");
    assert_eq!(runs.iter().map(|run| run.state.as_str()).collect::<Vec<_>>(), ["failed"]);
    shop.close().await;
}

#[tokio::test]
async fn runs_of_a_killed_program_are_closed_by_the_next_night() {
    let shop = Shop::open().await;
    let now = shop.clock.shared().now();
    let job = domain::ids::JobId::new();
    let left_open = async |minutes: i64, job_id| {
        let run = NewRun {
            kind: "nightly",
            store_id: Some(shop.store.id),
            business_date: Some(date(NIGHT)),
            input_hash: &[7],
            config_hash: None,
            code_version: "test",
            job_id,
            started_at: now - TimeDelta::minutes(minutes),
        };
        match start_run(&mut *shop.work().await, &run).await.expect("a run") {
            StartedRun::New(id) => id,
            StartedRun::Finished(run) => panic!("finished: {run:?}"),
        }
    };
    let (old, young, same_job) = (left_open(90, None).await, left_open(5, None).await, left_open(5, Some(job.0)).await);
    nightly::run_for_job(&shop.nightly(), &shop.store, date(NIGHT), job, Arc::new(|_| ())).await.expect("a night");
    let state = async |id| get_run(shop.db.work(), id).await.expect("a query").expect("the run").state;
    assert_eq!(state(old).await, "failed");
    assert_eq!(state(same_job).await, "failed", "an earlier attempt of the same job");
    assert_eq!(state(young).await, "running", "another program may be at it");
    shop.close().await;
}

#[tokio::test]
async fn two_programs_at_one_night_publish_one_run() {
    let shop = Shop::open().await;
    let (first, second) = tokio::join!(shop.night(NIGHT), shop.night(NIGHT));
    let (first, second) = (first.expect("a night"), second.expect("the same night"));
    assert_eq!(first.run_id, second.run_id);
    assert!(first.unchanged != second.unchanged, "one of them came second");
    let written: std::collections::BTreeMap<_, _> = shop.written().await.into_iter().collect();
    assert_eq!((written["forecast_runs"], written["published_run_log"], written["outbox"]), (1, 1, 1));
    let finished = RunFilter { state: Some("finished"), ..RunFilter::default() };
    assert_eq!(list_runs(shop.db.work(), finished, 9).await.expect("runs").len(), 1);
    shop.close().await;
}
