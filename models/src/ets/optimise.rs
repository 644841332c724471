//! Maximum likelihood by damped Gauss-Newton steps inside a box (Levenberg-Marquardt with an active set).

use super::filter::Sums;
use super::form::{Form, Parameters};
use super::normal::Normal;
use super::tangent::Tangent;

/// A form with its most likely numbers.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    pub form: Form,
    pub parameters: Parameters,
    /// Twice the negative log likelihood, up to a constant of the data.
    pub objective: f64,
}

/// Share of the diagonal added at first, and how it moves.
const DAMPING: f64 = 1e-3;
const EASE: f64 = 0.2;
const TIGHTEN: f64 = 8.0;
const HOPELESS: f64 = 1e8;

/// Improves `start` until a step would gain less than `enough` in twice the log likelihood, in at most `most` passes.
pub(super) fn refine(form: Form, start: Parameters, values: &[f64], period: usize, enough: f64, most: usize) -> Fit {
    let free = form.free(period);
    let mut tangent = Tangent::new(free.len(), start.season().len());
    let mut normal = Normal::new(tangent.lanes());
    let mut tried_normal = normal.clone();
    let mut step = vec![0.0; free.len()];
    let mut pinned = vec![false; free.len()];
    let mut factor = Vec::new();

    let mut best = start;
    let mut sums = tangent.pass(form, &best, &free, values, &mut normal);
    let mut objective = sums.objective();
    let mut tried = best.clone();
    let mut damping = DAMPING;
    for _ in 1..most {
        if !objective.is_finite() || damping > HOPELESS {
            break;
        }
        pin(&mut pinned, &best, &free, &normal);
        normal.step(damping, &pinned, &mut step, &mut factor);
        if promised(&normal, &step, &sums) < enough {
            break;
        }
        tried.clone_from(&best);
        for (&place, &change) in free.iter().zip(&step) {
            let (low, high) = Parameters::bounds(place);
            tried.numbers[place] = (best.numbers[place] + change).clamp(low, high);
        }
        tried.close_season(form.season);
        let tried_sums = tangent.pass(form, &tried, &free, values, &mut tried_normal);
        let gained = objective - tried_sums.objective();
        if gained > 0.0 {
            std::mem::swap(&mut best, &mut tried);
            std::mem::swap(&mut normal, &mut tried_normal);
            sums = tried_sums;
            objective -= gained;
            damping *= EASE;
            if gained < enough {
                break;
            }
        } else {
            damping *= TIGHTEN;
        }
    }
    Fit { form, parameters: best, objective }
}

/// Numbers at a bound that the likelihood would push over it.
fn pin(pinned: &mut [bool], parameters: &Parameters, free: &[usize], normal: &Normal) {
    for (lane, (&place, pinned)) in free.iter().zip(pinned).enumerate() {
        let (low, high) = Parameters::bounds(place);
        let (number, down) = (parameters.numbers[place], normal.gradient(lane) > 0.0);
        *pinned = (number <= low && down) || (number >= high && !down);
    }
}

/// What the linearised problem expects of a step, in twice the log likelihood.
fn promised(normal: &Normal, step: &[f64], sums: &Sums) -> f64 {
    let fall: f64 = step.iter().enumerate().map(|(lane, step)| -normal.gradient(lane) * step).sum();
    sums.count as f64 * fall / sums.squares.max(f64::MIN_POSITIVE)
}
