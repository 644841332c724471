//! The state recursion, one loop per form.
//!
//! Forms that differ only in their error share one recursion (Hyndman et al. 2008, table 2.1): the error kind decides the
//! likelihood, not the path. A missing value leaves the state to its own expectation.

use super::form::{Form, LEVEL, Parameters, SLOPE, SeasonKind, TrendKind};

pub(super) const NONE: u8 = 0;
pub(super) const ADDITIVE: u8 = 1;
pub(super) const MULTIPLICATIVE: u8 = 2;

/// Least mean and seasonal factor that a multiplicative form may pass through, on values around 1.
pub(super) const SMALLEST: f64 = 1e-6;

/// Calls a function generic over (trend, season, multiplicative error) for a form.
macro_rules! for_form {
    ($form:expr, $function:ident($($argument:expr),*)) => {{
        use $crate::ets::filter::{ADDITIVE, MULTIPLICATIVE, NONE};
        use $crate::ets::form::{ErrorKind, SeasonKind, TrendKind};
        let form = $form;
        match (form.trend != TrendKind::None, form.season, form.error) {
            (false, SeasonKind::None, ErrorKind::Additive) => $function::<false, NONE, false>($($argument),*),
            (false, SeasonKind::None, ErrorKind::Multiplicative) => $function::<false, NONE, true>($($argument),*),
            (false, SeasonKind::Additive, ErrorKind::Additive) => $function::<false, ADDITIVE, false>($($argument),*),
            (false, SeasonKind::Additive, ErrorKind::Multiplicative) => $function::<false, ADDITIVE, true>($($argument),*),
            (false, SeasonKind::Multiplicative, _) => $function::<false, MULTIPLICATIVE, true>($($argument),*),
            (true, SeasonKind::None, ErrorKind::Additive) => $function::<true, NONE, false>($($argument),*),
            (true, SeasonKind::None, ErrorKind::Multiplicative) => $function::<true, NONE, true>($($argument),*),
            (true, SeasonKind::Additive, ErrorKind::Additive) => $function::<true, ADDITIVE, false>($($argument),*),
            (true, SeasonKind::Additive, ErrorKind::Multiplicative) => $function::<true, ADDITIVE, true>($($argument),*),
            (true, SeasonKind::Multiplicative, _) => $function::<true, MULTIPLICATIVE, true>($($argument),*),
        }
    }};
}
pub(super) use for_form;

/// What the likelihood needs of the one-step errors.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub squares: f64,
    /// Sum of the logarithms of the means; zero for an additive error.
    pub logs: f64,
    pub count: usize,
    /// The path left the region of a multiplicative form.
    pub invalid: bool,
}

impl Sums {
    /// Twice the negative log likelihood, the variance concentrated out (equation 5.3), without constants.
    pub fn objective(&self) -> f64 {
        let count = self.count as f64;
        let squares = self.squares.max(count * SMALLEST_VARIANCE);
        let value = count * (squares / count).ln() + 2.0 * self.logs;
        if self.invalid || !value.is_finite() { f64::INFINITY } else { value }
    }
}

/// Below this the errors are rounding, on values around 1: a perfect fit is not infinitely likely.
const SMALLEST_VARIANCE: f64 = 1e-16;

/// Level, slope and one state per season position, and the position of the next period.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub level: f64,
    pub slope: f64,
    pub season: Vec<f64>,
    pub position: usize,
}

impl State {
    pub fn start(parameters: &Parameters) -> Self {
        let (level, slope) = (parameters.numbers[LEVEL], parameters.numbers[SLOPE]);
        Self { level, slope, season: parameters.season().to_vec(), position: 0 }
    }
}

/// Sums of a pass over the values; the state is left behind the last one.
pub(super) fn pass(form: Form, parameters: &Parameters, values: &[f64], state: &mut State) -> Sums {
    for_form!(form, run(parameters, values, state))
}

fn run<const TREND: bool, const SEASON: u8, const MULTIPLICATIVE_ERROR: bool>(
    parameters: &Parameters,
    values: &[f64],
    state: &mut State,
) -> Sums {
    let (alpha, beta, gamma, phi) = (parameters.alpha(), parameters.beta(), parameters.gamma(), parameters.phi());
    let (mut level, mut slope, mut position) = (state.level, state.slope, state.position);
    let period = state.season.len();
    let mut sums = Sums::default();
    let mut product = Product::default();
    for &value in values {
        let ahead = if TREND { level + phi * slope } else { level };
        let season = if SEASON == NONE { 0.0 } else { state.season[position] };
        let mean = match SEASON {
            NONE => ahead,
            ADDITIVE => ahead + season,
            _ => ahead * season,
        };
        if MULTIPLICATIVE_ERROR && (mean < SMALLEST || (SEASON == MULTIPLICATIVE && season < SMALLEST)) {
            sums.invalid = true;
            break;
        }
        level = ahead;
        if TREND {
            slope *= phi;
        }
        if !value.is_nan() {
            let (surprise, season_surprise) = match SEASON {
                NONE | ADDITIVE => (value - mean, value - mean),
                _ => (value / season - ahead, value / ahead - season),
            };
            level += alpha * surprise;
            if TREND {
                slope += beta * surprise;
            }
            if SEASON != NONE {
                state.season[position] = season + gamma * season_surprise;
            }
            let error = if MULTIPLICATIVE_ERROR { value / mean - 1.0 } else { value - mean };
            if MULTIPLICATIVE_ERROR {
                product.times(mean);
            }
            sums.squares += error * error;
            sums.count += 1;
        }
        if SEASON != NONE {
            position = if position + 1 == period { 0 } else { position + 1 };
        }
    }
    (state.level, state.slope, state.position) = (level, slope, position);
    sums.logs = product.ln();
    sums
}

/// Logarithm of a long product, taken once in a while.
pub(super) struct Product {
    value: f64,
    logs: f64,
}

impl Default for Product {
    fn default() -> Self {
        Self { value: 1.0, logs: 0.0 }
    }
}

impl Product {
    pub fn times(&mut self, factor: f64) {
        self.value *= factor;
        if !(1e-100..1e100).contains(&self.value) {
            self.logs += self.value.ln();
            self.value = 1.0;
        }
    }

    pub fn ln(&self) -> f64 {
        self.logs + self.value.ln()
    }
}

/// Means of the steps after a state: the recursion without surprises.
pub(super) fn forecast(form: Form, phi: f64, mut state: State, horizon: usize) -> Vec<f64> {
    let next = |_| {
        if form.trend != TrendKind::None {
            state.slope *= phi;
            state.level += state.slope;
        }
        let season = state.season.get(state.position).copied();
        state.position = if state.position + 1 >= state.season.len() { 0 } else { state.position + 1 };
        match (form.season, season) {
            (SeasonKind::Additive, Some(season)) => state.level + season,
            (SeasonKind::Multiplicative, Some(season)) => state.level * season,
            _ => state.level,
        }
    };
    (0..horizon).map(next).collect()
}
