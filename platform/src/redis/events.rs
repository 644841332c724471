//! Log line and metric of each thing that happens, together, so that they cannot disagree.

use std::fmt::Display;

use super::RedisError;

/// `again` as long as it stays lost: one line is enough for that.
pub(super) fn lost(purpose: &'static str, address: &impl Display, error: &RedisError, again: bool) {
    metrics::counter!("redis_rests_total", "purpose" => purpose).increment(1);
    metrics::gauge!("redis_down", "purpose" => purpose).set(1.0);
    if !again {
        let error = error as &dyn std::error::Error;
        tracing::warn!(purpose, %address, error, "Redis at {address} is lost for {purpose}; going on without it until it answers");
    }
}

pub(super) fn found(purpose: &'static str, address: &impl Display) {
    metrics::gauge!("redis_down", "purpose" => purpose).set(0.0);
    tracing::info!(purpose, %address, "Redis at {address} answers again for {purpose}");
}
