//! The best split of a leaf by one numeric column, from its histogram.

use super::histogram::BINS;
use super::packed::{gradient, hessian};

/// What a leaf knows when its split is sought. Gradients, hessians and values are in fixed-point units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub total: i64,
    pub l2: f64,
    /// Sum of hessians that a child needs at least; above zero.
    pub least_hessian: f64,
    /// Worth that both children together must exceed.
    pub floor: f64,
    /// Values that monotone columns above leave to this leaf.
    pub bounds: [f64; 2],
}

impl Node {
    pub fn new(total: i64, l2: f64, least_hessian: f64, min_gain: f64, bounds: [f64; 2], bounded: bool) -> Self {
        let (gradient, hessian) = (gradient(total), hessian(total));
        let mut node = Self { total, l2, least_hessian: least_hessian.max(1.0), floor: 0.0, bounds };
        let own = if bounded { node.bounded_worth(gradient, hessian + l2).0 } else { gradient * gradient / (hessian + l2).max(1.0) };
        // What rounding alone can feign is no gain.
        node.floor = own.max(0.0) * (1.0 + 1e-10) + min_gain;
        node
    }

    /// Worth of a child whose value is kept within the bounds, and the value.
    pub fn bounded_worth(&self, gradient: f64, denominator: f64) -> (f64, f64) {
        let value = (-gradient / denominator.max(1.0)).clamp(self.bounds[0], self.bounds[1]);
        (-(2.0 * gradient + denominator * value) * value, value)
    }
}

/// How rows part.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rule {
    /// Bins up to this one go left.
    UpTo(u8),
    /// Bins of this set go left.
    Among([u64; 4]),
}

#[derive(Debug, Clone)]
pub(super) struct Split {
    /// Which binned column.
    pub column: usize,
    pub rule: Rule,
    pub missing_left: bool,
    /// Worth of the children beyond the leaf's own.
    pub gain: f64,
    /// Packed sum of the left child.
    pub left: i64,
}

impl Split {
    /// Whether each bin goes left.
    pub fn table(&self, bins: usize) -> [bool; BINS] {
        let mut table = [false; BINS];
        for (bin, left) in table.iter_mut().enumerate().take(bins) {
            *left = match &self.rule {
                Rule::UpTo(last) => bin <= usize::from(*last),
                Rule::Among(set) => set[bin / 64] >> (bin % 64) & 1 == 1,
            };
        }
        table[bins] = self.missing_left;
        table
    }
}

/// The best cut of a numeric column with `bins` bins and the missing values' after them.
///
/// `direction` is above zero where the right child may not be lower, below zero where it may not be higher; it and the
/// bounds count only if `BOUNDED`.
pub(super) fn best_cut<const BOUNDED: bool>(
    histogram: &[i64; BINS],
    bins: usize,
    column: usize,
    direction: i8,
    node: &Node,
) -> Option<Split> {
    let missing = histogram[bins];
    let known = &histogram[..bins];
    let mut best = Best { bin: None, worth: node.floor, left: 0, missing_left: false };
    if missing == 0 {
        scan::<BOUNDED>(&known[..bins - 1], 0, direction, node, false, &mut best);
    } else {
        // All known values against the missing ones is a split, too.
        scan::<BOUNDED>(known, 0, direction, node, false, &mut best);
        scan::<BOUNDED>(&known[..bins - 1], missing, direction, node, true, &mut best);
    }
    let bin = best.bin?;
    // Where nothing was missing, a value that is later goes with the greater part.
    let missing_left = if missing == 0 { 2.0 * hessian(best.left) > hessian(node.total) } else { best.missing_left };
    Some(Split { column, rule: Rule::UpTo(bin as u8), missing_left, gain: best.worth - node.floor, left: best.left })
}

struct Best {
    bin: Option<usize>,
    worth: f64,
    left: i64,
    missing_left: bool,
}

/// Moves the cut from left to right; the left child starts from `left`.
fn scan<const BOUNDED: bool>(sums: &[i64], mut left: i64, direction: i8, node: &Node, missing_left: bool, best: &mut Best) {
    let (all_gradient, all_hessian) = (gradient(node.total), hessian(node.total));
    // The worth is a fraction; fractions are compared by multiplying across, which spares a division per bin.
    let (mut best_numerator, mut best_denominator) = (best.worth, 1.0);
    let mut found = None;
    for (bin, &sum) in sums.iter().enumerate() {
        left = left.wrapping_add(sum);
        let (left_gradient, left_hessian) = (gradient(left), hessian(left));
        let (right_gradient, right_hessian) = (all_gradient - left_gradient, all_hessian - left_hessian);
        if left_hessian < node.least_hessian {
            continue;
        }
        if right_hessian < node.least_hessian {
            break;
        }
        let (a, b) = (left_hessian + node.l2, right_hessian + node.l2);
        let (numerator, denominator) = if BOUNDED {
            let (left_worth, left_value) = node.bounded_worth(left_gradient, a);
            let (right_worth, right_value) = node.bounded_worth(right_gradient, b);
            if f64::from(direction) * (right_value - left_value) < 0.0 {
                continue;
            }
            (left_worth + right_worth, 1.0)
        } else {
            (left_gradient * left_gradient * b + right_gradient * right_gradient * a, a * b)
        };
        if numerator * best_denominator > best_numerator * denominator {
            (best_numerator, best_denominator) = (numerator, denominator);
            found = Some((bin, left));
        }
    }
    if let Some((bin, left)) = found {
        *best = Best { bin: Some(bin), worth: best_numerator / best_denominator, left, missing_left };
    }
}

#[cfg(test)]
mod tests {
    use super::super::packed::pack;
    use super::*;

    fn node(sums: &[(f64, f64)], bounded: bool) -> ([i64; BINS], Node) {
        let mut histogram = [0; BINS];
        for (sum, &(gradient, hessian)) in histogram.iter_mut().zip(sums) {
            *sum = pack(gradient, hessian, 0.0);
        }
        let total = histogram.iter().sum();
        (histogram, Node::new(total, 1.0, 5.0, 0.0, [f64::NEG_INFINITY, f64::INFINITY], bounded))
    }

    #[test]
    fn finds_the_cut_of_greatest_worth() {
        let (histogram, node) = node(&[(-40.0, 10.0), (-38.0, 10.0), (39.0, 10.0), (41.0, 10.0), (0.0, 0.0)], false);
        let split = best_cut::<false>(&histogram, 4, 7, 0, &node).expect("a split");
        assert_eq!((split.column, split.rule, split.left), (7, Rule::UpTo(1), pack(-78.0, 20.0, 0.0)));
        let expected = 78.0 * 78.0 / 21.0 + 80.0 * 80.0 / 21.0 - 4.0 / 41.0;
        assert!((split.gain - expected).abs() < 1e-6, "{}", split.gain);
        let bounded = best_cut::<true>(&histogram, 4, 7, -1, &node).expect("a split");
        assert!((bounded.gain - expected).abs() < 1e-6);
    }

    #[test]
    fn missing_values_choose_their_side() {
        let (histogram, node) = node(&[(-40.0, 10.0), (40.0, 10.0), (-30.0, 8.0)], false);
        let split = best_cut::<false>(&histogram, 2, 0, 0, &node).expect("a split");
        assert!(split.missing_left && split.rule == Rule::UpTo(0));
        let (histogram, node) = self::node(&[(-20.0, 10.0), (-20.0, 10.0), (60.0, 8.0)], false);
        let split = best_cut::<false>(&histogram, 2, 0, 0, &node).expect("a split");
        assert!(!split.missing_left && split.rule == Rule::UpTo(1), "the missing ones alone");
    }

    #[test]
    fn the_wrong_direction_and_light_leaves_are_refused() {
        let (histogram, node) = node(&[(-40.0, 10.0), (40.0, 10.0), (0.0, 0.0)], true);
        assert!(best_cut::<true>(&histogram, 2, 0, 1, &node).is_none(), "the left child has the higher value");
        assert!(best_cut::<true>(&histogram, 2, 0, -1, &node).is_some());
        let (histogram, node) = self::node(&[(-40.0, 4.0), (40.0, 10.0), (0.0, 0.0)], false);
        assert!(best_cut::<false>(&histogram, 2, 0, 0, &node).is_none());
    }
}
