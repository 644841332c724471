//! The owner's own number: blended into the plan, and scored once the day is over.

use serde::{Deserialize, Serialize};

/// An owner who knows better, and how much that has been worth so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Override {
    pub quantity: f64,
    pub reason: String,
    /// Weight of the owner's number in `[0, 1]`; 1 until overrides have been scored against the model. See [`Score::trust`].
    pub trust: f64,
}

impl Override {
    /// Weighted mean of the owner's and the model's number.
    #[must_use]
    pub fn blend(&self, model: f64) -> f64 {
        let trust = self.trust.clamp(0.0, 1.0);
        trust * self.quantity + (1.0 - trust) * model
    }
}

/// An override whose day is over, beside what was sold and what the model said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    pub quantity: f64,
    /// The mean forecast that it replaced.
    pub model: f64,
    pub actual: f64,
}

impl Outcome {
    /// |override - actual|, in selling units.
    #[must_use]
    pub fn error(&self) -> f64 {
        (self.quantity - self.actual).abs()
    }

    /// |model - actual|.
    #[must_use]
    pub fn model_error(&self) -> f64 {
        (self.model - self.actual).abs()
    }

    /// Forecast value added (Gilliland 2002): by how much less the override was off than the model; negative where it was off by
    /// more.
    #[must_use]
    pub fn value_added(&self) -> f64 {
        self.model_error() - self.error()
    }

    /// The model's share of both errors, in `[0, 1]`: 1 where the override was right and the model was not, 0.5 where both were
    /// off by as much. `None` where the two numbers are the same, or not finite: that tells nothing.
    fn vote(&self) -> Option<f64> {
        let both = self.error() + self.model_error();
        (self.quantity != self.model && both > 0.0 && both.is_finite()).then(|| self.model_error() / both)
    }
}

/// Overrides of one person, or for one reason, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    pub count: u32,
    /// Sums of absolute errors, in selling units.
    pub error: f64,
    pub model_error: f64,
    /// Overrides that could tell who was nearer, and the sum of their votes.
    told: u32,
    votes: f64,
}

/// Days up to now whose overrides are scored for trust: a year, so that whoever had a bad start gets over it.
pub const SCORED_DAYS: u64 = 365;

/// Votes for full trust that everybody has from the start: about two weeks of overrides weigh as much as the benefit of the doubt.
const PRIOR: f64 = 10.0;

impl Score {
    pub fn add(&mut self, outcome: Outcome) {
        self.count += 1;
        self.error += outcome.error();
        self.model_error += outcome.model_error();
        if let Some(vote) = outcome.vote() {
            self.told += 1;
            self.votes += vote;
        }
    }

    /// Sum of forecast value added: positive where the overrides were nearer to what was sold than the model was.
    #[must_use]
    pub fn value_added(&self) -> f64 {
        self.model_error - self.error
    }

    /// The weight that this person's next number gets in a plan, in `(0, 1]`: 1 for someone of whom nothing is known.
    ///
    /// Two forecasts are best combined in inverse proportion to their errors (Bates and Granger 1969). Each scored override votes
    /// with the model's share of both errors, which has no unit, so that a dish that sells hundreds weighs as much as one that
    /// sells five; the mean of the votes is shrunk towards 1 by ten votes of full trust, since whoever stands in the shop has the
    /// benefit of the doubt.
    #[must_use]
    pub fn trust(&self) -> f64 {
        (PRIOR + self.votes) / (PRIOR + f64::from(self.told))
    }
}

impl FromIterator<Outcome> for Score {
    fn from_iter<I: IntoIterator<Item = Outcome>>(outcomes: I) -> Self {
        let mut score = Self::default();
        outcomes.into_iter().for_each(|outcome| score.add(outcome));
        score
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outcome() -> impl Strategy<Value = Outcome> {
        (0.0..1e5_f64, 0.0..1e5_f64, 0.0..1e5_f64).prop_map(|(quantity, model, actual)| Outcome { quantity, model, actual })
    }

    proptest! {
        #[test]
        fn trust_is_a_weight_and_never_all_lost(outcomes in proptest::collection::vec(outcome(), 0..60)) {
            let trust = outcomes.into_iter().collect::<Score>().trust();
            prop_assert!(trust > 0.0 && trust <= 1.0, "{trust}");
        }

        #[test]
        fn whoever_is_nearer_is_trusted_no_less(outcomes in proptest::collection::vec(outcome(), 1..30), nearer in 0.0..1.0_f64) {
            let better = outcomes.iter().map(|one| Outcome { quantity: one.actual + (one.quantity - one.actual) * nearer, ..*one });
            // One that comes to say the same as the model tells nothing any more.
            let better: Vec<Outcome> = better.filter(|one| one.quantity != one.model).collect();
            prop_assume!(better.len() == outcomes.len());
            let before: Score = outcomes.into_iter().collect();
            let after: Score = better.into_iter().collect();
            prop_assert!(after.trust() >= before.trust() - 1e-12);
            prop_assert!(after.value_added() >= before.value_added() - 1e-6);
        }

        #[test]
        fn the_more_is_known_the_nearer_to_the_record(one in outcome(), few in 1..20_usize, more in 1..20_usize) {
            prop_assume!(one.quantity != one.model && one.error() + one.model_error() > 0.0);
            let trust = |count: usize| std::iter::repeat_n(one, count).collect::<Score>().trust();
            let record = one.model_error() / (one.error() + one.model_error());
            prop_assert!((trust(few + more) - record).abs() <= (trust(few) - record).abs() + 1e-12);
        }

        #[test]
        fn units_do_not_matter(outcomes in proptest::collection::vec(outcome(), 0..20), scale in 0.01..100.0_f64) {
            let scaled = outcomes.iter().map(|one| Outcome {
                quantity: one.quantity * scale, model: one.model * scale, actual: one.actual * scale,
            });
            let (here, there): (Score, Score) = (outcomes.iter().copied().collect(), scaled.collect());
            prop_assert!((here.trust() - there.trust()).abs() < 1e-6);
        }

        #[test]
        fn a_blend_lies_between(quantity in 0.0..1e5_f64, model in 0.0..1e5_f64, trust in -1.0..2.0_f64) {
            let blend = Override { quantity, reason: String::new(), trust }.blend(model);
            prop_assert!(blend >= quantity.min(model) - 1e-6 && blend <= quantity.max(model) + 1e-6);
        }
    }

    #[test]
    fn a_hunch_is_held_against_what_was_sold() {
        let hunch = Outcome { quantity: 100.0, model: 85.0, actual: 96.0 };
        assert_eq!((hunch.error(), hunch.model_error(), hunch.value_added()), (4.0, 11.0, 7.0));
        assert_eq!(Score::default().trust(), 1.0, "nothing is known");
        let right: Score = std::iter::repeat_n(Outcome { quantity: 96.0, ..hunch }, 30).collect();
        assert_eq!(right.trust(), 1.0);
        let wrong: Score = std::iter::repeat_n(Outcome { actual: 85.0, ..hunch }, 30).collect();
        assert_eq!((wrong.trust(), wrong.value_added()), (0.25, -450.0));
        let same: Score = std::iter::repeat_n(Outcome { quantity: 85.0, ..hunch }, 30).collect();
        assert_eq!((same.trust(), same.count), (1.0, 30), "who repeats the model tells nothing");
    }
}
