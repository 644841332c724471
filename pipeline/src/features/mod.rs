//! Feature families. Adding one: a file here, its `mod` line and its `.add` line.

mod calendar;
mod event_effects;
mod events;
mod ewm;
mod expanding;
mod hierarchy;
mod intermittent;
mod known_future;
mod lags;
mod observed_past;
mod quantiles;
mod relative;
mod rolling;
mod same_season;
mod statics;
mod stockouts;
mod trend;

use domain::features::Neutral;
use domain::{Driver, FeatureError};
use polars::prelude::{Column, Expr};

use crate::config::Shape;
use crate::error::PipelineError;
use crate::frame::Frame;
use crate::view::View;

/// Every family, in the order of its columns.
pub(crate) fn all() -> Families {
    Families::default()
        .add(lags::Lags)
        .add(rolling::Rolling)
        .add(quantiles::Quantiles)
        .add(expanding::Expanding)
        .add(same_season::SameSeason)
        .add(ewm::Ewm)
        .add(intermittent::Intermittent)
        .add(stockouts::Stockouts)
        .add(trend::Trend)
        .add(calendar::Calendar)
        .add(events::Events)
        .add(event_effects::EventEffects)
        .add(known_future::KnownFuture)
        .add(relative::Relative)
        .add(observed_past::ObservedPast)
        .add(hierarchy::Hierarchy)
        .add(statics::Statics)
}

/// Columns that belong together, switched on and off as one.
pub(crate) trait Family: Send + Sync {
    /// The name of its file.
    fn name(&self) -> &'static str;

    /// What its columns speak of, unless they say so themselves.
    fn driver(&self) -> Driver {
        Driver::RecentLevel
    }

    /// Steps before a row's youngest usable value that the family looks up in [`View::past`].
    fn reach(&self, _shape: &Shape) -> usize {
        0
    }

    /// Rows of warm-up that the family's expressions look back on.
    fn warm_up(&self, _shape: &Shape) -> usize {
        0
    }

    /// Whether it looks up the past from a series' first observation on: [`crate::past::Past::whole`].
    fn needs_whole_past(&self) -> bool {
        false
    }

    /// Whether it reads what all series tell together: [`View::pool`].
    fn needs_pool(&self) -> bool {
        false
    }

    /// The columns that its expressions read, as long as the frame.
    fn inputs(&self, _view: &View<'_>, _frame: &Frame) -> Vec<Column> {
        Vec::new()
    }

    /// The family's columns: the same for every view of one panel and cutoff.
    fn features(&self, view: &View<'_>) -> Result<Vec<Feature>, FeatureError>;
}

/// One column to be.
pub(crate) struct Feature {
    pub name: String,
    /// Number of category codes, 0 for numbers.
    pub levels: u32,
    pub in_target_units: bool,
    /// What it speaks of, if that is not what its family speaks of.
    pub driver: Option<Driver>,
    /// See [`domain::features::FeatureColumn::neutral`].
    pub neutral: Neutral,
    pub values: Values,
}

/// Where a column's values come from.
pub(crate) enum Values {
    /// Computed by Polars over the frame of pasts.
    Expression(Expr),
    /// Looked up: one value per row.
    Rows(Vec<f32>),
}

impl Feature {
    pub fn new(name: impl Into<String>, values: impl Into<Values>) -> Self {
        Self { name: name.into(), levels: 0, in_target_units: false, driver: None, neutral: Neutral::Average, values: values.into() }
    }

    pub fn category(mut self, levels: u32) -> Self {
        self.levels = levels;
        self
    }

    pub fn in_target_units(mut self) -> Self {
        self.in_target_units = true;
        self
    }

    pub fn speaks_of(mut self, driver: Driver) -> Self {
        self.driver = Some(driver);
        self
    }

    pub fn compared_with(mut self, neutral: Neutral) -> Self {
        self.neutral = neutral;
        self
    }

    /// The expression under another name, if the column is one.
    pub fn expression(&self, alias: &str) -> Option<Expr> {
        match &self.values {
            Values::Expression(expression) => Some(expression.clone().alias(alias)),
            Values::Rows(_) => None,
        }
    }
}

impl From<Expr> for Values {
    fn from(expression: Expr) -> Self {
        Self::Expression(expression)
    }
}

impl From<Vec<f32>> for Values {
    fn from(values: Vec<f32>) -> Self {
        Self::Rows(values)
    }
}

/// Families in the order of their columns.
#[derive(Default)]
pub(crate) struct Families {
    families: Vec<Box<dyn Family>>,
}

impl Families {
    fn add(mut self, family: impl Family + 'static) -> Self {
        self.families.push(Box::new(family));
        self
    }

    pub fn names(&self) -> Vec<&'static str> {
        self.iter().map(Family::name).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &dyn Family> {
        self.families.iter().map(AsRef::as_ref)
    }

    /// Leaves out the families named.
    pub fn without(mut self, names: &[String]) -> Result<Self, PipelineError> {
        let known = self.names();
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(PipelineError::UnknownFamily { name: name.clone(), known: known.join(", ") });
        }
        self.families.retain(|family| !names.iter().any(|name| name == family.name()));
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn every_file_of_this_folder_is_registered() {
        let folder = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where")).join("src/features");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the folder of families")
            .filter_map(|entry| entry.expect("an entry").path().file_stem().map(|stem| stem.to_string_lossy().into_owned()))
            .filter(|stem| stem != "mod")
            .collect();
        let registered: BTreeSet<String> = super::all().names().into_iter().map(str::to_owned).collect();
        assert_eq!(files, registered);
    }
}
