//! `viralcast forecast FILE`

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use domain::{FeatureSource as _, Frequency, LEVELS, SeriesForecast, quantile};
use ingest::tabular::{ColumnData, write_csv, write_parquet};
use models::{CHOICE, EngineOutput};
use serde_json::json;

use crate::context::Global;
use crate::panel_file::{PanelFile, PanelOptions, command_line, describe};
use crate::progress;
use crate::report::{Chart, Report};
use crate::table::table;

/// Forecast your own file: CSV or Parquet in long format; no database, no key, no account
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast forecast sales.csv --horizon 14 --output forecast.csv --report forecast.html")]
pub struct Arguments {
    #[command(flatten)]
    panel: PanelOptions,
    /// Where the forecasts go: *.csv or *.parquet; without it to the terminal
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also write every model's own forecasts
    #[arg(long)]
    all_models: bool,
    /// A self-contained HTML page with fan charts
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// A row's model, and the forecast behind it.
type Row<'a> = (&'a str, &'a SeriesForecast);

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        let file = self.panel.open()?;
        describe(&file.report);
        let bar = progress::bar(0, "fitting and backtesting");
        let output = models::forecast(&file.features, &file.config, file.last, &|at| progress::advance(&bar, at.done, at.total))?;
        bar.finish_and_clear();
        remarks(&file, &output);

        let mut rows: Vec<Row<'_>> = output.forecasts.iter().map(|forecast| (CHOICE, forecast)).collect();
        if self.all_models {
            rows.extend(output.all_models.iter().flat_map(|model| model.forecasts.iter().map(|forecast| (model.model.as_str(), forecast))));
        }
        let columns = columns(&file, &rows);
        match &self.output {
            Some(path) => write(path, &columns)?,
            None if global.json => println!("{}", serde_json::to_string_pretty(&summary(&file, &output))?),
            None if std::io::stdout().is_terminal() => show(&file, &output),
            None => write_stdout(&columns)?,
        }
        if self.output.is_some() && global.json {
            println!("{}", serde_json::to_string_pretty(&summary(&file, &output))?);
        }
        if let Some(path) = &self.report {
            page(&file, &self.panel, &output)?.write(path)?;
            eprintln!("report: {}", path.display());
        }
        Ok(())
    }
}

/// What the reader of a number should know about it.
fn remarks(file: &PanelFile, output: &EngineOutput) {
    let name = |series: u32| file.features.series()[series as usize].as_str();
    for skipped in output.skipped.iter().take(5) {
        eprintln!("no forecast for `{}`: {}", name(skipped.series), skipped.reason);
    }
    if output.skipped.len() > 5 {
        eprintln!("... and {} more series without a forecast", output.skipped.len() - 5);
    }
    if let Some(coverage) = output.coverage(0.8) {
        let bias = output.bias().map_or_else(String::new, |bias| format!(", bias {:+.1} %", bias * 100.0));
        eprintln!("on {} past folds the 80 % ranges held {:.0} % of actuals{bias}", output.calibration.folds, coverage * 100.0);
    } else {
        eprintln!("the history is too short to check the ranges on the past: read them as rough");
    }
    if !output.guard_hits.is_empty() {
        eprintln!("{} implausible model outputs were capped", output.guard_hits.len());
    }
}

/// `unique_id, ds, model, chosen, yhat, q025 ... q975`, one row per series, step and model.
fn columns(file: &PanelFile, rows: &[Row<'_>]) -> Vec<(&'static str, ColumnData)> {
    let cells = || rows.iter().flat_map(|(model, forecast)| forecast.steps.iter().map(move |step| (*model, *forecast, step)));
    let series = file.features.series();
    let ids = ColumnData::text(cells().map(|(_, forecast, _)| series[forecast.series as usize].as_str()));
    let stamps: Vec<i64> = cells().map(|(_, forecast, step)| file.own(forecast.series, step.at)).collect();
    let mut columns = vec![
        ("unique_id", ids),
        ("ds", stamp_column(file.frequency, &stamps)),
        ("model", ColumnData::text(cells().map(|(model, _, _)| model))),
        ("chosen", ColumnData::text(cells().map(|(_, forecast, _)| forecast.chosen.as_str()))),
        ("yhat", ColumnData::Float64(cells().map(|(_, _, step)| step.yhat).collect())),
    ];
    for (level, name) in quantile::NAMES.into_iter().enumerate().take(LEVELS.len()) {
        columns.push((name, ColumnData::Float64(cells().map(|(_, _, step)| step.quantiles.values()[level]).collect())));
    }
    columns
}

/// Periods as the file's own kind of stamp: integers, dates or timestamps.
pub fn stamp_column(frequency: Frequency, periods: &[i64]) -> ColumnData {
    const DAY: i64 = 86_400_000_000;
    let micros = |period: i64| frequency.stamp(period).map_or(0, |at| at.and_utc().timestamp_micros());
    match frequency {
        Frequency::Integer => ColumnData::Int64(periods.to_vec()),
        Frequency::Minutes { .. } => ColumnData::Timestamp(periods.iter().map(|&period| micros(period)).collect()),
        _ => ColumnData::Date(periods.iter().map(|&period| i32::try_from(micros(period).div_euclid(DAY)).unwrap_or(0)).collect()),
    }
}

/// Writes a table to a file of the kind that its name says.
pub fn write(path: &std::path::Path, columns: &[(&'static str, ColumnData)]) -> anyhow::Result<()> {
    let parquet = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"));
    let written = if parquet { write_parquet(path, columns) } else { write_csv(path, columns) };
    written?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

/// CSV for whoever reads the pipe.
fn write_stdout(columns: &[(&'static str, ColumnData)]) -> anyhow::Result<()> {
    let folder = tempdir()?;
    let path = folder.join("forecast.csv");
    let written = write_csv(&path, columns).context("can't write the forecasts").and_then(|()| Ok(std::fs::read(&path)?));
    let _ = std::fs::remove_dir_all(&folder);
    std::io::stdout().write_all(&written?)?;
    Ok(())
}

fn tempdir() -> anyhow::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("viralcast-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&folder).with_context(|| format!("can't create {}", folder.display()))?;
    Ok(folder)
}

/// For a person at a terminal: each series' next step and its sum over the horizon.
fn show(file: &PanelFile, output: &EngineOutput) {
    const SHOWN: usize = 20;
    let rows = output.forecasts.iter().take(SHOWN).filter_map(|forecast| {
        let next = forecast.steps.first()?;
        let sum: f64 = forecast.steps.iter().map(|step| step.yhat).sum();
        let range = format!("{:.1} - {:.1}", next.quantiles.at(0.1), next.quantiles.at(0.9));
        let (id, label) = (file.features.series()[forecast.series as usize].clone(), file.label(forecast.series, next.at));
        Some(vec![id, forecast.chosen.clone(), label, format!("{:.1}", next.yhat), range, format!("{sum:.1}")])
    });
    println!("{}", table(&["series", "chosen", "next", "forecast", "80 % range", "sum over the horizon"], 3.., rows));
    if output.forecasts.len() > SHOWN {
        println!("... and {} more series; --output forecast.csv writes all", output.forecasts.len() - SHOWN);
    }
}

fn summary(file: &PanelFile, output: &EngineOutput) -> serde_json::Value {
    json!({
        "file": file.report, "horizon": file.config.horizon, "season": file.config.season, "series": output.forecasts.len(),
        "skipped": output.skipped.iter().map(|skipped| json!({
            "unique_id": file.features.series()[skipped.series as usize], "reason": skipped.reason.to_string(),
        })).collect::<Vec<_>>(),
        "coverage80": output.coverage(0.8), "bias": output.bias(), "guard_hits": output.guard_hits.len(),
        "chosen": output.selection.candidates.iter().map(|one| json!({ "model": one.candidate.name, "series": one.chosen })).collect::<Vec<_>>(),
    })
}

fn page(file: &PanelFile, options: &PanelOptions, output: &EngineOutput) -> anyhow::Result<Report> {
    const CHARTS: usize = 24;
    let histories = file.features.histories(file.last)?;
    let mut order: Vec<&SeriesForecast> = output.forecasts.iter().collect();
    let volume = |forecast: &SeriesForecast| forecast.steps.iter().map(|step| step.yhat).sum::<f64>();
    order.sort_by(|a, b| volume(b).total_cmp(&volume(a)));
    let charts = order.iter().take(CHARTS).map(|forecast| {
        let history = &histories[forecast.series as usize];
        let shown = (usize::from(file.config.season) * 8).max(usize::from(file.config.horizon) * 4).max(24);
        let skip = history.values.len().saturating_sub(shown);
        let past = (history.first..).zip(history.values.iter().copied()).skip(skip);
        let end = forecast.steps.last().map_or(file.last, |step| step.at);
        let start = history.first + skip as i64;
        Chart {
            name: file.features.series()[forecast.series as usize].clone(),
            note: forecast.chosen.clone(),
            history: past.collect(),
            fans: vec![forecast.steps.clone()],
            held_out: Vec::new(),
            labels: vec![(start, file.label(forecast.series, start)), (end, file.label(forecast.series, end))],
        }
    });
    Ok(Report {
        title: format!("Forecast of {}", file.report.file),
        summary: format!(
            "{} series, {} steps of {} after {}.",
            output.forecasts.len(),
            file.config.horizon,
            file.frequency,
            file.report.last
        ),
        notes: Vec::new(),
        accuracy: None,
        charts: charts.collect(),
        not_shown: order.len().saturating_sub(CHARTS),
        settings: file.settings(options),
        command: command_line(),
    })
}
