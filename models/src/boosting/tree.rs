//! A fitted tree: nodes in depth-first order, the left child right after its parent.

/// A split or a leaf, in twelve bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TreeNode {
    pub kind: Kind,
    /// Which of the booster's columns.
    pub column: u16,
    /// Index of the right child.
    pub right: u16,
    /// Bits of the leaf's value or of the threshold, or the number of a category set.
    pub payload: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Leaf,
    /// Values up to the threshold go left, missing ones right.
    Number,
    /// Values up to the threshold and missing ones go left.
    NumberOrMissing,
    /// Category bins of the set go left.
    Category,
}

impl TreeNode {
    pub fn leaf(value: f32) -> Self {
        Self { kind: Kind::Leaf, column: 0, right: 0, payload: value.to_bits() }
    }

    /// Value of a leaf, threshold of a split by numbers.
    #[inline]
    pub fn number(&self) -> f32 {
        f32::from_bits(self.payload)
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tree {
    pub nodes: Vec<TreeNode>,
    /// Weight of the training rows that came through each node.
    pub covers: Vec<f32>,
    /// Category bins as bits.
    pub sets: Vec<[u64; 4]>,
}

impl Tree {
    /// The child that a row goes to; `row` holds numbers and category bins by booster column, NaN for missing.
    #[inline]
    pub fn child(&self, index: usize, node: &TreeNode, row: &[f32]) -> usize {
        let value = row[usize::from(node.column)];
        let left = match node.kind {
            Kind::Category => self.contains(node.payload, value),
            Kind::NumberOrMissing => value.is_nan() || value <= node.number(),
            Kind::Number | Kind::Leaf => value <= node.number(),
        };
        if left { index + 1 } else { usize::from(node.right) }
    }

    /// Value of the leaf that a row falls into.
    #[inline]
    pub fn predict(&self, row: &[f32]) -> f32 {
        self.nodes[self.leaf(row)].number()
    }

    /// Index of the leaf that a row falls into.
    #[inline]
    pub fn leaf(&self, row: &[f32]) -> usize {
        let mut index = 0;
        loop {
            let node = &self.nodes[index];
            if node.kind == Kind::Leaf {
                return index;
            }
            index = self.child(index, node, row);
        }
    }

    fn contains(&self, set: u32, bin: f32) -> bool {
        // A missing bin (NaN) fails the comparison.
        let member = |set: &[u64; 4]| bin >= 0.0 && set[(bin as usize / 64) & 3] >> (bin as usize % 64) & 1 == 1;
        self.sets.get(set as usize).is_some_and(member)
    }

    /// Whether every index leads forward to a node that exists, so that no walk fails or goes on for ever.
    pub fn is_sound(&self, columns: usize) -> bool {
        let sound = |(index, node): (usize, &TreeNode)| match node.kind {
            Kind::Leaf => true,
            kind => {
                let (right, column) = (usize::from(node.right), usize::from(node.column));
                let has_set = kind != Kind::Category || (node.payload as usize) < self.sets.len();
                right > index + 1 && right < self.nodes.len() && column < columns && has_set
            }
        };
        !self.nodes.is_empty() && self.covers.len() == self.nodes.len() && self.nodes.iter().enumerate().all(sound)
    }
}
