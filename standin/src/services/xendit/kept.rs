//! A store that forgets its oldest entries.

use std::collections::{HashMap, VecDeque};

/// Entries of one kind; beyond this the oldest is forgotten.
const MOST: usize = 10_000;

#[derive(Debug)]
pub(super) struct Kept<T> {
    entries: HashMap<String, T>,
    order: VecDeque<String>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Kept { entries: HashMap::new(), order: VecDeque::new() }
    }
}

impl<T> Kept<T> {
    pub(super) fn insert(&mut self, id: &str, entry: T) {
        if self.entries.insert(id.to_owned(), entry).is_none() {
            self.order.push_back(id.to_owned());
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }

    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.entries.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.entries.get_mut(id)
    }

    /// The oldest first.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.order.iter().filter_map(|id| self.entries.get(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten() {
        let mut kept = Kept::default();
        for number in 0..=MOST {
            kept.insert(&number.to_string(), number);
        }
        kept.insert("5", 0);
        assert_eq!((kept.get("0"), kept.get("1"), kept.get("5"), kept.values().count()), (None, Some(&1), Some(&0), MOST));
    }
}
