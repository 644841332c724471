//! What someone should look at: the queue, the ticks, and stores without a plan. Whoever looks keeps gauges and a log; operators get a mail.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use platform::clock::SharedClock;
use platform::db::DbError;
use platform::db::alert_notices::{give_back_notice, take_notice};
use platform::db::published_runs::unserved_stores;
use platform::db::schedule_ticks::late_ticks;
use platform::db::users::operator_addresses;
use platform::mail::{Mail, Mailer};
use platform::queue::{self, Alert, LaneHealth, QueueError};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::events;

/// How often [`watch`] looks.
const LOOK: Duration = Duration::from_secs(60);
/// Between two mails about the same.
const AGAIN: TimeDelta = TimeDelta::hours(6);

/// Why it could not be looked.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    #[error("the queue could not be looked at")]
    Queue(#[from] QueueError),
    #[error("the database could not be looked at")]
    Database(#[from] DbError),
}

/// The queue's lanes and everything that is wrong now.
///
/// # Errors
/// [`AlertError`].
pub async fn look(pool: &PgPool, now: DateTime<Utc>) -> Result<(Vec<LaneHealth>, Vec<Alert>), AlertError> {
    let lanes = queue::health(pool).await?;
    let mut alerts = queue::alerts(&lanes);
    let late = late_ticks(pool, now - TimeDelta::days(1)).await?;
    if let Some(tick) = late.first() {
        let detail = format!("{} ticks of the last day were late, the last one {} at {}", late.len(), tick.job, tick.fire_at);
        alerts.push(Alert { name: "late_ticks", detail, hint: "viralcast runs list --state failed".to_owned() });
    }
    let unserved = unserved_stores(pool, now).await?;
    if !unserved.is_empty() {
        let detail = format!("no plan for today after 04:30: {}", unserved.join(", "));
        alerts.push(Alert { name: "stores_without_a_plan", detail, hint: "viralcast run nightly --store NAME".to_owned() });
    }
    Ok((lanes, alerts))
}

/// Keeps the gauges of this process current, says once when something begins to be wrong, and tells operators, until `shutdown`.
pub async fn watch(pool: PgPool, clock: SharedClock, mailer: Arc<dyn Mailer>, shutdown: CancellationToken) {
    let mut known = BTreeSet::new();
    let mut telling = tokio::spawn(std::future::ready(()));
    loop {
        match look(&pool, clock.now()).await {
            Ok((lanes, alerts)) => {
                events::queue_seen(&lanes, &alerts);
                let now: BTreeSet<&'static str> = alerts.iter().map(|alert| alert.name).collect();
                alerts.iter().filter(|alert| !known.contains(alert.name)).for_each(events::alerted);
                known = now;
                // Beside: a mail server that hangs holds up neither the next look nor an orderly end.
                if telling.is_finished() {
                    let (pool, mailer, now) = (pool.clone(), Arc::clone(&mailer), clock.now());
                    telling = tokio::spawn(async move { tell(&pool, &*mailer, &alerts, now).await });
                }
            }
            Err(error) => events::alerts_failed(&error),
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
            return;
        }
    }
}

/// Mails every operator what is wrong: one mail for each kind of alert, from whichever program notices it first, and at most every six hours. Not by a
/// job: what is wrong may be the queue. Where no mail goes out the next look tries again; a program that dies on the way has told nobody for six hours.
pub async fn tell(pool: &PgPool, mailer: &dyn Mailer, alerts: &[Alert], now: DateTime<Utc>) {
    let mut kinds: BTreeMap<&'static str, Vec<&Alert>> = BTreeMap::new();
    alerts.iter().for_each(|alert| kinds.entry(alert.name).or_default().push(alert));
    for (name, alerts) in kinds {
        if let Err(error) = tell_of(pool, mailer, name, &alerts, now).await {
            events::alert_not_mailed(name, &error);
        }
    }
}

async fn tell_of(pool: &PgPool, mailer: &dyn Mailer, name: &str, alerts: &[&Alert], now: DateTime<Utc>) -> Result<(), DbError> {
    let operators = operator_addresses(pool).await?;
    if operators.is_empty() || !take_notice(pool, name, now, now - AGAIN).await? {
        return Ok(());
    }
    let mut is_told = false;
    for to in operators {
        match mailer.send(&letter(name, alerts, to, now)).await {
            Ok(()) => is_told = true,
            Err(error) => events::alert_not_mailed(name, &error),
        }
    }
    if !is_told {
        give_back_notice(pool, name, now).await?;
    }
    Ok(())
}

fn letter(name: &str, alerts: &[&Alert], to: String, now: DateTime<Utc>) -> Mail {
    let told: String = alerts.iter().map(|alert| format!("{}\nWhat to do: {}\n\n", alert.detail, alert.hint)).collect();
    let closing = format!("Seen at {}. While it lasts you hear of it every six hours.", now.format("%Y-%m-%d %H:%M UTC"));
    let escaped = told.trim_end().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>");
    Mail {
        subject: format!("Viral Cast AI: {}", name.replace('_', " ")),
        text: format!("{told}{closing}\n"),
        html: format!("<p>{escaped}</p><p>{closing}</p>"),
        key: Some(format!("alert:{name}:{}:{to}", now.timestamp())),
        to,
    }
}
