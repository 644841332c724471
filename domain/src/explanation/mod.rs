//! Why a forecast is what it is: contributions that add up to it, in the unit of the forecast.

mod driver;
mod parts;

use serde::{Deserialize, Serialize};

pub use driver::Driver;
pub use parts::Parts;

/// A remainder below this share of the forecast is rounding, and goes into the base without a word.
const ROUNDING: f64 = 1e-6;
/// A contribution this many times the forecast and the base cannot be added up to nine digits: such a model explains nothing.
const LARGEST: f64 = 1e6;

/// One forecast as the sum of a base and of what moved it. `base + sum(units)` is the forecast to a relative 1e-9.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// What the series sells on an average day.
    pub base: f64,
    /// The largest first; those of nothing are left out.
    pub contributions: Vec<Contribution>,
}

/// What one driver adds to a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    pub driver: Driver,
    pub units: f64,
    /// Of the base; `None` where that is nothing.
    pub percent: Option<f64>,
}

impl Explanation {
    /// Of a forecast whose models add up to `parts`; what they leave goes to [`Driver::Closed`] on a closed period, else to
    /// [`Driver::Adjustment`].
    #[must_use]
    pub fn of(parts: &Parts, yhat: f64, is_closed: bool) -> Self {
        let mut parts = *parts;
        let limit = LARGEST * yhat.abs().max(parts[Driver::Base].abs());
        if !parts.iter().all(|(_, units)| units.abs() <= limit) {
            parts = Parts::default();
            parts[Driver::Base] = yhat;
        }
        let remainder = yhat - parts.total();
        let into = match is_closed {
            _ if remainder.abs() <= ROUNDING * yhat.abs().max(1.0) => Driver::Base,
            true => Driver::Closed,
            false => Driver::Adjustment,
        };
        parts[into] += remainder;
        // What the first addition rounded away.
        parts[into] += yhat - parts.total();
        Self::from(&parts)
    }

    /// The forecast that the contributions add up to.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.contributions.iter().fold(self.base, |sum, one| sum + one.units)
    }

    /// What one driver adds, 0 if it is not among them.
    #[must_use]
    pub fn units(&self, driver: Driver) -> f64 {
        if driver == Driver::Base {
            return self.base;
        }
        self.contributions.iter().find(|one| one.driver == driver).map_or(0.0, |one| one.units)
    }

    /// The same explanation of a forecast that was changed after it was made: reconciled, corrected.
    #[must_use]
    pub fn ending_at(&self, yhat: f64) -> Self {
        if self.total() == yhat { self.clone() } else { Self::of(&self.parts(), yhat, false) }
    }

    /// The same reasons for a forecast that was changed by a share: every contribution grows by it.
    #[must_use]
    pub fn scaled_to(&self, yhat: f64) -> Self {
        let total = self.total();
        if !(yhat / total).is_normal() {
            return self.ending_at(yhat);
        }
        let mut parts = Parts::default();
        parts.add_scaled(&self.parts(), yhat / total);
        Self::of(&parts, yhat, false)
    }

    /// Of a weighted sum of forecasts, such as a category's of its products'.
    #[must_use]
    pub fn weighted_sum<'a>(members: impl Iterator<Item = (&'a Self, f64)>) -> Self {
        let mut parts = Parts::default();
        members.for_each(|(member, weight)| parts.add_scaled(&member.parts(), weight));
        Self::from(&parts)
    }

    fn parts(&self) -> Parts {
        let mut parts = Parts::default();
        parts[Driver::Base] = self.base;
        self.contributions.iter().for_each(|one| parts[one.driver] += one.units);
        parts
    }
}

impl From<&Parts> for Explanation {
    fn from(parts: &Parts) -> Self {
        let base = parts[Driver::Base];
        let contribution = |(driver, units): (Driver, f64)| Contribution {
            driver,
            units,
            percent: Some(100.0 * units / base).filter(|percent| percent.is_finite()),
        };
        let moved = parts.iter().filter(|&(driver, units)| driver != Driver::Base && units != 0.0);
        let mut contributions: Vec<Contribution> = moved.map(contribution).collect();
        contributions.sort_by(|a, b| b.units.abs().total_cmp(&a.units.abs()));
        Self { base, contributions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(units: &[f64]) -> Parts {
        let mut parts = Parts::default();
        Driver::ALL.into_iter().zip(units).for_each(|(driver, &units)| parts[driver] = units);
        parts
    }

    fn adds_up(explanation: &Explanation, yhat: f64) -> bool {
        (explanation.total() - yhat).abs() <= 1e-9 * yhat.abs().max(explanation.base.abs()).max(1.0)
    }

    proptest! {
        #[test]
        fn contributions_add_up_whatever_was_changed_afterwards(
            units in proptest::collection::vec(-1e4..1e4_f64, Driver::ALL.len()), yhat in 0.0..1e5_f64, weight in 0.0..2.0_f64, shut: bool,
        ) {
            let first = Explanation::of(&parts(&units), yhat, shut);
            prop_assert!(adds_up(&first, yhat), "{first:?} is not {yhat}");
            prop_assert!(adds_up(&first.ending_at(0.5 * yhat), 0.5 * yhat));
            prop_assert!(adds_up(&first.scaled_to(0.5 * yhat), 0.5 * yhat));
            let other = Explanation::of(&parts(&units[3..]), 7.0, false);
            let sum = Explanation::weighted_sum([(&first, weight), (&other, 1.0)].into_iter());
            prop_assert!(adds_up(&sum, weight * yhat + 7.0));
        }

        #[test]
        fn nonsense_is_not_passed_on(spoilt in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(1e300), Just(-1e300)]) {
            let explanation = Explanation::of(&parts(&[10.0, spoilt, 3.0]), 12.0, false);
            prop_assert_eq!(explanation, Explanation { base: 12.0, contributions: Vec::new() });
        }
    }

    #[test]
    fn a_closed_day_and_a_cap_are_named_and_rounding_is_not() {
        let parts = parts(&[70.0, 5.0]);
        assert_eq!(Explanation::of(&parts, 0.0, true).units(Driver::Closed), -75.0);
        let capped = Explanation::of(&parts, 60.0, false);
        assert_eq!((capped.units(Driver::Adjustment), capped.units(Driver::Base)), (-15.0, 70.0));
        let rounded = Explanation::of(&parts, 75.000_01, false);
        assert_eq!(rounded.contributions.len(), 1);
        assert!((rounded.total() - 75.000_01).abs() < 1e-12);
    }

    #[test]
    fn it_is_stored_by_name_with_units_and_percent() {
        let explanation = Explanation::of(&parts(&[80.0, 0.0, 0.0, 4.0]), 84.0, false);
        let text = serde_json::to_string(&explanation).expect("written");
        assert_eq!(text, r#"{"base":80.0,"contributions":[{"driver":"weekday","units":4.0,"percent":5.0}]}"#);
        assert_eq!(serde_json::from_str::<Explanation>(&text).expect("read"), explanation);
    }
}
