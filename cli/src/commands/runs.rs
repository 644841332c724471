//! `viralcast runs list | show`

use clap::Subcommand;
use platform::db::forecast_runs::get_forecast_run;
use platform::db::runs::{RunFilter, RunRow, get_run, list_runs};
use serde_json::json;
use uuid::Uuid;

use crate::context::{Global, with_context};
use crate::failure::Failure;
use crate::table::table;

/// The history of runs
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast runs list --store warung-imas --limit 5")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// The newest runs
    List {
        /// One store (slug or id)
        #[arg(long)]
        store: Option<String>,
        /// running, finished, failed or cancelled
        #[arg(long)]
        state: Option<String>,
        #[arg(long, default_value_t = 20)]
        limit: u16,
    },
    /// Everything about one run
    Show { run: Uuid },
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        match self.action {
            Action::List { store, state, limit } => list(global, store, state, limit),
            Action::Show { run } => show(global, run),
        }
    }
}

fn list(global: &Global, store: Option<String>, state: Option<String>, limit: u16) -> anyhow::Result<()> {
    with_context(global, async |context| {
        let store_id = match &store {
            Some(name) => Some(context.store(name).await?.id),
            None => None,
        };
        let filter = RunFilter { store_id, state: state.as_deref(), ..RunFilter::default() };
        let runs = list_runs(context.db.work(), filter, i64::from(limit)).await?;
        if context.json {
            println!("{}", serde_json::to_string_pretty(&runs.iter().map(as_json).collect::<Vec<_>>())?);
            return Ok(());
        }
        let rows = runs.iter().map(|run| {
            let day = run.business_date.map_or_else(|| "-".to_owned(), |day| day.to_string());
            let seconds = run.duration_ms.map_or_else(|| "-".to_owned(), |ms| format!("{:.1}", ms as f64 / 1000.0));
            let note = run.error.clone().or_else(|| run.rung.clone()).unwrap_or_default();
            vec![run.id.to_string(), run.kind.clone(), day, run.state.clone(), note, seconds]
        });
        println!("{}", table(&["run", "kind", "day", "state", "rung or error", "seconds"], 5.., rows));
        Ok(())
    })
}

fn show(global: &Global, run_id: Uuid) -> anyhow::Result<()> {
    with_context(global, async |context| {
        let missing = || Failure::with_hint(format!("there is no run {run_id}"), "viralcast runs list shows the newest");
        let run = get_run(context.db.work(), run_id).await?.ok_or_else(missing)?;
        let mut shown = as_json(&run);
        if let Some(forecast) = get_forecast_run(context.db.work(), run_id).await? {
            shown["forecast"] = json!({
                "cutoff": forecast.cutoff, "last_day": forecast.last_day, "first_day": forecast.first_day, "horizon": forecast.horizon,
                "gates": forecast.gates, "gates_passed": forecast.gates_passed, "metrics": forecast.metrics, "inputs": forecast.inputs,
                "guard_hits": forecast.guard_hits,
            });
        }
        println!("{}", serde_json::to_string_pretty(&shown)?);
        Ok(())
    })
}

fn as_json(run: &RunRow) -> serde_json::Value {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    json!({
        "id": run.id, "kind": run.kind, "store_id": run.store_id, "business_date": run.business_date, "state": run.state, "rung": run.rung,
        "code_version": run.code_version, "input_hash": hex(&run.input_hash), "config_hash": run.config_hash.as_deref().map(hex),
        "started_at": run.started_at, "finished_at": run.finished_at, "duration_ms": run.duration_ms, "rows": run.row_count,
        "error": run.error, "details": run.details,
    })
}
