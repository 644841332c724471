//! From a grown tree to a fitted one: leaf values, covers, thresholds.

use rayon::prelude::*;

use super::binned::Binned;
use super::cuts::Cuts;
use super::gradients::{CHUNK, Gradients};
use super::grow::{Grown, GrownNode};
use super::hyperparams::{GradientBoostingValidParams, Monotone};
use super::quantile::weighted_quantile;
use super::split::Rule;
use super::tree::{Kind, Tree, TreeNode};

/// What leaf values are made from.
pub(super) struct Teaching<'a> {
    pub scores: &'a [f64],
    pub target: &'a [f32],
    pub weight: &'a [f32],
}

/// Values of all leaves, before the learning rate, and the weights of their rows.
pub(super) fn leaf_values(
    params: &GradientBoostingValidParams,
    grown: &Grown,
    rows: &[u32],
    gradients: &Gradients,
    teaching: &Teaching<'_>,
) -> (Vec<f64>, Vec<f64>) {
    let sums = leaf_sums(grown, rows, gradients, teaching.weight);
    let covers = sums.iter().map(|sum| sum[2]).collect();
    let Some(level) = params.loss.level() else {
        return (sums.iter().map(|&[gradient, hessian, _]| params.loss.step(gradient, hessian, params.l2)).collect(), covers);
    };
    let residual_quantile = |leaf: &std::ops::Range<usize>| {
        let residual = |&row: &u32| {
            let row = row as usize;
            (f64::from(teaching.target[row]) - teaching.scores[row], f64::from(teaching.weight[row]))
        };
        weighted_quantile(&mut rows[leaf.clone()].iter().map(residual).collect::<Vec<_>>(), level)
    };
    (grown.leaves.par_iter().map(residual_quantile).collect(), covers)
}

/// Sums of gradient, hessian and weight by leaf, added in an order that does not depend on the threads.
fn leaf_sums(grown: &Grown, rows: &[u32], gradients: &Gradients, weight: &[f32]) -> Vec<[f64; 3]> {
    let pieces: Vec<(usize, &[u32])> = (grown.leaves.iter().enumerate())
        .flat_map(|(leaf, range)| rows[range.clone()].chunks(CHUNK).map(move |piece| (leaf, piece)))
        .collect();
    let sum = |&(leaf, piece): &(usize, &[u32])| {
        let mut sum = [0.0; 3];
        for &row in piece {
            let [gradient, hessian] = gradients.pairs[row as usize];
            sum[0] += f64::from(gradient);
            sum[1] += f64::from(hessian);
            sum[2] += f64::from(weight[row as usize]);
        }
        (leaf, sum)
    };
    let pieces: Vec<(usize, [f64; 3])> = pieces.par_iter().map(sum).collect();
    let mut sums = vec![[0.0; 3]; grown.leaves.len()];
    for (leaf, piece) in pieces {
        (0..3).for_each(|index| sums[leaf][index] += piece[index]);
    }
    sums
}

/// Keeps leaf values monotone, whatever they were made from: going down, a split by a monotone column bounds both sides by
/// the middle of their mean values.
pub(super) fn keep_monotone(params: &GradientBoostingValidParams, binned: &Binned, grown: &Grown, values: &mut [f64], covers: &[f64]) {
    if params.monotone.iter().all(|&direction| direction == Monotone::Free) {
        return;
    }
    let means = subtree_means(grown, values, covers);
    let mut open = vec![(0, [f64::NEG_INFINITY, f64::INFINITY])];
    while let Some((index, [low, high])) = open.pop() {
        match &grown.nodes[index] {
            GrownNode::Leaf(leaf) => values[*leaf] = values[*leaf].clamp(low, high),
            GrownNode::Split { split, left, right, .. } => {
                let middle = 0.5 * (means[*left].0.clamp(low, high) + means[*right].0.clamp(low, high));
                let direction = params.monotone.get(binned.columns[split.column].index).copied().unwrap_or_default();
                let (left_bounds, right_bounds) = match direction {
                    Monotone::Free => ([low, high], [low, high]),
                    Monotone::Increasing => ([low, middle], [middle, high]),
                    Monotone::Decreasing => ([middle, high], [low, middle]),
                };
                open.extend([(*left, left_bounds), (*right, right_bounds)]);
            }
        }
    }
}

/// Mean value and cover below each node. Children come after their parents.
fn subtree_means(grown: &Grown, values: &[f64], covers: &[f64]) -> Vec<(f64, f64)> {
    let mut means = vec![(0.0, 0.0); grown.nodes.len()];
    for index in (0..grown.nodes.len()).rev() {
        means[index] = match &grown.nodes[index] {
            GrownNode::Leaf(leaf) => (values[*leaf], covers[*leaf]),
            GrownNode::Split { left, right, .. } => {
                let ((one, weight), (other, other_weight)) = (means[*left], means[*right]);
                let cover = weight + other_weight;
                (if cover > 0.0 { (one * weight + other * other_weight) / cover } else { 0.5 * (one + other) }, cover)
            }
        };
    }
    means
}

/// The tree in depth-first order, on the columns' own scale.
pub(super) fn tree(binned: &Binned, grown: &Grown, values: &[f32], covers: &[f64]) -> Tree {
    let means = subtree_means(grown, &vec![0.0; values.len()], covers);
    let mut tree = Tree::default();
    // Node to write, and the parent whose right child it is.
    let mut open = vec![(0, None)];
    while let Some((index, right_of)) = open.pop() {
        let position = tree.nodes.len();
        if let Some(parent) = right_of {
            let parent: &mut TreeNode = &mut tree.nodes[parent];
            parent.right = position as u16;
        }
        tree.covers.push(means[index].1 as f32);
        let node = match &grown.nodes[index] {
            GrownNode::Leaf(leaf) => TreeNode::leaf(values[*leaf]),
            GrownNode::Split { split, left, right, .. } => {
                open.extend([(*right, Some(position)), (*left, None)]);
                let (kind, payload) = match (&split.rule, &binned.columns[split.column].cuts) {
                    (Rule::Among(set), _) => {
                        tree.sets.push(*set);
                        (Kind::Category, tree.sets.len() as u32 - 1)
                    }
                    (Rule::UpTo(bin), cuts) => {
                        let upper = if let Cuts::Numbers { upper } = cuts { upper.as_slice() } else { &[] };
                        let threshold = upper.get(usize::from(*bin)).copied().unwrap_or(f32::INFINITY);
                        (if split.missing_left { Kind::NumberOrMissing } else { Kind::Number }, threshold.to_bits())
                    }
                };
                TreeNode { kind, column: split.column as u16, right: 0, payload }
            }
        };
        tree.nodes.push(node);
    }
    tree
}
