//! What events do to sales: one factor a series and period, so that models which see nothing but numbers know of holidays.
//!
//! A day with an event is compared with its baseline, the mean of the same season position on the nearest quiet days around
//! it. The ratios are averaged over the days that have the same place in an event (its eve, its first day, the day after
//! ...; [`Slot`]) and then told apart ever more finely, by season position and by series. At each level an average departs
//! from its parent only as far as its own standard error lets it: the positive-part James-Stein factor
//! `max(0, 1 - 4 se^2 / difference^2)` (Efron and Morris 1973, section 2), with days, not rows, as the independent draws,
//! because a holiday hits all shops at once. Several regressors are told apart by backfitting.

mod baseline;
mod pool;
mod slot;

use std::ops::RangeInclusive;

use domain::features::EventTrack;
use domain::{Driver, FeatureError, FeatureSource, History, Ordinal};

use baseline::{Affected, affected};
use pool::TrackEffect;
use slot::{Slot, slots};

/// Rounds of backfitting.
const ROUNDS: usize = 2;
/// Factors stay within these bounds; a shop that is shut on holidays sells a few crumbs of nothing.
const BOUNDS: (f64, f64) = (0.0, 6.0);
/// A past day whose factor is outside of these says little about ordinary days and is passed over.
const TELLING: std::ops::RangeInclusive<f64> = 0.6..=1.7;

/// Factors of events, up to the last step asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effects {
    /// By series, ascending periods with a factor other than 1.
    factors: Vec<Vec<(Ordinal, f64)>>,
    /// The same of the steps asked for, each event's by itself.
    ahead: Vec<Vec<(Ordinal, Driver, f64)>>,
}

impl Effects {
    /// Learns from what is known at a cutoff.
    ///
    /// # Errors
    /// [`FeatureError`] if the events cannot be read.
    pub fn learn(
        source: &dyn FeatureSource,
        histories: &[History],
        cutoff: Ordinal,
        horizon: u16,
        season: u16,
    ) -> Result<Self, FeatureError> {
        let steps = cutoff + 1..=cutoff + Ordinal::from(horizon);
        let tracks = source.events(cutoff, horizon)?;
        Ok(Self::of(&tracks, histories, steps, season))
    }

    /// `steps` are the periods asked for.
    fn of(tracks: &[EventTrack], histories: &[History], steps: RangeInclusive<Ordinal>, season: u16) -> Self {
        let last = *steps.end();
        let slots: Vec<Vec<Vec<(Ordinal, Slot)>>> = tracks.iter().map(|track| slots(track, season, last)).collect();
        if slots.iter().flatten().all(Vec::is_empty) {
            return Self { factors: vec![Vec::new(); histories.len()], ahead: Vec::new() };
        }
        let days: Vec<Vec<Affected>> =
            histories.iter().enumerate().map(|(series, history)| affected(history, series, tracks, &slots, season)).collect();
        let mut effects: Vec<TrackEffect> = tracks.iter().map(|_| TrackEffect::default()).collect();
        for _ in 0..ROUNDS {
            for track in 0..tracks.len() {
                let learnt = TrackEffect::learn(track, &days, &effects, season);
                effects[track] = learnt;
            }
        }
        let factors = |series: usize| {
            let (mut factors, mut ahead): (Vec<(Ordinal, f64)>, Vec<(Ordinal, Driver, f64)>) = Default::default();
            for ((track, slots), effect) in tracks.iter().zip(&slots).zip(&effects) {
                let Some(key) = track.key.get(series).copied().flatten() else { continue };
                let of_track = slots[key as usize].iter().map(|&(at, slot)| (at, effect.factor(series, slot, at, season)));
                let start = factors.len();
                factors.extend(of_track.filter(|&(_, factor)| factor != 1.0));
                let driver = Driver::of_regressor(&track.name).unwrap_or(Driver::Holiday);
                ahead.extend(factors[start..].iter().filter(|(at, _)| steps.contains(at)).map(|&(at, factor)| (at, driver, factor)));
            }
            (merged(factors), ahead)
        };
        let (factors, ahead) = (0..histories.len()).map(factors).unzip();
        Self { factors, ahead }
    }

    /// What a usual sale of that season position is multiplied by.
    #[must_use]
    pub fn factor(&self, series: usize, at: Ordinal) -> f64 {
        let Some(factors) = self.factors.get(series) else { return 1.0 };
        factors.binary_search_by_key(&at, |&(period, _)| period).map_or(1.0, |found| factors[found].1)
    }

    /// The factors of one of the steps asked for, each event's with what it speaks of. Their product is [`Self::factor`],
    /// but for bounds.
    pub fn ahead(&self, series: usize, at: Ordinal) -> impl Iterator<Item = (Driver, f64)> + '_ {
        let of_series = self.ahead.get(series).map_or(&[][..], Vec::as_slice);
        of_series.iter().filter(move |(period, ..)| *period == at).map(|&(_, driver, factor)| (driver, factor))
    }

    /// A past value without its event; NaN where the event leaves nothing to tell an ordinary day from.
    #[must_use]
    pub fn without(&self, series: usize, at: Ordinal, value: f64) -> f64 {
        let factor = self.factor(series, at);
        if TELLING.contains(&factor) { value / factor } else { f64::NAN }
    }
}

/// Products of the factors of each period, within [`BOUNDS`], ascending.
fn merged(mut factors: Vec<(Ordinal, f64)>) -> Vec<(Ordinal, f64)> {
    factors.sort_by_key(|&(at, _)| at);
    factors.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 *= next.1;
        }
        same
    });
    factors.iter_mut().for_each(|(_, factor)| *factor = factor.clamp(BOUNDS.0, BOUNDS.1));
    factors
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEASON: u16 = 7;

    fn history(values: Vec<f64>) -> History {
        History { first: 0, censored: vec![false; values.len()], closed: vec![false; values.len()], values }
    }

    /// Two years of a weekly pattern; every 31st day is a holiday that multiplies sales, its eve another.
    fn shop(holiday: f64, eve: f64, level: f64) -> History {
        let of_day = |at: i64| match at % 31 {
            0 => holiday,
            30 => eve,
            _ => 1.0,
        };
        history((0..730).map(|at| level * (1.0 + 0.1 * (at % 7) as f64) * (1.0 + 0.01 * ((at * 7919) % 13) as f64) * of_day(at)).collect())
    }

    fn track(series: usize) -> EventTrack {
        let periods = (0..760).filter(|at| at % 31 == 0).collect();
        EventTrack { name: "holiday".to_owned(), key: vec![Some(0); series], periods: vec![periods] }
    }

    #[test]
    fn a_holiday_and_its_eve_are_found_and_told_ahead() {
        let histories = vec![shop(0.5, 1.4, 10.0), shop(0.5, 1.4, 200.0)];
        let effects = Effects::of(&[track(2)], &histories, 731..=759, SEASON);
        for series in 0..2 {
            assert!((effects.factor(series, 744) - 0.5).abs() < 0.05, "{}", effects.factor(series, 744));
            assert!((effects.factor(series, 743) - 1.4).abs() < 0.08, "{}", effects.factor(series, 743));
            assert!((effects.factor(series, 740) - 1.0).abs() < 1e-9);
        }
        assert!(effects.without(0, 31, 5.0).is_nan());
        assert!((effects.without(0, 30, 14.0) - 10.0).abs() < 0.8);
    }

    #[test]
    fn shops_that_differ_get_factors_of_their_own() {
        let histories = vec![shop(1.5, 1.0, 10.0), shop(0.0, 1.0, 10.0), shop(1.5, 1.0, 50.0)];
        let effects = Effects::of(&[track(3)], &histories, 731..=759, SEASON);
        assert!((effects.factor(0, 744) - 1.5).abs() < 0.15, "{}", effects.factor(0, 744));
        assert!(effects.factor(1, 744) < 0.1, "{}", effects.factor(1, 744));
    }

    #[test]
    fn noise_is_no_effect() {
        // A flag that has nothing to do with sales.
        let mut state = 88_172_645_463_325_252_u64;
        let mut noise = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            0.5 + (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let histories = vec![history((0..730).map(|_| 20.0 * noise()).collect())];
        let effects = Effects::of(&[track(1)], &histories, 731..=759, SEASON);
        let largest = (0..760).map(|at| (effects.factor(0, at) - 1.0).abs()).fold(0.0, f64::max);
        assert!(largest < 0.3, "{largest}");
    }

    #[test]
    fn no_events_no_factors_and_nothing_breaks_on_odd_histories() {
        let odd = vec![history(vec![]), history(vec![f64::NAN; 40]), history(vec![0.0; 40]), history(vec![1e300, 0.0, 1e300])];
        let effects = Effects::of(&[track(4)], &odd, 55..=60, SEASON);
        assert!((0..4).all(|series| (0..60).all(|at| effects.factor(series, at).is_finite())));
        assert_eq!(Effects::of(&[], &odd, 55..=60, SEASON).factor(1, 31), 1.0);
    }
}
