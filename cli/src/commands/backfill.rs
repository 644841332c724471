//! `viralcast backfill plan | start | status | pause | resume | cancel | publish | rollback`

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use chrono::{NaiveDate, Utc};
use clap::Subcommand;
use jobs::Nightly;
use jobs::backfill::{self, BackfillError, Mode, Plan, Request};
use platform::db::backfills::{BackfillRow, list_backfills, list_failures};
use serde_json::json;
use uuid::Uuid;

use crate::context::{Context, Global, with_context};
use crate::progress;
use crate::table::{table, thousands};

/// Make partitions of the past: see the plan, start, watch, stop, publish, roll back
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast backfill plan forecasts --from 2026-10-01 --to 2026-10-31 --mode missing\n\
                  Assets: forecasts (the night of each day, as of its own cutoff), features (what its\n\
                  models saw; see viralcast export features), and sources that ask, as pihps_prices")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// What would be made, at which cost, and how today's screens would change; changes nothing
    Plan(Range),
    /// The same, and begin
    Start(Range),
    /// How far backfills have come
    Status {
        /// One backfill; without it the newest
        backfill: Option<Uuid>,
        /// Stay until it has ended, with a progress bar
        #[arg(long, requires = "backfill")]
        watch: bool,
    },
    /// Begin no further partition
    Pause { backfill: Uuid },
    /// Go on where it was paused
    Resume { backfill: Uuid },
    /// End it for good; what was made stays in the shadow
    Cancel { backfill: Uuid },
    /// Make what was made speak for its days, all at once
    Publish { backfill: Uuid },
    /// Give its days back to what spoke for them before
    Rollback { backfill: Uuid },
}

#[derive(Debug, clap::Args)]
struct Range {
    /// What to make
    asset: String,
    /// First day
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: NaiveDate,
    /// Last day
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: NaiveDate,
    /// A store (slug or id), repeated for several; without it all
    #[arg(long)]
    store: Vec<String>,
    /// Which partitions: missing, failed, stale or all
    #[arg(long, default_value = "missing")]
    mode: Mode,
    /// Newest day first
    #[arg(long)]
    reverse: bool,
    /// Stores whose screen of today is forecast again, to tell how it would change
    #[arg(long, default_value_t = 10, value_name = "STORES")]
    rehearse: usize,
}

impl Range {
    fn request(&self) -> Result<Request, BackfillError> {
        let end_day = self.to.succ_opt().unwrap_or(self.to);
        if self.from >= end_day {
            return Err(BackfillError::EmptyRange { from: self.from, to: self.to });
        }
        Ok(Request {
            asset: self.asset.clone(),
            first_day: self.from,
            end_day,
            scopes: self.store.clone(),
            mode: self.mode,
            is_reversed: self.reverse,
            rehearse: self.rehearse,
        })
    }
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        with_context(global, async |context| {
            let nightly = context.nightly()?;
            match &self.action {
                Action::Plan(range) => {
                    let planned = planned(&nightly, range).await?;
                    show_plan(&context, &planned)
                }
                Action::Start(range) => start(&context, &nightly, range).await,
                Action::Status { backfill: None, .. } => list(&context).await,
                Action::Status { backfill: Some(id), watch } => status(&context, &nightly, *id, *watch).await,
                Action::Pause { backfill } => told(&context, *backfill, "paused", backfill::pause(&nightly, *backfill).await?),
                Action::Resume { backfill } => told(&context, *backfill, "running again", backfill::resume(&nightly, *backfill).await?),
                Action::Cancel { backfill } => told(&context, *backfill, "cancelled", backfill::cancel(&nightly, *backfill).await?),
                Action::Publish { backfill } => days(&context, *backfill, "published", backfill::publish(&nightly, *backfill).await?),
                Action::Rollback { backfill } => days(&context, *backfill, "rolled back", backfill::rollback(&nightly, *backfill).await?),
            }
        })
    }
}

async fn planned(nightly: &Nightly, range: &Range) -> anyhow::Result<Plan> {
    let asset = backfill::asset(nightly, &range.asset)?;
    Ok(backfill::plan(&nightly.work, &asset, range.request()?).await?)
}

async fn start(context: &Context, nightly: &Nightly, range: &Range) -> anyhow::Result<()> {
    let range = Range { rehearse: 0, store: range.store.clone(), asset: range.asset.clone(), ..*range };
    let plan = planned(nightly, &range).await?;
    let requested_by = std::env::var("USER").ok();
    let started = backfill::start(nightly, &plan, requested_by).await?;
    if context.json {
        println!("{}", json!({ "backfill": started, "partitions": plan.partitions }));
        return Ok(());
    }
    match started {
        Some(id) => {
            println!("{id}  {} partitions queued; watch it: viralcast backfill status {id} --watch", thousands(plan.partitions as u64))
        }
        None => println!("nothing to make: no partition in this range is {}", plan.request.mode.as_str()),
    }
    Ok(())
}

fn show_plan(context: &Context, plan: &Plan) -> anyhow::Result<()> {
    if context.json {
        println!("{}", serde_json::to_string_pretty(plan)?);
        return Ok(());
    }
    let count = |count: i64| thousands(count.unsigned_abs());
    let states = &plan.states;
    println!(
        "{} partitions in {} scopes are to be made ({} of the range: {} missing, {} stale, {} failed, {} made)",
        count(plan.partitions),
        plan.scopes,
        plan.request.asset,
        count(states.missing),
        count(states.stale),
        count(states.failed),
        count(states.materialised)
    );
    let rows = plan.rows.map_or_else(|| "rows not known yet".to_owned(), |rows| format!("about {} rows", thousands(rows as u64)));
    let time = plan.estimate.map_or_else(|| "time not known yet".to_owned(), |time| format!("{} on one worker", in_words(time)));
    let calls = match &plan.quota {
        Some(quota) => format!("{} calls, {:.0} minutes under the quota of {}", count(plan.external_calls), plan.quota_minutes, quota.name),
        None => "no call to anybody".to_owned(),
    };
    println!("{rows}; {time}; {calls}");
    let screens = plan.screens.iter().map(|screen| {
        let greatest = screen
            .greatest
            .as_ref()
            .map_or_else(String::new, |cell| format!("{} on {}: {:.1} instead of {:.1}", cell.item, cell.day, cell.new, cell.shown));
        let units = format!("{:+.1} %", 100.0 * (screen.new_units / screen.shown_units.max(1e-9) - 1.0));
        vec![screen.store.clone(), screen.business_date.to_string(), greatest, format!("{} of {}", screen.changed, screen.cells), units]
    });
    if !plan.screens.is_empty() {
        println!("\nmade again from what is known now, today's screens would change:");
        println!("{}", table(&["store", "day", "greatest change", "cells", "units"], 3.., screens));
    }
    if plan.screens_left_out > 0 {
        println!("{} more stores were not rehearsed (--rehearse)", plan.screens_left_out);
    }
    Ok(())
}

async fn list(context: &Context) -> anyhow::Result<()> {
    let backfills = list_backfills(context.db.work(), None, 20).await?;
    if context.json {
        println!("{}", serde_json::to_string_pretty(&backfills)?);
        return Ok(());
    }
    let rows = backfills.iter().map(|one| {
        let range = format!("{} to {}", one.first_day, one.end_day.pred_opt().unwrap_or(one.end_day));
        let done = format!("{} of {}", thousands(one.done_count as u64), thousands(one.total_count as u64));
        vec![one.id.to_string(), one.asset.clone(), range, one.state.clone(), done, thousands(one.failed_count as u64)]
    });
    println!("{}", table(&["backfill", "asset", "days", "state", "made", "failed"], 4.., rows));
    Ok(())
}

async fn status(context: &Context, nightly: &Nightly, id: Uuid, watch: bool) -> anyhow::Result<()> {
    let mut now = backfill::find(nightly, id).await?;
    if watch && is_moving(&now) {
        now = watched(nightly, now).await?;
    }
    let failures = list_failures(context.db.work(), id, 10).await?;
    if context.json {
        let mut shown = serde_json::to_value(&now)?;
        shown["failures"] = json!(failures);
        shown["eta_seconds"] = json!(eta(&now).map(|left| left.as_secs()));
        println!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(());
    }
    println!(
        "{} of {} to {} ({}){}",
        now.asset,
        now.first_day,
        now.end_day.pred_opt().unwrap_or(now.end_day),
        now.mode,
        if now.is_reversed { ", newest first" } else { "" }
    );
    let left = eta(&now).map_or_else(String::new, |left| format!(", about {} left", in_words(left)));
    println!(
        "{}: {} of {} made, {} failed{left}",
        now.state,
        thousands(now.done_count as u64),
        thousands(now.total_count as u64),
        thousands(now.failed_count as u64)
    );
    for gate in now.gates.as_array().into_iter().flatten() {
        let sign = if gate["passed"] == json!(true) { "passed" } else { "FAILED" };
        println!("  {} {sign}: {}", gate["name"].as_str().unwrap_or_default(), gate["detail"].as_str().unwrap_or_default());
    }
    if let Some(cells) = now.changes["cells"].as_i64() {
        let share = |name: &str| now.changes[name].as_f64().map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0));
        println!(
            "  publishing gives {} days their first forecast and changes {} of {cells} cells (median {}, at most {})",
            now.changes["new_days"],
            now.changes["changed"],
            share("median_share"),
            share("greatest_share")
        );
    }
    for failure in &failures {
        println!("  failed: {} {}: {}", failure.scope, failure.day, failure.error);
    }
    Ok(())
}

fn is_moving(backfill: &BackfillRow) -> bool {
    matches!(backfill.state.as_str(), "running" | "paused")
}

/// A bar whose remaining time follows the pace of the last half minute.
async fn watched(nightly: &Nightly, mut now: BackfillRow) -> anyhow::Result<BackfillRow> {
    let bar = progress::bar(now.total_count.unsigned_abs().max(1), now.asset.clone());
    let mut seen: VecDeque<(Instant, i64)> = VecDeque::new();
    while is_moving(&now) {
        let tried = now.done_count + now.failed_count;
        seen.push_back((Instant::now(), tried));
        if seen.len() > 30 {
            seen.pop_front();
        }
        let pace = seen.front().filter(|(_, first)| *first < tried).map(|(at, first)| (tried - first) as f64 / at.elapsed().as_secs_f64());
        let left = pace.map_or_else(
            || "no pace yet".to_owned(),
            |pace| format!("{} left", in_words(Duration::from_secs_f64((now.total_count - tried) as f64 / pace))),
        );
        bar.set_message(format!("{} {}, {} failed, {left}", now.asset, now.state, now.failed_count));
        bar.set_position(tried.unsigned_abs());
        tokio::time::sleep(Duration::from_secs(1)).await;
        now = backfill::find(nightly, now.id).await?;
    }
    bar.finish_and_clear();
    Ok(now)
}

/// At the pace since it was started.
fn eta(backfill: &BackfillRow) -> Option<Duration> {
    let tried = backfill.done_count + backfill.failed_count;
    let since = (Utc::now() - backfill.created_at).to_std().ok()?;
    (backfill.state == "running" && tried > 0).then(|| since.mul_f64((backfill.total_count - tried) as f64 / tried as f64))
}

fn told(context: &Context, id: Uuid, what: &str, (): ()) -> anyhow::Result<()> {
    if context.json {
        println!("{}", json!({ "backfill": id, "state": what }));
    } else {
        println!("{id} is {what}");
    }
    Ok(())
}

fn days(context: &Context, id: Uuid, what: &str, days: u64) -> anyhow::Result<()> {
    if context.json {
        println!("{}", json!({ "backfill": id, "state": what, "days": days }));
    } else {
        println!("{id} is {what}: {} store days", thousands(days));
    }
    Ok(())
}

fn in_words(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.0} s", time.as_secs_f64()),
        60..7_200 => format!("{} min", time.as_secs() / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}
