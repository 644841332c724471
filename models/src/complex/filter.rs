//! The recursions of the four forms (Svetunkov et al. 2022, equations 10, 24, 26 and 27).

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// Level and potential of the value before.
    None,
    /// Level and potential of one season before.
    Simple,
    /// Without a season, and one additive state a season position.
    Partial,
    /// Without a season, and level and potential of one season before.
    Full,
}

/// One complex smoothing parameter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Gain {
    pub real: f64,
    pub imaginary: f64,
}

/// Level and potential.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pair {
    pub level: f64,
    pub potential: f64,
}

impl Gain {
    /// Whether errors are forgotten: the discount matrix has both eigenvalues inside the unit circle.
    pub fn is_stable(self) -> bool {
        let (real, imaginary) = (self.real, self.imaginary);
        let trace = 2.0 - 2.0 * real + imaginary;
        let determinant = (1.0 - real + imaginary) * (1.0 - real) + (1.0 - imaginary) * (1.0 - real - imaginary);
        determinant.abs() < 1.0 && trace.abs() < 1.0 + determinant
    }

    /// The factor by which a forecast grows each step in the end: the largest eigenvalue of the transition.
    pub fn growth(self) -> f64 {
        let (trace, determinant) = (2.0 - self.real, 2.0 - self.real - self.imaginary);
        let spread = trace * trace - 4.0 * determinant;
        if spread < 0.0 { determinant.sqrt() } else { 0.5 * (trace.abs() + spread.sqrt()) }
    }

    fn next(self, pair: Pair, error: f64) -> Pair {
        Pair {
            level: pair.level - (1.0 - self.imaginary) * pair.potential + (self.real - self.imaginary) * error,
            potential: pair.level + (1.0 - self.real) * pair.potential + (self.real + self.imaginary) * error,
        }
    }
}

/// Smoothing parameters of a form: `season` is the complex one of the seasonal part, or the real one of a partial season.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Gains {
    pub main: Gain,
    pub season: Gain,
}

/// What is known behind a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub main: Pair,
    /// By season position; the potentials of a partial season are not used.
    pub season: Vec<Pair>,
    /// Season position of the next value.
    pub position: usize,
}

const NONE: u8 = 0;
const SIMPLE: u8 = 1;
const PARTIAL: u8 = 2;
const FULL: u8 = 3;

/// Calls a function generic over the form.
macro_rules! for_form {
    ($form:expr, $function:ident($($argument:expr),*)) => {
        match $form {
            Form::None => $function::<NONE>($($argument),*),
            Form::Simple => $function::<SIMPLE>($($argument),*),
            Form::Partial => $function::<PARTIAL>($($argument),*),
            Form::Full => $function::<FULL>($($argument),*),
        }
    };
}

/// Mean of the next value, and the state after an error; the position stays.
#[inline(always)]
fn mean<const FORM: u8>(main: Pair, season: Pair) -> f64 {
    match FORM {
        NONE => main.level,
        SIMPLE => season.level,
        _ => main.level + season.level,
    }
}

#[inline(always)]
fn after<const FORM: u8>(gains: &Gains, main: Pair, season: Pair, error: f64) -> (Pair, Pair) {
    match FORM {
        NONE => (gains.main.next(main, error), season),
        SIMPLE => (main, gains.main.next(season, error)),
        PARTIAL => (gains.main.next(main, error), Pair { level: season.level + gains.season.real * error, ..season }),
        _ => (gains.main.next(main, error), gains.season.next(season, error)),
    }
}

/// Sum of the squared one-step errors; the state is left behind the last value. A missing value leaves the state to its
/// own expectation.
pub(super) fn pass(form: Form, gains: &Gains, values: &[f64], state: &mut State) -> f64 {
    for_form!(form, forward(gains, values, state))
}

fn forward<const FORM: u8>(gains: &Gains, values: &[f64], state: &mut State) -> f64 {
    let (mut main, mut position, mut squares) = (state.main, state.position, 0.0);
    for value in values {
        let season = if FORM == NONE { Pair::default() } else { state.season[position] };
        let error = if value.is_nan() { 0.0 } else { value - mean::<FORM>(main, season) };
        squares += error * error;
        let (next, next_season) = after::<FORM>(gains, main, season, error);
        main = next;
        if FORM != NONE {
            state.season[position] = next_season;
            position = if position + 1 == state.season.len() { 0 } else { position + 1 };
        }
    }
    (state.main, state.position) = (main, position);
    squares
}

/// The same from the last value to the first: the start that the values themselves tell (backcasting).
pub(super) fn pass_back(form: Form, gains: &Gains, values: &[f64], state: &mut State) {
    for_form!(form, backward(gains, values, state));
}

fn backward<const FORM: u8>(gains: &Gains, values: &[f64], state: &mut State) {
    for value in values.iter().rev() {
        state.position = state.position.checked_sub(1).unwrap_or(state.season.len().saturating_sub(1));
        let season = if FORM == NONE { Pair::default() } else { state.season[state.position] };
        let error = if value.is_nan() { 0.0 } else { value - mean::<FORM>(state.main, season) };
        let (next, next_season) = after::<FORM>(gains, state.main, season, error);
        state.main = next;
        if FORM != NONE {
            state.season[state.position] = next_season;
        }
    }
}

/// Means of the steps after a state.
pub(super) fn forecast(form: Form, gains: &Gains, mut state: State, horizon: usize) -> Vec<f64> {
    let next = |_| {
        let season = state.season.get(state.position).copied().unwrap_or_default();
        let path = for_form!(form, mean(state.main, season));
        pass(form, gains, &[f64::NAN], &mut state);
        path
    };
    (0..horizon).map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stable_region_is_that_of_the_paper() {
        // With an imaginary part of 1 it is simple smoothing: stable for a real part between 1 and 2 (section 3.2).
        let stable = |real: f64, imaginary: f64| Gain { real, imaginary }.is_stable();
        assert!(stable(1.3, 1.0) && stable(1.05, 1.0) && stable(1.9, 1.0));
        assert!(!stable(2.6, 1.0) && !stable(0.2, 1.0) && !stable(1.3, 3.0));
    }
}
