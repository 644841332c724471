//! A program on a runtime and connections of its own: killed, nothing of it lives on.

use std::time::Duration;

use jobs::Nightly;
use jobs::nightly::Outside;
use platform::config::OutsideConfig;
use platform::http::Polite;
use platform::queue::{self, QueueError, WorkerOptions};
use sqlx::postgres::PgPoolOptions;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub struct Program {
    runtime: Runtime,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), QueueError>>,
}

impl Program {
    /// Works so many jobs at a time.
    pub fn start(nightly: &Nightly, concurrency: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let shutdown = CancellationToken::new();
        let options =
            WorkerOptions { concurrency, poll: Duration::from_millis(50), lease: Duration::from_secs(2), ..WorkerOptions::default() };
        let (server, stop, nightly) = (nightly.work.connect_options(), shutdown.clone(), nightly.clone());
        let running = runtime.spawn(async move {
            let pool = PgPoolOptions::new().max_connections(5).connect_lazy_with((*server).clone());
            let http = Polite::new(pool.clone(), &OutsideConfig::default()).expect("a client");
            let outside = Outside { http, ..nightly.outside };
            queue::run(pool.clone(), jobs::workers::all(&Nightly { work: pool, outside, ..nightly }), options, stop).await
        });
        Self { runtime, shutdown, running }
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.expect("no panic").expect("no error");
        self.runtime.shutdown_background();
    }

    pub fn kill(self) {
        self.runtime.shutdown_background();
    }
}
