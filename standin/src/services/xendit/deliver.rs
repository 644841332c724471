//! How webhooks get out: late, again and again, held back, in another order.

use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::gateway::{MOST_KEPT, Settings};
use super::post::Target;
use crate::services::Context;

/// Attempts of one webhook that are written down.
const MOST_ATTEMPTS: usize = 100;

/// A webhook before it has its number.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) event: &'static str,
    /// Where it goes, if not to the account's URL.
    pub(super) url: Option<String>,
    pub(super) body: Value,
    /// Whether `created` is the time of the attempt.
    pub(super) is_stamped: bool,
}

/// A webhook and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct Webhook {
    /// Counts from 1.
    pub number: u64,
    /// `payment.capture` and the like.
    pub event: &'static str,
    /// What it says, as last sent.
    pub body: Value,
    /// Each time it was posted.
    pub attempts: Vec<Attempt>,
    /// Whether it waits to be released.
    pub is_held: bool,
    #[serde(skip)]
    draft: Draft,
}

/// One attempt to deliver a webhook.
#[derive(Debug, Clone, Serialize)]
pub struct Attempt {
    /// When.
    pub at: DateTime<Utc>,
    /// What was answered.
    pub status: Option<u16>,
    /// Why nothing was.
    pub error: Option<String>,
}

/// Lets something happen after a while. Where too much is waiting already it does not happen at all.
pub(super) fn later(context: &Context, milliseconds: u64, work: impl Future<Output = ()> + Send + 'static) {
    match context.gateway.pending.clone().try_acquire_owned() {
        Err(_) => tracing::warn!("too much is waiting at the payment stand-in: one thing is dropped"),
        Ok(permit) => drop(tokio::spawn(async move {
            sleep(Duration::from_millis(milliseconds)).await;
            work.await;
            drop(permit);
        })),
    }
}

/// Sends a webhook in its own time, unless webhooks are held.
pub(super) fn announce(context: &Context, draft: Draft) {
    let settings = context.gateway.settings();
    let number = record(context, draft, settings.held);
    if !settings.held {
        send(context, number, settings.delay_ms);
    }
}

/// Sends a webhook and waits for the end of its first attempt.
pub(super) async fn deliver_now(context: &Context, draft: Draft) {
    let number = record(context, draft, false);
    attempt(context, number).await;
}

/// Sends what was held, in order or from the last one to the first, one after the other.
pub(super) fn release(context: &Context, is_reversed: bool) -> usize {
    let mut numbers = Vec::new();
    for webhook in context.gateway.lock().webhooks.iter_mut().filter(|webhook| webhook.is_held) {
        webhook.is_held = false;
        numbers.push(webhook.number);
    }
    if is_reversed {
        numbers.reverse();
    }
    let (released, releasing) = (numbers.len(), context.clone());
    later(context, 0, async move {
        for number in numbers {
            deliver(&releasing, number).await;
        }
    });
    released
}

/// Sends a webhook once more; false where it is not known any more.
pub(super) fn resend(context: &Context, number: u64) -> bool {
    let is_known = context.gateway.lock().webhooks.iter().any(|webhook| webhook.number == number);
    if is_known {
        send(context, number, 0);
    }
    is_known
}

fn record(context: &Context, draft: Draft, is_held: bool) -> u64 {
    let mut state = context.gateway.lock();
    state.webhooks_made += 1;
    let number = state.webhooks_made;
    if state.webhooks.len() >= MOST_KEPT {
        state.webhooks.pop_front();
    }
    state.webhooks.push_back(Webhook { number, event: draft.event, body: draft.body.clone(), attempts: Vec::new(), is_held, draft });
    number
}

fn send(context: &Context, number: u64, delay_ms: u64) {
    let sending = context.clone();
    later(context, delay_ms, async move { deliver(&sending, number).await });
}

/// Until it is taken or the retries are used up; then its copies.
async fn deliver(context: &Context, number: u64) {
    let Settings { retries_ms, copies, .. } = context.gateway.settings();
    let mut is_taken = attempt(context, number).await;
    for wait in retries_ms {
        if is_taken {
            break;
        }
        sleep(Duration::from_millis(wait)).await;
        is_taken = attempt(context, number).await;
    }
    for _ in 0..copies.min(10) {
        attempt(context, number).await;
    }
}

/// One POST, written down. True where it was answered 2xx, or where there is nothing to send any more.
async fn attempt(context: &Context, number: u64) -> bool {
    let (settings, now) = (context.gateway.settings(), (context.now)());
    let Some(draft) = context.gateway.lock().webhooks.iter().find(|webhook| webhook.number == number).map(|webhook| webhook.draft.clone())
    else {
        return true;
    };
    let url = draft.url.clone().or(settings.callback_url.clone()).unwrap_or_default();
    let body = dressed(draft, &settings, now);
    let token = if settings.wrong_token { "not-the-token" } else { &settings.callback_token };
    let answered = match Target::parse(&url) {
        Some(target) => target.post(token, &body.to_string()).await.map_err(|error| error.to_string()),
        None => Err(format!("no callback URL on this machine is set, only `{url}`")),
    };
    let (status, error) = (answered.as_ref().ok().copied(), answered.err());
    let mut state = context.gateway.lock();
    if let Some(webhook) = state.webhooks.iter_mut().find(|webhook| webhook.number == number) {
        webhook.body = body;
        if webhook.attempts.len() < MOST_ATTEMPTS {
            webhook.attempts.push(Attempt { at: now, status, error });
        }
    }
    status.is_some_and(|status| (200..300).contains(&status))
}

fn dressed(draft: Draft, settings: &Settings, now: DateTime<Utc>) -> Value {
    let mut body = draft.body;
    if draft.is_stamped {
        body["created"] = json!(now);
    }
    if settings.amounts_as_text {
        in_text(&mut body);
    }
    body
}

/// Every amount as text.
fn in_text(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(in_text),
        Value::Object(fields) => {
            for (name, field) in fields {
                if name.ends_with("amount") && field.is_number() {
                    *field = field.to_string().into();
                } else {
                    in_text(field);
                }
            }
        }
        _ => {}
    }
}
