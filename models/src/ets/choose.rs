//! Which form fits a series, by the corrected Akaike criterion (Hyndman et al. 2008, section 7.1).

use serde::{Deserialize, Serialize};

use super::filter::{State, forecast, pass};
use super::form::{ErrorKind, Form, LONGEST_SEASON, Parameters, SeasonKind, TrendKind};
use super::optimise::{Fit, refine};
use super::start::best_start;
use crate::local::weights::{akaike_weights, hopeless};

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
const ENOUGH: f64 = 0.05;
/// Least value relative to the mean size that counts as positive.
const SMALLEST_VALUE: f64 = 1e-3;

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
        let candidates = forms(period > 1, least / scale > SMALLEST_VALUE);
        let (flat, sloping): (Vec<Form>, Vec<Form>) = candidates.partition(|form| form.trend == TrendKind::None);
        let mut fits = Vec::new();
        for form in flat {
            fits.extend(fit_form(form, &scaled, period, count, &fits));
        }
        let seasons = promising_seasons(&fits);
        for form in sloping.into_iter().filter(|form| seasons.contains(&form.season)) {
            fits.extend(fit_form(form, &scaled, period, count, &fits));
        }
        Self::weighed(fits, scale)
    }

    fn weighed(fits: Vec<Candidate>, scale: f64) -> Option<Self> {
        let weights = akaike_weights(&fits.iter().map(|fit| fit.criterion).collect::<Vec<_>>());
        let member = |(Candidate { fit, .. }, weight): (Candidate, f64)| {
            let parameters = fit.parameters.scaled(scale, fit.form.season);
            (weight > 0.0).then_some(Member { form: fit.form, weight, parameters })
        };
        let members: Vec<Member> = fits.into_iter().zip(weights).filter_map(member).collect();
        (!members.is_empty()).then_some(Self { members })
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

/// A fit and its corrected Akaike criterion.
struct Candidate {
    criterion: f64,
    fit: Fit,
}

/// Seasons worth trying with a trend: without one their best form is not so far behind that its weight is nothing. All,
/// where none could be fitted. Errors are not judged like this: a trend can change which of them fits.
fn promising_seasons(flat: &[Candidate]) -> Vec<SeasonKind> {
    let best = flat.iter().map(|fit| fit.criterion).fold(f64::INFINITY, f64::min);
    let hopeless = best + hopeless();
    let promising = |season: &SeasonKind| {
        let mut fits = flat.iter().filter(|fit| fit.fit.form.season == *season).peekable();
        fits.peek().is_none() || fits.any(|fit| fit.criterion < hopeless)
    };
    SEASONS.into_iter().filter(promising).collect()
}

/// `None` where the form has too many numbers for the values, or no likelihood. Fits of other forms are starts to try.
fn fit_form(form: Form, values: &[f64], period: usize, count: usize, others: &[Candidate]) -> Option<Candidate> {
    let numbers = form.free(period).len() + 1;
    if count <= numbers + 1 {
        return None;
    }
    let start = best_start(form, values, period, others.iter().map(|other| &other.fit));
    let fit = refine(form, start, values, period, ENOUGH, MOST_PASSES);
    let penalty = 2.0 * (numbers * count) as f64 / (count - numbers - 1) as f64;
    fit.objective.is_finite().then_some(Candidate { criterion: fit.objective + penalty, fit })
}

const SEASONS: [SeasonKind; 3] = [SeasonKind::None, SeasonKind::Additive, SeasonKind::Multiplicative];

/// The stable forms for a series, the simplest first.
pub(super) fn forms(seasonal: bool, positive: bool) -> impl Iterator<Item = Form> {
    let trends = [TrendKind::None, TrendKind::Additive, TrendKind::Damped];
    let all = SEASONS.into_iter().flat_map(move |season| {
        trends.into_iter().flat_map(move |trend| {
            [ErrorKind::Additive, ErrorKind::Multiplicative].into_iter().map(move |error| Form { error, trend, season })
        })
    });
    all.filter(move |form| form.is_stable() && (positive || !form.needs_positive()) && (seasonal || form.season == SeasonKind::None))
}
