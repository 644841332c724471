//! Accuracy of each model of a [`BacktestTable`].
//!
//! A *window* is one (series, cutoff). Errors are `e = y - yhat`; forecasts are never negative.
//!
//! | metric | definition |
//! |---|---|
//! | MASE | mean `abs(e)` of a window / in-sample mean `abs(y_t - y_{t-season})`, averaged over windows |
//! | RMSSE | `sqrt`(mean `e^2` of a window / in-sample mean `(y_t - y_{t-1})^2`), averaged over windows |
//! | SPL | mean pinball loss of a window over the five quantiles / in-sample mean `abs(y_t - y_{t-1})`, averaged over windows |
//! | sMAPE | mean of `200 abs(e) / (abs(y) + abs(yhat))` over all rows, 0/0 = 0 |
//! | WAPE | sum `abs(e)` / sum `abs(y)` |
//! | bias | sum `(yhat - y)` / sum `y` |
//! | pinball | mean pinball loss over all rows and the five quantiles |
//! | wQL | 2 sum pinball / sum `abs(y)`, averaged over the five quantiles |
//! | levels | of each quantile, the share of actuals strictly below it and at or below it |
//! | coverage | share of actuals inside q25..q75, q10..q90, q025..q975, bounds included |
//!
//! The in-sample scales are over the observed values up to the cutoff, from the first that is not zero. The five quantiles
//! are q025, q10, q50, q90, q975. Windows whose scale is zero or undefined don't count in that average.

use domain::quantile::pinball;
use domain::{History, LEVELS, Ordinal};
use serde::{Deserialize, Serialize};

use crate::backtest::{BacktestRow, BacktestTable};
use crate::engine::LevelShare;
use crate::forecasters::BASELINE;
use crate::significance::{WindowErrors, skill_intervals};

/// Positions of the five scored quantiles in [`LEVELS`].
const SCORED: [usize; 5] = [0, 2, 4, 6, 8];

/// Metrics of every model, in the table's order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    pub season: u16,
    pub models: Vec<ModelMetrics>,
}

impl Metrics {
    #[must_use]
    pub fn of(&self, model: &str) -> Option<&ModelMetrics> {
        self.models.iter().find(|metrics| metrics.model == model)
    }
}

/// Metrics of one model; `None` where undefined (no window with a scale, or nothing sold).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelMetrics {
    pub model: String,
    pub mase: Option<f64>,
    pub rmsse: Option<f64>,
    pub spl: Option<f64>,
    pub smape: Option<f64>,
    pub wape: Option<f64>,
    pub bias: Option<f64>,
    pub pinball: Option<f64>,
    pub wql: Option<f64>,
    pub coverage50: Option<f64>,
    pub coverage80: Option<f64>,
    pub coverage95: Option<f64>,
    /// Calibration of each quantile over all rows; empty without rows.
    pub levels: Vec<LevelShare>,
    /// `1 - MASE / MASE of seasonal_naive`: above 0 is better than the baseline.
    pub skill: Option<f64>,
    /// 95 % bootstrap interval of the skill, see [`crate::significance`].
    pub skill_interval: Option<(f64, f64)>,
    /// Rows scored.
    pub n: usize,
    /// Windows scored.
    pub windows: usize,
}

/// In-sample scales of one (series, cutoff); NaN where undefined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WindowScale {
    pub series: u32,
    pub cutoff: Ordinal,
    /// Mean `abs(y_t - y_{t-season})`.
    pub seasonal: f64,
    /// Mean `(y_t - y_{t-1})^2`.
    pub squared: f64,
    /// Mean `abs(y_t - y_{t-1})`.
    pub absolute: f64,
}

impl WindowScale {
    #[must_use]
    pub fn of(history: &History, season: u16, series: u32, cutoff: Ordinal) -> Self {
        let known: Vec<f64> = history.values.iter().copied().filter(|value| value.is_finite()).collect();
        let start = known.iter().position(|&value| value != 0.0).unwrap_or(0);
        let train = &known[start..];
        let differences = |lag: usize| train.iter().skip(lag).zip(train).map(|(value, before)| value - before);
        let (season, steps) = (usize::from(season.max(1)), train.len().saturating_sub(1) as f64);
        Self {
            series,
            cutoff,
            seasonal: differences(season).map(f64::abs).sum::<f64>() / train.len().saturating_sub(season) as f64,
            squared: differences(1).map(|step| step * step).sum::<f64>() / steps,
            absolute: differences(1).map(f64::abs).sum::<f64>() / steps,
        }
    }
}

/// Scores every model of a table.
#[must_use]
pub fn evaluate(table: &BacktestTable) -> Metrics {
    let mut evaluation = Evaluation::new(table);
    evaluation.add(table);
    evaluation.metrics()
}

/// Scores in the making: tables of windows come one after the other and need not stay.
pub struct Evaluation {
    season: u16,
    models: Vec<String>,
    baseline: Option<usize>,
    sums: Vec<Sums>,
    errors: Vec<WindowErrors>,
}

impl Evaluation {
    /// For tables of the same models as this one, whose rows don't count yet.
    #[must_use]
    pub fn new(like: &BacktestTable) -> Self {
        Self {
            season: like.season,
            models: like.models.clone(),
            baseline: like.models.iter().position(|model| model == BASELINE),
            sums: vec![Sums::default(); like.models.len()],
            errors: Vec::new(),
        }
    }

    /// Adds a table that holds all rows of its windows.
    pub fn add(&mut self, table: &BacktestTable) {
        let mut windows: Vec<Window> = vec![Window::default(); self.models.len()];
        let mut scales: Vec<&WindowScale> = table.scales.iter().collect();
        scales.sort_by_key(|scale| (scale.series, scale.cutoff));
        let mut rows: Vec<&BacktestRow> = table.rows.iter().collect();
        rows.sort_by_key(|row| (row.series, row.cutoff));
        for together in rows.chunk_by(|a, b| (a.series, a.cutoff) == (b.series, b.cutoff)) {
            let key = (together[0].series, together[0].cutoff);
            let scale = scales.binary_search_by_key(&key, |scale| (scale.series, scale.cutoff)).ok().map(|index| scales[index]);
            windows.fill(Window::default());
            for row in together {
                self.sums[usize::from(row.model)].add(row);
                windows[usize::from(row.model)].add(row);
            }
            let scaled: Vec<f64> = self.sums.iter_mut().zip(&windows).map(|(sums, window)| sums.close(window, scale)).collect();
            self.errors.extend(self.baseline.map(|baseline| (key.0, scaled[baseline], scaled)));
        }
    }

    /// The scores so far.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let intervals = skill_intervals(&self.errors, self.models.len());
        let baseline = self.baseline.and_then(|index| self.sums[index].mase.mean());
        let mut models: Vec<ModelMetrics> = self.models.iter().zip(&self.sums).map(|(model, sums)| sums.metrics(model, baseline)).collect();
        models.iter_mut().zip(intervals).for_each(|(metrics, interval)| metrics.skill_interval = interval);
        Metrics { season: self.season, models }
    }
}

/// One model's errors in one window.
#[derive(Clone, Default)]
struct Window {
    count: f64,
    absolute: f64,
    squared: f64,
    pinball: f64,
}

impl Window {
    fn add(&mut self, row: &BacktestRow) {
        let error = row.y - row.yhat;
        self.count += 1.0;
        self.absolute += error.abs();
        self.squared += error * error;
        self.pinball += losses(row).iter().sum::<f64>() / SCORED.len() as f64;
    }
}

fn losses(row: &BacktestRow) -> [f64; 5] {
    SCORED.map(|index| pinball(row.y, row.quantiles.values()[index], LEVELS[index]))
}

/// A mean over windows that may lack a scale.
#[derive(Clone, Copy, Default)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    fn add(&mut self, value: f64) {
        if value.is_finite() {
            self.sum += value;
            self.count += 1;
        }
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// One model's sums over the table.
#[derive(Clone, Default)]
struct Sums {
    mase: Mean,
    rmsse: Mean,
    spl: Mean,
    smape: Mean,
    rows: usize,
    windows: usize,
    actual: f64,
    magnitude: f64,
    error: f64,
    absolute: f64,
    losses: [f64; 5],
    inside: [usize; 3],
    below: [usize; 9],
    upto: [usize; 9],
}

impl Sums {
    fn add(&mut self, row: &BacktestRow) {
        let error = row.y - row.yhat;
        let size = row.y.abs() + row.yhat.abs();
        self.rows += 1;
        self.actual += row.y;
        self.magnitude += row.y.abs();
        self.error += error;
        self.absolute += error.abs();
        self.smape.add(if size > 0.0 { 200.0 * error.abs() / size } else { 0.0 });
        self.losses.iter_mut().zip(losses(row)).for_each(|(sum, loss)| *sum += loss);
        let values = row.quantiles.values();
        for (level, &value) in values.iter().enumerate() {
            self.below[level] += usize::from(row.y < value);
            self.upto[level] += usize::from(row.y <= value);
        }
        for (inside, (low, high)) in self.inside.iter_mut().zip(crate::engine::CENTRAL) {
            *inside += usize::from(values[low] <= row.y && row.y <= values[high]);
        }
    }

    /// Ends a window; its MASE, NaN where undefined.
    fn close(&mut self, window: &Window, scale: Option<&WindowScale>) -> f64 {
        if window.count == 0.0 {
            return f64::NAN;
        }
        self.windows += 1;
        let scaled = scale.map_or(f64::NAN, |scale| window.absolute / window.count / positive(scale.seasonal));
        self.mase.add(scaled);
        if let Some(scale) = scale {
            self.rmsse.add((window.squared / window.count / positive(scale.squared)).sqrt());
            self.spl.add(window.pinball / window.count / positive(scale.absolute));
        }
        scaled
    }

    fn metrics(&self, model: &str, baseline: Option<f64>) -> ModelMetrics {
        let rows = self.rows as f64;
        let of_rows = |value: f64| (self.rows > 0).then_some(value / rows);
        let of_actual = |value: f64, actual: f64| (actual > 0.0).then_some(value / actual);
        let covered = |index: usize| of_rows(self.inside[index] as f64);
        let losses = self.losses.iter().sum::<f64>() / SCORED.len() as f64;
        let mase = self.mase.mean();
        let share = |(index, &level): (usize, &f64)| LevelShare {
            level,
            below: self.below[index] as f64 / rows,
            upto: self.upto[index] as f64 / rows,
        };
        ModelMetrics {
            model: model.to_owned(),
            mase,
            rmsse: self.rmsse.mean(),
            spl: self.spl.mean(),
            smape: self.smape.mean(),
            wape: of_actual(self.absolute, self.magnitude),
            bias: of_actual(-self.error, self.actual),
            pinball: of_rows(losses),
            wql: of_actual(2.0 * losses, self.magnitude),
            coverage50: covered(0),
            coverage80: covered(1),
            coverage95: covered(2),
            levels: if self.rows > 0 { LEVELS.iter().enumerate().map(share).collect() } else { Vec::new() },
            skill: mase.zip(baseline).filter(|(_, baseline)| *baseline > 0.0).map(|(mase, baseline)| 1.0 - mase / baseline),
            skill_interval: None,
            n: self.rows,
            windows: self.windows,
        }
    }
}

/// NaN for what cannot be divided by.
fn positive(scale: f64) -> f64 {
    if scale > 0.0 { scale } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Quantiles;
    use proptest::prelude::*;

    fn history(values: &[f64]) -> History {
        History { first: 0, values: values.to_vec(), censored: vec![false; values.len()], closed: vec![false; values.len()] }
    }

    fn row(model: u16, step: u16, y: f64, yhat: f64, quantiles: [f64; 9]) -> BacktestRow {
        let quantiles = Quantiles::from_unsorted(quantiles).expect("finite");
        BacktestRow { series: 0, cutoff: 9, at: 9 + i64::from(step), step, model, y, yhat, quantiles }
    }

    fn table(rows: Vec<BacktestRow>) -> BacktestTable {
        let scales = vec![WindowScale::of(&history(&[0.0, 0.0, 2.0, 4.0, 6.0, f64::NAN, 4.0]), 2, 0, 9)];
        BacktestTable {
            series: vec!["a".into()],
            models: vec![BASELINE.into(), "other".into()],
            season: 2,
            rows,
            scales,
            windows: Vec::new(),
        }
    }

    fn near(found: Option<f64>, expected: f64) {
        let found = found.expect("defined");
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn scales_start_at_the_first_sale_and_skip_what_is_unknown() {
        // 2 4 6 4: lag two |4|, |0|; lag one 2, 2, -2.
        let scale = WindowScale::of(&history(&[0.0, 0.0, 2.0, 4.0, 6.0, f64::NAN, 4.0]), 2, 0, 9);
        assert_eq!((scale.seasonal, scale.squared, scale.absolute), (2.0, 4.0, 2.0));
        assert!(WindowScale::of(&history(&[1.0]), 2, 0, 9).seasonal.is_nan());
    }

    #[test]
    fn every_metric_on_numbers_made_by_hand() {
        let quantiles = [2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 7.5, 8.0];
        let rows = vec![
            row(0, 1, 8.0, 4.0, [4.0; 9]),
            row(0, 2, 2.0, 2.0, [2.0; 9]),
            row(1, 1, 8.0, 6.0, quantiles),
            row(1, 2, 2.0, 4.0, quantiles),
        ];
        let metrics = evaluate(&table(rows));
        let other = metrics.of("other").expect("there");
        near(other.mase, 1.0); // mean(2, 2) / 2
        near(other.rmsse, 1.0); // sqrt(4 / 4)
        near(other.smape, (400.0 / 14.0 + 400.0 / 6.0) / 2.0);
        near(other.wape, 0.4);
        near(other.bias, 0.0);
        // Of y = 8: .025*6, .1*5, .5*3, .9*1, 0; of y = 2: 0, .9*1, .5*3, .1*5, .025*6.
        let losses = 2.0 * (0.15 + 0.5 + 1.5 + 0.9);
        near(other.pinball, losses / 10.0);
        near(other.spl, losses / 10.0 / 2.0);
        near(other.wql, 2.0 * losses / 5.0 / 10.0);
        near(other.coverage50, 0.0);
        near(other.coverage80, 0.0);
        near(other.coverage95, 1.0);
        let share = |level: usize| (other.levels[level].below, other.levels[level].upto);
        // 2.0 is the 2.5 % quantile itself; the 97.5 % one is 8.0 itself.
        assert_eq!((share(0), share(4), share(8)), ((0.0, 0.5), (0.5, 0.5), (0.5, 1.0)));
        assert_eq!((other.n, other.windows), (2, 1));
        near(metrics.of(BASELINE).expect("there").mase, 1.0);
        near(other.skill, 0.0);
    }

    #[test]
    fn a_series_that_never_moved_has_no_scaled_score() {
        let mut table = table(vec![row(0, 1, 0.0, 0.0, [0.0; 9])]);
        table.scales = vec![WindowScale::of(&history(&[3.0, 3.0, 3.0]), 2, 0, 9)];
        let metrics = evaluate(&table);
        let naive = metrics.of(BASELINE).expect("there");
        assert_eq!((naive.mase, naive.rmsse, naive.wape), (None, None, None));
        near(naive.smape, 0.0);
        assert_eq!(metrics.of("other").expect("there").n, 0);
    }

    #[test]
    fn windows_one_by_one_score_as_all_at_once() {
        let quantiles = [2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 7.5, 8.0];
        let early = table(vec![row(0, 1, 8.0, 4.0, [4.0; 9]), row(1, 1, 8.0, 6.0, quantiles)]);
        let mut late = table(vec![row(0, 1, 2.0, 3.0, [4.0; 9]), row(1, 1, 2.0, 2.0, quantiles)]);
        late.rows.iter_mut().for_each(|row| row.cutoff += 1);
        late.scales.iter_mut().for_each(|scale| scale.cutoff += 1);
        let mut evaluation = Evaluation::new(&early);
        evaluation.add(&early);
        evaluation.add(&late);
        let mut both = early;
        both.append(late);
        assert_eq!(evaluation.metrics(), evaluate(&both));
        both.keep_model("other");
        assert_eq!((both.rows.len(), both.scales.len()), (2, 2));
    }

    proptest! {
        #[test]
        fn a_perfect_forecast_scores_zero_and_covers_all(actuals in prop::collection::vec(0.1..1e4_f64, 1..20)) {
            let rows = actuals.iter().zip(1..).map(|(&y, step)| row(1, step, y, y, [y; 9])).collect();
            let metrics = evaluate(&table(rows));
            let perfect = metrics.of("other").expect("there");
            for zero in [perfect.mase, perfect.rmsse, perfect.smape, perfect.wape, perfect.bias, perfect.wql] {
                prop_assert_eq!(zero, Some(0.0));
            }
            prop_assert_eq!(perfect.coverage50, Some(1.0));
        }

        #[test]
        fn doubling_everything_leaves_the_scaled_scores(values in prop::collection::vec((0.0..100.0_f64, 0.0..100.0_f64), 1..10)) {
            let rows = |factor: f64| values.iter().zip(1..).map(|(&(y, yhat), step)| row(1, step, factor * y, factor * yhat, [factor * yhat; 9])).collect();
            let (one, mut two) = (table(rows(1.0)), table(rows(2.0)));
            two.scales = vec![WindowScale::of(&history(&[0.0, 4.0, 8.0, 12.0, 8.0]), 2, 0, 9)];
            let (one, two) = (evaluate(&one), evaluate(&two));
            let (one, two) = (one.of("other").expect("there"), two.of("other").expect("there"));
            for (a, b) in [(one.mase, two.mase), (one.rmsse, two.rmsse), (one.spl, two.spl), (one.wape, two.wape), (one.wql, two.wql)] {
                match (a, b) {
                    (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-9),
                    (a, b) => prop_assert_eq!(a, b),
                }
            }
        }
    }
}
