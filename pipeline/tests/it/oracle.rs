//! Lags and statistics against their definitions, computed the slow way, row by row, without Polars.

use domain::panel::{Beyond, GapPolicy, Panel, RegressorKind};
use domain::{FeatureMatrix, FeatureSource, Frequency, Layout};
use proptest::prelude::*;

use crate::panels::{open, panel, regressor};

/// What a row may use: entry `k` is the value `lead + k` steps before the target, NaN if missing or closed.
struct Usable<'a> {
    values: &'a [f64],
    target: usize,
    lead: usize,
}

impl Usable<'_> {
    fn before(&self, steps: usize) -> f64 {
        assert!(steps >= self.lead, "the row may not know what happened {steps} steps before its target");
        self.target.checked_sub(steps).map_or(f64::NAN, |at| self.values[at])
    }

    /// Values present in the window of this length, youngest first, with their ages.
    fn window(&self, length: usize) -> Vec<(usize, f64)> {
        (0..length).map(|k| (k, self.before(self.lead + k))).filter(|(_, value)| !value.is_nan()).collect()
    }

    fn mean(&self, length: usize) -> f64 {
        let window = self.window(length);
        window.iter().map(|(_, value)| value).sum::<f64>() / window.len() as f64
    }

    fn standard_deviation(&self, length: usize) -> f64 {
        let (window, mean) = (self.window(length), self.mean(length));
        let squares: f64 = window.iter().map(|(_, value)| (value - mean).powi(2)).sum();
        if window.len() < 2 { f64::NAN } else { (squares / (window.len() - 1) as f64).sqrt() }
    }

    fn zeros(&self, length: usize) -> f64 {
        let window = self.window(length);
        window.iter().filter(|(_, value)| *value == 0.0).count() as f64 / window.len() as f64
    }

    fn same_weekday(&self, count: usize) -> f64 {
        let first = (self.lead..).find(|steps| steps.is_multiple_of(7)).expect("a multiple");
        let values: Vec<f64> = (0..12).map(|week| self.before(first + 7 * week)).filter(|value| !value.is_nan()).take(count).collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn decayed_mean(&self, half_life: f64, length: usize) -> f64 {
        let weight = |age: usize| 0.5_f64.powf(age as f64 / half_life);
        let window = self.window(length);
        let total: f64 = window.iter().map(|&(age, _)| weight(age)).sum();
        window.iter().map(|&(age, value)| weight(age) * value).sum::<f64>() / total
    }

    fn quantile(&self, level: f64, length: usize) -> f64 {
        let mut sorted: Vec<f64> = self.window(length).into_iter().map(|(_, value)| value).collect();
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
        let position = level * last as f64;
        let weight = position.fract();
        sorted[position.floor() as usize] * (1.0 - weight) + sorted[position.ceil() as usize] * weight
    }

    fn steps_since_sale(&self) -> f64 {
        (0..56).find(|k| self.before(self.lead + k) > 0.0).unwrap_or(56) as f64
    }

    /// The expected value of a column, or `None` if it is none of this oracle's.
    fn column(&self, name: &str) -> Option<f64> {
        let number = |prefix: &str| name.strip_prefix(prefix)?.parse::<usize>().ok();
        let by_window = number("rolling_mean_").map(|length| self.mean(length));
        by_window
            .or_else(|| number("lag_").map(|steps| self.before(steps)))
            .or_else(|| number("rolling_std_").map(|length| self.standard_deviation(length)))
            .or_else(|| number("rolling_zeros_").map(|length| self.zeros(length)))
            .or_else(|| number("rolling_q10_").map(|length| self.quantile(0.1, length)))
            .or_else(|| number("rolling_q50_").map(|length| self.quantile(0.5, length)))
            .or_else(|| number("rolling_q90_").map(|length| self.quantile(0.9, length)))
            .or_else(|| (name == "expanding_mean").then(|| self.mean(self.target + 1)))
            .or_else(|| (name == "expanding_std").then(|| self.standard_deviation(self.target + 1)))
            .or_else(|| (name == "expanding_zeros").then(|| self.zeros(self.target + 1)))
            .or_else(|| number("same_season_mean_").map(|count| self.same_weekday(count)))
            .or_else(|| (name == "ewm_3.5").then(|| self.decayed_mean(3.5, 32)))
            .or_else(|| (name == "ewm_14").then(|| self.decayed_mean(14.0, 128)))
            .or_else(|| (name == "steps_since_sale").then(|| self.steps_since_sale()))
            .or_else(|| (name == "age").then_some(self.target as f64))
    }
}

fn check(matrix: &FeatureMatrix, usable: &[Vec<f64>], lead: usize) {
    let mut checked = 0;
    for (j, column) in matrix.columns.iter().enumerate() {
        for (row, &value) in matrix.column(j).iter().enumerate() {
            let at = matrix.at[row] as usize;
            let oracle = Usable { values: &usable[matrix.series[row] as usize], target: at, lead };
            let Some(expected) = oracle.column(&column.name) else { break };
            let agree = (value.is_nan() && expected.is_nan()) || (f64::from(value) - expected).abs() <= 1e-5 * (1.0 + expected.abs());
            assert!(agree, "{} of series {} at {at}, lead {lead}: {value}, expected {expected}", column.name, matrix.series[row]);
            checked += 1;
        }
    }
    assert!(matrix.rows == 0 || checked >= 32 * matrix.rows, "only {checked} cells of {} rows have an oracle", matrix.rows);
}

/// A shop with gaps, many zeros and closed days, and its values as features may use them.
fn shop() -> impl Strategy<Value = (Panel, Vec<Vec<f64>>)> {
    let value = prop_oneof![3 => (1..200_u32).prop_map(|v| f64::from(v) / 4.0), 2 => Just(0.0), 1 => Just(f64::NAN)];
    let one = (prop::collection::vec(value, 1..150)).prop_map(|mut values| {
        // A series starts and ends with a value, so that period 0 is its first.
        values[0] = 5.0;
        values.push(7.0);
        values
    });
    let closed_days = prop::collection::vec(0..150_i64, 0..8);
    (prop::collection::vec(one, 1..4), closed_days, any::<bool>()).prop_map(|(series, closed_days, zero)| {
        let mut shop = panel(Frequency::Daily, &series);
        let cells: Vec<_> = closed_days.iter().map(|&at| (at, 1.0, i64::MIN)).collect();
        shop.closed = Some(regressor("closed", RegressorKind::KnownFuture, Beyond::Zero, &cells));
        shop.gaps = if zero { GapPolicy::Zero } else { GapPolicy::Missing };
        let usable = |(at, &value): (usize, &f64)| match value {
            _ if closed_days.contains(&(at as i64)) => f64::NAN,
            value if value.is_nan() && zero => 0.0,
            value => value,
        };
        let usable = series.iter().map(|values| values.iter().enumerate().map(usable).collect()).collect();
        (shop, usable)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn columns_follow_their_definitions((shop, usable) in shop(), lead in prop::sample::select(vec![1_u16, 3, 7, 8, 14])) {
        let matrix = open(shop).training(1_000, Layout::Direct { lead }, usize::MAX).expect("rows");
        check(&matrix, &usable, usize::from(lead));
    }
}

#[test]
fn a_long_series_has_its_value_of_a_year_ago() {
    let values: Vec<f64> = (0..500).map(|day| f64::from((day * 37) % 101)).collect();
    let matrix =
        open(panel(Frequency::Daily, std::slice::from_ref(&values))).training(499, Layout::Direct { lead: 7 }, usize::MAX).expect("rows");
    assert!(matrix.position("lag_364").is_some());
    check(&matrix, &[values], 7);
}
