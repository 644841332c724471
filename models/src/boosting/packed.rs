//! A gradient and a hessian in one 64-bit integer: the gradient times 2^32 plus the hessian, both in fixed point.
//!
//! One integer addition adds both; sums are exact, so that a histogram is the same in whatever order and by however many
//! threads it was added up, and the larger child's histogram is the parent's minus the smaller one's without any error.

/// Gradient part, in gradient units: -2^31 .. 2^31.
#[inline]
pub(super) fn gradient(packed: i64) -> f64 {
    f64::from((packed >> 32) as i32)
}

/// Hessian part, in hessian units: 0 .. 2^32.
#[inline]
pub(super) fn hessian(packed: i64) -> f64 {
    (packed & 0xffff_ffff) as f64
}

/// The power of two that brings `total` to just below `2^bits`; 0 if the total is nothing.
pub(super) fn scale(total: f64, bits: i32) -> f64 {
    if !(total > 1e-280 && total.is_finite()) {
        return 0.0;
    }
    let exponent = ((total.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    2f64.powi(bits - exponent - 1)
}

/// Adding this to a double leaves the rounded integer in its low bits.
const MAGIC: f64 = 6_755_399_441_055_744.0;

/// Rounds two scaled numbers (below 2^31 in magnitude) after adding `dither`, which lies within (-0.5, 0.5), and packs them.
#[inline]
pub(super) fn pack(gradient: f64, hessian: f64, dither: f64) -> i64 {
    let round = |value: f64| ((value + dither) + MAGIC).to_bits().wrapping_sub(MAGIC.to_bits()) as i64;
    (round(gradient) << 32).wrapping_add(round(hessian))
}

/// A low-discrepancy sequence within (-0.5, 0.5): the fractional parts of multiples of the golden ratio.
#[inline]
pub(super) fn dither(row: u32) -> f64 {
    (f64::from(row.wrapping_mul(0x9e37_79b9) >> 1) + 0.5) * (1.0 / 2_147_483_648.0) - 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_packed_pairs_come_apart_again() {
        let pairs = [(5.0, 3.0), (-7.0, 0.0), (-2_000_000.0, 11.0), (12.0, 4_000_000.0)];
        let sum: i64 = pairs.iter().enumerate().map(|(row, &(g, h))| pack(g, h, dither(row as u32))).sum();
        assert_eq!((gradient(sum), hessian(sum)), (-1_999_990.0, 4_000_014.0));
    }

    #[test]
    fn dithered_rounding_is_unbiased() {
        let sum: i64 = (0..10_000).map(|row| pack(0.3, 0.0, dither(row)) >> 32).sum();
        assert!((sum - 3_000).abs() <= 2, "{sum}");
    }

    #[test]
    fn scales_are_powers_of_two_below_the_bound() {
        for total in [1e-200, 0.1, 1.0, 3.0, 1e9, 1e38] {
            let scaled = total * scale(total, 30);
            assert!((536_870_912.0..1_073_741_824.0).contains(&scaled), "{total}: {scaled}");
        }
        assert_eq!((scale(0.0, 30), scale(f64::NAN, 30), scale(f64::INFINITY, 30)), (0.0, 0.0, 0.0));
    }
}
