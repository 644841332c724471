//! Exact attributions of a tree ensemble: TreeSHAP by path-dependent expectations (Lundberg, Erion and Lee 2018,
//! "Consistent individualized feature attribution for tree ensembles", algorithm 2).

use rayon::prelude::*;

use super::booster::{Booster, rows_of};
use super::columns::Columns;
use super::error::BoostingError;
use super::tree::{Kind, Tree};

/// What each column adds to each row's raw score.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// Raw score that a row is expected to have before anything is known of it.
    pub base: f64,
    /// Columns of the table.
    pub width: usize,
    /// Row-major: row `r`'s contribution of column `c` is `values[r * width + c]`. With the base a row's sum to its raw score.
    pub values: Vec<f64>,
}

impl Contributions {
    /// Contributions of all columns to one row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.width..(row + 1) * self.width]
    }
}

impl Booster {
    /// Shapley values of all columns for every row, on the scale of [`Booster::raw_scores`].
    ///
    /// # Errors
    /// [`BoostingError::WidthMismatch`] if the table has another number of columns than it was fitted on.
    pub fn contributions(&self, table: &Columns<'_>) -> Result<Contributions, BoostingError> {
        table.check_width(self.width)?;
        let base = self.base_score + self.trees.iter().map(Tree::expectation).sum::<f64>();
        let mut values = vec![0.0; table.rows * self.width];
        values.par_chunks_mut(self.width.max(1)).enumerate().for_each(|(row, out)| {
            let cells = rows_of(&self.columns, table, row..row + 1);
            let mut by_column = vec![0.0; self.columns.len()];
            let mut arena = Vec::new();
            self.trees.iter().for_each(|tree| tree.attribute(&cells, &mut arena, &mut by_column));
            self.columns.iter().zip(by_column).for_each(|(column, value)| out[column.index] = value);
        });
        Ok(Contributions { base, width: self.width, values })
    }
}

/// One column on the way from the root to a node.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// `None` for the root.
    column: Option<u16>,
    /// Share of the training rows that go this way if the column is unknown.
    zero: f64,
    /// 1 if the row goes this way, else 0.
    one: f64,
    /// Weight of the subsets of columns of each size, as they pass through here.
    weight: f64,
}

impl Tree {
    /// Mean value of the training rows.
    fn expectation(&self) -> f64 {
        let mut means = vec![0.0; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().rev() {
            let right = usize::from(node.right);
            means[index] = match node.kind {
                Kind::Leaf => f64::from(node.number()),
                _ => self.share(index, index + 1) * means[index + 1] + self.share(index, right) * means[right],
            };
        }
        means.first().copied().unwrap_or(0.0)
    }

    fn attribute(&self, row: &[f32], arena: &mut Vec<Step>, out: &mut [f64]) {
        arena.clear();
        let root = Step { column: None, zero: 1.0, one: 1.0, weight: 0.0 };
        self.visit(0, row, arena, 0, root, out);
    }

    /// Follows both children with the path so far, which is `arena[start..]`, extended by `step`.
    fn visit(&self, index: usize, row: &[f32], arena: &mut Vec<Step>, start: usize, step: Step, out: &mut [f64]) {
        let begin = arena.len();
        arena.extend_from_within(start..);
        extend(arena, begin, step);
        let node = &self.nodes[index];
        if node.kind == Kind::Leaf {
            let path = &arena[begin..];
            for (place, step) in path.iter().enumerate().skip(1) {
                if let Some(column) = step.column {
                    out[usize::from(column)] += unwound_sum(path, place) * (step.one - step.zero) * f64::from(node.number());
                }
            }
        } else {
            let (mut zero, mut one) = (1.0, 1.0);
            if let Some(place) = arena[begin..].iter().position(|step| step.column == Some(node.column)) {
                (zero, one) = (arena[begin + place].zero, arena[begin + place].one);
                unwind(arena, begin, place);
            }
            let hot = self.child(index, node, row);
            for child in [index + 1, usize::from(node.right)] {
                let one = if child == hot { one } else { 0.0 };
                let step = Step { column: Some(node.column), zero: zero * self.share(index, child), one, weight: 0.0 };
                self.visit(child, row, arena, begin, step, out);
            }
        }
        arena.truncate(begin);
    }

    /// Share of a node's training rows that went to one of its children. Never zero, which nothing could be divided by.
    fn share(&self, index: usize, child: usize) -> f64 {
        let [left, right] = [index + 1, usize::from(self.nodes[index].right)].map(|child| f64::from(self.covers[child]));
        let left = if left + right > 0.0 { (left / (left + right)).clamp(1e-9, 1.0 - 1e-9) } else { 0.5 };
        if child == index + 1 { left } else { 1.0 - left }
    }
}

/// Grows the subsets of the path `arena[begin..]` by one column that is known or not.
fn extend(arena: &mut Vec<Step>, begin: usize, step: Step) {
    let length = arena.len() - begin;
    arena.push(Step { weight: if length == 0 { 1.0 } else { 0.0 }, ..step });
    let path = &mut arena[begin..];
    let size = (length + 1) as f64;
    for place in (0..length).rev() {
        path[place + 1].weight += step.one * path[place].weight * (place + 1) as f64 / size;
        path[place].weight = step.zero * path[place].weight * (length - place) as f64 / size;
    }
}

/// Undoes the extension by the column at `place`.
fn unwind(arena: &mut Vec<Step>, begin: usize, place: usize) {
    let path = &mut arena[begin..];
    let (last, Step { zero, one, .. }) = (path.len() - 1, path[place]);
    let size = (last + 1) as f64;
    let mut next = path[last].weight;
    for index in (0..last).rev() {
        if one != 0.0 {
            let before = path[index].weight;
            path[index].weight = next * size / ((index + 1) as f64 * one);
            next = before - path[index].weight * zero * (last - index) as f64 / size;
        } else {
            path[index].weight *= size / (zero * (last - index) as f64);
        }
    }
    for index in place..last {
        let Step { column, zero, one, .. } = path[index + 1];
        path[index] = Step { column, zero, one, weight: path[index].weight };
    }
    arena.pop();
}

/// Sum of the weights that [`unwind`] would leave.
fn unwound_sum(path: &[Step], place: usize) -> f64 {
    let (last, Step { zero, one, .. }) = (path.len() - 1, path[place]);
    let size = (last + 1) as f64;
    let (mut next, mut sum) = (path[last].weight, 0.0);
    for index in (0..last).rev() {
        let share = (last - index) as f64 / size;
        if one != 0.0 {
            let undone = next * size / ((index + 1) as f64 * one);
            sum += undone;
            next = path[index].weight - undone * zero * share;
        } else {
            sum += path[index].weight / (zero * share);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::tree::TreeNode;
    use super::*;

    fn split(column: u16, threshold: f32, right: u16) -> TreeNode {
        TreeNode { kind: Kind::Number, column, right, payload: threshold.to_bits() }
    }

    /// Three columns, one of them twice on a path.
    fn tree() -> Tree {
        let nodes = vec![
            split(0, 0.5, 6),
            split(1, 0.3, 3),
            TreeNode::leaf(1.0),
            split(0, 0.2, 5),
            TreeNode::leaf(-2.0),
            TreeNode::leaf(4.0),
            split(2, 0.7, 8),
            TreeNode::leaf(7.0),
            split(1, 0.6, 10),
            TreeNode::leaf(-5.0),
            TreeNode::leaf(3.0),
        ];
        Tree { nodes, covers: vec![100.0, 60.0, 25.0, 35.0, 10.0, 25.0, 40.0, 15.0, 25.0, 5.0, 20.0], sets: Vec::new() }
    }

    /// Expected value if only the columns in `known` are known.
    fn expected(tree: &Tree, index: usize, row: &[f32], known: u32) -> f64 {
        let node = &tree.nodes[index];
        if node.kind == Kind::Leaf {
            return f64::from(node.number());
        }
        if known >> node.column & 1 == 1 {
            return expected(tree, tree.child(index, node, row), row, known);
        }
        [index + 1, usize::from(node.right)].iter().map(|&child| tree.share(index, child) * expected(tree, child, row, known)).sum()
    }

    /// Shapley values by their definition, over all subsets.
    fn brute_force(tree: &Tree, row: &[f32], columns: u32) -> Vec<f64> {
        let factorial = |n: u32| (1..=n).product::<u32>() as f64;
        let value = |column: u32| {
            let others = (0..1u32 << columns).filter(|set| set >> column & 1 == 0);
            let gain = |set: u32| {
                let weight = factorial(set.count_ones()) * factorial(columns - set.count_ones() - 1) / factorial(columns);
                weight * (expected(tree, 0, row, set | 1 << column) - expected(tree, 0, row, set))
            };
            others.map(gain).sum()
        };
        (0..columns).map(value).collect()
    }

    #[test]
    fn agrees_with_the_definition_of_shapley_values() {
        let tree = tree();
        for code in 0..64 {
            let row = [0.1 + 0.3 * (code % 4) as f32, 0.1 + 0.3 * (code / 4 % 4) as f32, 0.1 + 0.3 * (code / 16) as f32, 0.0];
            let mut found = vec![0.0; 4];
            tree.attribute(&row, &mut Vec::new(), &mut found);
            for (found, wanted) in found.iter().zip(brute_force(&tree, &row, 4)) {
                assert!((found - wanted).abs() < 1e-12, "{row:?}: {found} instead of {wanted}");
            }
            let total = tree.expectation() + found.iter().sum::<f64>();
            assert!((total - f64::from(tree.predict(&row))).abs() < 1e-12);
        }
    }
}
