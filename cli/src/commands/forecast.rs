//! `viralcast forecast FILE`

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use domain::{FeatureSource as _, Frequency, LEVELS, SeriesForecast, StepForecast, quantile};
use ingest::tabular::{ColumnData, print_csv, write_csv, write_parquet};
use models::guard::tally;
use models::{CHOICE, EngineOutput};
use serde_json::{Value, json};

use crate::context::Global;
use crate::panel_file::{PanelFile, PanelOptions, command_line, describe, without_periods};
use crate::progress;
use crate::reasons::{Reasons, Row};
use crate::remarks::{about_guards, about_series};
use crate::report::{Accuracy, Chart, Report};
use crate::table::{print, table};

/// Forecast your own file: CSV or Parquet in long format; no database, no key, no account
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast forecast sales.csv --horizon 14 --output forecast.csv --report forecast.html")]
pub struct Arguments {
    #[command(flatten)]
    panel: PanelOptions,
    /// Where the forecasts go: *.csv or *.parquet; without it to the terminal
    #[arg(long, short, value_name = "FILE", value_parser = table_path)]
    output: Option<PathBuf>,
    /// Also write every model's own forecasts
    #[arg(long)]
    all_models: bool,
    /// Say why each forecast is what it is: contributions that add up to it, and the largest of them in words
    #[arg(long)]
    explain: bool,
    /// A self-contained HTML page with fan charts
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// A path whose name says a format that can be written.
fn table_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let is_known = path.extension().is_some_and(|found| ["csv", "parquet"].iter().any(|known| found.eq_ignore_ascii_case(known)));
    if is_known { Ok(path) } else { Err("the name must end in .csv or .parquet".to_owned()) }
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        let file = self.panel.open()?;
        describe(&file.report, &self.panel);
        let bar = progress::bar(0, "fitting and backtesting");
        let output = models::forecast(&file.features, &file.config, file.last, &|at| progress::advance(&bar, at.done, at.total))
            .map_err(without_periods)?;
        bar.finish_and_clear();
        let remarks = remarks(&file, &output)?;
        remarks.iter().for_each(|remark| eprintln!("{remark}"));

        let own = |model| (model, output.of_model(model));
        let others: Vec<_> = if self.all_models { output.models().into_iter().map(own).collect() } else { Vec::new() };
        let mut rows: Vec<Row<'_>> = output.forecasts.iter().map(|forecast| (CHOICE, forecast)).collect();
        rows.extend(others.iter().flat_map(|(model, forecasts)| forecasts.iter().map(|forecast| (*model, forecast))));
        let reasons = if self.explain { Reasons::of(&file, &output)? } else { Reasons::default() };
        let mut columns = columns(&file, &rows);
        columns.extend(reasons.columns(&file, &rows));
        match &self.output {
            Some(path) => write(path, &columns)?,
            None if global.json => {}
            None if std::io::stdout().is_terminal() => show(&file, &output, &reasons)?,
            None => write_stdout(&columns)?,
        }
        if global.json {
            let mut summary = summary(&file, &output);
            if self.output.is_none() {
                summary["forecasts"] = json_rows(&file, &rows, &reasons);
            }
            print(serde_json::to_string_pretty(&summary)?)?;
        }
        if let Some(path) = &self.report {
            page(&file, &self.panel, &output, remarks)?.write(path)?;
            eprintln!("report: {}", path.display());
        }
        Ok(())
    }
}

/// What the reader of a number should know about it.
fn remarks(file: &PanelFile, output: &EngineOutput) -> anyhow::Result<Vec<String>> {
    let mut remarks = about_series(file)?;
    remarks.push(match output.coverage(0.8) {
        Some(coverage) => {
            let bias = output.bias().map_or_else(String::new, |bias| format!(", bias {:+.1} %", bias * 100.0));
            format!("on {} past folds the 80 % ranges held {:.0} % of actuals{bias}", output.calibration.folds, coverage * 100.0)
        }
        None => "the history is too short to check the ranges on the past: read them as rough".to_owned(),
    });
    remarks.extend(about_guards(&tally(&output.guard_hits), "in these forecasts"));
    Ok(remarks)
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
pub fn write(path: &std::path::Path, columns: &[(&str, ColumnData)]) -> anyhow::Result<()> {
    let parquet = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"));
    let written = if parquet { write_parquet(path, columns) } else { write_csv(path, columns) };
    written?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

/// CSV for whoever reads the pipe, who may stop reading.
fn write_stdout(columns: &[(&'static str, ColumnData)]) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    print_csv(&mut bytes, columns)?;
    match std::io::stdout().write_all(&bytes) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("can't write the forecasts to the terminal or pipe"),
    }
}

/// The rows of the output file, as objects.
fn json_rows(file: &PanelFile, rows: &[Row<'_>], reasons: &Reasons) -> Value {
    let row = |(model, forecast): Row<'_>, step: &StepForecast| {
        let mut row = json!({
            "unique_id": file.features.series()[forecast.series as usize], "model": model, "chosen": forecast.chosen, "yhat": step.yhat,
        });
        row["ds"] = match file.frequency {
            Frequency::Integer => json!(file.own(forecast.series, step.at)),
            _ => json!(file.label(forecast.series, step.at)),
        };
        for (name, value) in quantile::NAMES.into_iter().zip(step.quantiles.values()) {
            row[name] = json!(value);
        }
        reasons.add_to(&mut row, file, (model, forecast), step);
        row
    };
    rows.iter().flat_map(|&of| of.1.steps.iter().map(move |step| row(of, step))).collect()
}

/// For a person at a terminal: each series' next step and its sum over the horizon.
fn show(file: &PanelFile, output: &EngineOutput, reasons: &Reasons) -> anyhow::Result<()> {
    const SHOWN: usize = 20;
    let rows = output.forecasts.iter().take(SHOWN).filter_map(|forecast| {
        let next = forecast.steps.first()?;
        let sum: f64 = forecast.steps.iter().map(|step| step.yhat).sum();
        let range = format!("{:.1} - {:.1}", next.quantiles.at(0.1), next.quantiles.at(0.9));
        let (id, label) = (file.features.series()[forecast.series as usize].clone(), file.label(forecast.series, next.at));
        Some(vec![id, forecast.chosen.clone(), label, format!("{:.1}", next.yhat), range, format!("{sum:.1}")])
    });
    print(table(&["series", "chosen", "next", "forecast", "80 % range", "sum"], 3.., rows))?;
    if output.forecasts.len() > SHOWN {
        print(format_args!("... and {} more series; --output forecast.csv writes all", output.forecasts.len() - SHOWN))?;
    }
    for forecast in output.forecasts.iter().take(SHOWN) {
        if let Some(sentence) = forecast.steps.first().and_then(|step| reasons.sentence(file, forecast, step)) {
            print(format_args!("{}: {sentence}", file.features.series()[forecast.series as usize]))?;
        }
    }
    Ok(())
}

fn summary(file: &PanelFile, output: &EngineOutput) -> Value {
    json!({
        "file": file.report, "horizon": file.config.horizon, "season": file.config.season, "series": output.forecasts.len(),
        "skipped": output.skipped.iter().map(|skipped| json!({
            "unique_id": file.features.series()[skipped.series as usize], "reason": skipped.reason.to_string(),
        })).collect::<Vec<_>>(),
        "idle_families": output.idle_families(), "coverage80": output.coverage(0.8), "bias": output.bias(), "guard_hits": output.guard_hits.len(),
        "guards": { "published": tally(&output.guard_hits), "all_models": tally(&output.all_guard_hits) },
        "chosen": output.selection.candidates.iter().map(|one| json!({ "model": one.candidate.name, "series": one.chosen })).collect::<Vec<_>>(),
    })
}

fn page(file: &PanelFile, options: &PanelOptions, output: &EngineOutput, notes: Vec<String>) -> anyhow::Result<Report> {
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
            "{} series, the {} after {}.",
            output.forecasts.len(),
            file.steps(file.config.horizon),
            if file.frequency == Frequency::Integer { "the end of each" } else { &file.report.last }
        ),
        notes,
        tables: accuracy(output).into_iter().collect(),
        charts: charts.collect(),
        not_shown: order.len().saturating_sub(CHARTS),
        settings: file.settings(options),
        command: command_line(),
    })
}

/// How the candidates did against the baseline on past folds; nothing where the history is too short for any.
fn accuracy(output: &EngineOutput) -> Option<Accuracy> {
    let selection = &output.selection;
    if selection.folds == 0 {
        return None;
    }
    let mut candidates: Vec<_> = selection.candidates.iter().collect();
    candidates.sort_by(|a, b| a.panel_ratio.unwrap_or(f64::INFINITY).total_cmp(&b.panel_ratio.unwrap_or(f64::INFINITY)));
    let rows = candidates.into_iter().map(|one| {
        let ratio = one.panel_ratio.map(|ratio| format!("{ratio:.3}"));
        let skill = one.panel_ratio.map(|ratio| format!("{:+.1} %", (1.0 - ratio) * 100.0));
        (one.candidate.name.clone(), vec![ratio, skill, Some(one.chosen.to_string())])
    });
    let held = |probability: f64| output.coverage(probability).map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0));
    Some(Accuracy {
        title: "Accuracy",
        rows_are: "model",
        metrics: vec!["vs baseline", "skill", "chosen"],
        rows: rows.collect(),
        caption: format!(
            "On {} past folds of {} steps, each forecast from what was known before it. The score is root mean squared error + 4 x \
             pinball loss + |bias| in units of each series' error; below 1 beats seasonal_naive. Chosen counts series. \
             The 50, 80 and 95 % ranges of the chosen forecasts held {}, {} and {} of the actuals.",
            selection.folds,
            output.forecasts.first().map_or(0, |forecast| forecast.steps.len()),
            held(0.5),
            held(0.8),
            held(0.95)
        ),
    })
}
