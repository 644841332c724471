//! What the gateway tells of itself is kept as it came, once, before anybody tries to understand it.

use domain::job::TakePaymentEvent;
use platform::db::tenant::{begin_write, commit};
use platform::db::webhook_events::{NewWebhookEvent, insert_webhook_event};
use platform::queue::{EnqueueOptions, enqueue};
use secrecy::ExposeSecret;
use serde_json::json;
use subtle::ConstantTimeEq;

use crate::{PaymentError, Payments, events, told};

/// In `webhook_events`.
pub(crate) const PROVIDER: &str = "xendit";

impl Payments {
    /// Keeps a webhook and has a job understand it; false if this event has been delivered before. `token` is the header
    /// `x-callback-token`. What is answered with an error comes again: up to six times in 24 hours.
    ///
    /// # Errors
    /// [`PaymentError::WrongToken`], also while none is configured.
    pub async fn receive(&self, token: Option<&[u8]>, body: &[u8], trace_id: Option<String>) -> Result<bool, PaymentError> {
        if !self.is_the_token(token.unwrap_or_default()) {
            events::webhook("wrong_token", "refused");
            return Err(PaymentError::WrongToken);
        }
        // What cannot be read is kept too: its sender is the gateway, and a person can look.
        let (event_key, event_type) = match told::read(body) {
            Ok(told) => (told.key, told.event),
            Err(_) => (told::digest(body), "unreadable".to_owned()),
        };
        let event = NewWebhookEvent {
            provider: PROVIDER,
            store_id: None,
            event_key: &event_key,
            event_type: &event_type,
            headers: json!({}),
            body,
            received_at: self.clock.now(),
        };
        let mut transaction = begin_write(&self.pool).await?;
        let event_id = insert_webhook_event(&mut transaction, &event).await?;
        if let Some(event_id) = event_id {
            let options = EnqueueOptions { trace_id, ..EnqueueOptions::default() };
            enqueue(&mut transaction, &TakePaymentEvent { event_id }, options).await?;
        }
        commit(transaction).await?;
        events::webhook(&event_type, if event_id.is_some() { "new" } else { "again" });
        Ok(event_id.is_some())
    }

    /// In a time that tells nothing of how much of it was right.
    fn is_the_token(&self, token: &[u8]) -> bool {
        self.callback_token.as_ref().is_some_and(|due| {
            let due = due.expose_secret().as_bytes();
            !due.is_empty() && bool::from(due.ct_eq(token))
        })
    }
}
