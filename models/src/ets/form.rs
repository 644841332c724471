//! Which exponential smoothing model it is, and its numbers.

use serde::{Deserialize, Serialize};

/// How the error enters: `y = mean + error` or `y = mean (1 + error)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorKind {
    Additive,
    Multiplicative,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TrendKind {
    None,
    Additive,
    Damped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SeasonKind {
    None,
    Additive,
    Multiplicative,
}

/// One of the fifteen forms that are numerically stable: a multiplicative season needs a multiplicative error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Form {
    pub error: ErrorKind,
    pub trend: TrendKind,
    pub season: SeasonKind,
}

/// Longest seasonal period that has states of its own.
pub(crate) const LONGEST_SEASON: usize = 24;
/// Trend's share of the level's smoothing where a form without a trend is given one.
const TREND_SHARE: f64 = 0.01;
/// Places of the numbers before the seasonal states.
pub(super) const ALPHA: usize = 0;
pub(super) const BETA: usize = 1;
pub(super) const GAMMA: usize = 2;
pub(super) const PHI: usize = 3;
pub(super) const LEVEL: usize = 4;
pub(super) const SLOPE: usize = 5;
pub(super) const SEASON: usize = 6;

impl Form {
    pub fn is_stable(self) -> bool {
        self.error == ErrorKind::Multiplicative || self.season != SeasonKind::Multiplicative
    }

    /// Whether it can only describe strictly positive values.
    pub fn needs_positive(self) -> bool {
        self.error == ErrorKind::Multiplicative
    }

    /// Places of the numbers to be estimated, for a seasonal period. The last seasonal state follows from the others.
    pub(super) fn free(self, season: usize) -> Vec<usize> {
        let mut free = vec![ALPHA];
        if self.trend != TrendKind::None {
            free.push(BETA);
        }
        if self.season != SeasonKind::None {
            free.push(GAMMA);
        }
        if self.trend == TrendKind::Damped {
            free.push(PHI);
        }
        free.push(LEVEL);
        if self.trend != TrendKind::None {
            free.push(SLOPE);
        }
        if self.season != SeasonKind::None {
            free.extend(SEASON..SEASON + season - 1);
        }
        free
    }
}

/// Smoothing parameters and initial states. `beta` is `alpha` times its number and `gamma` is `1 - alpha` times its own,
/// so that the usual region (Hyndman et al. 2008, section 2.5.3) is a box.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Parameters {
    /// `alpha`, `beta / alpha`, `gamma / (1 - alpha)`, `phi`, level, slope, then one state per season position.
    pub(super) numbers: Vec<f64>,
}

impl Parameters {
    pub fn new(smoothing: [f64; 4], level: f64, slope: f64, season: &[f64]) -> Self {
        let mut numbers = smoothing.to_vec();
        numbers.extend([level, slope]);
        numbers.extend(season);
        Self { numbers }
    }

    pub fn alpha(&self) -> f64 {
        self.numbers[ALPHA]
    }

    pub fn beta(&self) -> f64 {
        self.numbers[ALPHA] * self.numbers[BETA]
    }

    pub fn gamma(&self) -> f64 {
        (1.0 - self.numbers[ALPHA]) * self.numbers[GAMMA]
    }

    pub fn phi(&self) -> f64 {
        self.numbers[PHI]
    }

    pub fn season(&self) -> &[f64] {
        &self.numbers[SEASON..]
    }

    /// As a start for a form with the same season: a trend begins flat, or goes.
    pub(super) fn adapted(&self, form: Form) -> Self {
        let mut adapted = self.clone();
        let was_flat = self.numbers[BETA] == 0.0;
        match form.trend {
            TrendKind::None => {
                adapted.numbers[BETA] = 0.0;
                adapted.numbers[SLOPE] = 0.0;
            }
            TrendKind::Additive | TrendKind::Damped if was_flat => adapted.numbers[BETA] = TREND_SHARE,
            TrendKind::Additive | TrendKind::Damped => {}
        }
        adapted.numbers[PHI] = match form.trend {
            TrendKind::None | TrendKind::Additive => 1.0,
            TrendKind::Damped => self.numbers[PHI].min(Self::bounds(PHI).1),
        };
        adapted
    }

    /// Bounds of the number at a place: those of the forecast package for R, but for a tighter one on the trend's share. A
    /// trend that turns as fast as the level does is noise carried forward.
    pub(super) fn bounds(place: usize) -> (f64, f64) {
        match place {
            ALPHA | GAMMA => (1e-4, 0.9999),
            BETA => (1e-4, 0.3),
            PHI => (0.8, 0.98),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// The last seasonal state, from the others: they sum to zero, or to the period.
    pub(super) fn close_season(&mut self, kind: SeasonKind) {
        if let Some((last, others)) = self.numbers[SEASON..].split_last_mut() {
            let sum: f64 = others.iter().sum();
            *last = match kind {
                SeasonKind::Multiplicative => (others.len() + 1) as f64 - sum,
                SeasonKind::Additive | SeasonKind::None => -sum,
            };
        }
    }

    /// The same model of values `factor` times as large.
    pub fn scaled(mut self, factor: f64, kind: SeasonKind) -> Self {
        let states = if kind == SeasonKind::Multiplicative { LEVEL..SEASON } else { LEVEL..self.numbers.len() };
        self.numbers[states].iter_mut().for_each(|state| *state *= factor);
        self
    }
}
