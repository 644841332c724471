//! The arithmetic, without clock or memory: the generic cell rate algorithm in whole microseconds.
//!
//! Of each key one number is known: the moment at which its whole quota is there again (`due`). A request moves it on by one interval;
//! it is allowed if `due` is then at most one window ahead. [`super::redis`] does the same in `gcra.lua`.

use std::time::Duration;

use super::{Quota, Verdict};

/// Longer windows than ten years are cut: a script of Redis is exact up to 2^53.
const LONGEST: u64 = 10 * 366 * 86_400 * 1_000_000;

/// A quota as the algorithm needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gcra {
    pub requests: u32,
    /// Between two requests that come evenly. Rounded up: a quota is kept rather too well.
    pub interval: u64,
    /// As far as `due` may be ahead: exactly `requests` intervals.
    pub capacity: u64,
}

impl Gcra {
    pub fn of(quota: Quota) -> Self {
        let window = micros(quota.window).min(LONGEST);
        let interval = window.div_ceil(u64::from(quota.requests.max(1))).max(1);
        Self { requests: quota.requests, interval, capacity: interval * u64::from(quota.requests) }
    }

    /// One request at `now`, with what was known of the key and what is to be known from now on.
    pub fn take(&self, due: Option<u64>, now: u64) -> (Verdict, Option<u64>) {
        // A `due` too far ahead comes of a clock that was set back, or of a quota that was larger.
        let due = due.unwrap_or(now).clamp(now, now + self.capacity);
        let allowed = due + self.interval <= now + self.capacity;
        let due = if allowed { due + self.interval } else { due };
        (self.verdict(allowed, due - now), allowed.then_some(due))
    }

    /// `ahead`: how far `due` lies in the future after the request.
    pub fn verdict(&self, allowed: bool, ahead: u64) -> Verdict {
        let left = self.capacity.saturating_sub(ahead) / self.interval;
        let retry = if allowed { 0 } else { (ahead + self.interval).saturating_sub(self.capacity) };
        Verdict {
            allowed,
            limit: self.requests,
            remaining: u32::try_from(left).unwrap_or(u32::MAX),
            reset_after: Duration::from_micros(ahead),
            retry_after: Duration::from_micros(retry),
        }
    }
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quotas() -> impl Strategy<Value = Gcra> {
        (1_u32..50, 1_u64..100_000).prop_map(|(requests, window)| Gcra::of(Quota { requests, window: Duration::from_micros(window) }))
    }

    /// Asks once after each pause; when, and what came of it.
    fn ask(gcra: &Gcra, pauses: &[u64]) -> Vec<(u64, Verdict)> {
        let (mut now, mut due) = (1_000_000, None);
        let mut asked = Vec::new();
        for pause in pauses {
            now += pause;
            let (verdict, moved) = gcra.take(due, now);
            due = moved.or(due);
            asked.push((now, verdict));
        }
        asked
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_a_burst_and_what_flows_in(
            gcra in quotas(), pauses in prop::collection::vec(prop_oneof![Just(0), 0_u64..2_000, 0_u64..200_000], 1..200), length in 0_u64..300_000,
        ) {
            let allowed: Vec<u64> = ask(&gcra, &pauses).into_iter().filter(|(_, verdict)| verdict.allowed).map(|(at, _)| at).collect();
            for (index, start) in allowed.iter().enumerate() {
                let inside = allowed[index..].iter().take_while(|at| **at - start < length.max(1)).count() as u64;
                prop_assert!(inside <= u64::from(gcra.requests) + length / gcra.interval, "{inside} in {length} us of {gcra:?}");
            }
        }

        #[test]
        fn verdicts_keep_their_word(gcra in quotas(), pauses in prop::collection::vec(0_u64..3_000, 1..100)) {
            let asked = ask(&gcra, &pauses);
            let due = pauses.iter().fold((1_000_000, None), |(now, due), pause| (now + pause, gcra.take(due, now + pause).1.or(due))).1;
            let Some((now, last)) = asked.last() else { return Ok(()) };
            prop_assert!(last.remaining < gcra.requests, "a request counts");
            let burst = |at: u64| {
                let mut due = due;
                std::iter::from_fn(|| { let (verdict, moved) = gcra.take(due, at); due = moved.or(due); verdict.allowed.then_some(()) }).count()
            };
            prop_assert_eq!(burst(*now), last.remaining as usize, "so many remain");
            prop_assert_eq!(burst(now + micros(last.reset_after)), gcra.requests as usize, "all are there again after the reset");
            if !last.allowed {
                let retry = micros(last.retry_after);
                prop_assert!(gcra.take(due, now + retry).0.allowed, "one is allowed when it was told to come back");
                prop_assert!(!gcra.take(due, now + retry - 1).0.allowed, "and not before");
            }
        }

        #[test]
        fn who_comes_evenly_is_never_refused(gcra in quotas(), count in 1_usize..300) {
            let asked = ask(&gcra, &vec![gcra.interval; count]);
            prop_assert!(asked.iter().all(|(_, verdict)| verdict.allowed && verdict.remaining == gcra.requests - 1));
        }

        #[test]
        fn a_clock_that_is_set_back_costs_one_window_at_most(gcra in quotas(), due in any::<u32>(), now in any::<u32>()) {
            let (verdict, _) = gcra.take(Some(u64::from(due)), u64::from(now));
            prop_assert!(micros(verdict.reset_after) <= gcra.capacity && micros(verdict.retry_after) <= gcra.interval);
        }
    }

    #[test]
    fn odd_quotas_are_kept() {
        let nothing = Gcra::of(Quota { requests: 0, window: Duration::from_secs(60) });
        let (verdict, due) = nothing.take(None, 5);
        assert_eq!((verdict.allowed, verdict.remaining, verdict.retry_after, due), (false, 0, Duration::from_secs(60), None));
        for window in [Duration::ZERO, Duration::MAX] {
            let most = Gcra::of(Quota { requests: u32::MAX, window });
            assert!(most.take(None, LONGEST).0.allowed, "{most:?}");
        }
        let third = Gcra::of(Quota { requests: 3, window: Duration::from_micros(10) });
        assert_eq!((third.interval, third.capacity), (4, 12));
    }
}
