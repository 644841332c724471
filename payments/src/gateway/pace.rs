//! How often the gateway may be asked, as its own headers tell: a limit by minute and endpoint.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;

/// A gateway that says no longer than this is believed.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Endpoints that are left alone for a while.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<&'static str, Instant>>);

impl Pace {
    /// How long this endpoint must be left alone yet.
    pub(super) fn wait(&self, endpoint: &str) -> Option<Duration> {
        let closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        closed.get(endpoint).and_then(|until| until.checked_duration_since(Instant::now())).filter(|wait| !wait.is_zero())
    }

    /// Learns from an answer: nothing is left of this minute, or it was too much already.
    pub(super) fn learn(&self, endpoint: &'static str, headers: &HeaderMap, is_refused: bool) -> Option<Duration> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok().filter(|number| *number >= 0.0);
        let is_used_up = number("rate-limit-remaining") == Some(0.0);
        if !is_refused && !is_used_up {
            return None;
        }
        // Seconds with a fraction, as in `58.37`.
        let seconds = number("retry-after").or_else(|| number("rate-limit-reset"));
        let wait = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).map(|wait| wait.min(LONGEST));
        if let Some(wait) = wait {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(endpoint, Instant::now() + wait);
        }
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn an_endpoint_whose_minute_is_used_up_is_left_alone_and_no_other() {
        let pace = Pace::default();
        assert_eq!(pace.learn("create", &headers(&[("rate-limit-remaining", "7"), ("rate-limit-reset", "58.37")]), false), None);
        assert_eq!(pace.wait("create"), None);
        let used_up = headers(&[("rate-limit-remaining", "0"), ("rate-limit-reset", "58.37")]);
        assert_eq!(pace.learn("create", &used_up, false), Some(Duration::from_millis(58_370)));
        assert!(pace.wait("create").is_some_and(|wait| wait > Duration::from_secs(50)));
        assert_eq!(pace.wait("look up"), None);
    }

    #[test]
    fn what_is_refused_says_when_to_come_again_and_is_not_believed_for_ever() {
        let pace = Pace::default();
        assert_eq!(pace.learn("create", &headers(&[]), true), None, "it says nothing");
        assert_eq!(
            pace.learn("create", &headers(&[("retry-after", "3"), ("rate-limit-reset", "58.37")]), true),
            Some(Duration::from_secs(3))
        );
        assert_eq!(pace.learn("create", &headers(&[("retry-after", "1e9")]), true), Some(LONGEST));
        assert_eq!(pace.learn("create", &headers(&[("retry-after", "-1")]), true), None);
    }
}
