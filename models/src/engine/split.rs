//! What a series' own past says, as three drivers: how high it stands, which day it is, where it is going.
//!
//! Models mix the three: a mean of the last Saturdays is a level and a weekday at once. Told from the path they are the same
//! for every model: the first season's mean, each step's difference to its season's mean, and how that mean moves on.

use domain::Driver;
use domain::explanation::Parts;

/// Splits what is under recent level and weekday anew. Closed steps have no level of their own and are left as they are.
/// Where the steps make up less than a season, `recent` is the level.
pub(super) fn split_own_past(parts: &mut [Parts], closed: &[bool], season: usize, recent: Option<f64>) {
    let season = season.max(1);
    let is_open = |step: usize| !closed.get(step).copied().unwrap_or(false);
    let past: Vec<f64> = parts.iter().map(|parts| parts[Driver::RecentLevel] + parts[Driver::Weekday]).collect();
    let mean = |first: usize| {
        let open = (first..first + season).filter(|&step| is_open(step)).filter_map(|step| past.get(step));
        let (count, sum) = open.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
        (count > 0.0).then(|| sum / count)
    };
    let steps = parts.len();
    let first = if steps >= season { mean(0) } else { recent.zip(parts.first()).map(|(recent, parts)| recent - parts[Driver::Base]) };
    let Some(first) = first else { return };
    for step in (0..steps).filter(|&step| is_open(step)) {
        // The last season may be cut short: its mean is that of the last steps that make up a whole one.
        let start = (step / season * season).min(steps.saturating_sub(season));
        let level = if steps >= season { mean(start).unwrap_or(first) } else { first };
        parts[step][Driver::RecentLevel] = first;
        parts[step][Driver::Trend] += level - first;
        parts[step][Driver::Weekday] = past[step] - level;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(values: &[f64]) -> Vec<Parts> {
        let own = |&value: &f64| {
            let mut parts = Parts::default();
            parts[Driver::Base] = 10.0;
            parts[Driver::RecentLevel] = value - 10.0;
            parts
        };
        values.iter().map(own).collect()
    }

    fn of(parts: &[Parts], driver: Driver) -> Vec<f64> {
        parts.iter().map(|parts| parts[driver]).collect()
    }

    #[test]
    fn two_seasons_and_a_bit_are_a_level_weekdays_and_a_trend() {
        let mut parts = path(&[11.0, 13.0, 15.0, 12.0, 14.0, 16.0, 12.0]);
        split_own_past(&mut parts, &[], 3, None);
        assert_eq!(of(&parts, Driver::RecentLevel), [3.0; 7]);
        assert_eq!(of(&parts, Driver::Weekday), [-2.0, 0.0, 2.0, -2.0, 0.0, 2.0, -2.0]);
        assert_eq!(of(&parts, Driver::Trend), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn closed_days_are_no_part_of_a_level() {
        let mut parts = path(&[11.0, 90.0, 15.0]);
        split_own_past(&mut parts, &[false, true, false], 3, None);
        assert_eq!(of(&parts, Driver::Weekday), [-2.0, 0.0, 2.0]);
        assert_eq!(parts[1][Driver::RecentLevel], 80.0);
    }

    #[test]
    fn less_than_a_season_is_compared_with_the_last_one() {
        let mut parts = path(&[18.0]);
        split_own_past(&mut parts, &[], 7, Some(12.0));
        assert_eq!((parts[0][Driver::RecentLevel], parts[0][Driver::Weekday]), (2.0, 6.0));
        split_own_past(&mut parts, &[], 7, None);
        assert_eq!(parts[0].total(), 18.0);
    }
}
