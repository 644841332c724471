//! The frame that Polars computes on.
//!
//! Blocks of rows stand below one another, each after `warm_up` rows of its own past. No expression looks back farther
//! than that, so plain shifts over the whole frame never mix two series in a row that is kept; and row `t` holds the
//! value that is `lead` steps older than its target `t`, so no expression can look at a younger one.

use domain::FeatureError;
use polars::prelude::*;

use crate::features::{Family, Feature, Values};
use crate::view::View;

/// Youngest usable value of the target; NaN if missing.
pub(crate) const VALUE: &str = "value";
/// The same with 0 for missing.
pub(crate) const FILLED: &str = "filled";
/// 1 where there is a value, else 0.
pub(crate) const SEEN: &str = "seen";

/// Rows of past, and the columns that expressions read.
pub(crate) struct Frame {
    columns: Vec<Column>,
    pub warm_up: usize,
    pub height: usize,
}

impl Frame {
    pub fn new(view: &View<'_>, warm_up: usize) -> Self {
        let height = view.rows() + warm_up * view.blocks.len();
        let mut value = Vec::with_capacity(height);
        for block in 0..view.blocks.len() {
            value.extend_from_slice(&view.past.of(block)[view.past.reach - warm_up..]);
        }
        let columns = with_seen(VALUE, FILLED, SEEN, value);
        Self { columns, warm_up, height }
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
        let mut columns = self.columns.clone();
        columns.extend(family.inputs(view, self));
        let frame = DataFrame::new(self.height, columns)?.lazy();
        family.prepare(frame, view).select(expressions).collect()
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

/// A column with NaN where missing, and its two companions for sums: filled with 0, and 1 where it has a value.
pub(crate) fn with_seen(value_name: &str, filled_name: &str, seen_name: &str, value: Vec<f64>) -> Vec<Column> {
    let filled = value.iter().map(|&v| if v.is_nan() { 0.0 } else { v }).collect();
    let seen = value.iter().map(|v| f64::from(u8::from(!v.is_nan()))).collect();
    vec![column(value_name, value), column(filled_name, filled), column(seen_name, seen)]
}

fn column(name: &str, values: Vec<f64>) -> Column {
    Float64Chunked::from_vec(name.into(), values).into_column()
}

fn number(j: usize) -> String {
    format!("#{j}")
}

/// The value `steps` rows earlier.
pub(crate) fn earlier(expression: Expr, steps: usize, before_the_start: f64) -> Expr {
    if steps == 0 { expression } else { expression.shift_and_fill(lit(steps as i64), lit(before_the_start)) }
}

/// Name of the column with the sum of `column` over the last `window` rows.
pub(crate) fn sum_name(column: &str, window: usize) -> String {
    if window == 1 { column.to_owned() } else { format!("{column} over {window}") }
}

/// Adds the sums of some columns over windows that end at each row.
///
/// A sum over an even window is two sums over its half, an odd one adds a single value: few passes, no drift, and the
/// result depends on the window's own values only, not on where the frame began.
pub(crate) fn add_window_sums(mut frame: LazyFrame, columns: &[&str], windows: &[usize]) -> LazyFrame {
    let mut done = vec![1];
    for &window in windows {
        let mut missing = Vec::new();
        let mut width = window;
        while !done.contains(&width) {
            missing.push(width);
            width = if width.is_multiple_of(2) { width / 2 } else { width - 1 };
        }
        for &width in missing.iter().rev() {
            frame = frame.with_columns(columns.iter().map(|column| widen(column, width)).collect::<Vec<_>>());
        }
        done.extend(missing);
    }
    frame
}

fn widen(column: &str, width: usize) -> Expr {
    let (short, step) = if width.is_multiple_of(2) { (width / 2, width / 2) } else { (1, width - 1) };
    let recent = col(sum_name(column, width - short));
    (recent + earlier(col(sum_name(column, short)), step, 0.0)).alias(sum_name(column, width))
}

/// Name of the column with the decayed sum of `column` over the last `window` rows.
pub(crate) fn decayed_name(column: &str, window: usize) -> String {
    format!("{column} decayed over {window}")
}

/// Adds the sums of some columns over the last `window` rows (a power of two) in which a value's weight is multiplied by
/// `factor` for each row it is older.
pub(crate) fn add_decayed_sums(mut frame: LazyFrame, columns: &[&str], factor: f64, window: usize) -> LazyFrame {
    frame = frame.with_columns(columns.iter().map(|column| col(*column).alias(decayed_name(column, window))).collect::<Vec<_>>());
    let mut width = 1;
    while width < window {
        let double = |column: &&str| {
            let sum = col(decayed_name(column, window));
            sum.clone() + earlier(sum, width, 0.0) * lit(factor.powi(width as i32))
        };
        frame = frame.with_columns(columns.iter().map(double).collect::<Vec<_>>());
        width *= 2;
    }
    frame
}

/// Rows of warm-up that windows need.
pub(crate) fn longest(windows: &[usize]) -> usize {
    windows.iter().max().map_or(0, |window| window - 1)
}
