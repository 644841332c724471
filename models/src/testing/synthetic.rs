//! An in-memory panel that serves its own features: lags, rolling and same-season means, the season position, and one
//! regressor known ahead.

use std::ops::RangeInclusive;

use domain::features::{EventTrack, FeatureColumn, Neutral};
use domain::{Driver, FeatureError, FeatureMatrix, FeatureSource, Frequency, History, Layout, Ordinal};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// What becomes of everything after the cutoff, to catch a model that looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Poison {
    None,
    /// Every target after the period is replaced.
    After(Ordinal, f64),
}

/// A panel whose series all start at period 0. Values may be NaN.
#[derive(Debug, Clone)]
pub struct SyntheticPanel {
    names: Vec<String>,
    values: Vec<Vec<f64>>,
    closed: Vec<bool>,
    /// Known ahead, one value per period.
    promo: Vec<f64>,
    season: u16,
}

/// Column names, families and whether they are in target units.
const COLUMNS: [(&str, &str, bool); 7] = [
    ("lag", "lags", true),
    ("lag_season", "lags", true),
    ("mean_season", "rolling", true),
    ("mean_4_seasons", "rolling", true),
    ("same_season_4", "rolling", true),
    ("promo", "regressors", false),
    ("position", "calendar", false),
];

impl SyntheticPanel {
    #[must_use]
    pub fn new(values: Vec<Vec<f64>>, season: u16) -> Self {
        let length = values.iter().map(Vec::len).max().unwrap_or(0);
        let names = (0..values.len()).map(|series| format!("series_{series:04}")).collect();
        // Room for any horizon behind the last period.
        Self { names, values, closed: vec![false; length + 1_000], promo: vec![0.0; length + 1_000], season: season.max(1) }
    }

    /// Weekly-seasonal sales with noise, a slow trend and a promotion that is known ahead; levels spread over two decades.
    #[must_use]
    pub fn weekly(series: usize, periods: usize, seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let promo: Vec<f64> = (0..periods + 1_000).map(|_| f64::from(u8::from(random.r#gen::<f64>() < 0.08))).collect();
        let one = |index: usize, random: &mut Xoshiro256PlusPlus| -> Vec<f64> {
            let level = 20.0 * 10.0_f64.powf(2.0 * index as f64 / series.max(2) as f64);
            let week: Vec<f64> = (0..7).map(|day| 0.7 + 0.6 * random.r#gen::<f64>() + if day >= 5 { 0.5 } else { 0.0 }).collect();
            let slope = 0.4 * (random.r#gen::<f64>() - 0.5) / periods.max(1) as f64;
            let sale = |at: usize| {
                let noise: f64 = (0..12).map(|_| random.r#gen::<f64>()).sum::<f64>() - 6.0;
                (level * week[at % 7] * (1.0 + slope * at as f64) * (1.0 + 0.5 * promo[at]) * (1.0 + 0.15 * noise)).max(0.0)
            };
            (0..periods).map(sale).collect()
        };
        let values = (0..series).map(|index| one(index, &mut random)).collect();
        Self { promo, ..Self::new(values, 7) }
    }

    /// Sales of small whole numbers, mostly none.
    #[must_use]
    pub fn intermittent(series: usize, periods: usize, seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let sale = |rate: f64, random: &mut Xoshiro256PlusPlus| -> f64 {
            if random.r#gen::<f64>() < rate { (1.0 + 2.0 * random.r#gen::<f64>() * random.r#gen::<f64>()).floor() } else { 0.0 }
        };
        let values = (0..series).map(|index| {
            let rate = 0.1 + 0.3 * index as f64 / series.max(1) as f64;
            (0..periods).map(|_| sale(rate, &mut random)).collect()
        });
        Self::new(values.collect(), 7)
    }

    /// Closes the shop on some periods: no sales there, known ahead.
    #[must_use]
    pub fn closed_on(mut self, periods: impl Fn(Ordinal) -> bool) -> Self {
        for (at, closed) in self.closed.iter_mut().enumerate() {
            *closed = periods(at as Ordinal);
        }
        for values in &mut self.values {
            values.iter_mut().zip(&self.closed).for_each(|(value, &closed)| *value = if closed { 0.0 } else { *value });
        }
        self
    }

    /// Adds a series at the end.
    #[must_use]
    pub fn with_series(mut self, values: Vec<f64>) -> Self {
        self.names.push(format!("series_{:04}", self.values.len()));
        self.values.push(values);
        self
    }

    /// The same panel with its future spoilt.
    #[must_use]
    pub fn poisoned(mut self, poison: Poison) -> Self {
        if let Poison::After(cutoff, value) = poison {
            for values in &mut self.values {
                values.iter_mut().skip(usize::try_from(cutoff + 1).unwrap_or(0)).for_each(|slot| *slot = value);
            }
        }
        self
    }

    /// Observed values of a series.
    #[must_use]
    pub fn values(&self, series: usize) -> &[f64] {
        &self.values[series]
    }

    fn value(&self, series: usize, at: Ordinal) -> f64 {
        usize::try_from(at).ok().and_then(|at| self.values[series].get(at)).copied().unwrap_or(f64::NAN)
    }

    fn is_closed(&self, at: Ordinal) -> bool {
        usize::try_from(at).ok().and_then(|at| self.closed.get(at)).copied().unwrap_or(false)
    }

    fn mean(&self, series: usize, periods: impl Iterator<Item = Ordinal>) -> f64 {
        let (count, sum) =
            periods.map(|at| self.value(series, at)).filter(|value| value.is_finite()).fold((0.0, 0.0), |(n, s), v| (n + 1.0, s + v));
        sum / count
    }

    /// One row: nothing younger than `lead` periods before `at` is read.
    fn row(&self, series: usize, at: Ordinal, lead: Ordinal) -> [f32; COLUMNS.len()] {
        let season = Ordinal::from(self.season);
        let youngest = at - lead;
        let same = at - (lead + season - 1) / season * season;
        let promo = usize::try_from(at).ok().and_then(|at| self.promo.get(at)).copied().unwrap_or(0.0);
        [
            self.value(series, youngest),
            self.value(series, same),
            self.mean(series, youngest - season + 1..=youngest),
            self.mean(series, youngest - 4 * season + 1..=youngest),
            self.mean(series, (0..4).map(|k| same - k * season)),
            promo,
            at.rem_euclid(season) as f64,
        ]
        .map(|value| value as f32)
    }

    fn matrix(&self, cells: Vec<(usize, Ordinal)>, lead: Ordinal, with_target: bool) -> FeatureMatrix {
        let rows = cells.len();
        let column = |&(name, family, in_target_units): &(&str, &'static str, bool)| FeatureColumn {
            name: name.to_owned(),
            family,
            levels: if name == "position" { u32::from(self.season) } else { 0 },
            in_target_units,
            driver: match family {
                "regressors" => Driver::Promo,
                "calendar" => Driver::Weekday,
                _ => Driver::RecentLevel,
            },
            neutral: if family == "regressors" { Neutral::At(0.0) } else { Neutral::Average },
        };
        let mut data = vec![0.0; rows * COLUMNS.len()];
        let (mut target, mut weight) = (vec![f32::NAN; rows], vec![0.0; rows]);
        for (index, &(series, at)) in cells.iter().enumerate() {
            for (column, value) in self.row(series, at, lead).into_iter().enumerate() {
                data[column * rows + index] = value;
            }
            if with_target {
                target[index] = self.value(series, at) as f32;
                weight[index] = if target[index].is_finite() && !self.is_closed(at) { 1.0 } else { 0.0 };
            }
        }
        let (series, at) = cells.into_iter().map(|(series, at)| (series as u32, at)).unzip();
        FeatureMatrix { columns: COLUMNS.iter().map(column).collect(), rows, data, series, at, target, weight }
    }

    fn length(&self, series: usize, cutoff: Ordinal) -> usize {
        self.values[series].len().min(usize::try_from(cutoff + 1).unwrap_or(0))
    }
}

impl FeatureSource for SyntheticPanel {
    fn frequency(&self) -> Frequency {
        Frequency::Daily
    }

    fn series(&self) -> &[String] {
        &self.names
    }

    fn last_period(&self) -> Option<Ordinal> {
        self.values.iter().map(Vec::len).max().filter(|&length| length > 0).map(|length| length as Ordinal - 1)
    }

    fn histories(&self, cutoff: Ordinal) -> Result<Vec<History>, FeatureError> {
        let history = |(series, values): (usize, &Vec<f64>)| {
            let length = self.length(series, cutoff);
            let values = values[..length].to_vec();
            History { first: 0, values, censored: vec![false; length], closed: self.closed[..length].to_vec() }
        };
        Ok(self.values.iter().enumerate().map(history).collect())
    }

    fn training(&self, cutoff: Ordinal, layout: Layout, max_rows: usize) -> Result<FeatureMatrix, FeatureError> {
        let each = max_rows / self.values.len().max(1);
        let cells = (0..self.values.len()).flat_map(|series| {
            let length = self.length(series, cutoff);
            (length.saturating_sub(each)..length).map(move |at| (series, at as Ordinal))
        });
        Ok(self.matrix(cells.collect(), Ordinal::from(layout.lead()), true))
    }

    fn future(&self, cutoff: Ordinal, layout: Layout, steps: RangeInclusive<u16>) -> Result<FeatureMatrix, FeatureError> {
        let live = (0..self.values.len()).filter(|&series| self.length(series, cutoff) > 0);
        let cells = live.flat_map(|series| steps.clone().map(move |step| (series, cutoff + Ordinal::from(step))));
        Ok(self.matrix(cells.collect(), Ordinal::from(layout.lead()), false))
    }

    fn step(&self, cutoff: Ordinal, predicted: &[Vec<f64>]) -> Result<FeatureMatrix, FeatureError> {
        let mut fed = self.clone();
        let done = predicted.iter().map(Vec::len).max().unwrap_or(0);
        for (values, predicted) in fed.values.iter_mut().zip(predicted) {
            values.resize(usize::try_from(cutoff + 1).unwrap_or(0), f64::NAN);
            values.extend(predicted);
        }
        let next = cutoff + done as Ordinal + 1;
        Ok(fed.matrix((0..fed.values.len()).map(|series| (series, next)).collect(), 1, false))
    }

    fn events(&self, cutoff: Ordinal, horizon: u16) -> Result<Vec<EventTrack>, FeatureError> {
        let last = cutoff + Ordinal::from(horizon);
        let periods = (0..=last).filter(|&at| self.promo.get(at as usize).is_some_and(|&promo| promo > 0.5)).collect();
        Ok(vec![EventTrack { name: "promo".to_owned(), key: vec![Some(0); self.names.len()], periods: vec![periods] }])
    }

    fn closed(&self, cutoff: Ordinal, horizon: u16) -> Result<Vec<Vec<bool>>, FeatureError> {
        let steps: Vec<bool> = (1..=horizon).map(|step| self.is_closed(cutoff + Ordinal::from(step))).collect();
        Ok(vec![steps; self.values.len()])
    }

    fn actuals(&self, cutoff: Ordinal, horizon: u16) -> Result<Vec<Vec<f64>>, FeatureError> {
        let of = |series| (1..=horizon).map(|step| self.value(series, cutoff + Ordinal::from(step))).collect();
        Ok((0..self.values.len()).map(of).collect())
    }
}
