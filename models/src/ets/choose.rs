//! Which form fits a series, by the corrected Akaike criterion (Hyndman et al. 2008, section 7.1).

use serde::{Deserialize, Serialize};

use super::filter::{State, forecast, pass};
use super::form::{ErrorKind, Form, LONGEST_SEASON, Parameters, SeasonKind, TrendKind};
use super::optimise::{Fit, refine};
use super::start::best_start;

/// Fitted forms of one series with their weights.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Smoothing {
    pub members: Vec<Member>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    pub form: Form,
    pub weight: f64,
    pub parameters: Parameters,
}

/// Passes at most, and the gain in twice the log likelihood that is not worth another one.
const MOST_PASSES: usize = 30;
const ENOUGH: f64 = 1e-3;
/// Forms this much worse in AICc than the best one say nothing.
const WORST: f64 = 8.0;
/// Forms averaged at most.
const MEMBERS: usize = 4;

impl Smoothing {
    /// Chooses and fits. `values` may hold NaN, the first is known; `period` 1 for no season.
    ///
    /// `None` where no form has fewer numbers than there are values.
    pub fn fit(values: &[f64], period: usize) -> Option<Self> {
        let known = values.iter().filter(|value| !value.is_nan());
        let (count, sum, least) =
            known.fold((0_usize, 0.0, f64::INFINITY), |(count, sum, least), &value| (count + 1, sum + value.abs(), value.min(least)));
        let scale = sum / count as f64;
        if scale <= 0.0 || !scale.is_finite() {
            return None;
        }
        let scaled: Vec<f64> = values.iter().map(|value| value / scale).collect();
        let period = if period > LONGEST_SEASON || count < 2 * period { 1 } else { period };
        let mut fits = Vec::new();
        for form in forms(period > 1, least / scale > SMALLEST_VALUE) {
            let numbers = form.free(period).len() + 1;
            if count <= numbers + 1 {
                continue;
            }
            let fit = refine(form, best_start(form, &scaled, period), &scaled, period, ENOUGH, MOST_PASSES);
            let penalty = 2.0 * (numbers * count) as f64 / (count - numbers - 1) as f64;
            if fit.objective.is_finite() {
                fits.push((fit.objective + penalty, fit));
            }
        }
        Self::weighed(fits, scale)
    }

    /// Akaike weights (Burnham and Anderson 2002, section 2.9).
    fn weighed(mut fits: Vec<(f64, Fit)>, scale: f64) -> Option<Self> {
        fits.sort_by(|one, other| one.0.total_cmp(&other.0));
        let best = fits.first()?.0;
        fits.retain(|fit| fit.0 - best < WORST);
        fits.truncate(MEMBERS);
        let total: f64 = fits.iter().map(|fit| (-0.5 * (fit.0 - best)).exp()).sum();
        let member = |(criterion, fit): (f64, Fit)| Member {
            form: fit.form,
            weight: (-0.5 * (criterion - best)).exp() / total,
            parameters: fit.parameters.scaled(scale, fit.form.season),
        };
        Some(Self { members: fits.into_iter().map(member).collect() })
    }

    /// Means of the steps after the last value, the states taken through all of them.
    pub fn predict(&self, values: &[f64], horizon: usize) -> Vec<f64> {
        let mut path = vec![0.0; horizon];
        for member in &self.members {
            let mut state = State::start(&member.parameters);
            pass(member.form, &member.parameters, values, &mut state);
            let own = forecast(member.form, member.parameters.phi(), state, horizon);
            path.iter_mut().zip(own).for_each(|(mean, own)| *mean += member.weight * own);
        }
        path
    }
}

/// Least value relative to the mean size that counts as positive.
const SMALLEST_VALUE: f64 = 1e-3;

/// The stable forms for a series, the simplest first.
pub(super) fn forms(seasonal: bool, positive: bool) -> impl Iterator<Item = Form> {
    let trends = [TrendKind::None, TrendKind::Additive, TrendKind::Damped];
    let seasons = [SeasonKind::None, SeasonKind::Additive, SeasonKind::Multiplicative];
    let all = seasons.into_iter().flat_map(move |season| {
        trends.into_iter().flat_map(move |trend| {
            [ErrorKind::Additive, ErrorKind::Multiplicative].into_iter().map(move |error| Form { error, trend, season })
        })
    });
    all.filter(move |form| form.is_stable() && (positive || !form.needs_positive()) && (seasonal || form.season == SeasonKind::None))
}
