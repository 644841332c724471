//! What all series of a panel tell together, period by period, so that a row reads it as of its youngest usable period.

use std::collections::BTreeMap;

use domain::panel::RegressorKind;
use domain::{Frequency, Ordinal};

use crate::config::Shape;
use crate::place::{CLASSES, Occurrence, Places, occurrences};
use crate::regressors::RegressorStore;

/// Most cells of one category's table: what has more levels than this has too few series in each.
const LARGEST_TABLE: usize = 1 << 22;

/// Sums over series, each divided by its own mean size up to the period, so that large and small ones count alike.
#[derive(Default)]
pub(crate) struct Pool {
    first: Ordinal,
    periods: Vec<Total>,
    categories: Vec<Category>,
    pub events: Vec<PooledEvent>,
}

/// A sum and the number of its terms.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Total {
    pub sum: f64,
    pub count: f64,
}

/// Totals by level of a static category and period.
pub(crate) struct Category {
    /// Which of the panel's regressors it is.
    pub regressor: usize,
    /// Level of each series.
    pub levels: Vec<Option<usize>>,
    totals: Vec<Vec<Total>>,
}

/// An event's past, over all series.
pub(crate) struct PooledEvent {
    /// By key of the regressor, where past periods lay.
    pub places: Vec<Places>,
    /// By class, after each period: scaled values and levels of all occurrences so far.
    effects: [Vec<(Ordinal, Effect)>; CLASSES],
}

/// What was sold on occurrences, and what would have been sold on ordinary periods, in multiples of a series' scale.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Effect {
    pub sold: f64,
    pub usual: f64,
}

impl Effect {
    pub fn add(&mut self, occurrence: &Occurrence) {
        self.sold += occurrence.value / occurrence.scale;
        self.usual += occurrence.level / occurrence.scale;
    }

    /// The ratio, drawn towards `prior` as if that had been seen on `weight` ordinary occurrences.
    pub fn ratio(&self, prior: f64, weight: f64) -> f64 {
        ((self.sold + weight * prior) / (self.usual + weight)).max(0.0)
    }
}

/// What a pool is made of.
pub(crate) struct Ingredients<'a> {
    pub shape: Shape,
    pub cutoff: Ordinal,
    /// First period of any series, and the last one that may be used.
    pub periods: (Ordinal, Ordinal),
    pub regressors: &'a [RegressorStore],
    /// Number of series.
    pub series: usize,
}

impl Pool {
    /// `history` gives a series' first period and its usable values from then on.
    pub fn new(of: &Ingredients<'_>, history: impl Fn(usize) -> Option<(Ordinal, Vec<f64>)>) -> Self {
        let (first, last) = of.periods;
        let length = usize::try_from(last - first + 1).unwrap_or(0);
        let mut pool = Self { first, periods: vec![Total::default(); length], categories: categories(of, length), events: Vec::new() };
        let flags: Vec<&RegressorStore> = of.regressors.iter().filter(|regressor| regressor.is_flag(of.cutoff)).collect();
        let places = |flag: &&RegressorStore| match tells_events(of.shape.frequency) {
            true => (0..flag.slots()).map(|slot| Places::new(flag, slot, of.cutoff, last)).collect(),
            false => Vec::new(),
        };
        let places: Vec<Vec<Places>> = flags.iter().map(places).collect();
        let mut sums: Vec<[BTreeMap<Ordinal, Effect>; CLASSES]> = flags.iter().map(|_| Default::default()).collect();
        for series in 0..of.series {
            let Some((first, values)) = history(series) else { continue };
            pool.add(series, first, &values);
            for ((flag, places), sums) in flags.iter().zip(&places).zip(&mut sums) {
                let Some(places) = flag.slot(series as u32).and_then(|slot| places.get(slot)) else { continue };
                for occurrence in occurrences(&values, first, places, &of.shape) {
                    let class = occurrence.place.class(of.shape.frequency, occurrence.at);
                    sums[class].entry(occurrence.at).or_default().add(&occurrence);
                }
            }
        }
        pool.events =
            places.into_iter().zip(sums).map(|(places, sums)| PooledEvent { places, effects: sums.map(running_totals) }).collect();
        pool
    }

    fn add(&mut self, series: usize, first: Ordinal, values: &[f64]) {
        let start = (first - self.first) as usize;
        let mut tables: Vec<&mut [Total]> = Vec::with_capacity(1 + self.categories.len());
        tables.push(&mut self.periods[start..]);
        for category in &mut self.categories {
            if let Some(level) = category.levels[series] {
                tables.push(&mut category.totals[level][start..]);
            }
        }
        for (position, scaled) in scaled(values).enumerate().filter(|(_, scaled)| !scaled.is_nan()) {
            for table in &mut tables {
                table[position].sum += scaled;
                table[position].count += 1.0;
            }
        }
    }

    /// Of all series, over `window` periods that end at `youngest`.
    pub fn total(&self, youngest: Ordinal, window: usize) -> Total {
        total(&self.periods, youngest - self.first, window)
    }

    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// Of the series of one level of a category, over `window` periods that end at `youngest`.
    pub fn total_of_level(&self, category: &Category, level: usize, youngest: Ordinal, window: usize) -> Total {
        total(&category.totals[level], youngest - self.first, window)
    }
}

impl PooledEvent {
    /// All occurrences of a class up to a period.
    pub fn effect(&self, class: usize, youngest: Ordinal) -> Effect {
        let totals = &self.effects[class];
        let known = totals.partition_point(|&(at, _)| at <= youngest);
        known.checked_sub(1).map_or_else(Effect::default, |last| totals[last].1)
    }
}

/// Events are days or longer: half hours before one tell nothing.
pub(crate) fn tells_events(frequency: Frequency) -> bool {
    !matches!(frequency, Frequency::Minutes { .. })
}

/// Values in multiples of their mean size up to each of them; NaN where there is none.
pub(crate) fn scaled(values: &[f64]) -> impl Iterator<Item = f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    values.iter().map(move |&value| {
        if value.is_nan() {
            return f64::NAN;
        }
        sum += value.abs();
        count += 1.0;
        if sum > 0.0 { value * count / sum } else { f64::NAN }
    })
}

fn categories(of: &Ingredients<'_>, length: usize) -> Vec<Category> {
    let is_category = |(_, regressor): &(usize, &RegressorStore)| {
        let levels = regressor.levels as usize;
        let is_shared = levels > 1 && levels < of.series && levels.saturating_mul(length) <= LARGEST_TABLE;
        regressor.kind == RegressorKind::Static && is_shared
    };
    let category = |(number, regressor): (usize, &RegressorStore)| {
        let level = |series| regressor.constant(series as u32, of.cutoff).map(|level| level as usize);
        let is_level = |level: &usize| *level < regressor.levels as usize;
        Category {
            regressor: number,
            levels: (0..of.series).map(|series| level(series).filter(is_level)).collect(),
            totals: vec![vec![Total::default(); length]; regressor.levels as usize],
        }
    };
    of.regressors.iter().enumerate().filter(is_category).map(category).collect()
}

fn total(periods: &[Total], youngest: Ordinal, window: usize) -> Total {
    let end = (youngest + 1).clamp(0, periods.len() as Ordinal) as usize;
    let start = (youngest + 1 - window as Ordinal).clamp(0, end as Ordinal) as usize;
    periods[start..end].iter().fold(Total::default(), |a, b| Total { sum: a.sum + b.sum, count: a.count + b.count })
}

fn running_totals(by_period: BTreeMap<Ordinal, Effect>) -> Vec<(Ordinal, Effect)> {
    let mut so_far = Effect::default();
    let add = |(at, of_period): (Ordinal, Effect)| {
        so_far = Effect { sold: so_far.sold + of_period.sold, usual: so_far.usual + of_period.usual };
        (at, so_far)
    };
    by_period.into_iter().map(add).collect()
}
