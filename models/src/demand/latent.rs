//! What a day's demand was, given that the product ran out: one Bayesian step.
//!
//! Demand of a day is a negative binomial count around the usual level. Given its total `D`, each unit falls into the part
//! of the day in which the product was there with the probability `F` that the intraday profile gives. That `S` units were
//! there and gone by then has a likelihood in `D` of `C(D, S) (1 - F)^(D - S)`, also where the sale stopped because the pot
//! was empty: a stopping time says nothing beyond what was seen. Units that come in one order are no independent witnesses,
//! so the likelihood is taken to the power `1 / clump` (quasi-likelihood, McCullagh and Nelder 1989, chapter 9). Hence
//!
//! ```text
//! P(R = r) ~ NB(S + r; mean, spread) * (C(S + r, S) (1 - F)^r)^(1 / clump)        r = 1, 2, ...
//! ```
//!
//! for the units `R` that were missed. For Poisson demand it is Poisson again with mean `(1 - F) mean`: nothing is
//! extrapolated from a lucky morning. The more days differ (`spread`), the more the clock is believed over the usual level; a
//! pot that is empty after a twentieth of a day never turns into twenty pots. Where no time is known the likelihood is left
//! out, and what remains is the mean of the count above a bound. (Conrad 1976 for sales as a bound on Poisson demand; Anupindi,
//! Dada and Gupta 1998, section 3, for the time of the stock-out.)

/// Terms after the largest below this share of it no longer matter.
const NEGLIGIBLE: f64 = 1e-10;
/// Counts larger than this are counted in larger pieces.
const MOST_COUNTED: f64 = 2_000.0;
/// Terms added up, at most.
const MOST_TERMS: u32 = 100_000;
/// The share of the day that was missed is never less than this: a stock-out at the last minute was one all the same.
const LEAST_MISSED: f64 = 1e-6;

/// What a day was expected to bring.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usual {
    /// Units on such a day, above 0.
    pub mean: f64,
    /// Variance of a day beyond that of a Poisson count, relative to the mean squared, above 0.
    pub spread: f64,
    /// Mean of the squared sizes of orders over their mean: units that bear witness as one.
    pub clump: f64,
}

/// Units that were not sold for want of stock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lost {
    pub mean: f64,
    pub variance: f64,
}

impl Usual {
    /// A day of so many times the demand.
    pub fn times(self, factor: f64) -> Self {
        Self { mean: self.mean * factor, ..self }
    }

    /// What is counted one by one: pieces, or the parts of a kilogram that orders come in.
    pub fn grain(&self) -> f64 {
        self.clump.min(1.0)
    }

    /// Variance of the demand of an ordinary day.
    pub fn variance(&self) -> f64 {
        self.grain() * self.mean + self.spread * self.mean * self.mean
    }

    /// Missed on a day on which `sold` units went while the product was there, in the share `seen` of the day's demand.
    pub fn lost_since(&self, sold: f64, seen: f64) -> Lost {
        let missed = (1.0 - seen).max(LEAST_MISSED);
        self.lost(sold, |total, lost, clump| (total / lost * missed).powf(1.0 / clump))
    }

    /// Missed on a day of which only the total is known.
    pub fn lost_above(&self, sold: f64) -> Lost {
        self.lost(sold, |_, _, _| 1.0)
    }

    /// Probability that nothing more would have come in the share `1 - seen` of the day.
    pub fn silence(&self, sold: f64, seen: f64) -> f64 {
        let missed = (1.0 - seen).max(0.0);
        let sums = self.sums(sold, |total, lost, clump| (total / lost * missed).powf(1.0 / clump));
        1.0 / (1.0 + sums.weight)
    }

    fn lost(&self, sold: f64, likelihood: impl Fn(f64, f64, f64) -> f64) -> Lost {
        let sums = self.sums(sold, likelihood);
        if sums.weight <= 0.0 {
            return Lost { mean: sums.piece, variance: 0.0 };
        }
        let mean = sums.first / sums.weight;
        let variance = (sums.second / sums.weight - mean * mean).max(0.0);
        Lost { mean: mean * sums.piece, variance: variance * sums.piece * sums.piece }
    }

    /// Sums over `R = 1, 2, ...` relative to the term of `R = 0`; `likelihood(total, lost, clump)` is by how much a term's
    /// likelihood exceeds that of one unit less.
    fn sums(&self, sold: f64, likelihood: impl Fn(f64, f64, f64) -> f64) -> Sums {
        let piece = self.grain().max(self.mean.max(sold) / MOST_COUNTED);
        let (mean, sold, clump) = (self.mean / piece, (sold / piece).max(0.0), (self.clump / piece).max(1.0));
        // Variance in pieces: what is left of the spread when a piece is more than a grain.
        let spread = (self.variance() / (piece * piece) - mean).max(0.0) / (mean * mean);
        let size = 1.0 / spread.max(f64::EPSILON);
        let odds = mean / (mean + size);
        let mut sums = Sums { piece, weight: 0.0, first: 0.0, second: 0.0 };
        let (mut term, mut largest) = (1.0_f64, 0.0_f64);
        for lost in 1..MOST_TERMS {
            let lost = f64::from(lost);
            let total = sold + lost;
            let ratio = (total - 1.0 + size) / total * odds * likelihood(total, lost, clump);
            term *= ratio;
            // Far above the usual the first terms are many; their scale cancels out but for silence, which is then sure.
            if term > 1e250 {
                sums.scale_down(term);
                (term, largest) = (1.0, largest / term);
            }
            sums.add(term, lost);
            largest = largest.max(term);
            if ratio < 1.0 && term < NEGLIGIBLE * largest {
                break;
            }
        }
        sums
    }
}

/// Zeroth to second moment, not yet normed.
struct Sums {
    /// Units in a piece.
    piece: f64,
    weight: f64,
    first: f64,
    second: f64,
}

impl Sums {
    fn add(&mut self, term: f64, lost: f64) {
        self.weight += term;
        self.first += term * lost;
        self.second += term * lost * lost;
    }

    fn scale_down(&mut self, by: f64) {
        self.weight /= by;
        self.first /= by;
        self.second /= by;
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn usual(mean: f64, spread: f64) -> Usual {
        Usual { mean, spread, clump: 1.0 }
    }

    /// One day: `(units, share of the day)` of each order.
    fn day(random: &mut Xoshiro256PlusPlus, mean: f64, shape: u32, again: f64) -> Vec<(f64, f64)> {
        // A gamma variate of whole shape is a sum of exponentials.
        let rate = (0..shape).map(|_| -(1.0 - random.r#gen::<f64>()).ln()).sum::<f64>() / f64::from(shape) * mean;
        let (mut at, mut orders) = (0.0, Vec::new());
        loop {
            at += -(1.0 - random.r#gen::<f64>()).ln() / (rate * (1.0 - again));
            if at >= 1.0 {
                return orders;
            }
            let size = 1 + (0..11).take_while(|_| random.r#gen::<f64>() < again).count();
            orders.push((size as f64, at));
        }
    }

    /// Share of the day after which a pot is empty.
    fn gone(orders: &[(f64, f64)], pot: f64) -> f64 {
        let mut left = pot;
        for (units, at) in orders {
            left -= units;
            if left <= 0.0 {
                return *at;
            }
        }
        1.0
    }

    /// `(true, recovered)` units over many days on which a pot of this size ran out and someone missed it.
    fn simulated(mean: f64, shape: u32, again: f64, pot: f64, recovered: impl Fn(&Usual, f64) -> f64) -> (f64, f64) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(17);
        // Orders are geometric in size, which adds to the variance of a day.
        let clump = 2.0 / (1.0 - again) - 1.0;
        let usual = Usual { mean, spread: 1.0 / f64::from(shape) + (clump - 1.0) / mean, clump };
        let (mut truth, mut sum) = (0.0, 0.0);
        for _ in 0..20_000 {
            let orders = day(&mut random, mean, shape, again);
            let demand: f64 = orders.iter().map(|(units, _)| units).sum();
            if demand > pot {
                truth += demand;
                sum += pot + recovered(&usual, gone(&orders, pot));
            }
        }
        (truth, sum)
    }

    #[test]
    fn the_time_of_the_stock_out_recovers_demand_without_bias() {
        for (mean, shape, again, pot) in [(30.0, 20, 0.0, 28.0), (6.0, 10, 0.0, 5.0), (40.0, 8, 0.3, 30.0), (12.0, 30, 0.4, 14.0)] {
            let (truth, found) = simulated(mean, shape, again, pot, |usual, seen| usual.lost_since(pot, seen).mean);
            let bias = found / truth - 1.0;
            assert!(bias.abs() < 0.015, "mean {mean}, pot {pot}: bias {bias:.4}");
        }
    }

    #[test]
    fn the_total_alone_recovers_demand_nearly() {
        for (mean, shape, pot) in [(30.0, 20, 28.0), (30.0, 20, 40.0), (6.0, 10, 5.0)] {
            let (truth, found) = simulated(mean, shape, 0.0, pot, |usual, _| usual.lost_above(pot).mean);
            let bias = found / truth - 1.0;
            assert!(bias.abs() < 0.02, "mean {mean}, pot {pot}: bias {bias:.4}");
        }
    }

    #[test]
    fn an_early_stock_out_does_not_explode() {
        // Ten units in a fiftieth of the day would be five hundred; such days bring twenty.
        let lost = usual(20.0, 0.05).lost_since(10.0, 0.02).mean;
        assert!(lost > 15.0 && lost < 35.0, "{lost}");
    }

    #[test]
    fn what_is_believed_lies_between_the_usual_and_the_clock() {
        // Half of the day brought 20: the clock says 20 more, the usual day 10 more.
        let lost = |spread| usual(20.0, spread).lost_since(20.0, 0.5).mean;
        assert!((lost(1e-6) - 10.0).abs() < 0.1 && (lost(1e3) - 20.0).abs() < 0.1);
        assert!(lost(0.05) > lost(0.02) && lost(0.02) > 10.0);
    }

    #[test]
    fn silence_is_judged_by_what_was_to_come() {
        assert!(usual(40.0, 0.05).silence(20.0, 0.5) < 1e-5);
        assert!(usual(2.0, 0.05).silence(1.0, 0.5) > 0.2);
        assert_eq!(usual(40.0, 0.05).silence(40.0, 1.0), 1.0);
    }

    #[test]
    fn nothing_overflows() {
        for mean in [1e-6, 1.0, 1e9] {
            for sold in [0.0, 1.0, 1e9] {
                for seen in [0.0, 0.5, 1.0] {
                    let usual = usual(mean, 0.005);
                    let (since, above) = (usual.lost_since(sold, seen), usual.lost_above(sold));
                    assert!(since.mean.is_finite() && since.variance >= 0.0 && since.mean >= 0.0, "{mean} {sold} {seen}: {since:?}");
                    assert!(above.mean.is_finite() && above.variance >= 0.0 && above.mean >= 0.0, "{mean} {sold}: {above:?}");
                }
            }
        }
    }
}
