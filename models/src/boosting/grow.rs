//! Growing one tree: the leaf whose split is worth most is split next, until there are enough leaves.

use std::ops::Range;

use rayon::prelude::*;

use super::binned::{Binned, BinnedColumn, Pack};
use super::category_split::{CategoryRules, best_subset};
use super::gradients::{CHUNK, Gradients};
use super::histogram::{BINS, Lanes, add_rows, add_words, subtract};
use super::hyperparams::{GradientBoostingValidParams, Monotone};
use super::packed::{gradient, hessian};
use super::partition::partition;
use super::split::{Node, Split, best_cut};

/// Grows trees on one table; keeps its buffers from tree to tree.
pub(super) struct Grower<'a> {
    binned: &'a Binned,
    params: &'a GradientBoostingValidParams,
    /// Per binned column: 1 increasing, -1 decreasing, 0 free.
    directions: Vec<i8>,
    bounded: bool,
    scratch: Vec<u32>,
    ordered: Vec<i64>,
    /// Histograms that no leaf holds at present.
    spare: Vec<Vec<Lanes>>,
}

/// A tree that has been grown, without values yet.
pub(super) struct Grown {
    pub nodes: Vec<GrownNode>,
    /// Which of the rows each leaf holds.
    pub leaves: Vec<Range<usize>>,
}

pub(super) enum GrownNode {
    /// Number of the leaf.
    Leaf(usize),
    Split {
        split: Split,
        /// Whether each bin of the column goes left.
        table: Box<[bool; BINS]>,
        left: usize,
        right: usize,
    },
}

impl Grown {
    /// Leaf that a row of the table it was grown on falls into.
    pub fn leaf(&self, binned: &Binned, row: usize) -> usize {
        let mut index = 0;
        loop {
            match &self.nodes[index] {
                GrownNode::Leaf(leaf) => return *leaf,
                GrownNode::Split { split, table, left, right } => {
                    let bin = binned.columns[split.column].bin_of_row[row];
                    index = if table[usize::from(bin)] { *left } else { *right };
                }
            }
        }
    }
}

/// A leaf that may yet be split.
struct Leaf {
    node: usize,
    rows: Range<usize>,
    depth: usize,
    total: i64,
    bounds: [f64; 2],
    histogram: Vec<Lanes>,
    best: Option<Split>,
}

/// What is the same for all leaves of a tree, in fixed-point units.
struct Rules<'t> {
    gradients: &'t Gradients,
    /// Which binned columns this tree sees.
    chosen: &'t [bool],
    l2: f64,
    least_hessian: f64,
    min_gain: f64,
    category: CategoryRules,
}

impl<'a> Grower<'a> {
    pub fn new(binned: &'a Binned, params: &'a GradientBoostingValidParams) -> Self {
        let direction = |column: &BinnedColumn| match params.monotone.get(column.index) {
            Some(Monotone::Increasing) => 1,
            Some(Monotone::Decreasing) => -1,
            Some(Monotone::Free) | None => 0,
        };
        let directions: Vec<i8> = binned.columns.iter().map(direction).collect();
        let bounded = directions.iter().any(|&direction| direction != 0);
        Self { binned, params, directions, bounded, scratch: vec![0; binned.rows], ordered: vec![0; binned.rows], spare: Vec::new() }
    }

    /// Grows a tree on `rows` (ascending), which end up ordered by leaf.
    pub fn grow(&mut self, gradients: &Gradients, rows: &mut [u32], chosen: &[bool]) -> Grown {
        let rules = self.rules(gradients, chosen);
        let mut grown = Grown { nodes: vec![GrownNode::Leaf(0)], leaves: std::iter::once(0..rows.len()).collect() };
        let mut leaves = vec![self.root(&rules, rows)];
        while leaves.len() < self.params.max_leaves {
            let Some((number, split)) = most_worth(&mut leaves) else { break };
            let last = leaves.len() + 1 == self.params.max_leaves;
            let right = self.split(&rules, &mut leaves[number], split, rows, &mut grown, last);
            leaves.push(right);
        }
        grown.leaves = leaves.iter().map(|leaf| leaf.rows.clone()).collect();
        self.spare.extend(leaves.into_iter().map(|leaf| leaf.histogram).filter(|histogram| !histogram.is_empty()));
        grown
    }

    fn rules<'t>(&self, gradients: &'t Gradients, chosen: &'t [bool]) -> Rules<'t> {
        let (g, h) = (gradients.gradient_unit, gradients.hessian_unit);
        let in_hessians = |value: f64| if h > 0.0 { value / h } else { f64::INFINITY };
        Rules {
            gradients,
            chosen,
            l2: in_hessians(self.params.l2),
            least_hessian: in_hessians(self.params.min_leaf_weight),
            min_gain: if g > 0.0 { self.params.min_gain * h / (g * g) } else { f64::INFINITY },
            category: CategoryRules {
                smoothing: in_hessians(self.params.category_smoothing),
                l2: in_hessians(self.params.category_l2),
                limit: self.params.category_limit,
            },
        }
    }

    fn root(&mut self, rules: &Rules<'_>, rows: &[u32]) -> Leaf {
        let packed = &rules.gradients.packed;
        let total = match rows.len() == packed.len() {
            true => packed.par_chunks(CHUNK).map(sum).reduce(|| 0, i64::wrapping_add),
            false => rows.iter().fold(0, |total, &row| packed[row as usize].wrapping_add(total)),
        };
        let bounds = [f64::NEG_INFINITY, f64::INFINITY];
        let mut root = Leaf { node: 0, rows: 0..rows.len(), depth: 0, total, bounds, histogram: Vec::new(), best: None };
        if !self.may_split(rules, &root) {
            return root;
        }
        let mut histogram = self.take_histogram();
        self.order_gradients(rules, rows);
        let node = self.node(rules, &root);
        let search = |(pack, lanes): (&Pack, &mut Lanes)| {
            self.fill(rules, pack, lanes, rows);
            self.search(rules, pack, lanes, &node)
        };
        let found: Vec<_> = self.binned.packs.par_iter().zip(histogram.par_iter_mut()).map(search).collect();
        root.best = better(found);
        root.histogram = histogram;
        root
    }

    /// Splits a leaf: it becomes the left child, the right one is returned.
    fn split(&mut self, rules: &Rules<'_>, leaf: &mut Leaf, split: Split, rows: &mut [u32], grown: &mut Grown, last: bool) -> Leaf {
        let column = &self.binned.columns[split.column];
        let table = split.table(column.cuts.bins());
        let range = leaf.rows.clone();
        let count = partition(&mut rows[range.clone()], &mut self.scratch[range.clone()], &column.bin_of_row, &table);
        let middle = range.start + count;
        let [left_bounds, right_bounds] = self.child_bounds(rules, leaf, &split);

        let (node, right_node) = (grown.nodes.len(), grown.nodes.len() + 1);
        let right_number = grown.leaves.len();
        let number = match grown.nodes[leaf.node] {
            GrownNode::Leaf(number) => number,
            GrownNode::Split { .. } => 0,
        };
        grown.nodes.push(GrownNode::Leaf(number));
        grown.nodes.push(GrownNode::Leaf(right_number));
        grown.leaves.push(middle..range.end);

        let mut right = Leaf {
            node: right_node,
            rows: middle..range.end,
            depth: leaf.depth + 1,
            total: leaf.total.wrapping_sub(split.left),
            bounds: right_bounds,
            histogram: Vec::new(),
            best: None,
        };
        let parent = std::mem::replace(&mut leaf.node, node);
        leaf.rows = range.start..middle;
        leaf.depth += 1;
        leaf.total = split.left;
        leaf.bounds = left_bounds;
        grown.nodes[parent] = GrownNode::Split { split, table: Box::new(table), left: node, right: right_node };

        if last || !(self.may_split(rules, leaf) || self.may_split(rules, &right)) {
            self.spare.push(std::mem::take(&mut leaf.histogram));
        } else {
            self.search_children(rules, leaf, &mut right, rows);
        }
        right
    }

    /// Adds up the smaller child's histogram, derives the larger one's from the parent's (which `left` holds), and finds
    /// both children's best splits.
    fn search_children(&mut self, rules: &Rules<'_>, left: &mut Leaf, right: &mut Leaf, rows: &[u32]) {
        let mut small_histogram = self.take_histogram();
        let mut large_histogram = std::mem::take(&mut left.histogram);
        let right_is_small = right.rows.len() < left.rows.len();
        let (small, large) = if right_is_small { (right, left) } else { (left, right) };
        let small_rows = &rows[small.rows.clone()];
        self.order_gradients(rules, small_rows);
        let nodes = [&*small, &*large].map(|leaf| self.may_split(rules, leaf).then(|| self.node(rules, leaf)));
        let search = |((pack, small), large): ((&Pack, &mut Lanes), &mut Lanes)| {
            self.fill(rules, pack, small, small_rows);
            for (lane, column) in (pack.first..pack.first + pack.lanes).enumerate() {
                let used = self.binned.columns[column].cuts.bins() + 1;
                subtract(&mut large[lane][..used], &small[lane][..used]);
            }
            let search = |lanes: &Lanes, node: &Option<Node>| node.as_ref().and_then(|node| self.search(rules, pack, lanes, node));
            (search(small, &nodes[0]), search(large, &nodes[1]))
        };
        let packs = self.binned.packs.par_iter().zip(small_histogram.par_iter_mut()).zip(large_histogram.par_iter_mut());
        let (for_small, for_large): (Vec<_>, Vec<_>) = packs.map(search).unzip();
        small.best = better(for_small);
        large.best = better(for_large);
        for (leaf, histogram) in [(small, small_histogram), (large, large_histogram)] {
            match leaf.best {
                Some(_) => leaf.histogram = histogram,
                None => self.spare.push(histogram),
            }
        }
    }

    fn may_split(&self, rules: &Rules<'_>, leaf: &Leaf) -> bool {
        let least_rows = 2 * self.params.min_leaf_rows;
        leaf.depth < self.params.max_depth && leaf.rows.len() >= least_rows && hessian(leaf.total) >= 2.0 * rules.least_hessian
    }

    fn node(&self, rules: &Rules<'_>, leaf: &Leaf) -> Node {
        // Rows of a child are known by its share of the hessian only, until it is split.
        let of_rows = self.params.min_leaf_rows as f64 / leaf.rows.len() as f64 * hessian(leaf.total);
        Node::new(leaf.total, rules.l2, rules.least_hessian.max(of_rows * (1.0 - 1e-9)), rules.min_gain, leaf.bounds, self.bounded)
    }

    /// Bounds that a split by a monotone column puts on its children: the middle of their values parts them.
    fn child_bounds(&self, rules: &Rules<'_>, leaf: &Leaf, split: &Split) -> [[f64; 2]; 2] {
        let [low, high] = leaf.bounds;
        let direction = self.directions[split.column];
        if direction == 0 {
            return [leaf.bounds; 2];
        }
        let value = |sum: i64| (-gradient(sum) / (hessian(sum) + rules.l2).max(1.0)).clamp(low, high);
        let middle = 0.5 * (value(split.left) + value(leaf.total.wrapping_sub(split.left)));
        if direction > 0 { [[low, middle], [middle, high]] } else { [[middle, high], [low, middle]] }
    }

    /// Gradients in the order of the rows, where they are not all rows.
    fn order_gradients(&mut self, rules: &Rules<'_>, rows: &[u32]) {
        let packed = &rules.gradients.packed;
        if rows.len() == packed.len() {
            return;
        }
        let gather = |(ordered, rows): (&mut [i64], &[u32])| {
            ordered.iter_mut().zip(rows).for_each(|(ordered, &row)| *ordered = packed[row as usize]);
        };
        if rows.len() <= CHUNK {
            gather((&mut self.ordered[..rows.len()], rows));
        } else {
            self.ordered[..rows.len()].par_chunks_mut(CHUNK).zip(rows.par_chunks(CHUNK)).for_each(gather);
        }
    }

    fn fill(&self, rules: &Rules<'_>, pack: &Pack, lanes: &mut Lanes, rows: &[u32]) {
        let columns = pack.first..pack.first + pack.lanes;
        if !rules.chosen[columns.clone()].contains(&true) {
            return;
        }
        for (lane, column) in columns.enumerate() {
            lanes[lane][..=self.binned.columns[column].cuts.bins()].fill(0);
        }
        if rows.len() == rules.gradients.packed.len() {
            add_words(lanes, pack.lanes, &pack.words, &rules.gradients.packed);
        } else {
            add_rows(lanes, pack, rows, &self.ordered[..rows.len()]);
        }
    }

    fn search(&self, rules: &Rules<'_>, pack: &Pack, lanes: &Lanes, node: &Node) -> Option<Split> {
        let chosen = (pack.first..pack.first + pack.lanes).zip(lanes).filter(|(column, _)| rules.chosen[*column]);
        better(chosen.map(|(number, histogram)| {
            let column = &self.binned.columns[number];
            let bins = column.cuts.bins();
            match (column.is_category(), self.bounded) {
                (false, false) => best_cut::<false>(histogram, bins, number, 0, node),
                (false, true) => best_cut::<true>(histogram, bins, number, self.directions[number], node),
                (true, false) => best_subset::<false>(histogram, bins, number, rules.category, node),
                (true, true) => best_subset::<true>(histogram, bins, number, rules.category, node),
            }
        }))
    }

    fn take_histogram(&mut self) -> Vec<Lanes> {
        let fresh = || vec![[[0; BINS]; super::binned::LANES]; self.binned.packs.len()];
        self.spare.pop().filter(|histogram| !histogram.is_empty()).unwrap_or_else(fresh)
    }
}

fn sum(packed: &[i64]) -> i64 {
    packed.iter().fold(0, |total, &packed| total.wrapping_add(packed))
}

/// Takes the best split of all leaves; of equals the first.
fn most_worth(leaves: &mut [Leaf]) -> Option<(usize, Split)> {
    let gain = |leaf: &Leaf| leaf.best.as_ref().map_or(f64::NEG_INFINITY, |split| split.gain);
    let number = (0..leaves.len()).reduce(|best, other| if gain(&leaves[other]) > gain(&leaves[best]) { other } else { best })?;
    let split = leaves[number].best.take()?;
    Some((number, split))
}

/// The best of several splits; of equals the first.
fn better(splits: impl IntoIterator<Item = Option<Split>>) -> Option<Split> {
    splits.into_iter().flatten().reduce(|best, other| if other.gain > best.gain { other } else { best })
}
