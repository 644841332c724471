//! Which steps of a horizon share one direct model.

use domain::Layout;
use serde::{Deserialize, Serialize};

/// Neighbouring steps that one direct model serves: it uses nothing of the target younger than `lead` steps, so that one
/// fit does for every step up to `lead`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StepGroup {
    /// First step, from 1.
    pub first: u16,
    /// Last step, inclusive.
    pub last: u16,
    /// Steps between the youngest usable observation and the target; never less than `last`.
    pub lead: u16,
}

impl StepGroup {
    /// The layout to ask features for.
    #[must_use]
    pub fn layout(self) -> Layout {
        Layout::Direct { lead: self.lead }
    }
}

/// Steps of the short group: today, tomorrow and the day after, the plan that a shop acts on, where yesterday's sale and
/// the freshest weather forecast still tell something.
const SHORT: u16 = 3;
/// A season from which on the short group is worth a fit of its own.
const SHORT_FROM_SEASON: u16 = 7;

/// Splits `1..=horizon` into at most three groups: the short one, the rest of the first season, the rest of the horizon.
/// Seasons shorter than the short group don't split: the lags they need are all older than the lead anyway.
#[must_use]
pub fn step_groups(horizon: u16, season: u16) -> Vec<StepGroup> {
    let mut ends = Vec::with_capacity(3);
    if season >= SHORT_FROM_SEASON && horizon > SHORT {
        ends.push(SHORT);
    }
    if season > 1 && horizon > season {
        ends.push(season);
    }
    if horizon > 0 {
        ends.push(horizon);
    }
    let firsts = std::iter::once(1).chain(ends.iter().map(|end| end + 1));
    firsts.zip(&ends).map(|(first, &last)| StepGroup { first, last, lead: last }).collect()
}

/// Index of the group that a step belongs to; the last one for steps beyond.
#[must_use]
pub(crate) fn group_of(groups: &[StepGroup], step: u16) -> usize {
    groups.iter().position(|group| step <= group.last).unwrap_or(groups.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ends(horizon: u16, season: u16) -> Vec<u16> {
        step_groups(horizon, season).iter().map(|group| group.last).collect()
    }

    #[test]
    fn a_fortnight_of_days_has_three_groups() {
        assert_eq!(ends(14, 7), [3, 7, 14]);
        assert_eq!(ends(7, 7), [3, 7]);
        assert_eq!(ends(3, 7), [3]);
        assert_eq!(ends(6, 1), [6]);
        assert_eq!(ends(18, 12), [3, 12, 18]);
        assert_eq!(ends(8, 4), [4, 8]);
        assert_eq!(ends(0, 7), [0_u16; 0]);
    }

    proptest! {
        #[test]
        fn groups_tile_the_horizon_and_never_look_ahead(horizon in 1..400_u16, season in 1..400_u16) {
            let groups = step_groups(horizon, season);
            prop_assert!(groups.len() <= 3);
            let steps: Vec<u16> = groups.iter().flat_map(|group| group.first..=group.last).collect();
            prop_assert_eq!(steps, (1..=horizon).collect::<Vec<_>>());
            prop_assert!(groups.iter().all(|group| group.lead >= group.last));
        }
    }
}
