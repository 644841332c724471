//! The best split of a leaf by a category column: a subset of its categories against the rest.
//!
//! Along the order of gradient over hessian the best subset is a prefix (Fisher 1958), so sorting replaces the search of all
//! subsets. Smoothing and a heavier penalty keep rare categories from being fitted one by one (Ke et al. 2017).

use super::histogram::BINS;
use super::packed::{gradient, hessian};
use super::split::{Node, Rule, Split};

/// Up to so many categories, each is tried against the rest.
const ONE_AGAINST_REST: usize = 4;

/// In fixed-point units of the hessian, where they have units.
#[derive(Debug, Clone, Copy)]
pub(super) struct CategoryRules {
    pub smoothing: f64,
    pub l2: f64,
    /// Categories in the smaller part, at most.
    pub limit: usize,
}

/// The best subset of the categories `0..bins`; missing and unknown ones go right.
pub(super) fn best_subset<const BOUNDED: bool>(
    histogram: &[i64; BINS],
    bins: usize,
    column: usize,
    rules: CategoryRules,
    node: &Node,
) -> Option<Split> {
    let mut best = Best { worth: node.floor, left: 0, set: None };
    let present = (0..bins).filter(|&bin| histogram[bin] != 0);
    if bins <= ONE_AGAINST_REST {
        for bin in present {
            best.consider::<BOUNDED>(&[bin], histogram[bin], node.l2, node);
        }
    } else {
        let mut order: Vec<usize> = present.filter(|&bin| hessian(histogram[bin]) >= rules.smoothing).collect();
        let mean = |bin: usize| gradient(histogram[bin]) / (hessian(histogram[bin]) + rules.smoothing).max(1.0);
        order.sort_by(|&one, &other| mean(one).total_cmp(&mean(other)).then(one.cmp(&other)));
        best.prefixes::<BOUNDED>(&order, histogram, rules, node);
        order.reverse();
        best.prefixes::<BOUNDED>(&order, histogram, rules, node);
    }
    let set = best.set?;
    Some(Split { column, rule: Rule::Among(set), missing_left: false, gain: best.worth - node.floor, left: best.left })
}

struct Best {
    worth: f64,
    left: i64,
    set: Option<[u64; 4]>,
}

impl Best {
    fn prefixes<const BOUNDED: bool>(&mut self, order: &[usize], histogram: &[i64; BINS], rules: CategoryRules, node: &Node) {
        let most = rules.limit.min(order.len().div_ceil(2));
        let mut left = 0i64;
        for (last, &bin) in order.iter().enumerate().take(most) {
            left = left.wrapping_add(histogram[bin]);
            self.consider::<BOUNDED>(&order[..=last], left, node.l2 + rules.l2, node);
        }
    }

    fn consider<const BOUNDED: bool>(&mut self, members: &[usize], left: i64, l2: f64, node: &Node) {
        let (left_gradient, left_hessian) = (gradient(left), hessian(left));
        let (right_gradient, right_hessian) = (gradient(node.total) - left_gradient, hessian(node.total) - left_hessian);
        if left_hessian < node.least_hessian || right_hessian < node.least_hessian {
            return;
        }
        let worth = |gradient: f64, hessian: f64| match BOUNDED {
            true => node.bounded_worth(gradient, hessian + l2).0,
            false => gradient * gradient / (hessian + l2),
        };
        let worth = worth(left_gradient, left_hessian) + worth(right_gradient, right_hessian);
        if worth > self.worth {
            let mut set = [0; 4];
            members.iter().for_each(|bin| set[bin / 64] |= 1 << (bin % 64));
            *self = Self { worth, left, set: Some(set) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::packed::pack;
    use super::*;

    const RULES: CategoryRules = CategoryRules { smoothing: 1.0, l2: 0.0, limit: 32 };

    fn split(sums: &[(f64, f64)], rules: CategoryRules) -> Option<Split> {
        let mut histogram = [0; BINS];
        for (sum, &(gradient, hessian)) in histogram.iter_mut().zip(sums) {
            *sum = pack(gradient, hessian, 0.0);
        }
        let node = Node::new(histogram.iter().sum(), 1.0, 1.0, 0.0, [f64::NEG_INFINITY, f64::INFINITY], false);
        best_subset::<false>(&histogram, sums.len(), 0, rules, &node)
    }

    #[test]
    fn gathers_categories_that_are_alike() {
        let sums = [(-30.0, 10.0), (30.0, 10.0), (-28.0, 10.0), (31.0, 10.0), (-29.0, 10.0), (33.0, 10.0)];
        let found = split(&sums, RULES).expect("a split");
        assert!(found.rule == Rule::Among([0b010101, 0, 0, 0]) || found.rule == Rule::Among([0b101010, 0, 0, 0]), "{found:?}");
    }

    #[test]
    fn few_categories_are_tried_one_by_one_and_light_ones_stay() {
        let found = split(&[(5.0, 10.0), (-40.0, 10.0), (5.0, 10.0)], RULES).expect("a split");
        assert_eq!(found.rule, Rule::Among([0b010, 0, 0, 0]));
        let sums = [(-30.0, 2.0), (30.0, 10.0), (-28.0, 10.0), (31.0, 10.0), (1.0, 10.0), (33.0, 10.0)];
        let found = split(&sums, CategoryRules { smoothing: 5.0, ..RULES }).expect("a split");
        let Rule::Among(set) = found.rule else { panic!("a set") };
        assert_eq!(set[0] & 1, 0, "the light category is not among the chosen");
    }
}
