//! `viralcast backtest FILE`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use domain::{FeatureSource as _, Frequency, Ordinal, StepForecast, quantile};
use ingest::tabular::{ColumnData, TableFormat, TableWriter};
use models::metrics::ModelMetrics;
use models::{
    Backtest, BacktestRow, BacktestTable, CHOICE, Evaluation, FoldKeeper, Forgetful, Group, GroupCalibration, GuardCount, GuardKind,
    LevelShare, Metrics, breakdown,
};
use serde_json::json;

use super::forecast::stamp_column;
use crate::context::Global;
use crate::failure::Failure;
use crate::kept_folds::{FoldKey, KeptFolds};
use crate::panel_file::{PanelFile, PanelOptions, command_line, describe, without_periods};
use crate::progress;
use crate::remarks::{about_guards, about_series};
use crate::report::{Accuracy, Chart, Report};
use crate::table::{print, table};

/// Replay the past of your own file: every model and every baseline in one table
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast backtest sales.csv --horizon 14 --windows 4 --step 14 --output cv --report backtest.html")]
pub struct Arguments {
    #[command(flatten)]
    panel: PanelOptions,
    /// Cutoffs to replay
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    windows: u16,
    /// Steps between cutoffs; without it the horizon
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u16).range(1..))]
    step: Option<u16>,
    /// Fit models at every n-th cutoff only; they forecast from the others with the data of each
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    refit_every: u16,
    /// Folder for cv.parquet and metrics.json, and for finished windows: the same command again goes on where one was stopped
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Make windows again that an earlier run of this command has kept
    #[arg(long, requires = "output")]
    fresh: bool,
    /// Format of the table of forecasts
    #[arg(long, value_enum, default_value_t = Format::Parquet)]
    format: Format,
    /// A self-contained HTML page: accuracy, fan charts with held-out actuals, settings
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Parquet,
    Csv,
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        let file = self.panel.open()?;
        describe(&file.report, &self.panel);
        let cutoffs = self.cutoffs(&file)?;
        let mut remarks = about_series(&file)?;
        let kept = self.output.as_deref().map(|folder| self.kept_folds(folder)).transpose()?;
        let keeper: &dyn FoldKeeper = kept.as_ref().map_or(&Forgetful, |kept| kept);
        let mut backtest = Backtest::new(&file.features, &file.config, &cutoffs, keeper).map_err(without_periods)?;
        backtest = backtest.refit_every(usize::from(self.refit_every));
        kept.iter().filter_map(|kept| kept.going_on(&backtest.cutoffs())).for_each(|line| eprintln!("{line}"));
        let (table, metrics) = self.replay(&file, &mut backtest)?;
        kept.iter().filter_map(KeptFolds::trouble).for_each(|line| eprintln!("{line}"));
        remarks.extend(incomplete(&file, &table, cutoffs.len()));
        remarks.extend(about_guards(&guards(&table), "in all models' windows"));
        remarks.iter().for_each(|remark| eprintln!("{remark}"));
        if let Some(folder) = &self.output {
            self.save(folder, &file, &table, &metrics)?;
        }
        if global.json {
            print(serde_json::to_string_pretty(&metrics)?)?;
        } else {
            print(leaderboard(&metrics))?;
            surely(&metrics).iter().for_each(|line| eprintln!("{line}"));
        }
        if let Some(path) = &self.report {
            self.page(&file, &table, &metrics, remarks)?.write(path)?;
            eprintln!("report: {}", path.display());
        }
        Ok(())
    }

    /// Finished windows of this very question, and what became of those of another one.
    fn kept_folds(&self, folder: &Path) -> anyhow::Result<KeptFolds> {
        let files: Vec<&Path> = std::iter::once(&self.panel.file).chain(&self.panel.future).map(PathBuf::as_path).collect();
        let key = FoldKey::of(&files, &format!("{:?} {} {:?} {}", self.panel, self.windows, self.step, self.refit_every))?;
        let (kept, remark) = KeptFolds::open(folder, key, self.fresh)?;
        remark.iter().for_each(|line| eprintln!("{line}"));
        Ok(kept)
    }

    /// Window after window into the output folder's table and the scores; what stays in memory is the choice's own rows.
    fn replay(&self, file: &PanelFile, backtest: &mut Backtest<'_>) -> anyhow::Result<(BacktestTable, Metrics)> {
        let mut choice = backtest.empty_table();
        let mut evaluation = Evaluation::new(&choice);
        let mut writer = self.output.as_ref().map(|folder| self.writer(folder));
        let bar = progress::bar(0, "fitting and backtesting");
        while let Some(mut window) = backtest.next_window(&|at| progress::advance(&bar, at.done, at.total)).map_err(without_periods)? {
            evaluation.add(&window);
            if let Some(writer) = writer.as_mut().filter(|_| !window.rows.is_empty()) {
                writer.write(&columns(file, &window))?;
            }
            window.keep_model(CHOICE);
            choice.append(window);
        }
        bar.finish_and_clear();
        if choice.rows.is_empty() {
            return Err(Failure::with_hint(
                "no window has both a history and actuals to compare with",
                "use fewer --windows or a shorter --horizon, or give more history",
            ));
        }
        writer.map_or(Ok(()), TableWriter::finish)?;
        Ok((choice, evaluation.metrics()))
    }

    fn writer(&self, folder: &Path) -> TableWriter {
        match self.format {
            Format::Parquet => TableWriter::new(&folder.join("cv.parquet"), TableFormat::Parquet),
            Format::Csv => TableWriter::new(&folder.join("cv.csv"), TableFormat::Csv),
        }
    }

    /// The last cutoff is `horizon` steps before the panel's end, the earlier ones `step` apart.
    fn cutoffs(&self, file: &PanelFile) -> anyhow::Result<Vec<Ordinal>> {
        let step = Ordinal::from(self.step.unwrap_or(self.panel.horizon));
        let horizon = Ordinal::from(self.panel.horizon);
        let histories = file.features.histories(file.last)?;
        let first = histories.iter().filter(|history| !history.values.is_empty()).map(|history| history.first).min().unwrap_or(file.last);
        // A window needs an observation to forecast from.
        let room = file.last - horizon - first;
        let most = if room < 0 { 0 } else { room / step + 1 };
        if most < Ordinal::from(self.windows) {
            let wanted = horizon + (Ordinal::from(self.windows) - 1) * step + 1;
            let has = file.last - first + 1;
            return Err(Failure::with_hint(
                format!(
                    "{} of {horizon} steps {} a history of at least {wanted} steps; {} spans {has}",
                    plural(self.windows, "window"),
                    if self.windows == 1 { "needs" } else { "need" },
                    file.report.file
                ),
                match most {
                    0 => format!("the horizon must be shorter than the history: at most --horizon {}", (has - 1).max(1)),
                    most => format!("at most {most} fit: --windows {most}, or a shorter --step or --horizon"),
                },
            ));
        }
        let last = file.last - horizon;
        Ok((0..Ordinal::from(self.windows)).rev().map(|back| last - back * step).collect())
    }

    fn save(&self, folder: &Path, file: &PanelFile, table: &BacktestTable, metrics: &Metrics) -> anyhow::Result<()> {
        let settings: BTreeMap<String, String> = file.settings(&self.panel).into_iter().collect();
        let windows: Vec<_> = table
            .windows
            .iter()
            .map(|window| {
                let filled: BTreeMap<&String, usize> =
                    table.models.iter().zip(window.filled.iter().copied()).filter(|(_, count)| *count > 0).collect();
                json!({
                    "cutoff": file.frequency.label(window.cutoff), "selection": window.selection.candidates,
                    "calibration": window.calibration, "filled_by_baseline": filled, "guards": window.guards, "idle_families": window.idle_families,
                })
            })
            .collect();
        let kept = json!({ "settings": settings, "command": command_line(), "metrics": metrics, "calibration": breakdown(table, CHOICE), "windows": windows });
        let path = folder.join("metrics.json");
        std::fs::write(&path, serde_json::to_vec_pretty(&kept)?).with_context(|| format!("can't write {}", path.display()))?;
        eprintln!("wrote {}", folder.display());
        Ok(())
    }

    fn page(&self, file: &PanelFile, table: &BacktestTable, metrics: &Metrics, notes: Vec<String>) -> anyhow::Result<Report> {
        const CHARTS: usize = 24;
        let charts = charts(file, table)?;
        let not_shown = charts.len().saturating_sub(CHARTS);
        let mut settings = file.settings(&self.panel);
        settings.push(("windows".to_owned(), self.windows.to_string()));
        settings.push(("refit every".to_owned(), self.refit_every.to_string()));
        settings.push(("step".to_owned(), self.step.unwrap_or(self.panel.horizon).to_string()));
        Ok(Report {
            title: format!("Backtest of {}", file.report.file),
            summary: format!(
                "{} series; {} windows of {}, the last ending {}. Every window was forecast from what was known at its cutoff.",
                table.series.len(),
                table.windows.len(),
                file.steps(file.config.horizon),
                if file.frequency == Frequency::Integer { "with each series" } else { &file.report.last }
            ),
            notes,
            tables: vec![accuracy(metrics), quantiles(metrics), calibration(table, file.frequency)],
            charts: charts.into_iter().take(CHARTS).collect(),
            not_shown,
            settings,
            command: command_line(),
        })
    }
}

/// What the guards did in all windows.
fn guards(table: &BacktestTable) -> Vec<GuardCount> {
    let mut counts: BTreeMap<(&str, GuardKind), usize> = BTreeMap::new();
    for one in table.windows.iter().flat_map(|window| &window.guards) {
        *counts.entry((&one.model, one.kind)).or_default() += one.count;
    }
    counts.into_iter().map(|((model, kind), count)| GuardCount { model: model.to_owned(), kind, count }).collect()
}

fn plural(count: u16, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Series that are not in every window: they began later, ended earlier, or have holes.
fn incomplete(file: &PanelFile, table: &BacktestTable, windows: usize) -> Option<String> {
    const LISTED: usize = 5;
    let mut found = vec![0_usize; table.series.len()];
    table.scales.iter().for_each(|scale| found[scale.series as usize] += 1);
    let names: Vec<String> =
        found.iter().zip(&table.series).filter(|(count, _)| **count < windows).map(|(count, name)| format!("`{name}` ({count})")).collect();
    let more = names.len().saturating_sub(LISTED);
    let tail = if more == 0 { String::new() } else { format!(" and {more} more") };
    let listed = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| {
        format!(
            "{} of {} series are not in all {windows} windows, for lack of sales before or in them: {listed}{tail}",
            names.len(),
            file.features.series().len()
        )
    })
}

/// `unique_id, ds, cutoff, model, y, yhat, q025 ... q975`.
fn columns(file: &PanelFile, table: &BacktestTable) -> Vec<(&'static str, ColumnData)> {
    let rows = &table.rows;
    let stamps = |of: fn(&BacktestRow) -> Ordinal| {
        let own: Vec<Ordinal> = rows.iter().map(|row| file.own(row.series, of(row))).collect();
        stamp_column(file.frequency, &own)
    };
    let mut columns = vec![
        ("unique_id", ColumnData::text(rows.iter().map(|row| table.series[row.series as usize].as_str()))),
        ("ds", stamps(|row| row.at)),
        ("cutoff", stamps(|row| row.cutoff)),
        ("model", ColumnData::text(rows.iter().map(|row| table.models[usize::from(row.model)].as_str()))),
        ("y", ColumnData::Float64(rows.iter().map(|row| row.y).collect())),
        ("yhat", ColumnData::Float64(rows.iter().map(|row| row.yhat).collect())),
    ];
    for (level, name) in quantile::NAMES.into_iter().enumerate() {
        columns.push((name, ColumnData::Float64(rows.iter().map(|row| row.quantiles.values()[level]).collect())));
    }
    columns
}

/// Reads a metric of a model.
type Metric = fn(&ModelMetrics) -> Option<f64>;

/// Metrics shown, by name.
const SHOWN: [(&str, Metric); 9] = [
    ("MASE", |m| m.mase),
    ("RMSSE", |m| m.rmsse),
    ("WAPE", |m| m.wape),
    ("sMAPE", |m| m.smape),
    ("bias", |m| m.bias),
    ("wQL", |m| m.wql),
    ("cov80", |m| m.coverage80),
    ("cov95", |m| m.coverage95),
    ("skill", |m| m.skill),
];

/// Models by weighted quantile loss, best first.
fn ranked(metrics: &Metrics) -> Vec<&ModelMetrics> {
    let mut models: Vec<&ModelMetrics> = metrics.models.iter().collect();
    models.sort_by(|a, b| a.wql.unwrap_or(f64::INFINITY).total_cmp(&b.wql.unwrap_or(f64::INFINITY)));
    models
}

fn leaderboard(metrics: &Metrics) -> comfy_table::Table {
    let head: Vec<&str> = std::iter::once("model").chain(SHOWN.map(|(name, _)| name)).collect();
    let rows = ranked(metrics).into_iter().map(|model| {
        let values = SHOWN.map(|(_, value)| value(model).map_or_else(|| "-".to_owned(), |value| format!("{value:.3}")));
        std::iter::once(model.model.clone()).chain(values).collect()
    });
    table(&head, 1.., rows)
}

/// How sure the choice's skill is, in words.
fn surely(metrics: &Metrics) -> Option<String> {
    let (low, high) = metrics.of(CHOICE)?.skill_interval?;
    let verdict = if low > 0.0 { "better than seasonal_naive" } else { "not surely better than seasonal_naive" };
    Some(format!("{CHOICE}: skill between {low:.3} and {high:.3} (95 %, bootstrap over series), {verdict}"))
}

/// Calibration of each of the choice's quantiles, as a table of the report.
fn quantiles(metrics: &Metrics) -> Accuracy {
    let percent = |share: f64| Some(format!("{:.1} %", 100.0 * share));
    let row = |one: &LevelShare| (format!("{} %", 100.0 * one.level), vec![percent(one.below), percent(one.upto)]);
    Accuracy {
        title: "Quantiles",
        rows_are: "quantile",
        metrics: vec!["actuals below", "at or below"],
        rows: metrics.of(CHOICE).map_or_else(Vec::new, |metrics| metrics.levels.iter().map(row).collect()),
        caption: format!(
            "Of {CHOICE}, over all windows. A quantile is calibrated where its own share lies between the two: counts land on it."
        ),
    }
}

/// Calibration of the choice by step, season position and volume, as a table of the report.
fn calibration(table: &BacktestTable, frequency: Frequency) -> Accuracy {
    let percent = |value: f64| Some(format!("{:.1} %", 100.0 * value));
    let row = |one: &GroupCalibration| {
        let [half, most, nearly_all] = one.coverage;
        let values = vec![Some(one.rows.to_string()), percent(half), percent(most), percent(nearly_all), one.bias.and_then(percent)];
        (group_name(one.group, frequency), values)
    };
    Accuracy {
        title: "Calibration",
        rows_are: "rows of",
        metrics: vec!["rows", "in 50 %", "in 80 %", "in 95 %", "bias"],
        rows: breakdown(table, CHOICE).iter().map(row).collect(),
        caption: format!(
            "Share of actuals of each group inside {CHOICE}'s central ranges; thirds of the series by what they sold in the windows."
        ),
    }
}

fn group_name(group: Group, frequency: Frequency) -> String {
    match group {
        Group::Step(step) => format!("step {step}"),
        Group::Position(position) => match frequency.date(Ordinal::from(position)) {
            Some(date) if frequency == Frequency::Daily => date.format("%A").to_string(),
            _ => format!("season position {}", position + 1),
        },
        Group::Volume(0) => "smallest third".to_owned(),
        Group::Volume(1) => "middle third".to_owned(),
        Group::Volume(_) => "largest third".to_owned(),
    }
}

fn accuracy(metrics: &Metrics) -> Accuracy {
    Accuracy {
        title: "Accuracy",
        rows_are: "model",
        metrics: SHOWN.map(|(name, _)| name).to_vec(),
        rows: ranked(metrics)
            .into_iter()
            .map(|model| (model.model.clone(), SHOWN.map(|(_, value)| value(model).map(|value| format!("{value:.4}"))).to_vec()))
            .collect(),
        caption: format!(
            "MASE and RMSSE are scaled by the in-sample seasonal naive error at season {}; skill is 1 - MASE / MASE of seasonal_naive. \
             `viralcast` is the choice made at each cutoff from what was known then.",
            metrics.season
        ),
    }
}

/// One chart a series: history, the choice's fan of each window, and what happened. The largest series first.
fn charts(file: &PanelFile, table: &BacktestTable) -> anyhow::Result<Vec<Chart>> {
    let choice = table.models.iter().position(|model| model == CHOICE).unwrap_or(0);
    let mut windows: BTreeMap<u32, BTreeMap<Ordinal, Vec<&BacktestRow>>> = BTreeMap::new();
    for row in table.rows.iter().filter(|row| usize::from(row.model) == choice) {
        windows.entry(row.series).or_default().entry(row.cutoff).or_default().push(row);
    }
    let histories = file.features.histories(file.last)?;
    let mut charts: Vec<(f64, Chart)> = Vec::with_capacity(windows.len());
    for (series, cutoffs) in windows {
        let rows = || cutoffs.values().flatten();
        let (first, end) = (cutoffs.keys().next().copied().unwrap_or(file.last), rows().map(|row| row.at).max().unwrap_or(file.last));
        let start = (first - 4 * Ordinal::from(file.config.season).max(7)).max(histories[series as usize].first);
        let history = &histories[series as usize];
        let past = (history.first..).zip(history.values.iter().copied()).filter(|(at, _)| (start..=end).contains(at));
        let (error, actual) =
            rows().filter(|row| row.y.is_finite()).fold((0.0, 0.0), |(e, a), row| (e + (row.y - row.yhat).abs(), a + row.y.abs()));
        let step = |row: &&BacktestRow| StepForecast { at: row.at, step: row.step, yhat: row.yhat, quantiles: row.quantiles };
        let chart = Chart {
            name: table.series[series as usize].clone(),
            note: if actual > 0.0 { format!("WAPE {:.1} %", error / actual * 100.0) } else { "no sales in the windows".to_owned() },
            history: past.collect(),
            held_out: rows().map(|row| (row.at, row.y)).collect(),
            fans: cutoffs.values().map(|window| window.iter().map(step).collect()).collect(),
            labels: vec![(start, file.label(series, start)), (end, file.label(series, end))],
        };
        charts.push((actual, chart));
    }
    charts.sort_by(|a, b| b.0.total_cmp(&a.0));
    Ok(charts.into_iter().map(|(_, chart)| chart).collect())
}
