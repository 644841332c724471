//! Where a period lies relative to the runs of an event.

use domain::{Frequency, Ordinal};

use crate::config::Shape;
use crate::regressors::RegressorStore;

/// Days of a run that are told apart; later ones are like the last of these.
const DAYS: u8 = 14;
/// Number of classes that share an effect, see [`Place::class`].
pub(crate) const CLASSES: usize = 10;
/// Number of different places.
pub(crate) const PLACES: usize = DAYS as usize + 4;

/// The place of a period within a run of event days or at most two steps from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Steps to the nearest event day: -2 and -1 before, 0 on it, 1 and 2 after.
    offset: i8,
    /// Day of the run, from 1; 0 outside.
    day: u8,
}

impl Place {
    /// The place of period 0, if it is near an event.
    pub fn of(is_set: impl Fn(Ordinal) -> bool) -> Option<Self> {
        if is_set(0) {
            let day = 1 + (1..Ordinal::from(DAYS)).take_while(|k| is_set(-k)).count();
            return Some(Self { offset: 0, day: day as u8 });
        }
        let nearest = [1, -1, 2, -2].into_iter().find(|&steps| is_set(steps))?;
        Some(Self { offset: -(nearest as i8), day: 0 })
    }

    /// Periods whose effects are taken to be alike: the same offset on the same kind of day.
    pub fn class(self, frequency: Frequency, at: Ordinal) -> usize {
        // 1970-01-01 was a Thursday: the third day after a Monday.
        let is_weekend = frequency == Frequency::Daily && (at + 3).rem_euclid(7) >= 5;
        (self.offset + 2) as usize * 2 + usize::from(is_weekend)
    }

    /// Number of this place, below [`PLACES`].
    pub fn number(self) -> usize {
        match self.offset {
            0 => usize::from(self.day) - 1,
            before if before < 0 => usize::from(DAYS) + (before + 2) as usize,
            after => usize::from(DAYS) + (after + 1) as usize,
        }
    }
}

/// The places of past periods, each by what was known on that very period: later cutoffs agree about them.
pub(crate) struct Places {
    first: Ordinal,
    /// One for each period from `first` on.
    places: Vec<Option<Place>>,
}

impl Places {
    pub fn new(regressor: &RegressorStore, slot: usize, cutoff: Ordinal, until: Ordinal) -> Self {
        let set = regressor.periods_ever_set(slot);
        let (Some(&earliest), Some(&latest)) = (set.first(), set.last()) else { return Self { first: 0, places: Vec::new() } };
        let (first, last) = (earliest - 2, (latest + 2).min(until));
        let mut places = vec![None; usize::try_from(last - first + 1).unwrap_or(0)];
        for at in set.iter().flat_map(|&at| at - 2..=at + 2).filter(|&at| at <= last) {
            let is_set = |steps| regressor.planned(Some(slot), at + steps, at.min(cutoff), cutoff).is_some_and(|value| value > 0.5);
            places[(at - first) as usize] = Place::of(is_set);
        }
        Self { first, places }
    }

    pub fn of(&self, at: Ordinal) -> Option<Place> {
        let position = usize::try_from(at - self.first).ok()?;
        self.places.get(position).copied().flatten()
    }

    /// Periods near an event within a range, ascending.
    pub fn within(&self, from: Ordinal, to: Ordinal) -> impl Iterator<Item = (Ordinal, Place)> {
        let position = |at: Ordinal| (at - self.first).clamp(0, self.places.len() as Ordinal) as usize;
        let (start, end) = (position(from), position(to + 1));
        (start..end.max(start)).filter_map(|k| Some((self.first + k as Ordinal, self.places[k]?)))
    }
}

/// What a series sold on a period near an event, and what it had been selling on such periods of ordinary seasons.
pub(crate) struct Occurrence {
    pub at: Ordinal,
    pub place: Place,
    pub value: f64,
    /// Mean of the latest ordinary values at the same place of the season.
    pub level: f64,
    /// Mean size of all values so far: what makes series comparable.
    pub scale: f64,
}

/// Ordinary values that a level is the mean of.
const ORDINARY: usize = 4;
/// Seasons looked back on to find them.
const SEASONS: usize = 12;

/// The occurrences of one event in a series whose values start at period `first`, oldest first. Each depends on nothing
/// younger than itself.
pub(crate) fn occurrences<'a>(
    values: &'a [f64],
    first: Ordinal,
    places: &'a Places,
    shape: &Shape,
) -> impl Iterator<Item = Occurrence> + 'a {
    let stride = season(shape);
    let (mut done, mut sum, mut count) = (0, 0.0, 0.0);
    places.within(first, first + values.len() as Ordinal - 1).filter_map(move |(at, place)| {
        let position = (at - first) as usize;
        for value in values[done..=position].iter().filter(|value| !value.is_nan()) {
            sum += value.abs();
            count += 1.0;
        }
        done = position + 1;
        let value = values[position];
        let is_ordinary = |&k: &usize| !values[k].is_nan() && places.of(first + k as Ordinal).is_none();
        let back = (1..=SEASONS).map_while(|seasons| position.checked_sub(seasons * stride));
        let (total, ordinary) = back.filter(is_ordinary).take(ORDINARY).fold((0.0, 0), |(sum, n), k| (sum + values[k], n + 1));
        let usable = !value.is_nan() && ordinary > 0 && total >= 0.0 && sum > 0.0;
        usable.then(|| Occurrence { at, place, value, level: total / f64::from(ordinary), scale: sum / count })
    })
}

/// Steps between values that are alike: a week of days, else one.
fn season(shape: &Shape) -> usize {
    match shape.frequency {
        Frequency::Daily => shape.unit(),
        _ => 1,
    }
}
