//! Metric of each thing that happens.

use std::sync::LazyLock;

use metrics::{Counter, counter};

use super::Verdict;

pub(super) fn taken(verdict: &Verdict) {
    static ALLOWED: LazyLock<Counter> = LazyLock::new(|| counter!("rate_limit_requests_total", "outcome" => "allowed"));
    static LIMITED: LazyLock<Counter> = LazyLock::new(|| counter!("rate_limit_requests_total", "outcome" => "limited"));
    if verdict.allowed { &ALLOWED } else { &LIMITED }.increment(1);
}

/// That Redis is lost is a log line of its own.
pub(super) fn fell_back() {
    metrics::counter!("rate_limit_fallbacks_total").increment(1);
}
