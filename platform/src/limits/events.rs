//! Metric of each thing that happens.

use super::Verdict;

pub(super) fn taken(verdict: &Verdict) {
    let outcome = if verdict.allowed { "allowed" } else { "limited" };
    metrics::counter!("rate_limit_requests_total", "outcome" => outcome).increment(1);
}

/// That Redis is lost is a log line of its own.
pub(super) fn fell_back() {
    metrics::counter!("rate_limit_fallbacks_total").increment(1);
}
