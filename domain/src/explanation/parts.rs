//! Units by driver, to be added up.

use std::ops::{Index, IndexMut};

use super::Driver;

/// How many units each driver adds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Parts([f64; Driver::ALL.len()]);

impl Parts {
    #[must_use]
    pub fn total(&self) -> f64 {
        self.0.iter().sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = (Driver, f64)> + '_ {
        Driver::ALL.into_iter().zip(self.0)
    }

    pub fn add_scaled(&mut self, other: &Self, factor: f64) {
        self.0.iter_mut().zip(other.0).for_each(|(units, added)| *units += factor * added);
    }

    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.0.iter().all(|units| units.is_finite())
    }

    /// Effects that multiply as units that add up: `self` holds logarithms of factors, the base's that of a value; the
    /// result adds up to `value`, each effect's share of the way from the base to it being its share of the logarithms
    /// (logarithmic mean Divisia index: Ang, Energy Policy 32(9), 2004).
    #[must_use]
    pub fn multiplied(&self, value: f64) -> Self {
        let base = self[Driver::Base].exp();
        let logarithms = self.total() - self[Driver::Base];
        // Near 1 the quotient of differences is the base itself.
        let mean = if logarithms.abs() > 1e-12 { (value - base) / logarithms } else { base };
        let mut units = Self(self.0.map(|logarithm| logarithm * mean));
        units[Driver::Base] = base;
        units
    }
}

impl Index<Driver> for Parts {
    type Output = f64;
    fn index(&self, driver: Driver) -> &f64 {
        &self.0[driver as usize]
    }
}

impl IndexMut<Driver> for Parts {
    fn index_mut(&mut self, driver: Driver) -> &mut f64 {
        &mut self.0[driver as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_become_units_that_add_up() {
        let mut logarithms = Parts::default();
        logarithms[Driver::Base] = 100.0_f64.ln();
        logarithms[Driver::Promo] = 1.5_f64.ln();
        logarithms[Driver::Rain] = 0.8_f64.ln();
        let units = logarithms.multiplied(120.0);
        assert!((units.total() - 120.0).abs() < 1e-9);
        assert!((units[Driver::Base] - 100.0).abs() < 1e-9);
        // Together +20: the promo adds more than that, the rain takes some of it back.
        assert!(units[Driver::Promo] > 40.0 && units[Driver::Rain] < -20.0, "{units:?}");
        logarithms[Driver::Rain] = -logarithms[Driver::Promo];
        let cancelled = logarithms.multiplied(100.0);
        assert!((cancelled.total() - 100.0).abs() < 1e-9 && cancelled[Driver::Promo] > 40.0);
    }
}
