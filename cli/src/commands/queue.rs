//! `viralcast queue stats | bench`, `viralcast dead list | show | replay`

use clap::Subcommand;
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
    List {
        #[arg(long)]
        kind: Option<String>,
    },
    /// Everything about one job
    Show { job: Uuid },
    /// Give dead letters a fresh set of attempts
    Replay {
        /// One job
        #[arg(long, required_unless_present = "kind")]
        job: Option<Uuid>,
        /// Every dead letter of this kind
        #[arg(long)]
        kind: Option<String>,
    },
}

impl QueueArguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        with_context(global, async |context| {
            if let QueueAction::Bench(bench) = &self.action {
                return bench.run(&context).await;
            }
            let stats = queue::stats(context.db.work()).await?;
            if context.json {
                println!("{}", serde_json::to_string_pretty(&stats)?);
                return Ok(());
            }
            let rows = stats.iter().map(|stat| {
                let oldest = stat.oldest_run_at.format("%Y-%m-%d %H:%M:%SZ").to_string();
                vec![stat.kind.clone(), stat.lane.clone(), stat.state.clone(), oldest, thousands(stat.jobs)]
            });
            println!("{}", table(&["kind", "lane", "state", "oldest due", "jobs"], 4.., rows));
            Ok(())
        })
    }
}

impl DeadArguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        with_context(global, async |context| {
            let pool = context.db.work();
            match &self.action {
                DeadAction::List { kind } => {
                    let dead = queue::dead_list(pool, &JobFilter { kind: kind.clone(), ..JobFilter::default() }).await?;
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
                DeadAction::Replay { job, kind } => {
                    let filter = JobFilter { id: job.map(Into::into), kind: kind.clone(), ..JobFilter::default() };
                    let replayed = queue::replay(pool, &filter).await?;
                    println!("{}", serde_json::to_string_pretty(&serde_json::json!({ "replayed": replayed }))?);
                }
            }
            Ok(())
        })
    }
}
