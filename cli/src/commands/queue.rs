//! `viralcast queue stats | bench`, `viralcast dead list | show | replay`

use chrono::{DateTime, Utc};
use clap::Subcommand;
use domain::job::Lane;
use platform::queue::{self, JobFilter};
use uuid::Uuid;

use super::queue_bench::BenchArguments;
use crate::context::{Global, with_context};
use crate::table::{table, thousands};

/// What waits, runs and failed
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast queue stats --json")]
pub struct QueueArguments {
    #[command(subcommand)]
    action: QueueAction,
}

#[derive(Debug, Subcommand)]
enum QueueAction {
    /// Jobs by kind, lane and state
    Stats,
    Bench(BenchArguments),
}

/// Jobs that used up their attempts
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast dead replay --kind run_nightly")]
pub struct DeadArguments {
    #[command(subcommand)]
    action: DeadAction,
}

#[derive(Debug, Subcommand)]
enum DeadAction {
    /// The newest dead letters
    List(Which),
    /// Everything about one job
    Show { job: Uuid },
    /// Give dead letters a fresh set of attempts
    Replay {
        /// One job
        #[arg(long, required_unless_present_any = ["kind", "lane", "error", "since"])]
        job: Option<Uuid>,
        #[command(flatten)]
        which: Which,
    },
}

/// Filters; several narrow each other
#[derive(Debug, Clone, clap::Args)]
struct Which {
    /// Of this kind
    #[arg(long)]
    kind: Option<String>,
    /// Of this lane: interactive, nightly, default, backfill
    #[arg(long)]
    lane: Option<Lane>,
    /// Whose last failure says this
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
    /// That died since then
    #[arg(long, value_name = "RFC 3339")]
    since: Option<DateTime<Utc>>,
    /// At most this many, newest first
    #[arg(long, default_value_t = 100)]
    limit: u32,
}

impl Which {
    fn filter(&self) -> JobFilter {
        let Self { kind, lane, error, since, limit } = self.clone();
        JobFilter { kind, lane, error, since, limit: Some(limit), ..JobFilter::default() }
    }
}

impl QueueArguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        with_context(global, async |context| {
            if let QueueAction::Bench(bench) = &self.action {
                return bench.run(&context).await;
            }
            let (stats, (lanes, alerts)) =
                (queue::stats(context.db.work()).await?, jobs::alerts::look(context.db.work(), context.clock.now()).await?);
            if context.json {
                let shown = serde_json::json!({ "jobs": stats, "lanes": lanes, "alerts": alerts });
                println!("{}", serde_json::to_string_pretty(&shown)?);
                return Ok(());
            }
            let rows = stats.iter().map(|stat| {
                let oldest = stat.oldest_run_at.format("%Y-%m-%d %H:%M:%SZ").to_string();
                vec![stat.kind.clone(), stat.lane.clone(), stat.state.clone(), oldest, thousands(stat.jobs)]
            });
            println!("{}", table(&["kind", "lane", "state", "oldest due", "jobs"], 4.., rows));
            for alert in &alerts {
                println!("{}: {} ({})", alert.name, alert.detail, alert.hint);
            }
            Ok(())
        })
    }
}

impl DeadArguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        with_context(global, async |context| {
            let pool = context.db.work();
            match &self.action {
                DeadAction::List(which) => {
                    let dead = queue::dead_list(pool, &which.filter()).await?;
                    if context.json {
                        println!("{}", serde_json::to_string_pretty(&dead)?);
                        return Ok(());
                    }
                    let rows = dead.iter().map(|job| {
                        let error = job.errors.as_array().and_then(|errors| errors.last()?.get("error")?.as_str().map(str::to_owned));
                        vec![job.id.to_string(), job.kind.clone(), job.args.to_string(), error.unwrap_or_default(), job.attempt.to_string()]
                    });
                    println!("{}", table(&["job", "kind", "arguments", "last error", "attempts"], 4.., rows));
                }
                DeadAction::Show { job } => {
                    let shown = queue::show(pool, (*job).into()).await?;
                    println!("{}", serde_json::to_string_pretty(&shown)?);
                }
                DeadAction::Replay { job, which } => {
                    let filter = JobFilter { id: job.map(Into::into), ..which.filter() };
                    let replayed = queue::replay(pool, &filter).await?;
                    println!("{}", serde_json::to_string_pretty(&serde_json::json!({ "replayed": replayed }))?);
                }
            }
            Ok(())
        })
    }
}
