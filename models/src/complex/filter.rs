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

impl State {
    fn mean(&self, form: Form) -> f64 {
        let season = || self.season[self.position].level;
        match form {
            Form::None => self.main.level,
            Form::Simple => season(),
            Form::Partial | Form::Full => self.main.level + season(),
        }
    }

    fn take(&mut self, form: Form, gains: &Gains, error: f64) {
        if form != Form::Simple {
            self.main = gains.main.next(self.main, error);
        }
        if let Some(pair) = self.season.get_mut(self.position) {
            match form {
                Form::None => {}
                Form::Simple => *pair = gains.main.next(*pair, error),
                Form::Partial => pair.level += gains.season.real * error,
                Form::Full => *pair = gains.season.next(*pair, error),
            }
        }
    }

    fn forward(&mut self) {
        self.position = if self.position + 1 >= self.season.len() { 0 } else { self.position + 1 };
    }

    fn backward(&mut self) {
        self.position = self.position.checked_sub(1).unwrap_or(self.season.len().saturating_sub(1));
    }
}

/// Sum of the squared one-step errors, and their number; the state is left behind the last value. A missing value leaves
/// the state to its own expectation.
pub(super) fn pass(form: Form, gains: &Gains, values: &[f64], state: &mut State) -> (f64, usize) {
    let (mut squares, mut count) = (0.0, 0);
    for value in values {
        let mut error = 0.0;
        if !value.is_nan() {
            error = value - state.mean(form);
            squares += error * error;
            count += 1;
        }
        state.take(form, gains, error);
        state.forward();
    }
    (squares, count)
}

/// The same from the last value to the first: the start that the values themselves tell (backcasting).
pub(super) fn pass_back(form: Form, gains: &Gains, values: &[f64], state: &mut State) {
    for value in values.iter().rev() {
        state.backward();
        let error = if value.is_nan() { 0.0 } else { value - state.mean(form) };
        state.take(form, gains, error);
    }
}

/// Means of the steps after a state.
pub(super) fn forecast(form: Form, gains: &Gains, mut state: State, horizon: usize) -> Vec<f64> {
    let next = |_| {
        let mean = state.mean(form);
        state.take(form, gains, 0.0);
        state.forward();
        mean
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
