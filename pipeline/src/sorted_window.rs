//! Quantiles of the last few values.

use std::collections::VecDeque;

/// The last `width` values in order of size; NaN takes a place among them but has no size.
pub(crate) struct SortedWindow {
    width: usize,
    arrivals: VecDeque<f64>,
    sorted: Vec<f64>,
}

impl SortedWindow {
    pub fn new(width: usize) -> Self {
        Self { width, arrivals: VecDeque::with_capacity(width + 1), sorted: Vec::with_capacity(width + 1) }
    }

    pub fn push(&mut self, value: f64) {
        self.arrivals.push_back(value);
        let oldest = if self.arrivals.len() > self.width { self.arrivals.pop_front() } else { None };
        match (oldest.filter(|oldest| !oldest.is_nan()), value.is_nan()) {
            (Some(oldest), false) => self.replace(oldest, value),
            (Some(oldest), true) => drop(self.sorted.remove(self.place(oldest))),
            (None, false) => self.sorted.insert(self.place(value), value),
            (None, true) => {}
        }
    }

    /// One for another; only what lies between them moves.
    fn replace(&mut self, old: f64, new: f64) {
        let (from, to) = (self.place(old), self.place(new));
        if from < to {
            self.sorted.copy_within(from + 1..to, from);
            self.sorted[to - 1] = new;
        } else {
            self.sorted.copy_within(to..from, to + 1);
            self.sorted[to] = new;
        }
    }

    /// Linear between the two values next to it; NaN if there is no value.
    pub fn quantile(&self, level: f64) -> f64 {
        let Some(last) = self.sorted.len().checked_sub(1) else { return f64::NAN };
        let position = level * last as f64;
        let below = (position as usize).min(last);
        let (low, high) = (self.sorted[below], self.sorted[(below + 1).min(last)]);
        low + (high - low) * (position - below as f64)
    }

    /// Position of the first value that is not less.
    fn place(&self, value: f64) -> usize {
        self.sorted.partition_point(|other| other.total_cmp(&value).is_lt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_last_values(
            values in prop::collection::vec(prop_oneof![5 => -9_i32..9, 1 => Just(99)], 0..60), width in 1..9_usize,
        ) {
            let value = |&v: &i32| if v == 99 { f64::NAN } else { f64::from(v) };
            let mut window = SortedWindow::new(width);
            for (position, v) in values.iter().enumerate() {
                window.push(value(v));
                let mut last: Vec<f64> = values[(position + 1).saturating_sub(width)..=position].iter().map(value).filter(|v| !v.is_nan()).collect();
                last.sort_by(f64::total_cmp);
                let (least, greatest) = (last.first().copied(), last.last().copied());
                prop_assert_eq!(least.unwrap_or(1e9), if last.is_empty() { 1e9 } else { window.quantile(0.0) });
                prop_assert_eq!(greatest.unwrap_or(1e9), if last.is_empty() { 1e9 } else { window.quantile(1.0) });
                if last.len() % 2 == 1 {
                    prop_assert_eq!(last[last.len() / 2], window.quantile(0.5));
                } else if let Some(high) = last.get(last.len() / 2) {
                    prop_assert_eq!((last[last.len() / 2 - 1] + high) / 2.0, window.quantile(0.5));
                }
            }
        }
    }
}
