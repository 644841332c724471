//! What time it is: the system's clock, or one that tests set.
//!
//! Ticks, cutoffs and `available_at` come from here. Leases alone use the database's clock.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// A source of the current time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    fn now(&self) -> DateTime<Utc>;

    /// Whether it should agree with every other clock, the database's for one. A simulated one should not.
    fn is_real(&self) -> bool {
        false
    }
}

/// The clock that a whole program shares.
pub type SharedClock = Arc<dyn Clock>;

/// The computer's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// As the shared kind that most constructors take.
    pub fn shared() -> SharedClock {
        Arc::new(Self)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn is_real(&self) -> bool {
        true
    }
}

/// A clock that stands still until it is moved. Clones show the same time.
#[derive(Debug, Clone)]
pub struct SimulatedClock(Arc<Mutex<DateTime<Utc>>>);

impl SimulatedClock {
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// The same clock as the shared kind; this one still moves it.
    pub fn shared(&self) -> SharedClock {
        Arc::new(self.clone())
    }

    /// Shows this time from now on, which may be earlier.
    pub fn set(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Moves on by `by` and returns the new time; beyond the end of the calendar it stays.
    pub fn advance(&self, by: TimeDelta) -> DateTime<Utc> {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.checked_add_signed(by).unwrap_or(*now);
        *now
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_clock_moves_only_when_told_and_for_everybody() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).expect("a valid time");
        let clock = SimulatedClock::at(start);
        let shared = clock.shared();
        assert_eq!((shared.now(), shared.now()), (start, start));
        assert_eq!(clock.advance(TimeDelta::hours(2)), start + TimeDelta::hours(2));
        assert_eq!(shared.now(), start + TimeDelta::hours(2));
        clock.set(start);
        assert_eq!(shared.now(), start);
    }

    #[test]
    fn the_system_clock_goes_on() {
        let clock = SystemClock::shared();
        let earlier = clock.now();
        assert!(clock.now() >= earlier);
    }
}
