//! Which form fits a series, by the corrected Akaike criterion, its starting states cast back from the values.

use serde::{Deserialize, Serialize};

use super::filter::{Form, Gain, Gains, Pair, State, forecast, pass, pass_back};
use super::simplex::least;
use crate::local::decompose::{Seasonality, seasonal_indices};
use crate::local::weights::akaike_weights;

/// Longest seasonal period with states of its own.
const LONGEST_SEASON: usize = 24;
/// Evaluations of the likelihood a form.
const MOST_EVALUATIONS: usize = 160;
const EDGE: f64 = 0.15;
/// Start of the smoothing parameters: simple smoothing with 0.3.
const START: Gain = Gain { real: 1.3, imaginary: 1.0 };
const SEASON_START: f64 = 0.1;
/// Values at the start, or ten seasons of them, that the starting states are cast back over.
const CAST_BACK: usize = 100;
/// Values at the start, or one season of them, that the first guess of the level is the mean of.
const VALUES: usize = 10;

/// The level may not grow by more than this a step in the end.
const FASTEST: f64 = 1.1;

/// Fitted forms of one series, by tempered Akaike weights.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Complex {
    members: Vec<Member>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Member {
    weight: f64,
    form: Form,
    gains: Gains,
    start: State,
}

impl Complex {
    /// Fits all forms; `None` where there are too few values for any. `values` may hold NaN.
    pub fn fit(values: &[f64], period: usize) -> Option<Self> {
        let known = values.iter().filter(|value| !value.is_nan()).count();
        let seasonal = (2..=LONGEST_SEASON).contains(&period) && known > 2 * period;
        let forms = if seasonal { &[Form::None, Form::Simple, Form::Partial, Form::Full] as &[Form] } else { &[Form::None] };
        let fit = |&form: &Form| Member::fit(form, values, if form == Form::None { 0 } else { period });
        let fits: Vec<(f64, Member)> = forms.iter().filter_map(fit).collect();
        let (criteria, mut members): (Vec<f64>, Vec<Member>) = fits.into_iter().unzip();
        members.iter_mut().zip(akaike_weights(&criteria)).for_each(|(member, weight)| member.weight = weight);
        members.retain(|member| member.weight > 0.0);
        (!members.is_empty()).then_some(Self { members })
    }

    /// Means of the steps after the last value.
    pub fn predict(&self, values: &[f64], horizon: usize) -> Vec<f64> {
        let mut path = vec![0.0; horizon];
        for Member { weight, form, gains, start } in &self.members {
            let mut state = start.clone();
            pass(*form, gains, values, &mut state);
            path.iter_mut().zip(forecast(*form, gains, state, horizon)).for_each(|(mean, own)| *mean += weight * own);
        }
        path
    }
}

impl Member {
    /// The form's most likely gains, and its criterion.
    fn fit(form: Form, values: &[f64], period: usize) -> Option<(f64, Self)> {
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
        Some((criterion, Self { weight: 1.0, form, gains, start }))
    }
}

/// Squared errors from the start that the gains cast back; infinite outside the stable region.
fn squares(form: Form, gains: &Gains, values: &[f64], guess: &State) -> f64 {
    let stable = match form {
        Form::None | Form::Simple => true,
        Form::Partial => (0.0..1.0).contains(&gains.season.real),
        Form::Full => gains.season.is_stable(),
    };
    if !stable || !gains.main.is_stable() || (form != Form::Simple && gains.main.growth() > FASTEST) {
        return f64::INFINITY;
    }
    let squares = pass(form, gains, values, &mut cast_back(form, gains, values, guess));
    if squares.is_finite() { squares } else { f64::INFINITY }
}

/// The state before the first value that a pass forward and back again over the first ones leaves.
fn cast_back(form: Form, gains: &Gains, values: &[f64], guess: &State) -> State {
    let first = &values[..values.len().min(CAST_BACK.max(10 * guess.season.len()))];
    let mut state = guess.clone();
    pass(form, gains, first, &mut state);
    pass_back(form, gains, first, &mut state);
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
