//! Log line and metric of each thing that happens, together. No code, no token and nobody's name is in them.

use platform::db::payment_reconciliations::Reconciliation;
use uuid::Uuid;

use crate::gateway::GatewayError;
use crate::life::{Attention, Status};

/// Counted before the commit: one that is rolled back is counted once more.
pub(crate) fn turned(status: Status) {
    metrics::counter!("payments_total", "status" => status.as_str()).increment(1);
}

pub(crate) fn attention(payment_id: Uuid, attention: Attention) {
    metrics::counter!("payment_attentions_total", "why" => attention.as_str()).increment(1);
    tracing::warn!(payment.id = %payment_id, why = attention.as_str(), "money of payment {payment_id} wants attention");
}

pub(crate) fn not_made(payment_id: Uuid, error: &GatewayError) {
    let code = error.code().to_owned();
    metrics::counter!("payment_codes_not_made_total", "outcome" => outcome(error)).increment(1);
    tracing::warn!(payment.id = %payment_id, code, error = error as &dyn std::error::Error, "no code for payment {payment_id}");
}

pub(crate) fn not_withdrawn(payment_id: Uuid, request_id: &str, error: &GatewayError) {
    metrics::counter!("payment_codes_not_withdrawn_total").increment(1);
    tracing::warn!(
        payment.id = %payment_id, request_id, error = error as &dyn std::error::Error,
        "a code of payment {payment_id} that nobody has seen stays with the gateway"
    );
}

pub(crate) fn refund_ended(status: &'static str) {
    metrics::counter!("refunds_total", "status" => status).increment(1);
}

pub(crate) fn refund_unanswered(refund_id: Uuid, error: &GatewayError) {
    metrics::counter!("refunds_unanswered_total").increment(1);
    tracing::warn!(
        refund.id = %refund_id, error = error as &dyn std::error::Error,
        "whether the gateway has taken refund {refund_id} is not known; it is not asked again"
    );
}

pub(crate) fn webhook(event: &str, result: &'static str) {
    metrics::counter!("payment_webhooks_total", "result" => result).increment(1);
    match result {
        "refused" => tracing::warn!("a payment webhook without the right token is refused"),
        _ => tracing::debug!(event, result, "payment webhook `{event}` is {result}"),
    }
}

pub(crate) fn reconciled(report: &Reconciliation) {
    let Reconciliation { store_id, checked, repaired, unchecked, received, .. } = report;
    let findings = report.findings.as_array().map_or(0, Vec::len);
    tracing::info!(
        store.id = %store_id, checked, repaired, unchecked, received, findings,
        "payments of store {store_id}: {checked} held against the gateway, {repaired} repaired, {findings} findings"
    );
}

/// Of all stores together, as of the last night.
pub(crate) fn reconciled_all(repaired: i32, unchecked: i32, unresolved: usize) {
    metrics::gauge!("payment_reconciliation_repaired").set(f64::from(repaired));
    metrics::gauge!("payment_reconciliation_unchecked").set(f64::from(unchecked));
    metrics::gauge!("payment_reconciliation_unresolved").set(unresolved as f64);
}

fn outcome(error: &GatewayError) -> &'static str {
    match error {
        GatewayError::Refused { .. } => "refused",
        GatewayError::TryLater { .. } => "later",
        GatewayError::MayHaveHappened { .. } => "unknown",
        GatewayError::Unsupported { .. } | GatewayError::Client(_) => "unable",
    }
}
