//! A file on the command line as a source of features: options, reading, remarks.

use std::path::PathBuf;

use anyhow::Context as _;
use domain::panel::{Panel, Scope};
use domain::{FeatureSource as _, Frequency, Ordinal};
use ingest::panel::{Gaps, PanelReport, PanelSpec, Step, read_panel_files};
use ingest::tabular::{DateFormat, Decimal, Locale};
use models::{Effort, EngineConfig};
use pipeline::{FeatureConfig, PanelFeatures};

use crate::failure::Failure;

/// Options that `forecast` and `backtest` share.
#[derive(Debug, clap::Args)]
pub struct PanelOptions {
    /// Sales in long format, CSV or Parquet: columns unique_id, ds, y and any further ones
    pub file: PathBuf,
    /// Steps to forecast
    #[arg(long, value_name = "STEPS")]
    pub horizon: u16,
    /// Seasonal period in steps; without it 7 for days, 12 for months, 52 for weeks, else 1
    #[arg(long, value_name = "STEPS")]
    pub season: Option<u16>,
    /// Length of a step (1h, 1d, 1w, 1mo, 1q, 1y, integer); without it told from the stamps
    #[arg(long)]
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
    /// Forecasters to enter beside the baseline; without it all
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
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
        if self.horizon == 0 {
            return Err(Failure::new("--horizon 0 asks for nothing", "give the number of steps to forecast, as in --horizon 14"));
        }
        let (mut panel, report) = read_panel_files(&self.file, self.future.as_deref(), &self.spec())?;
        let offsets = align_ends(&mut panel);
        let frequency = panel.frequency;
        let season = self.season.unwrap_or_else(|| frequency.default_season()).max(1);
        let features = PanelFeatures::new(panel, FeatureConfig { season: Some(season), ..FeatureConfig::default() })
            .with_context(|| format!("can't make features of {}", self.file.display()))?;
        let last =
            features.last_period().ok_or_else(|| Failure::new("the file has no sales", "see that the target column holds numbers"))?;
        let config = EngineConfig::new(self.horizon, season).with_effort(self.effort).with_seed(self.seed).with_models(self.models.clone());
        Ok(PanelFile { features, report, config, frequency, last, offsets })
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

    /// A period of a series in the file's own count.
    pub fn own(&self, series: u32, at: Ordinal) -> Ordinal {
        at - self.offsets.get(series as usize).copied().unwrap_or(0)
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
            ("known-future", list(&options.known_future)),
            ("closed", options.closed.clone().unwrap_or_else(|| "none".to_owned())),
            ("gaps", format!("{:?}", options.gaps).to_lowercase()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

/// Integers have no common calendar: each series ends at its own end. Shifting them to end together lets one cutoff mean
/// "the last observation of each". Returns what was added to each series.
fn align_ends(panel: &mut Panel) -> Vec<Ordinal> {
    let mut last = vec![Ordinal::MIN; panel.series.len()];
    if panel.frequency != Frequency::Integer {
        return vec![0; panel.series.len()];
    }
    for (series, at) in panel.observations.series.iter().zip(&panel.observations.at) {
        let of_series = &mut last[*series as usize];
        *of_series = (*of_series).max(*at);
    }
    let end = last.iter().copied().max().unwrap_or(0);
    let offsets: Vec<Ordinal> = last.iter().map(|&last| if last == Ordinal::MIN { 0 } else { end - last }).collect();
    let observations = &mut panel.observations;
    for (row, series) in observations.series.iter().enumerate() {
        observations.at[row] += offsets[*series as usize];
        observations.known_from[row] += offsets[*series as usize];
    }
    for regressor in panel.regressors.iter_mut().chain(&mut panel.closed) {
        if !matches!(regressor.scope, Scope::Series) {
            continue;
        }
        for (row, key) in regressor.cells.key.iter().enumerate() {
            let offset = offsets.get(*key as usize).copied().unwrap_or(0);
            regressor.cells.at[row] += offset;
            regressor.cells.known_from[row] = regressor.cells.known_from[row].saturating_add(offset);
        }
    }
    offsets
}

/// Remarks about how the file was read, for stderr.
pub fn describe(report: &PanelReport) {
    for line in report.to_string().lines() {
        eprintln!("{line}");
    }
}

/// The command line that made a result, for its report.
pub fn command_line() -> String {
    let quoted = |argument: String| if argument.contains(' ') { format!("'{argument}'") } else { argument };
    let rest: Vec<String> = std::env::args().skip(1).map(quoted).collect();
    format!("viralcast {}", rest.join(" "))
}
