//! Which form fits a series, by the corrected Akaike criterion, its starting states cast back from the values.

use serde::{Deserialize, Serialize};

use super::filter::{Form, Gain, Gains, Pair, State, forecast, pass, pass_back};
use super::simplex::least;
use crate::local::decompose::{Seasonality, seasonal_indices};

/// Longest seasonal period with states of its own.
const LONGEST_SEASON: usize = 24;
/// Evaluations of the likelihood a form.
const MOST_EVALUATIONS: usize = 160;
const EDGE: f64 = 0.15;
/// Start of the smoothing parameters: simple smoothing with 0.3.
const START: Gain = Gain { real: 1.3, imaginary: 1.0 };
const SEASON_START: f64 = 0.1;
/// Values at the start, or one season of them, that the first guess of the level is the mean of.
const VALUES: usize = 10;

/// The best form of one series.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Complex {
    form: Form,
    gains: Gains,
    start: State,
}

/// A fit and its criterion.
type Candidate = (f64, Complex);

impl Complex {
    /// Chooses and fits; `None` where there are too few values for any form. `values` may hold NaN.
    pub fn fit(values: &[f64], period: usize) -> Option<Self> {
        let known = values.iter().filter(|value| !value.is_nan()).count();
        let seasonal = (2..=LONGEST_SEASON).contains(&period) && known > 2 * period;
        let forms = if seasonal { &[Form::None, Form::Simple, Form::Partial, Form::Full] as &[Form] } else { &[Form::None] };
        let fits = forms.iter().filter_map(|&form| Self::fit_form(form, values, if form == Form::None { 0 } else { period }));
        fits.min_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, fit)| fit)
    }

    fn fit_form(form: Form, values: &[f64], period: usize) -> Option<Candidate> {
        let guess = guess(form, values, period);
        let squares = |gains: &Gains| squares(form, gains, values, &guess);
        let main = |point: &[f64]| Gain { real: point[0], imaginary: point[1] };
        let unused = Gain { real: 0.0, imaginary: 0.0 };
        let (gains, squares, numbers) = match form {
            Form::None | Form::Simple => {
                let gains = |point: &[f64; 2]| Gains { main: main(point), season: unused };
                let (point, squares) = least([START.real, START.imaginary], EDGE, MOST_EVALUATIONS, |point| squares(&gains(point)));
                (gains(&point), squares, 2)
            }
            Form::Partial => {
                let gains = |point: &[f64; 3]| Gains { main: main(point), season: Gain { real: point[2], imaginary: 0.0 } };
                let start = [START.real, START.imaginary, SEASON_START];
                let (point, squares) = least(start, EDGE, MOST_EVALUATIONS, |point| squares(&gains(point)));
                (gains(&point), squares, 3)
            }
            Form::Full => {
                let gains = |point: &[f64; 4]| Gains { main: main(point), season: main(&point[2..]) };
                let start = [START.real, START.imaginary, START.real, START.imaginary];
                let (point, squares) = least(start, EDGE, MOST_EVALUATIONS, |point| squares(&gains(point)));
                (gains(&point), squares, 4)
            }
        };
        let start = cast_back(form, &gains, values, &guess);
        let count = values.iter().filter(|value| !value.is_nan()).count() as f64;
        let numbers = f64::from(numbers) + 1.0;
        if !squares.is_finite() || count <= numbers + 1.0 {
            return None;
        }
        let size: f64 = values.iter().filter(|value| !value.is_nan()).map(|value| value * value).sum();
        let likelihood = count * (squares.max(1e-18 * size).max(f64::MIN_POSITIVE) / count).ln();
        let criterion = likelihood + 2.0 * numbers * count / (count - numbers - 1.0);
        Some((criterion, Self { form, gains, start }))
    }

    /// Means of the steps after the last value.
    pub fn predict(&self, values: &[f64], horizon: usize) -> Vec<f64> {
        let mut state = self.start.clone();
        pass(self.form, &self.gains, values, &mut state);
        forecast(self.form, &self.gains, state, horizon)
    }
}

/// Squared errors from the start that the gains cast back; infinite outside the stable region.
fn squares(form: Form, gains: &Gains, values: &[f64], guess: &State) -> f64 {
    let stable = match form {
        Form::None | Form::Simple => gains.main.is_stable(),
        Form::Partial => gains.main.is_stable() && (0.0..1.0).contains(&gains.season.real),
        Form::Full => gains.main.is_stable() && gains.season.is_stable(),
    };
    if !stable {
        return f64::INFINITY;
    }
    let (squares, _) = pass(form, gains, values, &mut cast_back(form, gains, values, guess));
    if squares.is_finite() { squares } else { f64::INFINITY }
}

/// The state before the first value that a pass forward and back again leaves.
fn cast_back(form: Form, gains: &Gains, values: &[f64], guess: &State) -> State {
    let mut state = guess.clone();
    pass(form, gains, values, &mut state);
    pass_back(form, gains, values, &mut state);
    state
}

/// A first guess: the mean of the first values, and the seasonal indices of all.
fn guess(form: Form, values: &[f64], period: usize) -> State {
    let (count, sum) = values
        .iter()
        .take(VALUES.max(period))
        .filter(|value| !value.is_nan())
        .fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    let level = sum / f64::max(count, 1.0);
    // The potential that the level alone would settle at.
    let pair = |level: f64| Pair { level, potential: level / 1.1 };
    let indices = seasonal_indices(values, period, Seasonality::Additive).unwrap_or_else(|| vec![0.0; period]);
    let season = indices.into_iter().map(|index| pair(if form == Form::Simple { level + index } else { index })).collect();
    State { main: pair(level), season, position: 0 }
}
