//! What the gateway remembers, and how it is told to behave.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Semaphore;

use super::codes::QrCode;
use super::deliver::Webhook;
use super::gate::Mode;
use super::kept::Kept;
use super::payments::Payment;
use super::refunds::Refund;
use super::refusal::{Code, Refusal};
use super::requests::PaymentRequest;

const MINUTES: u64 = 60_000;
/// Quirks and webhooks beyond these are not kept.
pub(super) const MOST_KEPT: usize = 1_000;
/// Things that are to happen later, at most.
const MOST_PENDING: usize = 1_000;

/// How webhooks go out and how payments and refunds end.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where webhooks go: `http` on this machine. None is sent without it.
    pub callback_url: Option<String>,
    /// The value of `x-callback-token`.
    pub callback_token: String,
    /// Sends another token.
    pub wrong_token: bool,
    /// Milliseconds until a simulated payment or a refund is done.
    pub settle_ms: u64,
    /// Milliseconds from then to its webhook.
    pub delay_ms: u64,
    /// How often a webhook comes again after it was taken; at most 10.
    pub copies: u32,
    /// Keeps webhooks until they are released, in any order.
    pub held: bool,
    /// Milliseconds before each retry.
    pub retries_ms: Vec<u64>,
    /// Amounts in webhooks are text.
    pub amounts_as_text: bool,
    /// The refund in its webhook is one level deeper, as in the documents' example.
    pub nested_refunds: bool,
    /// Who pays.
    pub issuer: String,
    /// Refunds fail.
    pub refunds_fail: bool,
    /// The webhook of a refund comes before the answer to its request.
    pub refund_webhook_first: bool,
    /// What is created is answered 200.
    pub created_as_200: bool,
    /// Requests by minute and endpoint; without it 60 in the test mode and 600 live.
    pub per_minute: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            callback_url: None,
            callback_token: "standin-callback-token".to_owned(),
            wrong_token: false,
            settle_ms: 50,
            delay_ms: 0,
            copies: 0,
            held: false,
            retries_ms: [15, 45, 120, 180, 360, 720].map(|minutes| minutes * MINUTES).to_vec(),
            amounts_as_text: false,
            nested_refunds: false,
            issuer: "DANA".to_owned(),
            refunds_fail: false,
            refund_webhook_first: false,
            created_as_200: false,
            per_minute: None,
        }
    }
}

/// What happens to the next request that would create something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    /// It is refused with this code.
    Refuse(Code),
    /// It is refused as a duplicate: 409 with the code of the 404.
    Duplicate,
    /// It is followed, and answered so many milliseconds later: a client that gives up leaves a code that can be paid.
    Late(u64),
}

/// Shared by all requests of a stand-in.
#[derive(Debug, Clone)]
pub struct Gateway {
    state: Arc<Mutex<State>>,
    /// Bounds what waits to happen.
    pub(super) pending: Arc<Semaphore>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) settings: Settings,
    quirks: VecDeque<Quirk>,
    pub(super) requests: Kept<PaymentRequest>,
    pub(super) codes: Kept<QrCode>,
    pub(super) payments: Kept<Payment>,
    pub(super) refunds: Kept<Refund>,
    pub(super) webhooks: VecDeque<Webhook>,
    pub(super) webhooks_made: u64,
}

impl Default for Gateway {
    fn default() -> Self {
        Gateway { state: Arc::default(), pending: Arc::new(Semaphore::new(MOST_PENDING)) }
    }
}

impl Gateway {
    /// Sets how it behaves from now on.
    pub fn set(&self, settings: Settings) {
        self.lock().settings = settings;
    }

    /// Plans a quirk for the next request that creates something; false where too many wait.
    pub fn plan(&self, quirk: Quirk) -> bool {
        let mut state = self.lock();
        let has_room = state.quirks.len() < MOST_KEPT;
        if has_room {
            state.quirks.push_back(quirk);
        }
        has_room
    }

    /// The latest webhooks with every attempt to deliver them, the oldest first.
    pub fn webhooks(&self) -> Vec<Webhook> {
        self.lock().webhooks.iter().cloned().collect()
    }

    pub(super) fn settings(&self) -> Settings {
        self.lock().settings.clone()
    }

    pub(super) fn per_minute(&self, mode: Mode) -> u32 {
        let usual = if mode == Mode::Test { 60 } else { 600 };
        self.lock().settings.per_minute.unwrap_or(usual)
    }

    /// The quirk planned for this request: a refusal, or how late its answer comes.
    pub(super) fn take_quirk(&self) -> Result<Duration, Refusal> {
        match self.lock().quirks.pop_front() {
            None => Ok(Duration::ZERO),
            Some(Quirk::Late(milliseconds)) => Ok(Duration::from_millis(milliseconds)),
            Some(Quirk::Refuse(code)) => Err(code.into()),
            Some(Quirk::Duplicate) => Err(Refusal::duplicate()),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
