//! Reading one series' past.

use domain::{History, Ordinal};

/// The value of a period if it says something about demand: known, open, not sold out.
pub(crate) fn usable(history: &History, at: Ordinal) -> Option<f64> {
    let index = usize::try_from(at - history.first).ok()?;
    let value = *history.values.get(index)?;
    let flagged = |flags: &[bool]| flags.get(index).copied().unwrap_or(false);
    (value.is_finite() && !flagged(&history.closed) && !flagged(&history.censored)).then_some(value)
}

/// All usable values, oldest first.
pub(crate) fn usable_values(history: &History) -> impl DoubleEndedIterator<Item = (Ordinal, f64)> {
    (history.first..history.end()).filter_map(|at| usable(history, at).map(|value| (at, value)))
}

/// Usable values of the periods one, two, ... seasons before `at`, youngest first.
pub(crate) fn same_season(history: &History, at: Ordinal, season: u16) -> impl Iterator<Item = f64> {
    let season = Ordinal::from(season.max(1));
    let last = history.end() - 1;
    // The youngest period of the same position that is not after the last entry.
    let behind = (at - last).max(1);
    let youngest = at - (behind + season - 1) / season * season;
    (0..).map(move |k| youngest - k * season).take_while(|&period| period >= history.first).filter_map(|period| usable(history, period))
}

/// Mean of the usable values; of whatever is known where every period was closed or sold out; `None` without any.
pub(crate) fn mean(history: &History) -> Option<f64> {
    average(usable_values(history).map(|(_, value)| value))
        .or_else(|| average(history.values.iter().copied().filter(|value| value.is_finite())))
}

fn average(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0_usize, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(values: &[f64]) -> History {
        History { first: 100, values: values.to_vec(), censored: vec![false; values.len()], closed: vec![false; values.len()] }
    }

    #[test]
    fn the_same_season_skips_what_says_nothing() {
        let mut history = history(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, f64::NAN]);
        history.closed[6] = true;
        // Season 3, cutoff 108: period 109 looks at 106 (closed), 103, 100.
        assert_eq!(same_season(&history, 109, 3).collect::<Vec<_>>(), [4.0, 1.0]);
        // Period 112 has the same position.
        assert_eq!(same_season(&history, 112, 3).collect::<Vec<_>>(), [4.0, 1.0]);
        // Period 111 looks at 108 (missing), 105, 102.
        assert_eq!(same_season(&history, 111, 3).collect::<Vec<_>>(), [6.0, 3.0]);
    }

    #[test]
    fn an_empty_history_has_no_mean() {
        assert_eq!(mean(&history(&[])), None);
        assert_eq!(mean(&history(&[f64::NAN])), None);
    }

    #[test]
    fn sold_out_days_count_only_where_there_is_nothing_else() {
        let mut all_sold_out = history(&[4.0, 6.0]);
        all_sold_out.censored = vec![true, true];
        assert_eq!(mean(&all_sold_out), Some(5.0));
        all_sold_out.censored[0] = false;
        assert_eq!(mean(&all_sold_out), Some(4.0));
    }
}
