//! Invalidations that the cache could not be told of: told again until they have arrived. Meanwhile what they are about is not read
//! from the cache.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Invalidation;

/// More than these become one, about everything.
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Owed(Mutex<State>);

/// What the cache is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Debt {
    pub what: Invalidation,
    /// Other processes are to be told as well: it was not they who said it.
    pub is_for_others: bool,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(u64, Debt)>,
    next: u64,
    /// Somebody is at it.
    settling: bool,
}

impl Owed {
    /// Adds one; whether the caller is now the one who settles.
    pub fn add(&self, mut debt: Debt) -> bool {
        let mut state = self.lock();
        if state.waiting.len() >= MOST {
            debt.what = Invalidation::everything();
        }
        if debt.what == Invalidation::everything() {
            debt.is_for_others |= state.waiting.iter().any(|(_, debt)| debt.is_for_others);
            state.waiting.clear();
        }
        // The oldest may be on its way: the same again comes after it.
        if !state.waiting.iter().skip(1).any(|(_, waiting)| *waiting == debt) {
            let ticket = state.next;
            state.next += 1;
            state.waiting.push_back((ticket, debt));
        }
        !std::mem::replace(&mut state.settling, true)
    }

    /// The oldest; where there is none, whoever asks settles no more.
    pub fn oldest(&self) -> Option<(u64, Debt)> {
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
        self.lock().waiting.iter().any(|(_, debt)| debt.what.covers(name))
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

    fn debt(what: Invalidation) -> Debt {
        Debt { what, is_for_others: true }
    }

    #[test]
    fn one_settles_at_a_time_in_the_order_of_adding() {
        let owed = Owed::default();
        assert!(owed.add(debt(Invalidation::prefix("a:"))));
        assert!(!owed.add(debt(Invalidation::prefix("b:"))), "somebody is at it");
        assert!(owed.covers("b:1") && !owed.covers("c:1"));
        for prefix in ["a:", "b:"] {
            let (ticket, what) = owed.oldest().expect("one waits");
            assert_eq!(what, debt(Invalidation::prefix(prefix)));
            owed.settle(ticket);
        }
        assert_eq!((owed.oldest(), owed.count()), (None, 0));
        assert!(owed.add(debt(Invalidation::prefix("a:"))), "nobody is at it any more");
    }

    #[test]
    fn what_is_added_while_the_same_is_told_still_waits() {
        let owed = Owed::default();
        owed.add(debt(Invalidation::prefix("a:")));
        let (told, _) = owed.oldest().expect("one waits");
        owed.add(debt(Invalidation::prefix("a:")));
        owed.settle(told);
        assert!(owed.covers("a:1"));
    }

    #[test]
    fn too_many_become_one_about_everything() {
        let owed = Owed::default();
        for number in 0..=MOST {
            owed.add(debt(Invalidation::Key(number.to_string())));
        }
        assert_eq!((owed.count(), owed.covers("anything")), (1, true));
    }

    #[test]
    fn what_is_said_again_and_again_waits_once_behind_the_one_on_its_way() {
        let owed = Owed::default();
        for _ in 0..10 {
            owed.add(debt(Invalidation::prefix("a:")));
        }
        assert_eq!(owed.count(), 2);
    }

    #[test]
    fn what_others_are_to_hear_they_hear_though_it_became_one_with_what_they_said() {
        let owed = Owed::default();
        owed.add(debt(Invalidation::prefix("a:")));
        owed.add(Debt { what: Invalidation::everything(), is_for_others: false });
        assert_eq!(owed.oldest().map(|(_, debt)| debt), Some(debt(Invalidation::everything())));
    }
}
