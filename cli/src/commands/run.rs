//! `viralcast run nightly`

use std::sync::Arc;

use chrono::NaiveDate;
use clap::Subcommand;
use domain::text::{Language, plan_sentence};
use jobs::NightError;
use jobs::nightly::{self, NightReport, Stage};
use platform::db::stores::StoreRow;

use crate::context::{Context, Global, with_context};
use crate::failure::Failure;
use crate::progress;
use crate::remarks::about_guards;
use crate::table::{table, thousands};

/// Run one scheduled job now, in the foreground
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast run nightly --date 2026-11-23 --store warung-imas")]
pub struct Arguments {
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, Subcommand)]
enum Job {
    /// Forecast, plan and publish a business day, as of its 03:30 local
    Nightly {
        /// Business day served; without it, each store's own today
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: Option<NaiveDate>,
        /// One store (slug or id) instead of all
        #[arg(long)]
        store: Option<String>,
    },
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        let Job::Nightly { date, store } = self.job;
        with_context(global, async |context| {
            let stores = context.stores(store.as_deref()).await?;
            if stores.is_empty() {
                return Err(Failure::with_hint("there is no store yet", "create one (viralcast store create NAME), or see viralcast demo"));
            }
            let (mut reports, mut failed) = (Vec::new(), 0);
            for one in &stores {
                // One store's trouble must not cost the others their plan.
                match night(&context, one, date).await {
                    Ok(report) => reports.push(report),
                    // Of all stores, one that has not sold for weeks is no failure: it has nothing to plan.
                    Err(error) if store.is_none() && matches!(error.downcast_ref(), Some(NightError::NoSales { .. })) => {
                        eprintln!("skipped: {error}");
                    }
                    Err(error) => {
                        crate::failure::print(&error);
                        failed += 1;
                    }
                }
            }
            show(&reports, context.json)?;
            if failed > 0 {
                return Err(Failure::with_hint(
                    format!("{failed} of {} stores have no new plan", stores.len()),
                    "what was published before stays; see viralcast runs list",
                ));
            }
            Ok(())
        })
    }
}

/// One store's night with a progress bar.
pub async fn night(context: &Context, store: &StoreRow, date: Option<NaiveDate>) -> anyhow::Result<NightReport> {
    let date = match date {
        Some(date) => date,
        None => context.business_day(store)?,
    };
    let bar = progress::bar(0, format!("{}: reading facts", store.slug));
    let (shown, slug) = (bar.clone(), store.slug.clone());
    let report = move |stage: Stage| match stage {
        Stage::Load => shown.set_message(format!("{slug}: reading facts")),
        Stage::Features { series } => shown.set_message(format!("{slug}: features of {series} series")),
        Stage::Models { done, total } => {
            shown.set_message(format!("{slug}: fitting and backtesting"));
            progress::advance(&shown, done, total);
        }
        Stage::Publish => shown.set_message(format!("{slug}: publishing")),
    };
    let result = nightly::run(&context.nightly()?, store, date, Arc::new(report)).await;
    bar.finish_and_clear();
    Ok(result?)
}

fn show(reports: &[NightReport], json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(reports)?);
        return Ok(());
    }
    let rows = reports.iter().map(|report| {
        let gates = if report.unchanged {
            "-".to_owned()
        } else {
            format!("{}/{}", report.gates.iter().filter(|gate| gate.passed).count(), report.gates.len())
        };
        let what = match (report.unchanged, report.published) {
            (true, _) => "unchanged",
            (false, true) => "published",
            (false, false) => "stored: a later day is on the screen",
        };
        vec![
            report.store.clone(),
            report.date.to_string(),
            what.to_owned(),
            report.rung.to_string(),
            gates,
            report.series.to_string(),
            thousands(report.rows),
            format!("{:.1}", report.seconds),
        ]
    });
    println!("{}", table(&["store", "day", "result", "rung", "gates", "series", "rows", "seconds"], 4.., rows));
    for report in reports {
        for plan in &report.plans {
            println!("{} {}: {}", report.store, plan.date, plan_sentence(plan, Language::Indonesian));
        }
        remarks(report);
    }
    Ok(())
}

/// What a reader must not miss about a night.
fn remarks(report: &NightReport) {
    for gate in report.gates.iter().filter(|gate| !gate.passed) {
        println!("{}: gate `{}` did not pass: {}", report.store, gate.name, gate.detail);
    }
    if let Some(remark) = about_guards(&report.guards, "in these forecasts") {
        println!("{}: {remark}", report.store);
    }
    if let Some(days) = report.stale_days {
        println!("{}: no sales are known for the last {days} days; is an export missing?", report.store);
    }
    if !report.dormant.is_empty() {
        println!("{}: not forecast, because they no longer sell: {}", report.store, report.dormant.join(", "));
    }
    if let Some(fault) = &report.recipe_fault {
        println!("{}: no purchase list, because recipes don't add up: {fault}", report.store);
    }
}
