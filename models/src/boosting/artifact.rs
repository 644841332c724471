//! A booster as data: a small header, and the trees as little-endian bytes in base64, which JSON leaves as they are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::booster::{Booster, BoosterColumn};
use super::loss::Loss;
use super::tree::{Kind, Tree, TreeNode};

#[derive(Serialize, Deserialize)]
struct Header {
    loss: Loss,
    base_score: f32,
    width: usize,
    columns: Vec<HeaderColumn>,
    /// For each tree the numbers of nodes and of category sets, the nodes, the sets.
    trees: String,
}

#[derive(Serialize, Deserialize)]
struct HeaderColumn {
    index: usize,
    /// Bins of category codes, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    categories: Option<String>,
}

impl Serialize for Booster {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let column = |column: &BoosterColumn| HeaderColumn {
            index: column.index,
            categories: column.bin_of.as_ref().map(|bins| STANDARD.encode(bins)),
        };
        let mut bytes = Vec::new();
        self.trees.iter().for_each(|tree| write(tree, &mut bytes));
        let header = Header {
            loss: self.loss,
            base_score: self.base_score as f32,
            width: self.width,
            columns: self.columns.iter().map(column).collect(),
            trees: STANDARD.encode(bytes),
        };
        header.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Booster {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let header = Header::deserialize(deserializer)?;
        let column = |column: HeaderColumn| {
            let bin_of = column.categories.map(|bins| STANDARD.decode(bins)).transpose().map_err(D::Error::custom)?;
            Ok(BoosterColumn { index: column.index, bin_of })
        };
        let columns = header.columns.into_iter().map(column).collect::<Result<Vec<_>, D::Error>>()?;
        let bytes = STANDARD.decode(header.trees).map_err(D::Error::custom)?;
        let mut reader = Reader(&bytes);
        let mut trees = Vec::new();
        while !reader.0.is_empty() {
            trees.push(reader.tree().filter(|tree| tree.is_sound(columns.len())).ok_or_else(|| D::Error::custom("broken tree"))?);
        }
        if columns.iter().any(|column| column.index >= header.width) {
            return Err(D::Error::custom("a column beyond the table's"));
        }
        Ok(Self { loss: header.loss, base_score: f64::from(header.base_score), width: header.width, columns, trees })
    }
}

fn write(tree: &Tree, bytes: &mut Vec<u8>) {
    bytes.extend((tree.nodes.len() as u32).to_le_bytes());
    bytes.extend((tree.sets.len() as u32).to_le_bytes());
    for (node, cover) in tree.nodes.iter().zip(&tree.covers) {
        bytes.push(node.kind as u8);
        bytes.extend(node.column.to_le_bytes());
        bytes.extend(node.right.to_le_bytes());
        bytes.extend(node.payload.to_le_bytes());
        bytes.extend(cover.to_le_bytes());
    }
    tree.sets.iter().flatten().for_each(|word| bytes.extend(word.to_le_bytes()));
}

/// Reads from the front; `None` where the bytes end too early or mean nothing.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn tree(&mut self) -> Option<Tree> {
        let (nodes, sets) = (u32::from_le_bytes(self.take()?), u32::from_le_bytes(self.take()?));
        let mut tree = Tree::default();
        for _ in 0..nodes {
            let node = self.node()?;
            tree.nodes.push(node);
            tree.covers.push(f32::from_le_bytes(self.take()?));
        }
        for _ in 0..sets {
            let mut set = [0; 4];
            for word in &mut set {
                *word = u64::from_le_bytes(self.take()?);
            }
            tree.sets.push(set);
        }
        Some(tree)
    }

    fn node(&mut self) -> Option<TreeNode> {
        let kind = match self.take::<1>()? {
            [0] => Kind::Leaf,
            [1] => Kind::Number,
            [2] => Kind::NumberOrMissing,
            [3] => Kind::Category,
            _ => return None,
        };
        let (column, right) = (u16::from_le_bytes(self.take()?), u16::from_le_bytes(self.take()?));
        Some(TreeNode { kind, column, right, payload: u32::from_le_bytes(self.take()?) })
    }
}
