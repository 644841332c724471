//! Nights that go wrong: what is published instead, and what the run history says.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use domain::Rung;
use domain::ids::RunId;
use jobs::nightly::gates::GateBounds;
use jobs::nightly::{self, NightError, Promise, Settings, Stage};
use jobs::{NightReport, Nightly};
use platform::db::forecasts::{ForecastRow, forecasts_of_run};
use platform::db::published_runs::{Publication, publish_unless_newer, published_run};
use platform::db::runs::{NewRun, RunFilter, StartedRun, get_run, list_runs, start_run};
use platform::objects::Objects as _;
use serde_json::json;

use crate::shop::{NIGHT, Shop, date};

const DAY_BEFORE: &str = "2026-06-15";

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
    let names: Vec<_> =
        refused.iter().map(|gate| (gate["rung"].as_str().expect("a rung"), gate["name"].as_str().expect("a name"))).collect();
    assert_eq!(names, [("fresh", "plausible"), ("fresh", "calibrated"), ("last_model", "made")]);
    let cells = forecasts_of_run(shop.db.work(), report.run_id.0).await.expect("forecasts");
    assert!(cells.len() == 168 && cells.iter().all(|cell| cell.rung == "seasonal_naive"));
    let chosen = |kind: &str| cells.iter().filter(|cell| cell.target_kind == kind).map(|cell| cell.chosen.clone()).collect::<BTreeSet<_>>();
    assert_eq!(chosen("product"), BTreeSet::from(["seasonal_naive".to_owned()]));
    assert_eq!(chosen("category"), BTreeSet::from(["sum".to_owned()]));
    shop.close().await;
}

/// Nights whose models cannot be fitted.
fn broken(shop: &Shop) -> Nightly {
    let nightly = shop.nightly();
    let engine = nightly.settings.engine.clone().with_models(vec!["no such model".to_owned()]);
    Nightly { settings: Settings { engine, ..nightly.settings.clone() }, ..nightly }
}

async fn night_of(shop: &Shop, nightly: &Nightly, day: &str) -> NightReport {
    nightly::run(nightly, &shop.store, date(day), Arc::new(|_| ())).await.expect("a night")
}

#[tokio::test]
async fn where_models_cannot_be_fitted_the_last_good_ones_forecast_from_tonights_data() {
    let shop = Shop::open().await;
    let before = night_of(&shop, &shop.nightly(), DAY_BEFORE).await;
    let report = night_of(&shop, &broken(&shop), NIGHT).await;
    assert_eq!((before.rung, report.rung, report.published), (Rung::Fresh, Rung::LastModel, true));
    assert!(report.gates.len() == 5 && report.gates.iter().all(|gate| gate.passed), "{:?}", report.gates);
    let run = get_run(shop.db.work(), report.run_id.0).await.expect("a query").expect("the run");
    assert_eq!(run.rung.as_deref(), Some("last_model"));
    assert_eq!((&run.details["refused_by"][0]["rung"], &run.details["refused_by"][0]["name"]), (&json!("fresh"), &json!("made")));
    assert!(run.details["refused_by"][0]["detail"].as_str().is_some_and(|detail| detail.contains("no such model")), "{:?}", run.details);

    // Tonight's data: the day before is known now, and a plan of the same models stands on it.
    let cells = async |run: RunId| forecasts_of_run(shop.db.work(), run.0).await.expect("forecasts");
    let (old, new) = (cells(before.run_id).await, cells(report.run_id).await);
    assert!(new.len() == 168 && new.iter().all(|cell| cell.rung == "last_model" && cell.explanation.is_some()));
    let on = |cells: &[ForecastRow], day: &str| {
        let cell = cells.iter().find(|cell| cell.target_item == "nasi" && cell.target_date == date(day)).expect("a cell");
        (cell.step, cell.yhat, cell.chosen.clone())
    };
    let ((old_step, old_yhat, old_chosen), (new_step, new_yhat, new_chosen)) = (on(&old, "2026-06-17"), on(&new, "2026-06-17"));
    assert_eq!((old_step, new_step, old_chosen), (3, 2, new_chosen));
    assert!(old_yhat > 0.0 && (new_yhat / old_yhat - 1.0).abs() < 0.3, "{old_yhat} {new_yhat}");
    shop.close().await;
}

#[tokio::test]
async fn models_that_know_more_than_a_night_or_are_gone_leave_it_the_last_rung() {
    let shop = Shop::open().await;
    night_of(&shop, &shop.nightly(), NIGHT).await;
    let earlier = night_of(&shop, &broken(&shop), DAY_BEFORE).await;
    assert_eq!((earlier.rung, earlier.published), (Rung::SeasonalNaive, false), "the models of a later night are not for it");
    let refusals = async |run: RunId| get_run(shop.db.work(), run.0).await.expect("a query").expect("the run").details;
    let details = refusals(earlier.run_id).await;
    assert_eq!(
        details["refused_by"].as_array().expect("a list").iter().map(|one| &one["rung"]).collect::<Vec<_>>(),
        ["fresh", "last_model"]
    );

    for key in shop.objects().list("").await.expect("keys") {
        shop.objects().delete(&key).await.expect("an accident");
    }
    let report = night_of(&shop, &broken(&shop), NIGHT).await;
    assert_eq!((report.rung, report.published), (Rung::SeasonalNaive, true));
    let left_out = refusals(report.run_id).await["left_out"][0].as_str().expect("a reason").to_owned();
    assert!(left_out.starts_with("the last models: ") && left_out.contains("does not exist"), "{left_out}");
    shop.close().await;
}

#[tokio::test]
async fn a_week_of_models_is_kept() {
    let shop = Shop::open().await;
    for day in 5..=13 {
        night_of(&shop, &shop.nightly(), &format!("2026-06-{day:02}")).await;
    }
    let kept = sqlx::query_scalar::<_, String>("select object_key from model_artifacts order by trained_until");
    let mut kept = kept.fetch_all(shop.db.work()).await.expect("models");
    assert_eq!(kept.len(), 7);
    kept.sort();
    let stored: Vec<String> = shop.objects().list("").await.expect("keys").into_iter().map(String::from).collect();
    assert_eq!(stored, kept, "every object is some model's");
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

#[tokio::test]
async fn where_no_model_will_do_what_was_published_last_is_the_next_rung() {
    let shop = Shop::open().await;
    let before = night_of(&shop, &shop.nightly(), DAY_BEFORE).await;
    for key in shop.objects().list("").await.expect("keys") {
        shop.objects().delete(&key).await.expect("an accident");
    }
    let report = night_of(&shop, &broken(&shop), NIGHT).await;
    assert_eq!((report.rung, report.published), (Rung::LastPublished, true));
    let run = get_run(shop.db.work(), report.run_id.0).await.expect("a query").expect("the run");
    assert_eq!((run.state.as_str(), run.rung.as_deref()), ("finished", Some("last_published")));
    assert_eq!(run.details["forecasts_of"], json!(before.run_id));
    assert_eq!(run.details["refused_by"].as_array().expect("a list").len(), 2, "{:?}", run.details);
    let cells = async |run: RunId| forecasts_of_run(shop.db.work(), run.0).await.expect("forecasts");
    let (old, new) = (cells(before.run_id).await, cells(report.run_id).await);
    assert_eq!(new.len(), old.len() / 14 * 13, "a day less ahead");
    for cell in &new {
        let same = |one: &&ForecastRow| {
            one.target_item == cell.target_item && one.target_kind == cell.target_kind && one.target_date == cell.target_date
        };
        let source = old.iter().find(same).expect("the cell it was");
        assert_eq!((cell.yhat, cell.step, cell.rung.as_str()), (source.yhat, source.step - 1, "last_published"));
    }
    let plan = platform::db::plan_items::published_plan(shop.db.work(), shop.store.id, date(NIGHT)).await.expect("a plan");
    assert!(plan.iter().any(|item| item.kind == "prep") && plan.iter().any(|item| item.kind == "purchase"), "{plan:?}");

    let again = night_of(&shop, &broken(&shop), NIGHT).await;
    assert_eq!((again.run_id, again.unchanged), (report.run_id, true), "the same night again");
    let shadow = nightly::run_in_shadow(&broken(&shop), &shop.store, date(NIGHT), domain::ids::JobId::new()).await.expect("a run");
    assert_eq!((shadow.rung, shadow.published), (Rung::SeasonalNaive, false), "the screen is no forecast of the past");
    let fresh = night_of(&shop, &shop.nightly(), NIGHT).await;
    assert_eq!((fresh.rung, fresh.published), (Rung::Fresh, true), "once models can be fitted they take its place");
    shop.close().await;
}

async fn promise(shop: &Shop, nightly: &Nightly, day: &str) -> Promise {
    nightly::keep_promise(nightly, &shop.store, date(day), domain::ids::JobId::new()).await.expect("a plan")
}

#[tokio::test]
async fn by_the_deadline_what_has_no_plan_takes_the_next_rung_and_the_fresh_one_may_follow() {
    let shop = Shop::open().await;
    night_of(&shop, &shop.nightly(), DAY_BEFORE).await;
    assert_eq!(promise(&shop, &shop.nightly(), NIGHT).await, Promise::Published(Rung::LastModel));
    assert_eq!(promise(&shop, &shop.nightly(), NIGHT).await, Promise::Kept);
    let details = list_runs(shop.db.work(), RunFilter { business_date: Some(date(NIGHT)), ..RunFilter::default() }, 9).await.expect("runs");
    assert_eq!(details[0].details["refused_by"][0]["detail"], json!("models of store `warung` were not fitted by its deadline"));
    let fresh = night_of(&shop, &shop.nightly(), NIGHT).await;
    assert_eq!((fresh.rung, fresh.published, fresh.unchanged), (Rung::Fresh, true, false));
    assert_eq!(promise(&shop, &shop.nightly(), NIGHT).await, Promise::Kept);
    shop.close().await;
}

/// Not even facts can be read: what is on the screen reaches today all the same.
#[tokio::test]
async fn without_facts_the_promise_is_kept_with_what_was_published_last() {
    let shop = Shop::open().await;
    night_of(&shop, &shop.nightly(), DAY_BEFORE).await;
    let superuser = shop.superuser().await;
    for table in ["sales_daily", "stock_counts"] {
        let rename = format!("alter table {table} rename to {table}_gone");
        sqlx::raw_sql(sqlx::AssertSqlSafe(rename)).execute(&superuser).await.expect("an accident");
    }
    superuser.close().await;
    assert_eq!(promise(&shop, &shop.nightly(), NIGHT).await, Promise::Published(Rung::LastPublished));
    let published = published_run(shop.db.work(), shop.store.id).await.expect("a query").expect("a plan");
    assert_eq!(published.business_date, date(NIGHT));
    let plan = platform::db::plan_items::published_plan(shop.db.work(), shop.store.id, date(NIGHT)).await.expect("a plan");
    assert!(!plan.is_empty(), "yesterday's plan for today");
    shop.close().await;
}

/// The night was finished while the hurried plan was being made: it stays.
#[tokio::test]
async fn a_hurried_plan_does_not_take_the_place_of_a_finished_one() {
    let shop = Shop::open().await;
    let before = night_of(&shop, &shop.nightly(), DAY_BEFORE).await;
    let fresh = night_of(&shop, &shop.nightly(), NIGHT).await;
    let (now, run) = (shop.clock.shared().now(), before.run_id.0);
    let publish = async |yields| publish_unless_newer(&mut *shop.work().await, shop.store.id, run, date(NIGHT), now, yields).await;
    let stays = publish(true).await.expect("a query");
    assert!(matches!(stays, Publication::NewerStays(current) if current.run_id == fresh.run_id.0), "{stays:?}");
    assert!(matches!(publish(false).await.expect("a query"), Publication::Moved { .. }), "a calm night of the same day does");
    shop.close().await;
}
