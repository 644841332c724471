//! Young series borrow from their analogues: series of the same category, at a similar price, in the same store.
//!
//! A forecast is a level times a weekday (season position) index. Both start from what the analogues show and move to the
//! series' own data as `n / (n + k)`, where `k` is how much single days vary within a series over how much series vary among
//! each other: the credibility of Buehlmann (1967), estimated from the panel itself. After a few days the level is the
//! series' own; after a few months the index is.
//!
//! How alike two series are is read off the columns of the family `statics`: categories that they share, numbers (a price)
//! that are close on a logarithmic scale. Without such columns every series is everyone's analogue.

use domain::{History, Ordinal};

use crate::error::ModelError;
use crate::forecaster::{Artifact, Fitted, Forecaster, Future, Path, Skip, TrainingSet};
use crate::history::{mean, usable_values};
use crate::likeness::Likeness;

const NAME: &str = "analogue";
const FORMAT: u16 = 1;

/// Seasons of usable values from which on a series can lend.
const MATURE_SEASONS: usize = 6;
/// Seasons over which the own level and index are taken.
const RECENT_SEASONS: usize = 12;
/// Weight of a value relative to one of a season later.
const DECAY: f64 = 0.85;
/// Analogues looked at for one series, at most.
const MOST_ANALOGUES: usize = 200;
/// Bounds of the number of days at which own data count half.
const CREDIBILITY: (f64, f64) = (0.05, 60.0);

pub(super) fn forecaster() -> Analogue {
    Analogue
}

pub(super) struct Analogue;

impl Forecaster for Analogue {
    fn name(&self) -> &'static str {
        NAME
    }

    fn fit(&self, _: &TrainingSet<'_>) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(Self))
    }

    fn load(&self, artifact: &Artifact) -> Result<Box<dyn Fitted>, ModelError> {
        artifact.read::<()>(NAME, FORMAT)?;
        Ok(Box::new(Self))
    }
}

impl Fitted for Analogue {
    fn predict(&self, future: &Future<'_>) -> Result<Vec<Path>, ModelError> {
        let season = usize::from(future.season);
        let shapes: Vec<Shape> = future.histories.iter().map(|history| Shape::of(history, season)).collect();
        let likeness = Likeness::read(future)?;
        let lenders = likeness.among((0..shapes.len()).filter(|&series| shapes[series].is_mature(season)).collect());
        let path = |(series, history): (usize, &History)| -> Path {
            let overall = mean(history).ok_or(Skip::NoHistory)?;
            let prior = Prior::of(&lenders.of(series, MOST_ANALOGUES), &shapes, season);
            let blended = shapes[series].blend(&prior, overall);
            Ok((1..=future.horizon).map(|step| blended.at(future.cutoff + Ordinal::from(step))).collect())
        };
        Ok(future.histories.iter().enumerate().map(path).collect())
    }

    fn artifact(&self) -> Result<Artifact, ModelError> {
        Artifact::of(NAME, FORMAT, &())
    }
}

/// Level, season index and variation of one series.
struct Shape {
    /// Usable values.
    count: usize,
    /// Weighted sums of values and weights, by season position.
    sums: Vec<(f64, f64)>,
    level: f64,
    /// Variance of single values around level times index, relative to the level squared.
    variance: f64,
}

impl Shape {
    fn of(history: &History, season: usize) -> Self {
        let season = season.max(1);
        let end = history.end();
        let reach = (season * RECENT_SEASONS) as Ordinal;
        let recent: Vec<(Ordinal, f64)> = usable_values(history).rev().take_while(|(at, _)| end - at <= reach).collect();
        let mut sums = vec![(0.0, 0.0); season];
        for &(at, value) in &recent {
            let weight = DECAY.powf((end - 1 - at) as f64 / season as f64);
            let (sum, total) = &mut sums[position(at, season)];
            *sum += weight * value;
            *total += weight;
        }
        let level = ratio(sums.iter().fold((0.0, 0.0), |(a, b), (c, d)| (a + c, b + d))).unwrap_or(0.0);
        let index = |at: Ordinal| ratio(sums[position(at, season)]).unwrap_or(level);
        let squares: f64 = recent.iter().map(|&(at, value)| (value - index(at)).powi(2)).sum();
        let freedom = recent.len().saturating_sub(season).max(1) as f64;
        let variance = if level > 0.0 { squares / freedom / (level * level) } else { 0.0 };
        Self { count: usable_values(history).count(), sums, level, variance }
    }

    fn is_mature(&self, season: usize) -> bool {
        self.count >= MATURE_SEASONS * season.max(1) && self.level > 0.0 && self.sums.iter().all(|(_, weight)| *weight > 0.0)
    }

    /// Own mean of a season position over the level, if it was seen.
    fn index(&self, position: usize) -> Option<f64> {
        Some(ratio(self.sums[position])? / self.level).filter(|index| index.is_finite())
    }

    /// The series as the analogues and its own data together have it.
    fn blend(&self, prior: &Prior, overall: f64) -> Blended {
        let weight: f64 = self.sums.iter().map(|(_, weight)| weight).sum();
        // What the level would have to be for the own values, under the analogues' index.
        let said: f64 = self.sums.iter().zip(&prior.index).map(|((_, weight), index)| weight * index).sum();
        let sold: f64 = self.sums.iter().map(|(sum, _)| sum).sum();
        let own = if said > 0.0 { sold / said } else { overall };
        let level = match prior.level {
            Some(expected) => (weight * own + prior.days_of_level * expected) / (weight + prior.days_of_level),
            None => own,
        };
        let blend = |((sum, weight), index): (&(f64, f64), &f64)| {
            if level > 0.0 { (sum / level + prior.days_of_index * index) / (weight + prior.days_of_index) } else { 1.0 }
        };
        Blended { level, index: self.sums.iter().zip(&prior.index).map(blend).collect() }
    }
}

/// What the analogues of a series say of it.
struct Prior {
    level: Option<f64>,
    index: Vec<f64>,
    /// Days of own data that weigh as much as the analogues' level, and index.
    days_of_level: f64,
    days_of_index: f64,
}

impl Prior {
    /// From `(series, likeness)`; without any, a flat index that the first own data replace.
    fn of(analogues: &[(usize, f64)], shapes: &[Shape], season: usize) -> Self {
        let mean = |value: &dyn Fn(&Shape) -> Option<f64>| {
            ratio(
                analogues
                    .iter()
                    .filter_map(|&(series, like)| Some((like, value(&shapes[series])?)))
                    .fold((0.0, 0.0), |(a, b), (like, value)| (a + like * value, b + like)),
            )
        };
        let positions = season.max(1);
        let index: Vec<f64> = (0..positions).map(|position| mean(&|shape| shape.index(position)).unwrap_or(1.0)).collect();
        let within = mean(&|shape| Some(shape.variance)).unwrap_or(0.0);
        let level = mean(&|shape| Some(shape.level));
        let relative = |shape: &Shape| level.map(|level| (shape.level / level - 1.0).powi(2));
        let between_levels = mean(&relative).unwrap_or(0.0);
        let between_indices = mean(&|shape| {
            let squares = (0..positions).map(|position| shape.index(position).map(|own| (own - index[position]).powi(2)));
            squares.sum::<Option<f64>>().map(|sum| sum / positions as f64)
        });
        Self {
            level,
            index,
            days_of_level: credibility(within, between_levels),
            days_of_index: credibility(within, between_indices.unwrap_or(f64::INFINITY)),
        }
    }
}

/// Buehlmann's `k`.
fn credibility(within: f64, between: f64) -> f64 {
    let days = within / between;
    if days.is_nan() { CREDIBILITY.0 } else { days.clamp(CREDIBILITY.0, CREDIBILITY.1) }
}

struct Blended {
    level: f64,
    index: Vec<f64>,
}

impl Blended {
    fn at(&self, at: Ordinal) -> f64 {
        self.level * self.index[position(at, self.index.len())]
    }
}

fn position(at: Ordinal, season: usize) -> usize {
    at.rem_euclid(season as Ordinal) as usize
}

fn ratio((sum, weight): (f64, f64)) -> Option<f64> {
    (weight > 0.0).then(|| sum / weight)
}
