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
//! `w * own + (1 - w) * panel` with `w = targets / (targets + 40 horizons)`, so that a lucky fold does not decide, and a
//! series too short for folds gets the panel's best. A candidate whose shrunk ratio is not below 1 does not beat
//! `seasonal_naive` there and is never chosen.

use domain::LEVELS;
use domain::quantile::pinball;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::candidate::{Candidate, Evidence, Target};
use crate::combine::Weigher;
use crate::conformal::pooled_offsets;
use crate::forecasters::BASELINE;
use crate::scale::Scale;

/// Weight of the pinball loss in the score.
const PINBALL_WEIGHT: f64 = 4.0;
/// Horizons' worth of targets at which a series' own ratio counts as much as the panel's.
const SHRINKAGE: f64 = 40.0;
/// Ratios are cut off here: on a series that the baseline gets almost right, a ratio says little.
const LARGEST_RATIO: f64 = 2.0;

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
    /// Ratio to the baseline's over all series that both were scored on alike.
    panel: Option<f64>,
}

/// Candidates with their predictions of all evidence, ready to be chosen from.
pub(crate) struct Contest<'a> {
    names: &'a [&'a str],
    /// Every forecaster, in the order of the registry, and the panel's blend if there is one.
    pub candidates: Vec<Candidate>,
    /// `predictions[candidate][target]`
    pub predictions: Vec<Vec<f64>>,
    scores: Vec<Scores>,
    weigher: Weigher,
    /// Weights as they would have been without each fold.
    without: Vec<Weigher>,
    folds: usize,
    horizon: u16,
}

/// Who answers for which series.
pub(crate) struct Selection {
    /// By series; a candidate of its own, for weights differ from series to series.
    pub mixes: Vec<Option<Candidate>>,
    pub report: SelectionReport,
}

impl<'a> Contest<'a> {
    /// Enters every forecaster, and the panel's blend of those that beat the baseline. `trust` by forecaster, see
    /// [`Weigher::learn`].
    pub fn hold(names: &'a [&'a str], trust: &[f64], evidence: &Evidence, scales: &[Option<Scale>], horizon: u16) -> Self {
        let mut candidates: Vec<Candidate> = names.iter().enumerate().map(|(member, name)| Candidate::single(name, member)).collect();
        let mut predictions: Vec<Vec<f64>> = candidates.par_iter().map(|candidate| evidence.predictions(candidate)).collect();
        let score = |predictions: &Vec<f64>| raw_scores(evidence, predictions, scales);
        let baseline = baseline_of(&candidates);
        let raw: Vec<_> = predictions.par_iter().map(score).collect();
        let mut scores: Vec<Scores> = raw.iter().map(|own| compare(own, &raw[baseline])).collect();
        let beats = |member: &usize| *member != baseline && scores[*member].panel.is_some_and(|ratio| ratio < 1.0);
        let members: Vec<usize> = (0..names.len()).filter(beats).collect();
        let weigh = |but| Weigher::learn(members.clone(), trust, &predictions, &evidence.targets, scales, horizon, but);
        let weigher = weigh(None);
        let folds = evidence.folds();
        let without = if folds > 1 { (0..folds).into_par_iter().map(|fold| weigh(Some(fold))).collect() } else { Vec::new() };
        let weights = weigher.of_panel();
        if weights.len() > 1 {
            let blend = Candidate::mean(names, weights);
            let blended = evidence.predictions(&blend);
            scores.push(compare(&score(&blended), &raw[baseline]));
            predictions.push(blended);
            candidates.push(blend);
        }
        Self { names, candidates, predictions, scores, weigher, without, folds, horizon }
    }

    /// Chooses for every series; `answers(forecaster, series)` says who has a forecast for it.
    pub fn choose(&self, evidence: &Evidence, scales: &[Option<Scale>], answers: impl Fn(usize, usize) -> bool + Sync) -> Selection {
        let panel = self.weigher.of_panel();
        let offsets = self.predictions.last().map(|predictions| pooled_offsets(evidence, predictions, scales));
        let targets = evidence.by_series(scales.len());
        let choose = |series: usize| {
            let mut members = self.weigher.of_series(series, &panel);
            members.retain(|&(member, _)| answers(member, series));
            if members.is_empty() {
                members.extend(self.next_best(|member| answers(member, series)).map(|member| (member, 1.0)));
            }
            let trial = Trial { contest: self, evidence, targets: &targets[series], scale: scales[series].as_ref(), offsets };
            let baseline = baseline_of(&self.candidates);
            let fallback = || answers(baseline, series).then(|| (self.candidates[baseline].clone(), 1.0));
            let mix = (!members.is_empty()).then(|| Candidate::mean(self.names, normalised(members)));
            let (mix, ratio) = match mix {
                Some(mix) => match trial.ratio(&mix) {
                    ratio if ratio < 1.0 => (mix, ratio),
                    _ => fallback()?,
                },
                None => fallback()?,
            };
            let candidate = self.candidates.iter().position(|candidate| candidate.name == mix.name).unwrap_or(baseline);
            Some((mix, Choice { candidate, ratio, targets: targets[series].len() }))
        };
        let chosen: Vec<Option<(Candidate, Choice)>> = (0..scales.len()).into_par_iter().map(choose).collect();
        let (mixes, choices): (Vec<_>, Vec<_>) = chosen.into_iter().map(Option::unzip).unzip();
        Selection { mixes, report: self.report(choices) }
    }

    /// The forecaster that did best on the panel among those that answer, if it beats the baseline: next on the ladder where
    /// all those with a weight have no forecast.
    fn next_best(&self, answers: impl Fn(usize) -> bool) -> Option<usize> {
        let ratio = |member: usize| self.scores[member].panel.filter(|ratio| *ratio < 1.0);
        let rivals = (0..self.names.len()).filter(|&member| answers(member)).filter_map(|member| Some((ratio(member)?, member)));
        rivals.min_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, member)| member)
    }

    /// The prediction of each target by its series' mix, with weights that have not seen the target's fold: errors of weights
    /// on what they were learnt from are too small to tell how far a forecast will miss.
    pub fn honest_predictions(&self, evidence: &Evidence, mixes: &[Option<Candidate>]) -> Vec<f64> {
        let mut predictions = evidence.predictions_by_series(mixes);
        let is_mix = |series: usize| mixes[series].as_ref().is_some_and(|mix| mix.name != BASELINE);
        let panels: Vec<_> = self.without.iter().map(Weigher::of_panel).collect();
        let mut windows: Vec<(&[Target], &mut [f64])> = Vec::new();
        let mut rest = predictions.as_mut_slice();
        for window in evidence.targets.chunk_by(|a, b| (a.fold, a.series) == (b.fold, b.series)) {
            let (own, others) = std::mem::take(&mut rest).split_at_mut(window.len());
            windows.push((window, own));
            rest = others;
        }
        let starts: Vec<usize> =
            windows.iter().scan(0, |start, (window, _)| Some(std::mem::replace(start, *start + window.len()))).collect();
        windows.into_par_iter().zip(starts).for_each(|((window, own), start)| {
            let (fold, series) = (window[0].fold, window[0].series as usize);
            let Some(weigher) = self.without.get(fold).filter(|_| is_mix(series)) else { return };
            let weights = weigher.of_series(series, &panels[fold]);
            // One that answers because all with a weight could not is told by its own errors, not by theirs.
            let is_meant = |&(member, _): &(usize, f64)| mixes[series].iter().any(|mix| mix.members.iter().any(|&(of, _)| of == member));
            if !weights.iter().any(is_meant) {
                return;
            }
            for (step, prediction) in own.iter_mut().enumerate() {
                let of_members = weights.iter().map(|&(member, weight)| (self.predictions[member][start + step], weight));
                *prediction = weighted_mean(of_members).unwrap_or(*prediction);
            }
        });
        predictions
    }

    fn report(&self, choices: Vec<Option<Choice>>) -> SelectionReport {
        let chosen = |index| choices.iter().flatten().filter(|choice| choice.candidate == index).count();
        let report = |(index, candidate): (usize, &Candidate)| CandidateReport {
            candidate: candidate.clone(),
            panel_ratio: self.scores[index].panel,
            chosen: chosen(index),
        };
        SelectionReport { folds: self.folds, candidates: self.candidates.iter().enumerate().map(report).collect(), choices }
    }
}

/// A mean of forecasters on trial for one series.
struct Trial<'a> {
    contest: &'a Contest<'a>,
    evidence: &'a Evidence,
    /// Positions of the series' targets.
    targets: &'a [usize],
    scale: Option<&'a Scale>,
    offsets: Option<[f64; 9]>,
}

impl Trial<'_> {
    /// Its score over the baseline's on the series' own targets, shrunk to the panel's ratio.
    fn ratio(&self, mix: &Candidate) -> f64 {
        let Contest { predictions, scores, candidates, horizon, .. } = self.contest;
        let panel = scores.last().and_then(|scores| scores.panel).unwrap_or(f64::INFINITY);
        let (Some(scale), Some(offsets)) = (self.scale, self.offsets) else { return panel };
        let (mut mine, mut theirs) = (Sums::default(), Sums::default());
        for &target in self.targets {
            let actual = self.evidence.targets[target].actual;
            let baseline = predictions[baseline_of(candidates)][target];
            let mean = weighted_mean(mix.members.iter().map(|&(member, weight)| (predictions[member][target], weight)));
            if let (Some(mean), true) = (mean, baseline.is_finite()) {
                mine.add(actual, mean, scale, &offsets);
                theirs.add(actual, baseline, scale, &offsets);
            }
        }
        match (mine.score(), theirs.score()) {
            (Some((mine, count)), Some((theirs, _))) => {
                let own = if theirs > 0.0 { (mine / theirs).min(LARGEST_RATIO) } else { LARGEST_RATIO };
                let weight = count as f64 / (count as f64 + SHRINKAGE * f64::from(*horizon));
                weight * own + (1.0 - weight) * panel
            }
            _ => panel,
        }
    }
}

fn weighted_mean(values: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (sum, total) =
        values.filter(|(value, _)| value.is_finite()).fold((0.0, 0.0), |(s, t), (value, weight)| (s + weight * value, t + weight));
    (total > 0.0).then(|| sum / total)
}

fn normalised(members: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
    let total: f64 = members.iter().map(|&(_, weight)| weight).sum();
    members.into_iter().map(|(member, weight)| (member, weight / total)).collect()
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
    for pair in own.iter().zip(baseline) {
        if let (Some((own, targets)), Some((baseline, expected))) = pair
            && targets == expected
        {
            mine += own;
            theirs += baseline;
        }
    }
    Scores { panel: (theirs > 0.0).then(|| mine / theirs) }
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
