//! Run history and schedule ticks.

use platform::db::runs::{NewRun, RunFilter, RunResult, StartedRun, fail_run, finish_run, get_run, list_runs, start_run};
use platform::db::schedule_ticks::{NewTick, claim_ticks, last_ticks};
use uuid::Uuid;

use super::shop::{Shop, at, date};

fn nightly<'a>(shop: &Shop, input_hash: &'a [u8], started_at: &str) -> NewRun<'a> {
    NewRun {
        kind: "nightly",
        store_id: Some(shop.store_id),
        business_date: Some(date("2026-11-23")),
        input_hash,
        config_hash: None,
        code_version: "0.1.0",
        job_id: None,
        started_at: at(started_at),
    }
}

fn result(finished_at: &str) -> RunResult<'static> {
    RunResult { finished_at: at(finished_at), rung: Some("fresh"), row_count: 1_680, details: serde_json::json!({"series": 120}) }
}

async fn started(shop: &Shop, run: NewRun<'_>) -> Uuid {
    let mut work = shop.connection().await;
    match start_run(&mut work, &run).await.expect("a run") {
        StartedRun::New(id) => id,
        StartedRun::Finished(run) => panic!("run {} has finished already", run.id),
    }
}

#[tokio::test]
async fn the_same_input_runs_once() {
    let shop = Shop::open().await;
    let id = started(&shop, nightly(&shop, b"one", "2026-11-22T20:30:00Z")).await;
    finish_run(shop.db.work(), id, &result("2026-11-22T20:30:12.5Z")).await.expect("an end");
    let mut work = shop.connection().await;
    let again = start_run(&mut work, &nightly(&shop, b"one", "2026-11-22T21:00:00Z")).await.expect("the same input");
    let StartedRun::Finished(run) = again else { panic!("it ran twice") };
    assert_eq!((run.id, run.duration_ms, run.row_count, run.rung.as_deref()), (id, Some(12_500), Some(1_680), Some("fresh")));
    assert!(matches!(start_run(&mut work, &nightly(&shop, b"two", "2026-11-22T21:00:00Z")).await, Ok(StartedRun::New(_))));
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn of_two_runs_on_one_input_one_finishes() {
    let shop = Shop::open().await;
    let first = started(&shop, nightly(&shop, b"one", "2026-11-22T20:30:00Z")).await;
    let second = started(&shop, nightly(&shop, b"one", "2026-11-22T20:31:00Z")).await;
    finish_run(shop.db.work(), first, &result("2026-11-22T20:32:00Z")).await.expect("the first end");
    let error = finish_run(shop.db.work(), second, &result("2026-11-22T20:33:00Z")).await.expect_err("the second end");
    assert_eq!(error.rule(), Some("one_finished_run_per_input"));
    fail_run(shop.db.work(), second, at("2026-11-22T20:33:00Z"), "another run was faster").await.expect("an end");
    let error = finish_run(shop.db.work(), second, &result("2026-11-22T20:34:00Z")).await.expect_err("it has ended");
    assert!(error.to_string().contains("is not running"), "{error}");
    shop.db.close().await;
}

#[tokio::test]
async fn a_failed_run_says_why_and_may_be_tried_again() {
    let shop = Shop::open().await;
    let id = started(&shop, nightly(&shop, b"one", "2026-11-22T20:30:00Z")).await;
    fail_run(shop.db.work(), id, at("2026-11-22T20:31:00Z"), "no sales").await.expect("an end");
    started(&shop, nightly(&shop, b"one", "2026-11-22T20:40:00Z")).await;
    let failed = get_run(shop.db.work(), id).await.expect("a read").expect("the run");
    assert_eq!((failed.state.as_str(), failed.error.as_deref()), ("failed", Some("no sales")));

    let all = list_runs(shop.db.work(), RunFilter::default(), 10).await.expect("runs");
    assert_eq!(all.iter().map(|run| run.state.as_str()).collect::<Vec<_>>(), ["running", "failed"], "newest first");
    let filter = RunFilter { state: Some("failed"), kind: Some("nightly"), store_id: Some(shop.store_id), business_date: None };
    assert_eq!(list_runs(shop.db.work(), filter, 10).await.expect("runs"), [failed]);
    assert_eq!(list_runs(shop.db.work(), RunFilter { kind: Some("ingest"), ..RunFilter::default() }, 10).await.expect("runs"), []);
    assert_eq!(list_runs(shop.db.work(), RunFilter::default(), 1).await.expect("runs").len(), 1);
    shop.db.close().await;
}

#[tokio::test]
async fn a_tick_is_claimed_by_one_of_many_schedulers() {
    let shop = Shop::open().await;
    let fire_at = at("2026-11-22T20:30:00Z");
    let tick = || NewTick { job: "nightly".to_owned(), fire_at, job_id: Uuid::now_v7(), late_at: fire_at };
    let claim = async |name: &'static str| claim_ticks(shop.db.work(), &[tick()], name).await;
    let (one, two, three) = tokio::join!(claim("a"), claim("b"), claim("c"));
    let won: usize = [one, two, three].into_iter().map(|claimed| claimed.expect("an answer").len()).sum();
    assert_eq!(won, 1);
    let asked = ["nightly".to_owned(), "ingest".to_owned()];
    assert_eq!(last_ticks(shop.db.work(), &asked).await.expect("ticks"), [("nightly".to_owned(), fire_at)]);
    shop.db.close().await;
}
