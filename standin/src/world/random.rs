//! Random numbers by purpose: a key is hashed from what a number is for, and opens a stream of its own.

use rand::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// What a stream is for, as a hash that grows with every word added. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key(u64);

impl Key {
    pub(crate) fn root(seed: u64) -> Self {
        Key(mix(seed ^ 0x5649_5241_4c43_4153))
    }

    /// The key for `word` under this one (FNV-1a of the bytes, then mixed in).
    pub(crate) fn of(self, word: &str) -> Self {
        let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Key(mix(self.0.rotate_left(17) ^ hash))
    }

    /// The key for a number (a day, a month, a step) under this one.
    pub(crate) fn at(self, number: i64) -> Self {
        Key(mix(self.0.rotate_left(29) ^ mix(number as u64)))
    }

    pub(crate) fn stream(self) -> Stream {
        Stream(Xoshiro256PlusPlus::seed_from_u64(self.0))
    }
}

/// The finaliser of splitmix64.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A stream of random numbers. The distributions are written out here so that no update of a library changes the world.
pub(crate) struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// Uniform in [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Uniform in 0..bound (0 where bound is 0).
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        ((self.uniform() * f64::from(bound)) as u32).min(bound.saturating_sub(1))
    }

    /// Standard normal (Box-Muller; the second value is thrown away to keep streams simple).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// Gamma with mean 1 and the given variance.
    fn gamma_around_one(&mut self, variance: f64) -> f64 {
        let shape = 1.0 / variance;
        if shape < 1.0 {
            return 1.0; // not reached by any family: dispersion stays far below 1
        }
        // Marsaglia and Tsang's method for shape >= 1.
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / libm::sqrt(9.0 * d);
        loop {
            let x = self.normal();
            let v = 1.0 + c * x;
            if v <= 0.0 {
                continue;
            }
            let v = v * v * v;
            let u = 1.0 - self.uniform();
            if libm::log(u) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v / shape;
            }
        }
    }

    /// Poisson with the given mean, by counting exponential waiting times in pieces of at most 16.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        let mut left = mean;
        let mut count = 0;
        while left > 0.0 {
            let piece = left.min(16.0);
            left -= piece;
            let limit = libm::exp(-piece);
            let mut product = self.uniform();
            while product > limit {
                count += 1;
                product *= self.uniform();
            }
        }
        count
    }

    /// Negative binomial: variance = mean + dispersion x mean^2.
    pub(crate) fn negative_binomial(&mut self, mean: f64, dispersion: f64) -> u32 {
        if mean <= 0.0 {
            return 0;
        }
        let around = if dispersion > 0.0 { self.gamma_around_one(dispersion) } else { 1.0 };
        self.poisson(mean * around)
    }
}

/// A value that wanders slowly: independent normals at month ends, joined by straight lines. Needs no history.
pub(crate) fn wander(key: Key, day_number: i64) -> f64 {
    const MONTH: i64 = 30;
    let month = day_number.div_euclid(MONTH);
    let share = day_number.rem_euclid(MONTH) as f64 / MONTH as f64;
    let from = key.at(month).stream().normal();
    let to = key.at(month + 1).stream().normal();
    from + (to - from) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_different_purpose_differ_and_repeat() {
        let key = Key::root(7).of("store").of("product");
        let first = |key: Key| key.stream().uniform();
        assert_eq!(first(key.at(1)).to_bits(), first(key.at(1)).to_bits());
        assert_ne!(first(key.at(1)).to_bits(), first(key.at(2)).to_bits());
        assert_ne!(first(Key::root(7).of("ab").of("c")).to_bits(), first(Key::root(7).of("a").of("bc")).to_bits());
    }

    #[test]
    fn negative_binomial_has_its_mean_and_variance() {
        let mut stream = Key::root(1).stream();
        let draws: Vec<f64> = (0..40_000).map(|_| f64::from(stream.negative_binomial(20.0, 0.05))).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / draws.len() as f64;
        assert!((mean - 20.0).abs() < 0.2, "mean {mean}");
        assert!((variance - 40.0).abs() < 2.0, "variance {variance}");
    }

    #[test]
    fn normal_is_standard() {
        let mut stream = Key::root(2).stream();
        let draws: Vec<f64> = (0..40_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| x * x).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }
}
