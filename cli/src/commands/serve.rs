//! `viralcast serve`, `work`, `schedule`: the roles apart, for many machines.

use std::future::IntoFuture as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use platform::config::{SourcesConfig, XenditConfig};
use platform::queue::WorkerOptions;
use tokio_util::sync::CancellationToken;

use crate::context::{Context, Global, with_context};

/// Serve the HTTP API and its docs page
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast serve")]
pub struct Arguments {}

/// Work on background jobs; any number of these on any number of machines
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast work --concurrency 2")]
pub struct WorkArguments {
    /// Jobs at the same time; without it one a processor
    #[arg(long)]
    concurrency: Option<usize>,
}

/// Make the schedules' ticks; any number of these make each tick once
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast schedule")]
pub struct ScheduleArguments {}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        with_context(global, async |context| until_told(&context, Roles { serve: true, ..Roles::default() }).await)
    }
}

impl WorkArguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        with_context(global, async |context| {
            until_told(&context, Roles { work: true, concurrency: self.concurrency, ..Roles::default() }).await
        })
    }
}

impl ScheduleArguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        with_context(global, async |context| until_told(&context, Roles { schedule: true, ..Roles::default() }).await)
    }
}

/// What one process does.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    pub serve: bool,
    pub work: bool,
    pub schedule: bool,
    pub concurrency: Option<usize>,
    /// Where sources are, if not where the settings say.
    pub sources: Option<SourcesConfig>,
    /// Where the payment gateway is, if not there.
    pub xendit: Option<XenditConfig>,
}

impl Roles {
    pub const ALL: Self = Self { serve: true, work: true, schedule: true, concurrency: None, sources: None, xendit: None };
}

/// Plays the roles until SIGINT or SIGTERM, then ends each in order: requests are drained, running jobs get their grace.
pub async fn until_told(context: &Arc<Context>, roles: Roles) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    let listener = match roles.serve {
        true => Some(api::bind(context.config.http.address()).await?),
        false => None,
    };
    let signal = tokio::spawn(cancel_on_signal(shutdown.clone()));
    let xendit = roles.xendit.as_ref().unwrap_or(&context.config.xendit);
    let serve = async {
        let Some(listener) = listener else { return Ok(()) };
        let state = context.api_state(xendit, shutdown.clone()).await?;
        api::serve(listener, state, shutdown.clone()).await.context("the API stopped")
    };
    let work = async {
        if !roles.work {
            return Ok(());
        }
        let grace = Duration::from_secs(context.config.http.shutdown_seconds);
        let mut options = WorkerOptions { grace, listen_pool: Some(context.listening(1)), ..WorkerOptions::default() };
        if let Some(concurrency) = roles.concurrency {
            options.concurrency = concurrency;
        }
        let mut nightly = context.nightly()?;
        if let Some(sources) = roles.sources {
            nightly.outside.sources = Arc::new(sources);
        }
        nightly.outside.payments = context.payments(context.db.work().clone(), xendit)?;
        let workers = jobs::workers::all(&nightly);
        platform::queue::run(context.db.work().clone(), workers, options, shutdown.clone()).await.context("the worker stopped")
    };
    let schedule = async {
        if roles.schedule {
            let schedules = jobs::scheduler::schedules()?;
            let (pool, clock) = (context.db.work(), &context.clock);
            tokio::join!(
                jobs::scheduler::run(pool.clone(), clock.clone(), schedules, shutdown.clone()),
                jobs::alerts::watch(pool.clone(), clock.clone(), context.mailer()?, shutdown.clone()),
            );
        }
        anyhow::Ok(())
    };
    // One role that fails takes the others down with it, in order.
    let ended = tokio::try_join!(end_all(serve, &shutdown), end_all(work, &shutdown), end_all(schedule, &shutdown));
    signal.abort();
    let _ = signal.into_future().await;
    ended.map(|_| ())
}

async fn end_all(role: impl Future<Output = anyhow::Result<()>>, shutdown: &CancellationToken) -> anyhow::Result<()> {
    let ended = role.await;
    if ended.is_err() {
        shutdown.cancel();
    }
    ended
}

/// The first signal ends in order; the second is the operating system's own.
async fn cancel_on_signal(shutdown: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        return tracing::error!("signals can't be listened to; stop this process with SIGKILL, nothing is lost by it");
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("shutting down; a second signal does not wait");
    shutdown.cancel();
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    std::process::exit(130);
}
