//! Made-up tables by a closed formula, the same in any language.

use linfa::ParamGuard as _;
use models::boosting::{Booster, Columns, GradientBoostingParams};

/// Uniform in [0, 1), 24 bits: the finaliser of splitmix64 on a multiple of the golden ratio.
pub fn uniform(number: u64) -> f32 {
    let mut bits = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ bits >> 31) >> 40) as f32 / (1u32 << 24) as f32
}

pub const WIDTH: usize = 6;

/// Friedman's first function (1991) of five of six uniform columns, with noise.
pub struct Table {
    pub rows: usize,
    /// Column-major.
    pub data: Vec<f32>,
    pub target: Vec<f32>,
    /// Poisson counts whose logarithmic mean follows the same function.
    pub counts: Vec<f32>,
    pub weight: Vec<f32>,
}

impl Table {
    /// Rows `start..start + rows` of an endless table.
    pub fn new(start: u64, rows: usize) -> Self {
        let cell = |row: usize, column: u64| uniform((start + row as u64) * 64 + column);
        let data = (0..WIDTH).flat_map(|column| (0..rows).map(move |row| cell(row, column as u64))).collect();
        let signal = |row: usize| {
            let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|column| f64::from(cell(row, column)));
            10.0 * (std::f64::consts::PI * a * b).sin() + 20.0 * (c - 0.5) * (c - 0.5) + 10.0 * d + 5.0 * e
        };
        let noise = |row: usize| [50, 51, 52].map(|column| f64::from(cell(row, column))).iter().sum::<f64>() - 1.5;
        let target = (0..rows).map(|row| (signal(row) + 2.0 * noise(row)) as f32).collect();
        let counts = (0..rows).map(|row| poisson((signal(row) / 8.0 - 1.0).exp(), f64::from(cell(row, 60)))).collect();
        Self { rows, data, target, counts, weight: vec![1.0; rows] }
    }

    pub fn columns(&self) -> Columns<'_> {
        Columns::from_column_major(self.rows, &self.data).expect("whole columns")
    }

    pub fn fit(&self, params: GradientBoostingParams, target: &[f32]) -> Booster {
        params.check().expect("sound").fit_columns(&self.columns(), target, &self.weight).expect("fits")
    }

    pub fn predict(&self, booster: &Booster) -> Vec<f64> {
        booster.predict(&self.columns()).expect("same columns")
    }
}

/// Quantile `share` of a Poisson distribution.
fn poisson(mean: f64, share: f64) -> f32 {
    let (mut count, mut probability, mut cumulative) = (0.0, (-mean).exp(), (-mean).exp());
    while share > cumulative && count < 59.0 {
        count += 1.0;
        probability *= mean / f64::from(count);
        cumulative += probability;
    }
    count
}

pub fn rmse(predicted: &[f64], actual: &[f32]) -> f64 {
    let squares: f64 = predicted.iter().zip(actual).map(|(p, &y)| (p - f64::from(y)).powi(2)).sum();
    (squares / actual.len() as f64).sqrt()
}

pub fn pinball(predicted: &[f64], actual: &[f32], level: f64) -> f64 {
    let loss = |(p, &y): (&f64, &f32)| {
        let above = f64::from(y) - p;
        if above > 0.0 { level * above } else { (level - 1.0) * above }
    };
    predicted.iter().zip(actual).map(loss).sum::<f64>() / actual.len() as f64
}
