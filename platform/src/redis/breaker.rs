//! When to stop asking, and when to try again.

use std::time::{Duration, Instant};

/// Failures in a row that open it.
const TOLERATED: u32 = 3;
/// How long nothing is asked; then one question tries, and the others wait for what comes of it.
const REST: Duration = Duration::from_secs(1);

/// Knows of itself neither time nor lock: both are the caller's.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
    /// Somebody tries whether it answers again.
    trying: bool,
}

/// What a question has changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    Opened {
        /// It was open and stays so.
        again: bool,
    },
    Closed,
}

impl Breaker {
    /// Whether to ask. The one that tries moves the end of the rest on, so that no other does at the same time.
    pub(super) fn lets_through(&mut self, now: Instant) -> bool {
        match self.open_until {
            Some(until) if now < until => false,
            Some(_) => {
                (self.open_until, self.trying) = (Some(now + REST), true);
                true
            }
            None => true,
        }
    }

    pub(super) fn succeeded(&mut self) -> Change {
        (self.failures, self.trying) = (0, false);
        match self.open_until.take() {
            Some(_) => Change::Closed,
            None => Change::Nothing,
        }
    }

    pub(super) fn failed(&mut self, now: Instant) -> Change {
        self.failures = self.failures.saturating_add(1);
        let again = self.open_until.is_some();
        // Of many who asked at the same time the first few open it; what becomes of the others is no news.
        let is_news = if again { self.trying } else { self.failures >= TOLERATED };
        if !is_news {
            return Change::Nothing;
        }
        (self.open_until, self.trying) = (Some(now + REST), false);
        Change::Opened { again }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failures > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        let changes = [breaker.failed(now), breaker.failed(now), breaker.failed(now)];
        assert_eq!(changes, [Change::Nothing, Change::Nothing, Change::Opened { again: false }]);
        breaker
    }

    #[test]
    fn single_failures_change_nothing() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..10 {
            assert_eq!(breaker.failed(now), Change::Nothing);
            assert!(breaker.has_failed() && breaker.lets_through(now));
            assert_eq!(breaker.succeeded(), Change::Nothing);
        }
        assert!(!breaker.has_failed());
    }

    #[test]
    fn those_who_asked_before_it_opened_change_nothing_after() {
        let now = Instant::now();
        let mut breaker = open(now);
        for _ in 0..100 {
            assert_eq!(breaker.failed(now + REST / 2), Change::Nothing);
        }
        assert!(breaker.lets_through(now + REST), "nor do they make the rest longer");
    }

    #[test]
    fn after_a_rest_one_tries_and_the_others_wait() {
        let now = Instant::now();
        let mut breaker = open(now);
        assert!(!breaker.lets_through(now + REST - Duration::from_millis(1)));
        let later = now + REST;
        assert!(breaker.lets_through(later));
        assert!(!breaker.lets_through(later), "somebody tries already");
        assert!(breaker.lets_through(later + REST), "who tried was never heard of again");
    }

    #[test]
    fn a_failed_try_opens_it_again_and_a_good_one_closes_it() {
        let now = Instant::now();
        let mut breaker = open(now);
        let later = now + REST;
        assert!(breaker.lets_through(later));
        assert_eq!(breaker.failed(later), Change::Opened { again: true });
        assert!(!breaker.lets_through(later + REST / 2));
        assert!(breaker.lets_through(later + REST));
        assert_eq!(breaker.succeeded(), Change::Closed);
        assert!(breaker.lets_through(later + REST) && breaker.lets_through(later + REST));
    }
}
