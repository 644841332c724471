//! Quantiles of small counts: what came of forecasts like this one.
//!
//! A series of mostly zeros has no symmetric errors to add. The distribution of its next count is built in three layers,
//! each one evidence for the next (a Dirichlet-multinomial hierarchy; Gelman et al. 2013, sections 3.4 and 5.1):
//!
//! 1. a negative binomial with the forecast as mean and a variance of `dispersion` times the mean, the series' own
//!    dispersion shrunk to the panel's;
//! 2. the counts that past folds of the whole panel saw after forecasts of like size;
//! 3. the counts that the series itself saw. One that came after a forecast of another size is heard less: by the ratio of
//!    their standard deviations, which of counts are as the square roots of the means.
//!
//! Layer 2 knows how much more often zero comes than a formula would say, layer 3 that this product sells in pairs. Where
//! forecasts are good neither helps much; so how many counts it takes for a layer to weigh as much as the layers before it
//! is chosen by the pinball loss on each past fold, everything else learnt from the other folds.

use std::collections::{BTreeMap, BTreeSet};

use domain::quantile::pinball;
use domain::{History, LEVELS};
use serde::{Deserialize, Serialize};

use crate::candidate::Evidence;
use crate::history::usable_values;
use crate::scale::Scale;

/// Share of zeros above which a series of whole numbers is a count.
pub(crate) const INTERMITTENT: f64 = 0.5;
/// Units forecast at which a series' own dispersion counts as much as the panel's.
const SHRINKAGE: f64 = 20.0;
/// Counts that weigh as much as the layers before: of the panel, of the series. The first is as good as never.
const PANEL_PRIORS: [f64; 3] = [1e6, 1_000.0, 200.0];
const OWN_PRIORS: [f64; 4] = [1e6, 150.0, 60.0, 24.0];
/// Where there are not two folds to choose from.
const ASSUMED: Priors = Priors { panel: 200.0, own: 60.0 };
/// Past forecasts that the choice looks at.
const JUDGED: usize = 20_000;
/// Counts of the panel that forecasts of like size need to be told apart, and classes of size at most.
const CLASS: usize = 200;
const MOST_CLASSES: usize = 30;
/// Forecasts looked at to part them into classes.
const SORTED: usize = 20_000;
/// Usable values of each history that are looked at where there are no folds.
const IN_SAMPLE: usize = 60;
/// Means above this are no small counts any more.
const LARGEST_MEAN: f64 = 200.0;
/// Bounds of a believable dispersion; 1 is Poisson.
const DISPERSIONS: (f64, f64) = (1.0, 50.0);
/// No quantile is looked for beyond this count.
const LARGEST_COUNT: f64 = 100.0 * LARGEST_MEAN;

/// Whether a series' quantiles are those of a count.
pub(crate) fn is_count(scale: &Scale) -> bool {
    scale.whole && scale.zeros > INTERMITTENT
}

/// What is known of a panel's counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counts {
    priors: Priors,
    /// Variance over mean of the panel's errors, and of each series'.
    panel_dispersion: f64,
    dispersions: Vec<f64>,
    /// Forecasts by size, ascending.
    classes: Vec<Class>,
    /// By series: counts seen, ascending.
    own: Vec<Vec<Seen>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Priors {
    panel: f64,
    own: f64,
}

/// Forecasts of like size and what came of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Class {
    /// Largest forecast; the last class takes all that are larger.
    upto: f64,
    /// Square root of their mean.
    root: f64,
    /// Counts with how often each came, ascending.
    seen: Vec<(f64, f64)>,
    total: f64,
}

/// A count after a forecast of some class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Seen {
    count: f64,
    class: u8,
    times: u16,
}

/// A forecast of the past and what came of it.
#[derive(Clone, Copy)]
struct Past {
    fold: usize,
    series: usize,
    predicted: f64,
    actual: f64,
}

impl Counts {
    /// From the predictions of past targets, leaving out the fold `but` if given.
    pub fn learn(evidence: &Evidence, predictions: &[f64], scales: &[Option<Scale>], but: Option<usize>) -> Self {
        let counts: Vec<bool> = scales.iter().map(|scale| scale.as_ref().is_some_and(is_count)).collect();
        let judged = evidence
            .targets
            .iter()
            .zip(predictions)
            .filter(|(target, predicted)| predicted.is_finite() && Some(target.fold) != but && counts[target.series as usize]);
        let past = |(target, &predicted): (&crate::candidate::Target, &f64)| Past {
            fold: target.fold,
            series: target.series as usize,
            predicted: predicted.max(0.0),
            actual: target.actual,
        };
        let past: Vec<Past> = judged.map(past).collect();
        Self { priors: choose(&past, scales.len()), ..Self::from_past(&past, scales.len()) }
    }

    /// From the histories themselves around their means, where there are no folds.
    pub fn in_sample(histories: &[History], scales: &[Option<Scale>]) -> Self {
        let mut past = Vec::new();
        for (series, (history, scale)) in histories.iter().zip(scales).enumerate() {
            if scale.as_ref().is_some_and(is_count) {
                let values: Vec<f64> = usable_values(history).rev().take(IN_SAMPLE).map(|(_, value)| value).collect();
                let predicted = values.iter().sum::<f64>() / values.len().max(1) as f64;
                past.extend(values.into_iter().map(|actual| Past { fold: 0, series, predicted, actual }));
            }
        }
        Self::from_past(&past, histories.len())
    }

    fn from_past(past: &[Past], series: usize) -> Self {
        let (panel_dispersion, dispersions) = dispersions(past, series);
        let borders = borders(past);
        let mut classes: Vec<Class> = borders.iter().map(|&upto| Class { upto, ..Class::default() }).collect();
        let mut seen: Vec<BTreeMap<u64, f64>> = vec![BTreeMap::new(); classes.len()];
        let mut own: Vec<BTreeMap<(u64, u8), u16>> = vec![BTreeMap::new(); series];
        for past in past {
            let class = class_of(&borders, past.predicted);
            let count = past.actual.max(0.0).to_bits(); // Bits of non-negative numbers sort as the numbers do.
            classes[class].root += past.predicted;
            classes[class].total += 1.0;
            *seen[class].entry(count).or_default() += 1.0;
            let times = own[past.series].entry((count, class as u8)).or_default();
            *times = times.saturating_add(1);
        }
        for (class, seen) in classes.iter_mut().zip(seen) {
            class.root = (class.root / class.total.max(1.0)).sqrt();
            class.seen = seen.into_iter().map(|(count, times)| (f64::from_bits(count), times)).collect();
        }
        let seen = |((count, class), times): ((u64, u8), u16)| Seen { count: f64::from_bits(count), class, times };
        Self {
            priors: ASSUMED,
            panel_dispersion,
            dispersions,
            classes,
            own: own.into_iter().map(|own| own.into_iter().map(seen).collect()).collect(),
        }
    }

    /// For the series of another panel: `old[new]` is where each stood in this one.
    pub fn rearranged(&self, old: &[Option<usize>]) -> Self {
        let own = |index: &Option<usize>| index.and_then(|index| self.own.get(index).cloned()).unwrap_or_default();
        let dispersion = |index: &Option<usize>| index.map_or(self.panel_dispersion, |index| self.dispersion(index));
        Self { own: old.iter().map(own).collect(), dispersions: old.iter().map(dispersion).collect(), ..self.clone() }
    }

    fn dispersion(&self, series: usize) -> f64 {
        self.dispersions.get(series).copied().unwrap_or(self.panel_dispersion)
    }

    /// Pinball loss of the quantiles that would have been given.
    fn loss(&self, past: &Past) -> f64 {
        let quantiles = self.quantiles(past.series, past.predicted).unwrap_or([past.predicted; 9]);
        quantiles.iter().zip(LEVELS).map(|(quantile, level)| pinball(past.actual, *quantile, level)).sum()
    }

    /// Quantiles of the count to come where this mean is forecast; `None` where it is too large for a small count.
    pub fn quantiles(&self, series: usize, mean: f64) -> Option<[f64; 9]> {
        if mean > LARGEST_MEAN {
            return None;
        }
        if mean <= 0.0 {
            return Some([0.0; 9]);
        }
        let class = self.classes.partition_point(|class| class.upto < mean).min(self.classes.len().saturating_sub(1));
        let (panel, total) = self.classes.get(class).map_or((&[][..], 0.0), |class| (class.seen.as_slice(), class.total));
        let (own, root) = (self.own.get(series).map_or(&[][..], Vec::as_slice), mean.sqrt());
        let hearing = |seen: &Seen| {
            let other = self.classes.get(usize::from(seen.class)).map_or(root, |class| class.root);
            f64::from(seen.times) * if other > 0.0 { (root / other).min(other / root) } else { 0.0 }
        };
        let heard: f64 = own.iter().map(hearing).sum();
        let each_own = 1.0 / (heard + self.priors.own);
        let each_panel = self.priors.own * each_own / (total + self.priors.panel);
        let formula_share = self.priors.panel * each_panel;

        let mut panel = panel.iter().map(|&(count, times)| (count, times * each_panel)).peekable();
        let mut own = own.iter().map(|seen| (seen.count, hearing(seen) * each_own)).peekable();
        let mut formula = NegativeBinomial::new(mean, self.dispersion(series));
        let (mut seen, mut quantiles) = (0.0, [0.0; 9]);
        for (quantile, level) in quantiles.iter_mut().zip(LEVELS) {
            loop {
                while let Some((_, share)) = panel.next_if(|&(count, _)| count <= formula.count) {
                    seen += share;
                }
                while let Some((_, share)) = own.next_if(|&(count, _)| count <= formula.count) {
                    seen += share;
                }
                if seen + formula_share * formula.upto >= level - 1e-9 || formula.count >= LARGEST_COUNT {
                    break;
                }
                formula.advance();
            }
            *quantile = formula.count;
        }
        Some(quantiles)
    }
}

/// Variance over mean of the errors: the panel's, and each series' shrunk to it.
fn dispersions(past: &[Past], series: usize) -> (f64, Vec<f64>) {
    let mut sums = vec![(0.0, 0.0); series];
    for past in past {
        sums[past.series].0 += (past.actual - past.predicted).powi(2);
        sums[past.series].1 += past.predicted;
    }
    let bounded = |dispersion: f64| if dispersion.is_finite() { dispersion.clamp(DISPERSIONS.0, DISPERSIONS.1) } else { DISPERSIONS.0 };
    let (squared, predicted) = sums.iter().fold((0.0, 0.0), |(a, b), (c, d)| (a + c, b + d));
    let panel = bounded(squared / predicted);
    let own = |&(squared, predicted): &(f64, f64)| bounded((squared + SHRINKAGE * panel) / (predicted + SHRINKAGE));
    (panel, sums.iter().map(own).collect())
}

/// The priors with the least pinball loss on every fold, as seen from the others. Ties go to the layers before.
fn choose(past: &[Past], series: usize) -> Priors {
    // Whole series are left out of a large panel, so that those looked at keep all their folds.
    let share = past.len().div_ceil(JUDGED).max(1);
    let past: Vec<Past> = past.iter().copied().filter(|past| past.series % share == 0).collect();
    let folds: BTreeSet<usize> = past.iter().map(|past| past.fold).collect();
    if folds.len() < 2 {
        return ASSUMED;
    }
    let pairs = PANEL_PRIORS.iter().flat_map(|&panel| OWN_PRIORS.map(|own| Priors { panel, own }));
    let mut losses: Vec<(Priors, f64)> = pairs.map(|priors| (priors, 0.0)).collect();
    for fold in folds {
        let (judged, known): (Vec<Past>, Vec<Past>) = past.iter().partition(|past| past.fold == fold);
        let mut counts = Counts::from_past(&known, series);
        for (priors, loss) in &mut losses {
            counts.priors = *priors;
            *loss += judged.iter().map(|past| counts.loss(past)).sum::<f64>();
        }
    }
    losses.into_iter().min_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(ASSUMED, |(priors, _)| priors)
}

/// Largest forecast of each class, ascending: classes alike in number, as many as the evidence allows.
fn borders(past: &[Past]) -> Vec<f64> {
    let mut sizes: Vec<f64> = past.iter().step_by(past.len().div_ceil(SORTED).max(1)).map(|past| past.predicted).collect();
    sizes.sort_by(f64::total_cmp);
    let classes = (past.len() / CLASS).clamp(1, MOST_CLASSES);
    let border = |class: usize| sizes.get((sizes.len() * class / classes).checked_sub(1)?).copied();
    let mut borders: Vec<f64> = (1..=classes).filter_map(border).collect();
    borders.dedup();
    borders
}

fn class_of(borders: &[f64], predicted: f64) -> usize {
    borders.partition_point(|&upto| upto < predicted).min(borders.len().saturating_sub(1))
}

/// Walks up the distribution function of a negative binomial; Poisson at dispersion 1.
struct NegativeBinomial {
    mean: f64,
    /// Infinite for Poisson.
    size: f64,
    dispersion: f64,
    count: f64,
    probability: f64,
    /// Probability of at most `count`.
    upto: f64,
}

impl NegativeBinomial {
    fn new(mean: f64, dispersion: f64) -> Self {
        let size = if dispersion <= 1.0 + 1e-6 { f64::INFINITY } else { mean / (dispersion - 1.0) };
        let probability = if size.is_finite() { dispersion.powf(-size) } else { (-mean).exp() };
        Self { mean, size, dispersion, count: 0.0, probability, upto: probability }
    }

    fn advance(&mut self) {
        let odds = if self.size.is_finite() { (self.count + self.size) * (1.0 - 1.0 / self.dispersion) } else { self.mean };
        self.count += 1.0;
        self.probability *= odds / self.count;
        self.upto += self.probability;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignorant(dispersion: f64) -> Counts {
        Counts { priors: ASSUMED, panel_dispersion: dispersion, dispersions: Vec::new(), classes: Vec::new(), own: Vec::new() }
    }

    #[test]
    fn without_evidence_quantiles_are_those_of_the_tables() {
        // Poisson(2): P(0) .135, P(<=1) .406, P(<=2) .677, P(<=3) .857, P(<=4) .947, P(<=5) .983.
        assert_eq!(ignorant(1.0).quantiles(0, 2.0), Some([0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 5.0]));
        // Size 1, dispersion 3: geometric with P(0) = 1/3, P(<=k) = 1 - (2/3)^(k+1).
        assert_eq!(ignorant(3.0).quantiles(0, 2.0), Some([0.0, 0.0, 0.0, 0.0, 1.0, 3.0, 5.0, 7.0, 9.0]));
        assert_eq!(ignorant(3.0).quantiles(0, 0.0), Some([0.0; 9]));
        assert_eq!(ignorant(3.0).quantiles(0, 1e6), None);
    }

    #[test]
    fn the_largest_mean_still_has_quantiles() {
        let quantiles = ignorant(1.0).quantiles(0, LARGEST_MEAN).expect("small enough");
        assert!((quantiles[4] - LARGEST_MEAN).abs() <= 1.0, "{quantiles:?}");
    }

    fn past(series: usize, predicted: f64, actual: f64) -> Past {
        Past { fold: 0, series, predicted, actual }
    }

    /// Every forecast was of one; 2 came three times in five.
    fn pairs(series: usize, each: usize) -> Vec<Past> {
        (0..series * each).map(|at| past(at % series, 1.0, if at / series % 5 < 3 { 2.0 } else { 0.0 })).collect()
    }

    #[test]
    fn a_panel_that_sells_in_pairs_has_no_quantile_of_one() {
        let counts = Counts::from_past(&pairs(100, 100), 101);
        // A stranger's quantiles are the panel's.
        assert_eq!(counts.quantiles(100, 1.0), Some([0.0, 0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 2.0, 2.0]));
        assert_eq!(counts.rearranged(&[None, Some(3)]).quantiles(0, 1.0), counts.quantiles(100, 1.0));
    }

    #[test]
    fn a_series_is_heard_the_more_the_more_it_has_said() {
        let told = |times: usize| {
            let mut all = pairs(100, 100);
            all.extend((0..times).map(|_| past(100, 1.0, 9.0)));
            Counts::from_past(&all, 101).quantiles(100, 1.0).expect("small")
        };
        assert_eq!(told(1)[6], 2.0);
        assert_eq!(told(12)[6], 9.0);
        assert!(told(200)[3] == 9.0 && told(200)[0] < 9.0);
    }

    #[test]
    fn what_came_of_other_forecasts_is_heard_less() {
        // The same counts after forecasts of 1 and of 100; asked about 1.
        let after = |predicted: f64| {
            let mut all = pairs(100, 100);
            all.extend((0..400).map(|_| past(100, 100.0, 100.0)));
            all.extend((0..12).map(|_| past(101, predicted, 9.0)));
            Counts::from_past(&all, 102).quantiles(101, 1.0).expect("small")
        };
        assert_eq!((after(1.0)[6], after(100.0)[6]), (9.0, 2.0));
    }
}
