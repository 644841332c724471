//! Invalidations that the cache could not be told of: told again until they have arrived. Meanwhile what they are about is not read
//! from the cache.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Invalidation;

/// More than these become one, about everything.
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Owed(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(u64, Invalidation)>,
    next: u64,
    /// Somebody is at it.
    settling: bool,
}

impl Owed {
    /// Adds one; whether the caller is now the one who settles.
    pub fn add(&self, what: Invalidation) -> bool {
        let mut state = self.lock();
        let what = if state.waiting.len() < MOST { what } else { Invalidation::everything() };
        if what == Invalidation::everything() {
            state.waiting.clear();
        }
        let ticket = state.next;
        state.next += 1;
        state.waiting.push_back((ticket, what));
        !std::mem::replace(&mut state.settling, true)
    }

    /// The oldest; where there is none, whoever asks settles no more.
    pub fn oldest(&self) -> Option<(u64, Invalidation)> {
        let mut state = self.lock();
        let oldest = state.waiting.front().cloned();
        state.settling = oldest.is_some();
        oldest
    }

    /// It has arrived. By its number, since what was added meanwhile has not, even if it says the same.
    pub fn settle(&self, ticket: u64) {
        self.lock().waiting.retain(|(waiting, _)| *waiting != ticket);
    }

    pub fn covers(&self, name: &str) -> bool {
        self.lock().waiting.iter().any(|(_, what)| what.covers(name))
    }

    pub fn count(&self) -> usize {
        self.lock().waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_settles_at_a_time_in_the_order_of_adding() {
        let owed = Owed::default();
        assert!(owed.add(Invalidation::prefix("a:")));
        assert!(!owed.add(Invalidation::prefix("b:")), "somebody is at it");
        assert!(owed.covers("b:1") && !owed.covers("c:1"));
        for prefix in ["a:", "b:"] {
            let (ticket, what) = owed.oldest().expect("one waits");
            assert_eq!(what, Invalidation::prefix(prefix));
            owed.settle(ticket);
        }
        assert_eq!((owed.oldest(), owed.count()), (None, 0));
        assert!(owed.add(Invalidation::prefix("a:")), "nobody is at it any more");
    }

    #[test]
    fn what_is_added_while_the_same_is_told_still_waits() {
        let owed = Owed::default();
        owed.add(Invalidation::prefix("a:"));
        let (told, _) = owed.oldest().expect("one waits");
        owed.add(Invalidation::prefix("a:"));
        owed.settle(told);
        assert!(owed.covers("a:1"));
    }

    #[test]
    fn too_many_become_one_about_everything() {
        let owed = Owed::default();
        for number in 0..=MOST {
            owed.add(Invalidation::Key(number.to_string()));
        }
        assert_eq!((owed.count(), owed.covers("anything")), (1, true));
    }
}
