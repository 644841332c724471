//! `viralcast backtest FILE` as its users run it.

use std::collections::{BTreeMap, BTreeSet};

use crate::desk::{Desk, heads, numbers, see, texts};
use crate::panels::{counted, csv, csv_with, daily, day, monthly};

const COLUMNS: [&str; 15] =
    ["unique_id", "ds", "cutoff", "model", "y", "yhat", "q025", "q05", "q10", "q25", "q50", "q75", "q90", "q95", "q975"];
const CHEAP: &str = "--effort fast --models weekday_mean";

/// Distinct (cutoff, first ds, last ds) of a series' windows.
fn windows(desk: &Desk, name: &str, series: &str) -> Vec<[String; 3]> {
    let table = desk.table(name);
    let mut spans: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for ((id, ds), cutoff) in texts(&table, "unique_id").into_iter().zip(texts(&table, "ds")).zip(texts(&table, "cutoff")) {
        if id == series {
            spans.entry(cutoff).or_default().push(ds);
        }
    }
    let span = |(cutoff, mut labels): (String, Vec<String>)| {
        labels.sort();
        [cutoff, labels[0].clone(), labels[labels.len() - 1].clone()]
    };
    spans.into_iter().map(span).collect()
}

#[test]
fn every_model_in_one_table() {
    let desk = Desk::with("sales.csv", csv(&daily(3, 120)));
    let ran = desk.done("backtest sales.csv --horizon 7 --windows 3 --step 5 --effort fast --output cv");
    // The order of the models hangs on their scores; the shape of the table does not.
    let mut lines: Vec<&str> = ran.stdout.lines().collect();
    lines[3..15].sort_unstable();
    see(
        "backtest",
        &format!(
            "exit {}\n--- stdout, models sorted\n{}\n--- stderr\n{}",
            ran.code,
            lines.join("\n").split(' ').filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" ").replace(['─', '═'], ""),
            ran.stderr
        ),
    );

    let table = desk.table("cv/cv.parquet");
    assert_eq!(heads(&table), COLUMNS);
    let models: BTreeSet<String> = texts(&table, "model").into_iter().collect();
    assert_eq!(
        models.iter().map(String::as_str).collect::<Vec<_>>(),
        [
            "adida",
            "blend",
            "croston_sba",
            "elastic_net",
            "ets",
            "imapa",
            "seasonal_naive",
            "theta",
            "tsb",
            "viralcast",
            "weekday_mean",
            "window_mean"
        ]
    );
    assert_eq!(table.len(), models.len() * 3 * 3 * 7, "every model has every row");

    // The panel's own sales stand in `y`.
    let sales: BTreeMap<(String, String), f64> =
        daily(3, 120).into_iter().map(|(id, ds, y)| ((id, ds), y.parse().expect("a number"))).collect();
    for ((id, ds), y) in texts(&table, "unique_id").into_iter().zip(texts(&table, "ds")).zip(numbers(&table, "y")) {
        assert_eq!(sales[&(id, ds)], y);
    }
}

#[test]
fn windows_end_with_the_panel_and_are_a_step_apart() {
    let desk = Desk::with("sales.csv", csv(&daily(2, 100)));
    desk.done(&format!("backtest sales.csv --horizon 7 --windows 3 --step 5 {CHEAP} --output cv --format csv"));
    let expected: Vec<[String; 3]> = [82, 87, 92].map(|cutoff| [cutoff, cutoff + 1, cutoff + 7].map(|step| day(step).to_string())).to_vec();
    assert_eq!(windows(&desk, "cv/cv.csv", "menu-1"), expected);
    // Without --step the windows follow each other.
    desk.done(&format!("backtest sales.csv --horizon 7 --windows 2 {CHEAP} --output cv2 --format csv"));
    let expected: Vec<[String; 3]> = [85, 92].map(|cutoff| [cutoff, cutoff + 1, cutoff + 7].map(|step| day(step).to_string())).to_vec();
    assert_eq!(windows(&desk, "cv2/cv.csv", "menu-1"), expected);
}

#[test]
fn integer_windows_end_with_each_series() {
    let desk = Desk::with("sales.csv", csv(&counted(2, 60)));
    desk.done(&format!("backtest sales.csv --horizon 3 --windows 2 --step 3 --season 7 {CHEAP} --output cv --format csv"));
    assert_eq!(windows(&desk, "cv/cv.csv", "menu-0"), [["54", "55", "57"], ["57", "58", "60"]]);
    assert_eq!(windows(&desk, "cv/cv.csv", "menu-1"), [["64", "65", "67"], ["67", "68", "70"]]);
}

#[test]
fn months_are_counted_by_the_calendar() {
    let desk = Desk::with("sales.csv", csv(&monthly(2, 37)));
    desk.done(&format!("backtest sales.csv --horizon 2 --windows 2 --step 1 {CHEAP} --output cv --format csv"));
    let expected = [["2024-10-31", "2024-11-30", "2024-12-31"], ["2024-11-30", "2024-12-31", "2025-01-31"]];
    assert_eq!(windows(&desk, "cv/cv.csv", "menu-0"), expected);
}

#[test]
fn csv_and_parquet_hold_the_same_and_so_does_the_next_run() {
    let desk = Desk::with("sales.csv", csv(&daily(2, 90)));
    let line = "backtest sales.csv --horizon 5 --windows 2 --effort fast";
    desk.done(&format!("{line} --output one"));
    desk.done(&format!("{line} --output two"));
    desk.done(&format!("{line} --output three --format csv"));
    assert_eq!(desk.bytes("one/cv.parquet"), desk.bytes("two/cv.parquet"));
    let (parquet, text) = (desk.table("one/cv.parquet"), desk.table("three/cv.csv"));
    assert_eq!((heads(&parquet), heads(&text)), (COLUMNS.to_vec(), COLUMNS.to_vec()));
    for column in &COLUMNS[..4] {
        assert_eq!(texts(&parquet, column), texts(&text, column), "{column}");
    }
    for column in &COLUMNS[4..] {
        assert_eq!(numbers(&parquet, column), numbers(&text, column), "{column}");
    }
}

#[test]
fn the_metrics_are_those_of_the_table() {
    let desk = Desk::with("sales.csv", csv(&daily(3, 100)));
    let ran = desk.done("backtest sales.csv --horizon 7 --windows 2 --effort fast --json --output cv");
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("nothing but JSON");
    let kept = desk.json("cv/metrics.json");
    assert_eq!(kept["metrics"], told);
    assert_eq!((&kept["settings"]["horizon"], &kept["settings"]["file"]), (&"7".into(), &"sales.csv".into()));
    assert_eq!(kept["command"], "viralcast backtest sales.csv --horizon 7 --windows 2 --effort fast --json --output cv");
    assert_eq!(kept["windows"].as_array().map(Vec::len), Some(2));

    let table = desk.table("cv/cv.parquet");
    let (models, y, yhat) = (texts(&table, "model"), numbers(&table, "y"), numbers(&table, "yhat"));
    let (low, high) = (numbers(&table, "q10"), numbers(&table, "q90"));
    for model in told["models"].as_array().expect("models") {
        let rows: Vec<usize> = (0..table.len()).filter(|&row| models[row] == model["model"]).collect();
        let sum = |of: &dyn Fn(usize) -> f64| rows.iter().map(|&row| of(row)).sum::<f64>();
        let close = |name: &str, expected: f64| {
            let found = model[name].as_f64().expect("a figure");
            assert!((found - expected).abs() < 1e-9, "{} {name}: {found} against {expected}", model["model"]);
        };
        close("wape", sum(&|row| (y[row] - yhat[row]).abs()) / sum(&|row| y[row]));
        close("bias", sum(&|row| yhat[row] - y[row]) / sum(&|row| y[row]));
        close("coverage80", sum(&|row| f64::from(u8::from((low[row]..=high[row]).contains(&y[row])))) / rows.len() as f64);
        close("mase", mase(&table, &rows, &yhat));
        assert_eq!(model["n"], rows.len());
    }
}

/// Mean over (series, cutoff) of the mean absolute error over the in-sample seasonal naive error.
fn mase(table: &ingest::tabular::Table, rows: &[usize], yhat: &[f64]) -> f64 {
    let (ids, cutoffs, y) = (texts(table, "unique_id"), texts(table, "cutoff"), numbers(table, "y"));
    let mut errors: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    rows.iter().for_each(|&row| errors.entry((&ids[row], &cutoffs[row])).or_default().push((y[row] - yhat[row]).abs()));
    let panel = daily(3, 100);
    let scaled = errors.iter().map(|((id, cutoff), errors)| {
        let past: Vec<f64> =
            panel.iter().filter(|row| row.0 == *id && row.1.as_str() <= *cutoff).map(|row| row.2.parse().expect("a number")).collect();
        let naive: f64 = past.windows(8).map(|week| (week[7] - week[0]).abs()).sum::<f64>() / (past.len() - 7) as f64;
        errors.iter().sum::<f64>() / errors.len() as f64 / naive
    });
    scaled.sum::<f64>() / errors.len() as f64
}

#[test]
fn closed_days_are_exactly_zero_in_every_model() {
    let rows: Vec<_> = daily(2, 98)
        .into_iter()
        .enumerate()
        .map(|(at, (id, ds, y))| if at % 7 == 0 { (id, ds, "0".to_owned()) } else { (id, ds, y) })
        .collect();
    let desk = Desk::with("sales.csv", csv_with("tutup", &rows, |row| u8::from(row.2 == "0").to_string()));
    desk.done("backtest sales.csv --horizon 7 --windows 2 --effort fast --closed tutup --output cv");
    let table = desk.table("cv/cv.parquet");
    let closed: Vec<usize> = numbers(&table, "y").iter().enumerate().filter(|(_, y)| **y == 0.0).map(|(row, _)| row).collect();
    assert_eq!(closed.len() * 7, table.len());
    for column in &COLUMNS[5..] {
        let values = numbers(&table, column);
        assert!(closed.iter().all(|&row| values[row] == 0.0), "{column}");
    }
}

#[test]
fn windows_that_do_not_fit_are_refused() {
    let desk = Desk::with("sales.csv", csv(&daily(2, 40)));
    let told = ["--horizon 7 --windows 9", "--horizon 7 --windows 9 --step 5", "--horizon 40 --windows 1", "--horizon 41 --windows 3"]
        .map(|options| format!("$ {options}\n{}", desk.refused(&format!("backtest sales.csv {options}"), 1)));
    see("too_many_windows", &told.join("\n"));
    // What the hint says is true.
    desk.done(&format!("backtest sales.csv --horizon 39 --windows 1 {CHEAP}"));
    desk.done(&format!("backtest sales.csv --horizon 7 --windows 5 {CHEAP}"));
}

#[test]
fn a_late_and_a_dead_series_are_named() {
    let mut rows = daily(2, 80);
    rows.extend((66..80).map(|step| ("late".to_owned(), day(step).to_string(), "5".to_owned())));
    rows.extend((0..80).map(|step| ("dead".to_owned(), day(step).to_string(), String::new())));
    let desk = Desk::with("sales.csv", csv(&rows));
    let ran = desk.done(&format!("backtest sales.csv --horizon 7 --windows 3 {CHEAP} --output cv --format csv"));
    see("late_and_dead", &ran.stderr);
    assert_eq!(windows(&desk, "cv/cv.csv", "menu-0").len(), 3);
    assert_eq!(windows(&desk, "cv/cv.csv", "late").len(), 1);
    assert_eq!(windows(&desk, "cv/cv.csv", "dead").len(), 0);
}

#[test]
fn where_picks_one_panel_out_of_a_file_of_several() {
    let rows: Vec<_> = daily(2, 90).into_iter().chain(daily(1, 90).into_iter().map(|(_, ds, y)| ("other".to_owned(), ds, y))).collect();
    let desk = Desk::with("sales.csv", csv_with("kind", &rows, |row| if row.0 == "other" { "grosir" } else { "eceran" }.to_owned()));
    let line = format!("backtest sales.csv --horizon 5 --windows 2 {CHEAP}");
    desk.done(&format!("{line} --where kind=eceran --output some"));
    desk.put("sales.csv", csv(&daily(2, 90)));
    desk.done(&format!("{line} --output all"));
    assert_eq!(desk.bytes("some/cv.parquet"), desk.bytes("all/cv.parquet"));
    assert_eq!(desk.json("some/metrics.json")["settings"]["where"], "kind=eceran");
    let told = ["kind=eceran", "y=-7", "unique_id=menu-9"].map(|one| desk.refused(&format!("{line} --where {one}"), 1)).join("\n");
    see("where_nothing", &told);
}
