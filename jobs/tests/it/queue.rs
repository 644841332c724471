//! The worker, by the real queue.

use std::time::{Duration, Instant};

use domain::ids::JobId;
use domain::job::RunNightly;
use platform::db::published_runs::published_run;
use platform::db::runs::{RunFilter, list_runs};
use platform::queue::{self, EnqueueOptions, State, WorkerOptions};
use tokio_util::sync::CancellationToken;

use crate::shop::{NIGHT, Shop, date};

/// Enqueues the shop's night, works on the queue until it is over, and returns how it ended.
async fn worked(shop: &Shop) -> (JobId, State) {
    let mut connection = shop.work().await;
    let args = RunNightly { store_id: shop.store.id.into(), date: date(NIGHT) };
    let job = queue::enqueue(&mut connection, &args, EnqueueOptions::default()).await.expect("a job").id;
    drop(connection);
    let shutdown = CancellationToken::new();
    let options = WorkerOptions { concurrency: 1, poll: Duration::from_millis(50), ..WorkerOptions::default() };
    let running = tokio::spawn(queue::run(shop.db.work().clone(), jobs::workers::all(&shop.nightly()), options, shutdown.clone()));
    let deadline = Instant::now() + Duration::from_secs(120);
    let state = loop {
        let job = queue::show(shop.db.work(), job).await.expect("the job");
        match State::parse(&job.state).filter(|state| state.is_final()) {
            Some(state) => break state,
            None => assert!(Instant::now() < deadline, "still {}: {}", job.state, job.errors),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    shutdown.cancel();
    running.await.expect("no panic").expect("no error");
    (job, state)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_runs_the_night() {
    let shop = Shop::open().await;
    let (job, state) = worked(&shop).await;
    assert_eq!(state, State::Completed);
    let pointer = published_run(shop.db.work(), shop.store.id).await.expect("a query").expect("a pointer");
    assert_eq!(pointer.business_date, date(NIGHT));
    let runs = list_runs(shop.db.work(), RunFilter::default(), 9).await.expect("runs");
    assert_eq!(runs.len(), 1);
    let of_job: uuid::Uuid = sqlx::query_scalar("select job_id from runs").fetch_one(shop.db.work()).await.expect("a job");
    assert_eq!(of_job, job.0);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_night_without_sales_is_not_tried_again() {
    let shop = Shop::empty().await;
    assert_eq!(worked(&shop).await.1, State::Cancelled);
    shop.close().await;
}
