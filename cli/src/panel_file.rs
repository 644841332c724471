//! A file on the command line as a source of features: options, reading, remarks.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use domain::panel::{Panel, Scope};
use domain::{FeatureError, FeatureSource as _, Frequency, Ordinal};
use ingest::panel::{Filter, Gaps, PanelError, PanelReport, PanelSpec, Step, read_panel_files};
use ingest::tabular::{DateFormat, Decimal, Locale, TabularError};
use models::{Effort, EngineConfig, ModelError};
use pipeline::{FeatureConfig, PanelFeatures, PipelineError};

use crate::failure::Failure;

/// Options that `forecast` and `backtest` share.
///
/// What they say in `Debug` tells one question from another, see [`crate::kept_folds`].
#[derive(Debug, clap::Args)]
pub struct PanelOptions {
    /// Sales in long format, CSV or Parquet: columns unique_id, ds, y and any further ones
    pub file: PathBuf,
    /// Steps to forecast
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u16).range(1..))]
    pub horizon: u16,
    /// Seasonal period in steps; without it 24 for hours, 7 for days, 52 for weeks, 12 for months, else 1
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u16).range(1..))]
    pub season: Option<u16>,
    /// Length of a step (1h, 1d, 1w, 1mo, 1q, 1y, integer); without it told from the stamps
    #[arg(long, value_name = "STEP")]
    pub freq: Option<Step>,
    /// Column that tells series apart
    #[arg(long, value_name = "COLUMN", default_value = "unique_id")]
    pub id_col: String,
    /// Column of dates, timestamps or integers
    #[arg(long, value_name = "COLUMN", default_value = "ds")]
    pub time_col: String,
    /// Column of the sales
    #[arg(long, value_name = "COLUMN", default_value = "y")]
    pub target_col: String,
    /// Only rows where the column holds the value; repeated for one column: any of them, for several columns: all
    #[arg(long = "where", value_name = "COLUMN=VALUE")]
    pub filters: Vec<Filter>,
    /// Columns known ahead: calendar, promo plan, issued weather forecasts
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub known_future: Vec<String>,
    /// Columns known only once they happened; also what any column is that is not named
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub observed_past: Vec<String>,
    /// Columns with one value a series
    #[arg(long = "static", value_name = "COLUMNS", value_delimiter = ',')]
    pub statics: Vec<String>,
    /// Columns not to use
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub exclude: Vec<String>,
    /// Column that marks closed days: the forecast there is exactly 0
    #[arg(long, value_name = "COLUMN")]
    pub closed: Option<String>,
    /// File with the future values of the known-future columns
    #[arg(long, value_name = "FILE")]
    pub future: Option<PathBuf>,
    /// What a period without a row means: missing (not known), zero (nothing sold) or error
    #[arg(long, default_value = "missing")]
    pub gaps: Gaps,
    /// How dates are written, if the column leaves it open: iso, dd/mm/yyyy, mm/dd/yyyy
    #[arg(long, value_name = "FORMAT")]
    pub date_format: Option<DateFormat>,
    /// Decimal sign, if the columns leave it open: point or comma
    #[arg(long, value_name = "SIGN")]
    pub decimal: Option<Decimal>,
    /// Accuracy against time: fast, normal or max
    #[arg(long, default_value = "normal")]
    pub effort: Effort,
    /// Forecasters to enter beside the baseline; without it all that the effort pays for
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = PossibleValuesParser::new(models::forecasters::all().names()))]
    pub models: Vec<String>,
    /// Of every random choice
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// A file read and ready to be asked for features.
pub struct PanelFile {
    pub features: PanelFeatures,
    pub report: PanelReport,
    pub config: EngineConfig,
    pub frequency: Frequency,
    /// Last period of the panel.
    pub last: Ordinal,
    /// What was added to each series' own integers, so that all end together; zeros for dates.
    offsets: Vec<Ordinal>,
}

impl PanelOptions {
    /// Reads the file.
    pub fn open(&self) -> anyhow::Result<PanelFile> {
        let (mut panel, report) =
            read_panel_files(&self.file, self.future.as_deref(), &self.spec()).map_err(|error| self.explained(error))?;
        let offsets = align_ends(&mut panel)?;
        let frequency = panel.frequency;
        let season = self.season.unwrap_or_else(|| frequency.default_season()).max(1);
        let features = PanelFeatures::new(panel, FeatureConfig { season: Some(season), ..FeatureConfig::default() }).map_err(|error| {
            if frequency == Frequency::Integer && matches!(error, PipelineError::TooSparse { .. }) {
                return Failure::with_hint(
                    format!(
                        "the integers in `{}` of `{}` don't count steps: {} to {}",
                        self.time_col, report.file, report.first, report.last
                    ),
                    "number the steps 1, 2, 3, ..., or write them as dates",
                );
            }
            anyhow::Error::new(error).context(format!("can't make features of {}", self.file.display()))
        })?;
        let last = features
            .last_period()
            .ok_or_else(|| Failure::with_hint("the file has no sales", "see that the target column holds numbers"))?;
        let config = EngineConfig::new(self.horizon, season).with_effort(self.effort).with_seed(self.seed).with_models(self.models.clone());
        Ok(PanelFile { features, report, config, frequency, last, offsets })
    }

    /// A missing main column, with the option that names it.
    fn explained(&self, error: PanelError) -> anyhow::Error {
        let mains = [("--id-col", &self.id_col), ("--time-col", &self.time_col), ("--target-col", &self.target_col)];
        let PanelError::Table(TabularError::MissingColumn { wanted, closest, .. }) = &error else { return error.into() };
        if let Some(filter) = self.filters.iter().find(|filter| filter.column == *wanted) {
            let example = closest.as_deref().unwrap_or("COLUMN");
            return Failure::with_hint(error.to_string(), format!("name one of these columns: `--where {example}={}`", filter.value));
        }
        let Some((option, _)) = mains.into_iter().find(|(_, name)| *name == wanted) else { return error.into() };
        let example = closest.as_deref().unwrap_or("COLUMN");
        Failure::with_hint(error.to_string(), format!("say which column plays its part: `{option} {example}`"))
    }

    fn spec(&self) -> PanelSpec {
        PanelSpec {
            id: self.id_col.clone(),
            ds: self.time_col.clone(),
            y: self.target_col.clone(),
            known_future: self.known_future.clone(),
            observed_past: self.observed_past.clone(),
            statics: self.statics.clone(),
            exclude: self.exclude.clone(),
            filters: self.filters.clone(),
            closed: self.closed.clone(),
            step: self.freq,
            gaps: self.gaps,
            locale: Locale { dates: self.date_format, decimal: self.decimal },
        }
    }
}

impl PanelFile {
    /// A period of a series as the file writes it.
    pub fn label(&self, series: u32, at: Ordinal) -> String {
        self.frequency.label(self.own(series, at))
    }

    /// So many steps in words: `14 days`.
    pub fn steps(&self, count: u16) -> String {
        let (each, unit) = match self.frequency {
            Frequency::Minutes { minutes: 60 } => (1, "hour"),
            Frequency::Minutes { minutes } => (minutes, "minute"),
            Frequency::Daily => (1, "day"),
            Frequency::Weekly { .. } => (1, "week"),
            Frequency::Monthly { months: 1, .. } => (1, "month"),
            Frequency::Monthly { months: 3, .. } => (1, "quarter"),
            Frequency::Monthly { months: 12, .. } => (1, "year"),
            Frequency::Monthly { months, .. } => (months, "month"),
            Frequency::Integer => (1, "step"),
        };
        let plural = if count == 1 { "" } else { "s" };
        if each == 1 { format!("{count} {unit}{plural}") } else { format!("{count} x {each} {unit}s") }
    }

    /// A period of a series in the file's own count.
    pub fn own(&self, series: u32, at: Ordinal) -> Ordinal {
        at - self.offsets.get(series as usize).copied().unwrap_or(0)
    }

    /// Columns of the file that play this part.
    fn columns(&self, part: &str) -> String {
        let names: Vec<&str> = self.report.columns.iter().filter(|column| column.part == part).map(|column| column.name.as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    /// Settings worth keeping beside a result, for `metrics.json` and the report.
    pub fn settings(&self, options: &PanelOptions) -> Vec<(String, String)> {
        let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        [
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("file", self.report.file.clone()),
            ("rows", self.report.rows.to_string()),
            ("series", self.report.series.to_string()),
            ("span", format!("{} to {}", self.report.first, self.report.last)),
            ("frequency", self.frequency.to_string()),
            ("horizon", self.config.horizon.to_string()),
            ("season", self.config.season.to_string()),
            ("effort", self.config.effort.to_string()),
            ("seed", self.config.seed.to_string()),
            ("models", if self.config.models.is_empty() { "all".to_owned() } else { self.config.models.join(", ") }),
            ("where", list(&options.filters.iter().map(ToString::to_string).collect::<Vec<_>>())),
            ("known-future", list(&options.known_future)),
            ("observed-past", self.columns("observed-past")),
            ("static", list(&options.statics)),
            ("future file", options.future.as_ref().map_or_else(|| "none".to_owned(), |path| path.display().to_string())),
            ("closed", options.closed.clone().unwrap_or_else(|| "none".to_owned())),
            ("gaps", format!("{:?}", options.gaps).to_lowercase()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

/// Integers up to here can be shifted and counted on from without leaving 64 bits.
const LARGEST: Ordinal = 1 << 60;

/// Integers have no common calendar: each series ends at its own end. Shifting them to end together lets one cutoff mean
/// "the last observation of each". Returns what was added to each series.
fn align_ends(panel: &mut Panel) -> anyhow::Result<Vec<Ordinal>> {
    let mut last = vec![Ordinal::MIN; panel.series.len()];
    if panel.frequency != Frequency::Integer {
        return Ok(vec![0; panel.series.len()]);
    }
    if let Some(at) = panel.observations.at.iter().find(|at| at.unsigned_abs() > LARGEST.unsigned_abs()) {
        return Err(Failure::with_hint(
            format!("{at} is too large a number to count steps with"),
            "number the steps from 1, or write dates",
        ));
    }
    let cells = panel.observations.series.iter().zip(&panel.observations.at).zip(&panel.observations.value);
    for ((series, at), _) in cells.filter(|(_, value)| value.is_finite()) {
        let of_series = &mut last[*series as usize];
        *of_series = (*of_series).max(*at);
    }
    let end = last.iter().copied().max().unwrap_or(0);
    let offsets: Vec<Ordinal> = last.iter().map(|&last| if last == Ordinal::MIN { 0 } else { end - last }).collect();
    let observations = &mut panel.observations;
    for (row, series) in observations.series.iter().enumerate() {
        observations.at[row] = observations.at[row].saturating_add(offsets[*series as usize]);
        observations.known_from[row] = observations.known_from[row].saturating_add(offsets[*series as usize]);
    }
    for regressor in panel.regressors.iter_mut().chain(&mut panel.closed) {
        if !matches!(regressor.scope, Scope::Series) {
            continue;
        }
        for (row, key) in regressor.cells.key.iter().enumerate() {
            let offset = offsets.get(*key as usize).copied().unwrap_or(0);
            regressor.cells.at[row] = regressor.cells.at[row].saturating_add(offset);
            regressor.cells.known_from[row] = regressor.cells.known_from[row].saturating_add(offset);
        }
    }
    Ok(offsets)
}

/// Why no forecast could be made, without the engine's own count of periods where a known-future value is missing.
pub fn without_periods(error: ModelError) -> anyhow::Error {
    match error {
        ModelError::Features { source: missing @ FeatureError::MissingFuture { .. }, .. } => missing.into(),
        other => other.into(),
    }
}

/// Remarks about how the file was read, for stderr.
pub fn describe(report: &PanelReport, options: &PanelOptions) {
    for line in report.to_string().lines() {
        eprintln!("{line}");
    }
    if report.frequency == Frequency::Integer && options.season.is_none() {
        eprintln!("integers tell no season: say --season 7 if they count days");
    }
    let filled = report.gaps.saturating_sub(report.rows as u64);
    if filled > 0 && !report.gaps_are_zero {
        eprintln!(
            "most periods have no row: if nothing was sold then, say --gaps zero; if {} is not the step, say --freq",
            report.frequency
        );
    }
}

/// The command line that made a result, for its report.
pub fn command_line() -> String {
    let is_plain = |argument: &str| !argument.is_empty() && argument.chars().all(|c| c.is_alphanumeric() || "-_=./,:+@%".contains(c));
    let quoted = |argument: String| if is_plain(&argument) { argument } else { format!("'{}'", argument.replace('\'', "'\\''")) };
    let rest: Vec<String> = std::env::args().skip(1).map(quoted).collect();
    format!("viralcast {}", rest.join(" "))
}
