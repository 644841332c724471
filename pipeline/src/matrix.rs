//! Rows wanted to matrix: families run over a few series at a time, and their columns are laid side by side.

use std::collections::HashSet;
use std::sync::Arc;

use domain::features::FeatureColumn;
use domain::{FeatureError, FeatureMatrix, Ordinal};
use rayon::prelude::*;

use crate::config::Shape;
use crate::features::{Families, Feature};
use crate::frame::Frame;
use crate::observations::AsOf;
use crate::past::{Depth, Past};
use crate::pool::Pool;
use crate::rows::Block;
use crate::source::PanelFeatures;
use crate::view::{Purpose, View};

/// Weight of a training row whose target was sold out and not recovered: a lower bound of demand, better than nothing.
pub const CENSORED_WEIGHT: f32 = 0.5;

/// Rows of a frame that are computed at once: columns of this size stay in the processor's cache, and memory stays small
/// however large the panel is.
const ROWS_AT_ONCE: usize = 1 << 15;
/// Values of older pasts that are held at once: they are read once, in order.
const OLDER_AT_ONCE: usize = 1 << 21;

/// Which rows, and what they may know.
pub(crate) struct Request<'a> {
    pub shape: Shape,
    pub cutoff: Ordinal,
    pub purpose: Purpose,
    pub blocks: Vec<Block>,
    /// By series, predictions for the periods after the cutoff that stand in for observations.
    pub predicted: &'a [Vec<f64>],
}

/// Columns of some of the rows.
type Evaluated = Vec<(&'static str, Feature, Vec<f32>)>;

impl Request<'_> {
    pub fn matrix(&self, source: &PanelFeatures) -> Result<FeatureMatrix, FeatureError> {
        let warm_up = source.families.iter().map(|family| family.warm_up(&self.shape)).max().unwrap_or(0);
        let reach = source.families.iter().map(|family| family.reach(&self.shape)).max().unwrap_or(0).max(warm_up);
        let whole = source.families.iter().any(|family| family.needs_whole_past());
        let depth = Depth { lead: self.shape.lead, reach, whole };
        let pool = if source.families.iter().any(|family| family.needs_pool()) {
            source.pool(self.cutoff, self.predicted)
        } else {
            Arc::default()
        };
        let rows = self.blocks.iter().map(Block::rows).sum();
        let mut matrix = FeatureMatrix { rows, ..FeatureMatrix::default() };
        matrix.series.reserve_exact(rows);
        matrix.at.reserve_exact(rows);
        matrix.target.reserve_exact(rows);
        matrix.weight.reserve_exact(rows);
        let part = |blocks: &&[Block]| Ok((self.keys(source, blocks), self.evaluate(source, &pool, blocks, depth, warm_up)?));
        let mut done = 0;
        // As many at a time as there are threads: more would only take memory.
        for together in few_at_a_time(&self.blocks, &depth, warm_up).chunks(rayon::current_num_threads()) {
            for (keys, evaluated) in together.par_iter().map(part).collect::<Result<Vec<_>, FeatureError>>()? {
                if matrix.columns.is_empty() {
                    matrix.columns = describe(&evaluated);
                    // Every cell is written below; zeros cost nothing until then.
                    matrix.data = vec![0.0; matrix.columns.len() * matrix.rows];
                }
                let columns = matrix.data.par_chunks_mut(matrix.rows.max(1)).zip(&evaluated);
                columns.for_each(|(column, (_, _, values))| column[done..done + values.len()].copy_from_slice(values));
                done += keys.rows;
                matrix.series.extend(keys.series);
                matrix.at.extend(keys.at);
                matrix.target.extend(keys.target);
                matrix.weight.extend(keys.weight);
            }
        }
        Ok(matrix)
    }

    fn evaluate(
        &self,
        source: &PanelFeatures,
        pool: &Pool,
        blocks: &[Block],
        depth: Depth,
        warm_up: usize,
    ) -> Result<Evaluated, FeatureError> {
        let past = Past::new(blocks, depth, |block, periods| {
            source.usable(block.series, self.cutoff, periods, self.predicted.get(block.series as usize).map_or(&[], Vec::as_slice))
        });
        let view = View {
            shape: self.shape,
            cutoff: self.cutoff,
            purpose: self.purpose,
            series: &source.series,
            regressors: &source.regressors,
            blocks,
            past,
            pool,
            any_censored: source.observations.any_censored(self.cutoff),
        };
        evaluate(&source.families, &view, warm_up)
    }

    /// Keys, targets and weights of some of the rows.
    fn keys(&self, source: &PanelFeatures, blocks: &[Block]) -> FeatureMatrix {
        let rows = blocks.iter().map(Block::rows).sum();
        let mut matrix = FeatureMatrix { rows, ..FeatureMatrix::default() };
        for block in blocks {
            let stretch = source.observations.stretch(block.series as usize, AsOf::cutoff(self.cutoff), block.periods());
            for (at, (value, trust)) in block.periods().zip(stretch.values.into_iter().zip(stretch.trust)) {
                matrix.series.push(block.series);
                matrix.at.push(at);
                matrix.target.push(value as f32);
                let closed = source.is_closed(block.series, at, self.cutoff);
                matrix.weight.push(weight(self.purpose, value, trust, closed));
            }
        }
        matrix
    }
}

fn weight(purpose: Purpose, value: f64, trust: f32, closed: bool) -> f32 {
    match purpose {
        _ if closed => 0.0,
        Purpose::Future => 1.0,
        Purpose::Training if value.is_nan() => 0.0,
        Purpose::Training if trust == 0.0 => CENSORED_WEIGHT,
        Purpose::Training => trust,
    }
}

/// Splits blocks so that a frame has about [`ROWS_AT_ONCE`] rows, and not many times as many values of pasts. At least one
/// part, for even no rows have columns.
fn few_at_a_time<'a>(blocks: &'a [Block], depth: &Depth, warm_up: usize) -> Vec<&'a [Block]> {
    let mut parts = Vec::new();
    let (mut start, mut height, mut older) = (0, 0, 0);
    for (position, block) in blocks.iter().enumerate() {
        height += block.rows() + warm_up;
        older += if depth.whole { usize::try_from(block.from - block.first).unwrap_or(0) } else { depth.reach };
        if height >= ROWS_AT_ONCE || older >= OLDER_AT_ONCE {
            parts.push(&blocks[start..=position]);
            (start, height, older) = (position + 1, 0, 0);
        }
    }
    if start < blocks.len() || parts.is_empty() {
        parts.push(&blocks[start..]);
    }
    parts
}

fn evaluate(families: &Families, view: &View<'_>, warm_up: usize) -> Result<Evaluated, FeatureError> {
    let frame = Frame::new(view, warm_up);
    let mut evaluated = Vec::new();
    for family in families.iter() {
        let columns = frame.evaluate(family, view, family.features(view)?)?;
        let described = |(feature, values): (Feature, Vec<f32>)| {
            let driver = feature.driver.or(Some(family.driver()));
            (family.name(), Feature { driver, ..feature }, values)
        };
        evaluated.extend(columns.into_iter().map(described));
    }
    Ok(evaluated)
}

/// A regressor may be called like one of our columns; then the later of the two carries its family's name too.
fn describe(evaluated: &Evaluated) -> Vec<FeatureColumn> {
    let mut taken = HashSet::new();
    let mut unique = |name: &str, family: &str| {
        let mut name = name.to_owned();
        while !taken.insert(name.clone()) {
            name = format!("{name}.{family}");
        }
        name
    };
    evaluated
        .iter()
        .map(|(family, feature, _)| FeatureColumn {
            name: unique(&feature.name, family),
            family,
            levels: feature.levels,
            in_target_units: feature.in_target_units,
            driver: feature.driver.unwrap_or_default(),
            neutral: feature.neutral,
        })
        .collect()
}
