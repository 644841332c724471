//! Which past cutoffs a decision looks at.

use domain::{History, Ordinal};

use super::config::{Budget, EngineConfig, WANTED_ERRORS};

/// A series needs this many periods before a fold's cutoff, at least.
const FEWEST_PERIODS: Ordinal = 8;

/// A grid of past cutoffs, relative to the deciding one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FoldPlan {
    /// From the deciding cutoff back to the youngest fold; at least the horizon, so that its targets have been seen.
    offset: Ordinal,
    /// Between folds.
    stride: Ordinal,
    folds: usize,
    /// No fold before this period: there is too little to learn from.
    earliest: Ordinal,
}

impl FoldPlan {
    /// For one forecast: folds a horizon apart, closer where the history is short.
    pub fn live(config: &EngineConfig, histories: &[History], cutoff: Ordinal) -> Self {
        let (folds, earliest) = (wanted(config, histories), earliest(config, histories));
        let offset = Ordinal::from(config.horizon);
        let (natural, room) = (natural_stride(config), cutoff - offset - earliest);
        // Folds closer than a quarter of a horizon would tell the same story again.
        let closest = (natural / 4).max(1);
        let squeezed = room.max(0) / (folds as Ordinal - 1).max(1);
        Self { offset, stride: natural.min(squeezed.max(closest)), folds, earliest }
    }

    /// For windows `gap` apart: the folds of each fall on the grid of the windows, so that they are shared.
    pub fn shared(config: &EngineConfig, histories: &[History], gap: Ordinal) -> Self {
        let horizon = Ordinal::from(config.horizon);
        let stride = gap * ((natural_stride(config) + gap / 2) / gap).max(1);
        let offset = (horizon + gap - 1) / gap * gap;
        Self { offset, stride, folds: wanted(config, histories), earliest: earliest(config, histories) }
    }

    /// Cutoffs of the folds, youngest first.
    pub fn cutoffs(&self, cutoff: Ordinal) -> Vec<Ordinal> {
        (0..self.folds).map(|k| cutoff - self.offset - k as Ordinal * self.stride).take_while(|&at| at >= self.earliest).collect()
    }
}

/// Folds that calibration wants, within the budget.
fn wanted(config: &EngineConfig, histories: &[History]) -> usize {
    let Budget { folds: (fewest, most), .. } = config.effort.budget();
    let live = histories.iter().filter(|history| !history.values.is_empty()).count();
    WANTED_ERRORS.div_ceil((live * usize::from(config.horizon)).max(1)).clamp(fewest, most)
}

/// Whole seasons that cover a horizon, so that every fold weighs each weekday alike.
fn natural_stride(config: &EngineConfig) -> Ordinal {
    let (horizon, season) = (Ordinal::from(config.horizon), Ordinal::from(config.season.max(1)));
    if season <= horizon { (horizon + season - 1) / season * season } else { horizon }
}

fn earliest(config: &EngineConfig, histories: &[History]) -> Ordinal {
    let needed = Ordinal::from(config.season).saturating_mul(2).max(Ordinal::from(config.horizon)).max(FEWEST_PERIODS);
    let first = histories.iter().filter(|history| !history.values.is_empty()).map(|history| history.first).min();
    first.map_or(Ordinal::MAX, |first| first + needed - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn histories(series: usize, length: usize) -> Vec<History> {
        vec![History { first: 0, values: vec![1.0; length], censored: vec![false; length], closed: vec![false; length] }; series]
    }

    #[test]
    fn small_panels_get_more_folds() {
        let config = EngineConfig::new(14, 7);
        let cutoffs = |series| FoldPlan::live(&config, &histories(series, 700), 699).cutoffs(699);
        assert_eq!(cutoffs(1000), [685, 671, 657]);
        assert_eq!(cutoffs(7).len(), 10);
    }

    #[test]
    fn short_histories_move_folds_together_and_then_drop_them() {
        let config = EngineConfig::new(14, 7);
        let cutoffs = |length: usize| FoldPlan::live(&config, &histories(1000, length), length as i64 - 1).cutoffs(length as i64 - 1);
        assert_eq!(cutoffs(45), [30, 22, 14]);
        assert_eq!(cutoffs(28), [13]);
        assert_eq!(cutoffs(20), [0_i64; 0]);
    }

    proptest! {
        #[test]
        fn windows_share_their_folds_and_none_looks_ahead(horizon in 1..40_u16, season in 1..60_u16, gap in 1..40_i64, windows in 2..6_i64) {
            let config = EngineConfig::new(horizon, season);
            let plan = FoldPlan::shared(&config, &histories(3, 3000), gap);
            for window in 0..windows {
                let cutoff = 2999 - window * gap;
                let folds = plan.cutoffs(cutoff);
                prop_assert!(!folds.is_empty());
                prop_assert!(folds.iter().all(|fold| fold + i64::from(horizon) <= cutoff && (cutoff - fold) % gap == 0));
            }
        }
    }
}
