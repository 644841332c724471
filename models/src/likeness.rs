//! How alike series are, by what is fixed about them: their category, their store, their price.

use std::collections::HashMap;

use domain::FeatureMatrix;
use domain::features::FeatureColumn;

use crate::error::ModelError;
use crate::forecaster::Future;
use crate::step_group::step_groups;

/// Family of the columns that are read.
const FAMILY: &str = "statics";
/// What a category that differs leaves of the likeness.
const OTHER_CATEGORY: f64 = 0.1;
/// Analogues that share every category from which on no others are looked for.
const ENOUGH: usize = 5;

/// What is fixed about each series of a panel.
pub(crate) struct Likeness {
    series: Vec<Fixed>,
    /// Standard deviation of each number over the panel.
    scales: Vec<f64>,
}

/// One series' static values.
#[derive(Clone, Default)]
struct Fixed {
    /// Category codes; a column in which every series stands alone is left out.
    categories: Vec<u32>,
    /// Logarithms; NaN where unknown or not positive.
    numbers: Vec<f64>,
}

impl Likeness {
    /// From the future rows that direct models read anyway.
    pub fn read(future: &Future<'_>) -> Result<Self, ModelError> {
        let count = future.histories.len();
        let Some(group) = step_groups(future.horizon, future.season).first().copied() else { return Ok(Self::none(count)) };
        let rows = future.rows(group.layout(), group.first..=group.last.min(future.horizon))?;
        Ok(Self::of(&rows, count))
    }

    fn none(count: usize) -> Self {
        Self { series: vec![Fixed::default(); count], scales: Vec::new() }
    }

    fn of(rows: &FeatureMatrix, count: usize) -> Self {
        let mut first: Vec<Option<usize>> = vec![None; count];
        for (row, &series) in rows.series.iter().enumerate() {
            if let Some(slot) = first.get_mut(series as usize) {
                slot.get_or_insert(row);
            }
        }
        let mut likeness = Self::none(count);
        let is_fixed = |(_, column): &(usize, &FeatureColumn)| column.family == FAMILY;
        for (number, column) in rows.columns.iter().enumerate().filter(is_fixed) {
            let values: Vec<f64> = first.iter().map(|row| row.map_or(f64::NAN, |row| f64::from(rows.column(number)[row]))).collect();
            if column.levels > 0 { likeness.add_category(&values) } else { likeness.add_number(&values) }
        }
        likeness
    }

    fn add_category(&mut self, values: &[f64]) {
        let mut sizes: HashMap<u32, usize> = HashMap::new();
        // Unknown is a category of its own.
        let code = |value: f64| if value >= 0.0 { value as u32 } else { u32::MAX };
        values.iter().for_each(|&value| *sizes.entry(code(value)).or_default() += 1);
        if sizes.values().all(|&size| size <= 1) {
            return;
        }
        self.series.iter_mut().zip(values).for_each(|(series, &value)| series.categories.push(code(value)));
    }

    fn add_number(&mut self, values: &[f64]) {
        let logarithms: Vec<f64> = values.iter().map(|&value| if value > 0.0 { value.ln() } else { f64::NAN }).collect();
        let known: Vec<f64> = logarithms.iter().copied().filter(|value| value.is_finite()).collect();
        let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
        let variance = known.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / known.len().max(1) as f64;
        self.scales.push(variance.sqrt());
        self.series.iter_mut().zip(logarithms).for_each(|(series, value)| series.numbers.push(value));
    }

    /// The series that others may be compared with.
    pub fn among(&self, lenders: Vec<usize>) -> Lenders<'_> {
        let mut alike: HashMap<&[u32], Vec<usize>> = HashMap::new();
        for &series in &lenders {
            alike.entry(&self.series[series].categories).or_default().push(series);
        }
        Lenders { likeness: self, alike, all: lenders }
    }

    fn between(&self, a: &Fixed, b: &Fixed) -> f64 {
        let categories: f64 = a.categories.iter().zip(&b.categories).map(|(a, b)| if a == b { 1.0 } else { OTHER_CATEGORY }).product();
        let distance = |((a, b), scale): ((&f64, &f64), &f64)| if *scale > 0.0 { (a - b) / scale } else { 0.0 };
        let numbers = a.numbers.iter().zip(&b.numbers).zip(&self.scales).map(distance);
        // Half a standard deviation apart is near. A number that is not known says nothing.
        let nearness: f64 = numbers.filter(|distance| distance.is_finite()).map(|distance| (-2.0 * distance * distance).exp()).product();
        categories * nearness.max(1e-3)
    }
}

/// Series to compare with, by their categories.
pub(crate) struct Lenders<'a> {
    likeness: &'a Likeness,
    alike: HashMap<&'a [u32], Vec<usize>>,
    all: Vec<usize>,
}

impl Lenders<'_> {
    /// Analogues of a series with how alike they are (0 to 1): those that share every category, or where these are few all;
    /// evenly thinned out to `most`.
    pub fn of(&self, series: usize, most: usize) -> Vec<(usize, f64)> {
        let own = &self.likeness.series[series];
        let alike = self.alike.get(own.categories.as_slice()).filter(|alike| alike.len() > ENOUGH).unwrap_or(&self.all);
        let stride = alike.len().div_ceil(most.max(1)).max(1);
        let others = alike.iter().copied().step_by(stride).filter(|&other| other != series);
        others.map(|other| (other, self.likeness.between(own, &self.likeness.series[other]))).collect()
    }
}
