//! Integer rupiah.

use serde::{Deserialize, Serialize};

/// Whole rupiah; there is no smaller unit in use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Idr(pub i64);

impl Idr {
    /// Price times a quantity, rounded half away from zero, saturating.
    #[must_use]
    pub fn times(self, quantity: f64) -> Self {
        let amount = (self.0 as f64 * quantity).round();
        // `as` saturates at the bounds of i64 and maps NaN to 0.
        Self(amount as i64)
    }
}

impl std::ops::Add for Idr {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::iter::Sum for Idr {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self(0), std::ops::Add::add)
    }
}

impl std::fmt::Display for Idr {
    /// Indonesian notation: `Rp12.500`, `-Rp1.000`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = self.0.unsigned_abs().to_string();
        let mut text = String::with_capacity(digits.len() * 4 / 3 + 4);
        if self.0 < 0 {
            text.push('-');
        }
        text.push_str("Rp");
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push('.');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::Idr;

    #[test]
    fn displays_in_indonesian_notation() {
        let shown: Vec<String> = [0, 5, 999, 1_000, 12_500, 1_234_567, -1_000].map(|n| Idr(n).to_string()).to_vec();
        assert_eq!(shown, ["Rp0", "Rp5", "Rp999", "Rp1.000", "Rp12.500", "Rp1.234.567", "-Rp1.000"]);
    }

    #[test]
    fn multiplies_without_overflow() {
        assert_eq!(Idr(15_000).times(2.5), Idr(37_500));
        assert_eq!(Idr(i64::MAX).times(2.0), Idr(i64::MAX));
        assert_eq!(Idr(100).times(f64::NAN), Idr(0));
    }
}
