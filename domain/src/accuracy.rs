//! How good published forecasts turned out to be: sums over predictions and what became of them.
//!
//! An error is `predicted - actual`. Over all predictions of a group:
//!
//! | metric | definition |
//! |---|---|
//! | WAPE | sum `abs(predicted - actual)` / sum `abs(actual)`; MAD/mean of Kolassa and Schuetz 2007 |
//! | bias | sum `(predicted - actual)` / sum `actual`: above 0 too much was forecast |
//! | pinball | mean over predictions and the nine [`LEVELS`] of the loss of Koenker and Bassett 1978; in units of the actual |
//! | wQL | 2 sum pinball / sum `abs(actual)`, averaged over the levels: pinball without the unit, as backtests report it |
//! | skill | 1 - sum `abs(error)` / sum `abs(error of the seasonal naive forecast)`, over predictions that have both |
//! | levels | of each quantile, the share of actuals strictly below it, and at or below it: its level lies between where it is calibrated |
//! | coverage | share of actuals inside a central interval, bounds included |
//! | confidence | per tenth of the score: its mean, and how many landed near (Brier's reliability, as in Murphy 1973) |
//! | value added | WAPE of the model - WAPE of the people who overruled it, where they did (Gilliland 2010) |
//!
//! What is undefined is `None`: nothing was scored, or nothing sold.

use crate::forecast::is_near;
use crate::quantile::{LEVELS, pinball};

/// Central intervals that are reported: coverage they promise, and the places of their bounds in [`LEVELS`].
pub const INTERVALS: [(f64, usize, usize); 4] = [(0.5, 3, 5), (0.8, 2, 6), (0.9, 1, 7), (0.95, 0, 8)];

/// Tenths of the confidence score.
pub const BUCKETS: usize = 10;

/// A prediction and what became of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Selling units, or rupiah.
    pub predicted: f64,
    pub actual: f64,
    /// At [`LEVELS`], never falling.
    pub quantiles: [f64; 9],
    /// From 0 to 1: how likely the actual lands near.
    pub confidence: f64,
    /// By how much a prediction may be off and still count as near, whatever its size.
    pub unit: f64,
    /// What the same weekday of the last week that was known would have said.
    pub naive: Option<f64>,
    /// The number that a person put in the prediction's place.
    pub overruled: Option<f64>,
}

/// Sums over scored predictions; those of two groups can be merged.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Accuracy {
    count: u64,
    actual: f64,
    magnitude: f64,
    predicted: f64,
    absolute: f64,
    pinball: [f64; 9],
    below: [u64; 9],
    at_or_below: [u64; 9],
    inside: [u64; 4],
    buckets: [Bucket; BUCKETS],
    naive: Rivals,
    overruled: Rivals,
    overruled_magnitude: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Bucket {
    count: u64,
    score: f64,
    near: u64,
}

/// Absolute errors of the prediction and of another number, on the same days.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Rivals {
    count: u64,
    own: f64,
    other: f64,
}

impl Rivals {
    fn add(&mut self, own: f64, other: f64) {
        *self = Self { count: self.count + 1, own: self.own + own, other: self.other + other };
    }

    fn merge(&mut self, more: &Self) {
        *self = Self { count: self.count + more.count, own: self.own + more.own, other: self.other + more.other };
    }
}

/// How often the actual was below a quantile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelCalibration {
    pub level: f64,
    pub below: Option<f64>,
    pub at_or_below: Option<f64>,
}

/// How often the actual was inside an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntervalCoverage {
    pub nominal: f64,
    pub observed: Option<f64>,
}

/// Predictions whose confidence score is in `[from, to)`; the last tenth has its upper bound too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfidenceBucket {
    pub from: f64,
    pub to: f64,
    pub count: u64,
    pub mean_score: Option<f64>,
    /// Share that landed near: what the score says, if it is calibrated.
    pub near: Option<f64>,
}

/// What people who overruled the model did to its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueAdded {
    pub count: u64,
    pub model_wape: Option<f64>,
    pub wape: Option<f64>,
    /// Above 0: they knew better.
    pub value_added: Option<f64>,
}

impl Accuracy {
    /// Counts one more prediction.
    pub fn add(&mut self, one: &Scored) {
        let Scored { predicted, actual, quantiles, confidence, unit, naive, overruled } = *one;
        let error = (predicted - actual).abs();
        self.count += 1;
        self.actual += actual;
        self.magnitude += actual.abs();
        self.predicted += predicted;
        self.absolute += error;
        for (place, level) in LEVELS.iter().enumerate() {
            self.pinball[place] += pinball(actual, quantiles[place], *level);
            self.below[place] += u64::from(actual < quantiles[place]);
            self.at_or_below[place] += u64::from(actual <= quantiles[place]);
        }
        for (inside, (_, low, high)) in self.inside.iter_mut().zip(INTERVALS) {
            *inside += u64::from((quantiles[low]..=quantiles[high]).contains(&actual));
        }
        // The cast saturates, and a score beyond its range counts to the tenth at its end.
        let bucket = &mut self.buckets[((confidence * BUCKETS as f64) as usize).min(BUCKETS - 1)];
        *bucket = Bucket {
            count: bucket.count + 1,
            score: bucket.score + confidence,
            near: bucket.near + u64::from(is_near(predicted, actual, unit)),
        };
        if let Some(naive) = naive {
            self.naive.add(error, (naive - actual).abs());
        }
        if let Some(overruled) = overruled {
            self.overruled.add(error, (overruled - actual).abs());
            self.overruled_magnitude += actual.abs();
        }
    }

    /// Counts the predictions of another group too.
    pub fn merge(&mut self, more: &Self) {
        self.count += more.count;
        self.actual += more.actual;
        self.magnitude += more.magnitude;
        self.predicted += more.predicted;
        self.absolute += more.absolute;
        for place in 0..LEVELS.len() {
            self.pinball[place] += more.pinball[place];
            self.below[place] += more.below[place];
            self.at_or_below[place] += more.at_or_below[place];
        }
        self.inside.iter_mut().zip(more.inside).for_each(|(inside, more)| *inside += more);
        for (bucket, more) in self.buckets.iter_mut().zip(more.buckets) {
            *bucket = Bucket { count: bucket.count + more.count, score: bucket.score + more.score, near: bucket.near + more.near };
        }
        self.naive.merge(&more.naive);
        self.overruled.merge(&more.overruled);
        self.overruled_magnitude += more.overruled_magnitude;
    }

    /// Predictions that were scored.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    #[must_use]
    pub fn actual(&self) -> Option<f64> {
        (self.count > 0).then_some(self.actual)
    }

    #[must_use]
    pub fn predicted(&self) -> Option<f64> {
        (self.count > 0).then_some(self.predicted)
    }

    #[must_use]
    pub fn wape(&self) -> Option<f64> {
        ratio(self.absolute, self.magnitude)
    }

    #[must_use]
    pub fn bias(&self) -> Option<f64> {
        ratio(self.predicted - self.actual, self.actual)
    }

    #[must_use]
    pub fn pinball(&self) -> Option<f64> {
        ratio(self.pinball.iter().sum(), self.count as f64 * LEVELS.len() as f64)
    }

    #[must_use]
    pub fn wql(&self) -> Option<f64> {
        ratio(2.0 * self.pinball.iter().sum::<f64>() / LEVELS.len() as f64, self.magnitude)
    }

    /// Against the seasonal naive forecast. `None` too where that was never wrong.
    #[must_use]
    pub fn skill(&self) -> Option<f64> {
        ratio(self.naive.own, self.naive.other).map(|share| 1.0 - share)
    }

    /// Predictions that had a seasonal naive forecast to be compared with.
    #[must_use]
    pub fn compared(&self) -> u64 {
        self.naive.count
    }

    #[must_use]
    pub fn levels(&self) -> [LevelCalibration; 9] {
        std::array::from_fn(|place| LevelCalibration {
            level: LEVELS[place],
            below: self.share(self.below[place]),
            at_or_below: self.share(self.at_or_below[place]),
        })
    }

    #[must_use]
    pub fn coverage(&self) -> [IntervalCoverage; 4] {
        std::array::from_fn(|place| IntervalCoverage { nominal: INTERVALS[place].0, observed: self.share(self.inside[place]) })
    }

    #[must_use]
    pub fn confidence(&self) -> [ConfidenceBucket; BUCKETS] {
        std::array::from_fn(|place| {
            let Bucket { count, score, near } = self.buckets[place];
            ConfidenceBucket {
                from: place as f64 / BUCKETS as f64,
                to: (place + 1) as f64 / BUCKETS as f64,
                count,
                mean_score: ratio(score, count as f64),
                near: ratio(near as f64, count as f64),
            }
        })
    }

    #[must_use]
    pub fn value_added(&self) -> ValueAdded {
        let model_wape = ratio(self.overruled.own, self.overruled_magnitude);
        let wape = ratio(self.overruled.other, self.overruled_magnitude);
        ValueAdded {
            count: self.overruled.count,
            model_wape,
            wape,
            value_added: model_wape.zip(wape).map(|(model, people)| model - people),
        }
    }

    fn share(&self, count: u64) -> Option<f64> {
        ratio(count as f64, self.count as f64)
    }
}

/// `None` where there is nothing to be divided by.
fn ratio(of: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| of / whole)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scored() -> impl Strategy<Value = Scored> {
        let values = prop::array::uniform9(0.0..200.0_f64);
        let others = (prop::option::of(0.0..200.0_f64), prop::option::of(0.0..200.0_f64));
        (0.0..200.0_f64, 0_u32..200, values, 0.0..=1.0_f64, others).prop_map(|(predicted, actual, mut quantiles, confidence, others)| {
            quantiles.sort_by(f64::total_cmp);
            Scored { predicted, actual: f64::from(actual), quantiles, confidence, unit: 1.0, naive: others.0, overruled: others.1 }
        })
    }

    fn of(rows: &[Scored]) -> Accuracy {
        rows.iter().fold(Accuracy::default(), |mut sums, row| {
            sums.add(row);
            sums
        })
    }

    fn near(one: Option<f64>, other: Option<f64>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => (one - other).abs() <= 1e-9 * one.abs().max(1.0),
            (one, other) => one == other,
        }
    }

    proptest! {
        #[test]
        fn groups_merge_to_the_whole(rows in prop::collection::vec(scored(), 0..40), cut in 0_usize..40) {
            let cut = cut.min(rows.len());
            let mut merged = of(&rows[..cut]);
            merged.merge(&of(&rows[cut..]));
            let whole = of(&rows);
            prop_assert_eq!(merged.count(), whole.count());
            for metric in [Accuracy::wape, Accuracy::bias, Accuracy::pinball, Accuracy::wql, Accuracy::skill] {
                prop_assert!(near(metric(&merged), metric(&whole)));
            }
            prop_assert_eq!(merged.coverage(), whole.coverage());
            prop_assert_eq!(merged.levels(), whole.levels());
            prop_assert!(near(merged.value_added().value_added, whole.value_added().value_added));
        }

        #[test]
        fn metrics_without_a_unit_do_not_know_it(rows in prop::collection::vec(scored(), 1..30), factor in 0.1..1e4_f64) {
            let larger: Vec<Scored> = rows.iter().map(|row| Scored {
                predicted: row.predicted * factor, actual: row.actual * factor, quantiles: row.quantiles.map(|value| value * factor),
                naive: row.naive.map(|value| value * factor), overruled: row.overruled.map(|value| value * factor), ..*row
            }).collect();
            let (small, large) = (of(&rows), of(&larger));
            for metric in [Accuracy::wape, Accuracy::bias, Accuracy::wql, Accuracy::skill] {
                prop_assert!(near(metric(&small), metric(&large)));
            }
            prop_assert!(near(small.pinball().map(|loss| loss * factor), large.pinball()));
        }

        #[test]
        fn wider_intervals_hold_more_and_higher_levels_too(rows in prop::collection::vec(scored(), 1..40)) {
            let sums = of(&rows);
            prop_assert!(sums.coverage().windows(2).all(|pair| pair[0].observed <= pair[1].observed));
            let levels = sums.levels();
            prop_assert!(levels.windows(2).all(|pair| pair[0].below <= pair[1].below && pair[0].at_or_below <= pair[1].at_or_below));
            prop_assert!(levels.iter().all(|level| level.below <= level.at_or_below));
            prop_assert_eq!(sums.confidence().iter().map(|bucket| bucket.count).sum::<u64>(), sums.count());
        }

        #[test]
        fn whoever_says_what_the_naive_says_has_no_skill(rows in prop::collection::vec(scored(), 1..30)) {
            let rows: Vec<Scored> = rows.iter().map(|row| Scored { naive: Some(row.predicted), ..*row }).collect();
            prop_assert!(of(&rows).skill().is_none_or(|skill| skill.abs() < 1e-12));
        }
    }

    #[test]
    fn a_perfect_forecast() {
        let row = |actual: f64| Scored {
            predicted: actual,
            actual,
            quantiles: [actual; 9],
            confidence: 1.0,
            unit: 0.0,
            naive: Some(actual + 2.0),
            overruled: Some(actual - 1.0),
        };
        let sums = of(&[row(5.0), row(15.0)]);
        assert_eq!(
            [sums.wape(), sums.bias(), sums.pinball(), sums.wql(), sums.skill()],
            [Some(0.0), Some(0.0), Some(0.0), Some(0.0), Some(1.0)]
        );
        assert!(sums.coverage().iter().all(|interval| interval.observed == Some(1.0)));
        assert_eq!((sums.confidence()[9].mean_score, sums.confidence()[9].near), (Some(1.0), Some(1.0)));
        let value = sums.value_added();
        assert_eq!((value.count, value.model_wape, value.wape, value.value_added), (2, Some(0.0), Some(0.1), Some(-0.1)));
    }

    #[test]
    fn by_hand() {
        let quantiles = [2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 13.0, 14.0];
        let one = Scored { predicted: 8.0, actual: 10.0, quantiles, confidence: 0.35, unit: 1.0, naive: Some(6.0), overruled: Some(9.0) };
        let other = Scored { predicted: 8.0, actual: 6.0, quantiles, confidence: 0.3, unit: 2.0, naive: None, overruled: None };
        let sums = of(&[one, other]);
        assert_eq!((sums.wape(), sums.bias(), sums.skill(), sums.compared()), (Some(0.25), Some(0.0), Some(0.5), 1));
        // Of 10: (8, 7, 6, 4, 2, 0) by their levels above, (2, 3, 4) by what is left of theirs; of 6 likewise.
        let ten = 0.025 * 8.0 + 0.05 * 7.0 + 0.1 * 6.0 + 0.25 * 4.0 + 0.5 * 2.0 + 0.1 * 2.0 + 0.05 * 3.0 + 0.025 * 4.0;
        let six = 0.025 * 4.0 + 0.05 * 3.0 + 0.1 * 2.0 + 0.5 * 2.0 + 0.25 * 4.0 + 0.1 * 6.0 + 0.05 * 7.0 + 0.025 * 8.0;
        assert!(near(sums.pinball(), Some((ten + six) / 18.0)), "{:?}", sums.pinball());
        assert!(near(sums.wql(), Some(2.0 * (ten + six) / 9.0 / 16.0)));
        assert_eq!(sums.coverage().map(|interval| interval.observed), [Some(1.0); 4]);
        assert_eq!((sums.levels()[3].below, sums.levels()[3].at_or_below), (Some(0.0), Some(0.5)));
        let bucket = sums.confidence()[3];
        assert_eq!((bucket.count, bucket.near), (2, Some(0.5)), "2 of 10 is more than a fifth of 8, and 2 of 6 within two units");
    }

    #[test]
    fn nothing_is_no_number() {
        let sums = Accuracy::default();
        let metrics = [sums.wape(), sums.bias(), sums.pinball(), sums.wql(), sums.skill(), sums.actual(), sums.predicted()];
        assert_eq!(metrics, [None; 7]);
        assert!(sums.coverage().iter().all(|interval| interval.observed.is_none()));
        assert!(sums.levels().iter().all(|level| level.below.is_none()) && sums.confidence().iter().all(|bucket| bucket.near.is_none()));
        assert_eq!(sums.value_added(), ValueAdded { count: 0, model_wape: None, wape: None, value_added: None });
        let unsold =
            Scored { predicted: 1.0, actual: 0.0, quantiles: [1.0; 9], confidence: 0.9, unit: 1.0, naive: Some(0.0), overruled: None };
        let sums = of(&[unsold]);
        assert_eq!((sums.wape(), sums.bias(), sums.wql(), sums.skill()), (None, None, None, None));
        assert!(sums.pinball().is_some_and(f64::is_finite));
    }
}
