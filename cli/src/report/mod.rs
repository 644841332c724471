//! One self-contained HTML page about a forecast or a backtest: fan charts, accuracy against the baselines, and the
//! settings to make it again. No script and no address outside the file.

mod chart;
mod page;

use std::path::Path;

use anyhow::Context as _;
use domain::StepForecast;

/// Everything the page shows.
#[derive(Debug, Default)]
pub struct Report {
    pub title: String,
    /// One sentence under the title: what was forecast, from what.
    pub summary: String,
    /// Remarks a reader must not miss: synthetic data, skipped series, filled gaps.
    pub notes: Vec<String>,
    pub tables: Vec<Accuracy>,
    pub charts: Vec<Chart>,
    /// Series that have no chart here, because there are too many.
    pub not_shown: usize,
    /// Name and value of each setting, in order.
    pub settings: Vec<(String, String)>,
    /// Command line that makes this page again.
    pub command: String,
}

/// A table of figures: models against metrics, groups of rows against coverage.
#[derive(Debug, Default)]
pub struct Accuracy {
    pub title: &'static str,
    /// Head of the first column.
    pub rows_are: &'static str,
    /// Heads of the other columns.
    pub metrics: Vec<&'static str>,
    /// Best first. A missing value is shown as a dash.
    pub rows: Vec<(String, Vec<Option<String>>)>,
    /// What the figures were measured on.
    pub caption: String,
}

/// One series: what was observed, and one or several fans.
#[derive(Debug, Default)]
pub struct Chart {
    pub name: String,
    /// A line under the name: the chosen forecaster, the series' accuracy.
    pub note: String,
    /// Ordinal and value; NaN where nothing was observed.
    pub history: Vec<(i64, f64)>,
    pub fans: Vec<Vec<StepForecast>>,
    /// What came afterwards, where it is known.
    pub held_out: Vec<(i64, f64)>,
    /// Label of an ordinal.
    pub labels: Vec<(i64, String)>,
}

impl Report {
    /// Writes the page.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        std::fs::write(path, page::render(self)).with_context(|| format!("can't write the report to {}", path.display()))
    }
}
