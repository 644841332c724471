//! What was the newest known value of an observed regressor, at every instant.

use domain::Ordinal;

/// The newest value known at each instant, as the instants at which it changed.
///
/// Entry `k` depends only on cells known by then, so reading it up to a cutoff cannot see beyond that cutoff, and a late
/// publication is late in training as it is in production.
#[derive(Default)]
pub(crate) struct Latest {
    changes: Vec<Change>,
}

struct Change {
    /// Instant from which this value is the newest.
    from: Ordinal,
    /// Period it was observed in.
    at: Ordinal,
    value: f64,
}

impl Latest {
    /// From `(at, known_from, value)`, sorted by period and knowledge.
    pub fn new(cells: impl Iterator<Item = (Ordinal, Ordinal, f64)>) -> Self {
        let mut latest = Self::default();
        for arrival in arrivals(cells) {
            latest.push(arrival);
        }
        latest
    }

    /// Adds cells that arrived after all others, sorted alike.
    ///
    /// # Errors
    /// If one did not: then the order is to be made anew, from all cells.
    pub fn append(&mut self, cells: impl Iterator<Item = (Ordinal, Ordinal, f64)>) -> Result<(), OutOfOrder> {
        let arrivals = arrivals(cells);
        let newest = self.changes.last().map(|newest| (newest.from, newest.at));
        if arrivals.first().is_some_and(|first| newest.is_some_and(|(from, at)| first.from < from || (first.from, first.at) == (from, at)))
        {
            return Err(OutOfOrder);
        }
        for arrival in arrivals {
            self.push(arrival);
        }
        Ok(())
    }

    fn push(&mut self, arrival: Change) {
        if self.changes.last().is_none_or(|newest| arrival.at >= newest.at) {
            self.changes.push(arrival);
        }
    }

    /// Appends the newest value at each of `count` instants from `from` on, never looking beyond `cutoff`. A value
    /// observed more than `stale` steps before the instant is NaN.
    pub fn extend(&self, into: &mut Vec<f64>, from: Ordinal, count: usize, cutoff: Ordinal, stale: usize) {
        let mut next = self.changes.partition_point(|change| change.from <= from.min(cutoff));
        for instant in from..from + count as Ordinal {
            while self.changes.get(next).is_some_and(|change| change.from <= instant.min(cutoff)) {
                next += 1;
            }
            let newest = next.checked_sub(1).map(|position| &self.changes[position]);
            into.push(newest.filter(|newest| instant - newest.at <= stale as Ordinal).map_or(f64::NAN, |newest| newest.value));
        }
    }
}

/// Cells that did not arrive last.
#[derive(Debug)]
pub(crate) struct OutOfOrder;

fn arrivals(cells: impl Iterator<Item = (Ordinal, Ordinal, f64)>) -> Vec<Change> {
    let mut arrivals: Vec<Change> = cells
        .filter(|(_, _, value)| !value.is_nan())
        // A value cannot be used before its period, whatever its label says.
        .map(|(at, known_from, value)| Change { from: known_from.max(at), at, value })
        .collect();
    arrivals.sort_by_key(|arrival| (arrival.from, arrival.at));
    arrivals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cells: &[(Ordinal, Ordinal, f64)], from: Ordinal, count: usize, cutoff: Ordinal) -> Vec<f64> {
        let mut values = Vec::new();
        Latest::new(cells.iter().copied()).extend(&mut values, from, count, cutoff, 3);
        values
    }

    #[test]
    fn a_late_value_shows_when_it_was_published_and_fades_when_stale() {
        let values = read(&[(1, 2, 10.0), (2, 2, 20.0), (2, 4, 21.0)], 1, 6, 99);
        assert!(values[0].is_nan() && values[5].is_nan(), "{values:?}");
        assert_eq!(values[1..5], [20.0, 20.0, 21.0, 21.0]);
    }

    #[test]
    fn a_correction_of_an_older_period_does_not_hide_a_newer_one() {
        assert_eq!(read(&[(1, 1, 10.0), (1, 3, 11.0), (2, 2, 20.0)], 1, 3, 99), [10.0, 20.0, 20.0]);
    }

    #[test]
    fn instants_beyond_the_cutoff_know_what_the_cutoff_knew() {
        assert_eq!(read(&[(1, 1, 10.0), (2, 2, 20.0)], 1, 3, 1), [10.0, 10.0, 10.0]);
    }
}
