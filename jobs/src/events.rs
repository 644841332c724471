//! Log line and metric of each thing that happens, together, so that they cannot disagree.

use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};
use domain::Rung;
use platform::db::DbError;
use platform::db::sales_files::SalesFile;
use platform::db::schedule_ticks::LateTick;
use platform::mail::MailError;
use platform::queue::{Alert, LaneHealth};
use uuid::Uuid;

use crate::alerts::AlertError;
use crate::nightly::{NightError, NightReport};
use crate::scheduler::TickError;

pub(crate) fn night_ended(report: &NightReport) {
    let result = match report {
        NightReport { unchanged: true, .. } => "unchanged",
        NightReport { published: false, .. } => "stored",
        _ => "published",
    };
    metrics::counter!("nightly_runs_total", "result" => result, "rung" => report.rung.as_str()).increment(1);
    metrics::histogram!("nightly_duration_seconds", "result" => result).record(report.seconds);
    let rows_written = if report.unchanged { 0 } else { report.rows };
    metrics::counter!("nightly_forecast_rows_written_total").increment(rows_written);
    for one in &report.guards {
        metrics::counter!("nightly_guard_hits_total", "kind" => one.kind.as_str(), "model" => one.model.clone())
            .increment(one.count as u64);
    }
    let guard_hits: usize = report.guards.iter().map(|one| one.count).sum();
    tracing::info!(
        store.slug = %report.store, run.id = %report.run_id, business_date = %report.date, rung = %report.rung, result,
        rows_written, series = report.series, guard_hits, stale_days = report.stale_days, duration_ms = (report.seconds * 1000.0) as u64,
        "the night of {} for {} is {result} ({})", report.date, report.store, report.rung
    );
}

pub(crate) fn source_not_set_up(source: &str, missing: &str) {
    tracing::info!(source, missing, "{source} is not set up and asks nobody; set {missing}");
}

pub(crate) fn sales_file(file: &SalesFile) {
    let SalesFile { path, state, reason, .. } = file;
    metrics::counter!("sales_files_total", "state" => state.clone()).increment(1);
    match reason {
        Some(reason) => tracing::warn!(path, reason, "the sales file {path} is refused: {reason}"),
        None => tracing::info!(path, state, "the sales file {path} is {state}"),
    }
}

/// Returns it in words, for the run's history.
pub(crate) fn left_out(store: &str, what: &'static str, error: &(dyn std::error::Error + 'static)) -> String {
    metrics::counter!("nightly_left_out_total", "what" => what).increment(1);
    let reason = domain::chain(error);
    tracing::warn!(store.slug = store, what, reason, "the night of {store} goes on without {what}");
    format!("{what}: {reason}")
}

pub(crate) fn night_failed(store: &str, date: NaiveDate, error: &NightError, took: Duration) {
    metrics::counter!("nightly_runs_total", "result" => "failed", "rung" => "none").increment(1);
    metrics::histogram!("nightly_duration_seconds", "result" => "failed").record(took.as_secs_f64());
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::warn!(
        store.slug = store, business_date = %date, duration_ms, error = error as &dyn std::error::Error,
        "the night of {date} for {store} failed; what was published before stays"
    );
}

pub(crate) fn runs_abandoned(store: &str, count: u64) {
    metrics::counter!("nightly_runs_abandoned_total").increment(count);
    tracing::warn!(store.slug = store, count, "{count} runs of {store} were left open by a program that ended; they count as failed");
}

pub(crate) fn failure_unrecorded(run_id: Uuid, error: &DbError) {
    metrics::counter!("nightly_failures_unrecorded_total").increment(1);
    tracing::warn!(run.id = %run_id, error = error as &dyn std::error::Error, "the failure of run {run_id} could not be recorded");
}

pub(crate) fn ticked(jobs: usize) {
    metrics::counter!("scheduler_ticks_total").increment(jobs as u64);
    tracing::info!(jobs, "scheduled {jobs} jobs");
}

pub(crate) fn tick_failed(error: &TickError) {
    metrics::counter!("scheduler_errors_total").increment(1);
    tracing::warn!(error = error as &dyn std::error::Error, "schedules could not be looked at; trying again");
}

pub(crate) fn tick_late(tick: &LateTick) {
    let schedule = tick.job.split(':').next().unwrap_or_default().to_owned();
    metrics::counter!("scheduler_late_ticks_total", "schedule" => schedule).increment(1);
    tracing::error!(
        tick = tick.job, fire_at = %tick.fire_at, job.id = tick.job_id.map(tracing::field::display),
        "the job of tick {} at {} has not ended in time", tick.job, tick.fire_at
    );
}

pub(crate) fn clock_skew(skew: TimeDelta) {
    metrics::gauge!("scheduler_clock_skew_seconds").set(skew.as_seconds_f64());
}

pub(crate) fn pruned(table: &'static str, rows: u64) {
    metrics::counter!("pruned_rows_total", "table" => table).increment(rows);
    tracing::info!(table, rows, "forgot {rows} rows of {table}");
}

pub(crate) fn promise_kept(store: &str, date: NaiveDate, rung: Rung) {
    metrics::counter!("promises_kept_total", "rung" => rung.as_str()).increment(1);
    tracing::warn!(store.slug = store, business_date = %date, rung = %rung, "{store} had no plan for {date} by its deadline: published {rung}");
}

pub(crate) fn partition_made(asset: &'static str, is_made: bool) {
    let result = if is_made { "made" } else { "failed" };
    metrics::counter!("backfill_partitions_total", "asset" => asset, "result" => result).increment(1);
}

/// Names of alerts that there are gauges for.
const ALERTS: [&str; 5] = ["dead_letters", "stuck_leases", "growing_lag", "late_ticks", "stores_without_a_plan"];

pub(crate) fn queue_seen(lanes: &[LaneHealth], alerts: &[Alert]) {
    for lane in lanes {
        let gauge = |name: &'static str| metrics::gauge!(name, "lane" => lane.lane.clone());
        gauge("jobs_waiting").set(lane.waiting as f64);
        gauge("jobs_oldest_wait_seconds").set(lane.oldest_wait_seconds);
        gauge("jobs_running").set(lane.running as f64);
        gauge("jobs_stuck").set(lane.stuck as f64);
        gauge("jobs_dead").set(lane.dead as f64);
    }
    for name in ALERTS {
        let is_on = alerts.iter().any(|alert| alert.name == name);
        metrics::gauge!("alerts", "name" => name).set(if is_on { 1.0 } else { 0.0 });
    }
}

pub(crate) fn alerted(alert: &Alert) {
    metrics::counter!("alerts_total", "name" => alert.name).increment(1);
    tracing::error!(alert = alert.name, hint = alert.hint, "{}", alert.detail);
}

pub(crate) fn alerts_failed(error: &AlertError) {
    tracing::warn!(error = error as &dyn std::error::Error, "it can't be told whether something is wrong; trying again");
}

/// It is in the log and in the metrics all the same.
pub(crate) fn alert_not_mailed(name: &str, error: &(dyn std::error::Error + 'static)) {
    metrics::counter!("alerts_not_mailed_total").increment(1);
    tracing::warn!(error, "an operator could not be mailed about {name}");
}

pub(crate) fn not_mailed(error: &MailError) {
    metrics::counter!("news_not_mailed_total").increment(1);
    tracing::warn!(error = error as &dyn std::error::Error, "news cannot be mailed to an address that is none");
}
