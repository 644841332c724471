//! The weighted quantile.

/// Smallest value below or at which a share `level` of the weight lies; the mean with the next value where the share is
/// met exactly. 0 for no pairs. Reorders the pairs of value and weight.
pub(super) fn weighted_quantile(pairs: &mut [(f64, f64)], level: f64) -> f64 {
    let total: f64 = pairs.iter().map(|pair| pair.1).sum();
    let wanted = level * total;
    let slack = 1e-9 * total;
    let (mut rest, mut below) = (pairs, 0.0);
    // Quickselect by weight: keep the part in which the wanted weight is reached.
    while rest.len() > 1 {
        let middle = rest.len() / 2;
        rest.select_nth_unstable_by(middle, |one, other| one.0.total_cmp(&other.0));
        let left: f64 = rest[..middle].iter().map(|pair| pair.1).sum();
        if (below + left - wanted).abs() <= slack {
            let last = rest[..middle].iter().map(|pair| pair.0).fold(f64::NEG_INFINITY, f64::max);
            return 0.5 * (last + rest[middle].0);
        }
        if below + left > wanted {
            rest = &mut rest[..middle];
        } else {
            below += left;
            rest = &mut rest[middle..];
        }
    }
    rest.first().map_or(0.0, |pair| pair.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(f64, f64)], level: f64) -> f64 {
        weighted_quantile(&mut pairs.to_vec(), level)
    }

    #[test]
    fn follows_the_weights() {
        let pairs = [(5.0, 1.0), (1.0, 1.0), (3.0, 1.0), (2.0, 1.0), (4.0, 1.0)];
        assert_eq!([0.01, 0.3, 0.5, 0.99].map(|level| of(&pairs, level)), [1.0, 2.0, 3.0, 5.0]);
        assert_eq!(of(&[(1.0, 1.0), (2.0, 1.0)], 0.5), 1.5);
        assert_eq!(of(&[(1.0, 1.0), (2.0, 3.0)], 0.5), 2.0);
        assert_eq!(of(&[(7.0, 2.0)], 0.9), 7.0);
        assert_eq!(of(&[], 0.5), 0.0);
    }

    #[test]
    fn a_weight_of_two_is_the_value_twice() {
        let doubled = [(3.0, 2.0), (1.0, 1.0), (2.0, 2.0), (9.0, 1.0)];
        let repeated = [(3.0, 1.0), (3.0, 1.0), (1.0, 1.0), (2.0, 1.0), (2.0, 1.0), (9.0, 1.0)];
        for level in [0.1, 0.17, 0.5, 0.6, 0.9] {
            assert_eq!(of(&doubled, level), of(&repeated, level), "level {level}");
        }
    }
}
