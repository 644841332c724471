//! Log line and metric of each thing that happens, together, so that they cannot disagree.

use std::sync::LazyLock;

use metrics::{Counter, counter};

use super::CacheError;

/// A read that goes no further. Its counter is looked up once: by its labels it takes longer than the value.
pub(super) fn found_near() {
    static NEAR: LazyLock<Counter> = LazyLock::new(|| counter!("cache_requests_total", "outcome" => "near"));
    NEAR.increment(1);
}

/// Once per read that goes further.
pub(super) fn asked(outcome: &'static str) {
    metrics::counter!("cache_requests_total", "outcome" => outcome).increment(1);
}

pub(super) fn not_stored(error: &CacheError) {
    metrics::counter!("cache_writes_failed_total").increment(1);
    tracing::debug!(error = error as &dyn std::error::Error, "a value could not be cached");
}

pub(super) fn has_no_form(key: &str, error: &serde_json::Error) {
    metrics::counter!("cache_writes_failed_total").increment(1);
    tracing::error!(key, error = error as &dyn std::error::Error, "the value of {key} has no JSON form and is loaded each time");
}

pub(super) fn owed(error: &(dyn std::error::Error + 'static), waiting: usize) {
    metrics::counter!("cache_invalidations_failed_total").increment(1);
    metrics::gauge!("cache_invalidations_owed").set(waiting as f64);
    tracing::warn!(error, waiting, "{waiting} changes could not be told to the cache yet; what they are about is read from the database");
}

pub(super) fn settled() {
    metrics::gauge!("cache_invalidations_owed").set(0.0);
    tracing::info!("the cache has been told of all changes");
}
