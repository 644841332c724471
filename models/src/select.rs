//! Which candidate answers for which series, decided on past folds.
//!
//! Score of a candidate on a series, over all its scored targets, in units of the series' error scale:
//!
//! ```text
//! root mean squared error  +  4 * mean pinball loss over the nine levels  +  |mean error|
//! ```
//!
//! RMSE and bias hold the mean honest, the pinball loss the ranges; MASE alone would reward forecasts that are biased low
//! on intermittent demand. (The quantiles here are the candidate's mean plus offsets pooled over the panel; 4 makes the
//! three terms alike in size.) The score is divided by the baseline's on the same series and shrunk to the panel's ratio,
//! `w * own + (1 - w) * panel` with `w = targets / (targets + 4 horizons)`, so that a lucky fold does not decide, and a
//! series too short for folds gets the panel's best. A candidate whose shrunk ratio is not below 1 does not beat
//! `seasonal_naive` there and is never chosen.

use domain::LEVELS;
use serde::{Deserialize, Serialize};

use crate::candidate::{BLEND, Candidate, Evidence};
use crate::conformal::pooled_offsets;
use crate::forecasters::BASELINE;
use crate::scale::Scale;

/// Weight of the pinball loss in the score.
const PINBALL_WEIGHT: f64 = 4.0;
/// Horizons' worth of targets at which a series' own ratio counts as much as the panel's.
const SHRINKAGE: f64 = 4.0;
/// Ratios are cut off here: on a series that the baseline gets almost right, a ratio says little.
const LARGEST_RATIO: f64 = 5.0;

/// What was decided, and on what grounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelectionReport {
    /// Folds behind the decision; 0 where the panel is too short.
    pub folds: usize,
    pub candidates: Vec<CandidateReport>,
    /// One per series of the panel; `None` where there is nothing to forecast from.
    pub choices: Vec<Option<Choice>>,
}

/// One candidate over the whole panel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateReport {
    pub candidate: Candidate,
    /// Score over all series relative to the baseline's: below 1 is better. `None` without folds.
    pub panel_ratio: Option<f64>,
    /// Series it was chosen for.
    pub chosen: usize,
}

/// The decision for one series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Position in [`SelectionReport::candidates`].
    pub candidate: usize,
    /// Shrunk ratio to the baseline; 1 for the baseline itself.
    pub ratio: f64,
    /// Targets of past folds that speak of this series; 0 means that the panel decided.
    pub targets: usize,
}

/// Scores of one candidate.
struct Scores {
    /// Ratio to the baseline's score by series, with the targets it rests on.
    own: Vec<Option<(f64, usize)>>,
    panel: Option<f64>,
}

/// Candidates with their predictions of all evidence, ready to be chosen from.
pub(crate) struct Contest {
    pub candidates: Vec<Candidate>,
    /// `predictions[candidate][target]`
    pub predictions: Vec<Vec<f64>>,
    scores: Vec<Scores>,
    folds: usize,
    horizon: u16,
}

impl Contest {
    /// Enters every forecaster, and the mean of the two best.
    pub fn hold(names: &[&str], evidence: &Evidence, scales: &[Option<Scale>], horizon: u16) -> Self {
        let candidates: Vec<Candidate> = names.iter().enumerate().map(|(member, name)| Candidate::single(name, member)).collect();
        let mut contest = Self { candidates: Vec::new(), predictions: Vec::new(), scores: Vec::new(), folds: evidence.folds(), horizon };
        let baseline = raw_scores(evidence, &evidence.predictions(&candidates[baseline_of(&candidates)]), scales);
        for candidate in candidates {
            contest.enter(candidate, evidence, scales, &baseline);
        }
        if let Some(blend) = contest.best_pair() {
            contest.enter(blend, evidence, scales, &baseline);
        }
        contest
    }

    fn enter(&mut self, candidate: Candidate, evidence: &Evidence, scales: &[Option<Scale>], baseline: &[Option<(f64, usize)>]) {
        let predictions = evidence.predictions(&candidate);
        self.scores.push(compare(&raw_scores(evidence, &predictions, scales), baseline));
        self.predictions.push(predictions);
        self.candidates.push(candidate);
    }

    fn best_pair(&self) -> Option<Candidate> {
        let mut ranked: Vec<(f64, usize)> =
            self.scores.iter().enumerate().filter_map(|(index, scores)| Some((scores.panel?, index))).collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        let [(first, a), (second, b), ..] = ranked[..] else { return None };
        (first < 1.0 && second < 1.0).then(|| Candidate { name: BLEND.to_owned(), members: vec![a.min(b), a.max(b)] })
    }

    /// Chooses for every series among the candidates that `can_answer(candidate, series)`.
    pub fn choose(&self, series: usize, can_answer: impl Fn(usize, usize) -> bool) -> SelectionReport {
        let choices: Vec<Option<Choice>> = (0..series).map(|series| self.choice(series, &can_answer)).collect();
        let chosen = |index| choices.iter().flatten().filter(|choice| choice.candidate == index).count();
        let report = |(index, candidate): (usize, &Candidate)| CandidateReport {
            candidate: candidate.clone(),
            panel_ratio: self.scores[index].panel,
            chosen: chosen(index),
        };
        SelectionReport { folds: self.folds, candidates: self.candidates.iter().enumerate().map(report).collect(), choices }
    }

    fn choice(&self, series: usize, can_answer: &impl Fn(usize, usize) -> bool) -> Option<Choice> {
        let baseline = baseline_of(&self.candidates);
        let targets = self.scores[baseline].own.get(series).copied().flatten().map_or(0, |(_, targets)| targets);
        let fallback = can_answer(baseline, series).then_some(Choice { candidate: baseline, ratio: 1.0, targets });
        let challengers = (0..self.candidates.len()).filter(|&index| index != baseline && can_answer(index, series));
        challengers.filter_map(|index| self.challenge(index, series, targets)).fold(fallback, |best, challenger| match best {
            Some(best) if challenger.ratio >= best.ratio => Some(best),
            _ => Some(challenger),
        })
    }

    /// A candidate's case for a series: `None` if it was not scored wherever the baseline was, or does not beat it.
    fn challenge(&self, index: usize, series: usize, targets: usize) -> Option<Choice> {
        let panel = self.scores[index].panel?;
        let ratio = match self.scores[index].own.get(series).copied().flatten() {
            Some((own, scored)) if scored == targets => {
                let weight = targets as f64 / (targets as f64 + SHRINKAGE * f64::from(self.horizon));
                weight * own.min(LARGEST_RATIO) + (1.0 - weight) * panel
            }
            _ if targets > 0 => return None,
            _ => panel,
        };
        (ratio < 1.0).then_some(Choice { candidate: index, ratio, targets })
    }
}

/// Position of the baseline; the first candidate if it was not entered.
pub(crate) fn baseline_of(candidates: &[Candidate]) -> usize {
    candidates.iter().position(|candidate| candidate.name == BASELINE).unwrap_or(0)
}

/// Score of each series and the targets it rests on; `None` without any.
fn raw_scores(evidence: &Evidence, predictions: &[f64], scales: &[Option<Scale>]) -> Vec<Option<(f64, usize)>> {
    let offsets = pooled_offsets(evidence, predictions, scales);
    let mut sums = vec![Sums::default(); scales.len()];
    for (target, &predicted) in evidence.targets.iter().zip(predictions) {
        if let (true, Some(scale)) = (predicted.is_finite(), scales[target.series as usize]) {
            sums[target.series as usize].add(target.actual, predicted, &scale, &offsets);
        }
    }
    sums.iter().map(Sums::score).collect()
}

fn compare(own: &[Option<(f64, usize)>], baseline: &[Option<(f64, usize)>]) -> Scores {
    let (mut mine, mut theirs) = (0.0, 0.0);
    let mut ratios = vec![None; own.len()];
    for (ratio, pair) in ratios.iter_mut().zip(own.iter().zip(baseline)) {
        if let (Some((own, targets)), Some((baseline, expected))) = pair
            && targets == expected
        {
            mine += own;
            theirs += baseline;
            // A perfect baseline cannot be beaten.
            *ratio = Some((if *baseline > 0.0 { own / baseline } else { LARGEST_RATIO }, *targets));
        }
    }
    Scores { own: ratios, panel: (theirs > 0.0).then(|| mine / theirs) }
}

#[derive(Clone, Default)]
struct Sums {
    count: usize,
    squared: f64,
    pinball: f64,
    error: f64,
}

impl Sums {
    fn add(&mut self, actual: f64, predicted: f64, scale: &Scale, offsets: &[f64; 9]) {
        let reach = scale.error_at(predicted);
        let error = (actual - predicted) / scale.error;
        self.count += 1;
        self.squared += error * error;
        self.error += error;
        for (level, offset) in LEVELS.iter().zip(offsets) {
            let quantile = (predicted + offset * reach).max(0.0);
            self.pinball += pinball(actual, quantile, *level) / scale.error / LEVELS.len() as f64;
        }
    }

    fn score(&self) -> Option<(f64, usize)> {
        let count = self.count as f64;
        let score = (self.squared / count).sqrt() + PINBALL_WEIGHT * self.pinball / count + (self.error / count).abs();
        (self.count > 0).then_some((score, self.count))
    }
}

/// Pinball loss of a quantile forecast.
pub(crate) fn pinball(actual: f64, quantile: f64, level: f64) -> f64 {
    let difference = actual - quantile;
    (level * difference).max((level - 1.0) * difference)
}
