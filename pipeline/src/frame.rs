//! The frame that Polars computes on.
//!
//! Blocks of rows stand below one another, each after `warm_up` rows of its own past. No expression looks back farther
//! than that, so sums over rows of the whole frame never mix two series in a row that is kept; and row `t` holds the
//! value that is `lead` steps older than its target `t`, so no expression can look at a younger one.

use domain::FeatureError;
use polars::prelude::*;

use crate::features::{Family, Feature, Values};
use crate::view::View;

/// Where the rows of a frame stand.
pub(crate) struct Frame {
    pub warm_up: usize,
    pub height: usize,
}

impl Frame {
    pub fn new(view: &View<'_>, warm_up: usize) -> Self {
        Self { warm_up, height: view.rows() + warm_up * view.blocks.len() }
    }

    /// Evaluates a family's features; the order stays.
    pub fn evaluate(&self, family: &dyn Family, view: &View<'_>, features: Vec<Feature>) -> Result<Vec<(Feature, Vec<f32>)>, FeatureError> {
        let failed = |source: PolarsError| FeatureError::Compute { family: family.name(), source: Box::new(source) };
        let expressions: Vec<Expr> = features.iter().enumerate().filter_map(|(j, feature)| feature.expression(&number(j))).collect();
        let computed = match expressions.is_empty() {
            true => DataFrame::empty(),
            false => self.compute(family, view, expressions).map_err(failed)?,
        };
        let mut evaluated = Vec::with_capacity(features.len());
        for (j, mut feature) in features.into_iter().enumerate() {
            let values = match std::mem::replace(&mut feature.values, Values::Rows(Vec::new())) {
                Values::Rows(values) => values,
                Values::Expression(_) => self.kept(view, &computed, &number(j)).map_err(failed)?,
            };
            evaluated.push((feature, values));
        }
        Ok(evaluated)
    }

    fn compute(&self, family: &dyn Family, view: &View<'_>, expressions: Vec<Expr>) -> PolarsResult<DataFrame> {
        DataFrame::new(self.height, family.inputs(view, self))?.lazy().select(expressions).collect()
    }

    /// A computed column without the rows of warm-up.
    fn kept(&self, view: &View<'_>, computed: &DataFrame, name: &str) -> PolarsResult<Vec<f32>> {
        let column = computed.column(name)?.f64()?.rechunk();
        let values = column.cont_slice()?;
        let mut kept = Vec::with_capacity(view.rows());
        let mut start = 0;
        for block in view.blocks {
            let end = start + self.warm_up + block.rows();
            kept.extend(values[start + self.warm_up..end].iter().map(|&value| value as f32));
            start = end;
        }
        Ok(kept)
    }
}

pub(crate) fn column(name: &str, values: Vec<f64>) -> Column {
    Float64Chunked::from_vec(name.into(), values).into_column()
}

fn number(j: usize) -> String {
    format!("#{j}")
}
