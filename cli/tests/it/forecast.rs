//! `viralcast forecast FILE` as its users run it.

use std::collections::BTreeSet;

use crate::desk::{Desk, heads, numbers, see, texts};
use crate::panels::{Row, counted, csv, csv_with, daily, day, hourly, monthly, sold, weekly};

const COLUMNS: [&str; 14] = ["unique_id", "ds", "model", "chosen", "yhat", "q025", "q05", "q10", "q25", "q50", "q75", "q90", "q95", "q975"];
/// One cheap model where the test is not about models.
const CHEAP: &str = "--effort fast --models weekday_mean";

fn labels(desk: &Desk, name: &str, series: &str) -> Vec<String> {
    let table = desk.table(name);
    texts(&table, "unique_id").into_iter().zip(texts(&table, "ds")).filter(|(id, _)| id == series).map(|(_, ds)| ds).collect()
}

#[test]
fn a_file_becomes_forecasts() {
    let desk = Desk::with("sales.csv", csv(&daily(3, 120)));
    let ran = desk.done("forecast sales.csv --horizon 7 --effort fast --output out.csv");
    see("forecast", &ran.told());
    assert_eq!(ran.stdout, "");

    let table = desk.table("out.csv");
    assert_eq!(heads(&table), COLUMNS);
    assert_eq!(table.len(), 3 * 7);
    assert_eq!(labels(&desk, "out.csv", "menu-2"), (120..127).map(|step| day(step).to_string()).collect::<Vec<_>>());
    assert!(texts(&table, "model").iter().all(|model| model == "viralcast"));
    let chosen: BTreeSet<String> = texts(&table, "chosen").into_iter().collect();
    assert!(
        chosen.iter().all(|name| ["seasonal_naive", "weekday_mean", "elastic_net", "boosted_trees", "blend"].contains(&name.as_str())),
        "{chosen:?}"
    );
    let levels: Vec<Vec<f64>> = COLUMNS[5..].iter().map(|level| numbers(&table, level)).collect();
    for row in 0..table.len() {
        assert!(levels.windows(2).all(|pair| pair[0][row] <= pair[1][row]), "row {row} has crossing quantiles");
        assert!(levels[0][row] >= 0.0);
    }
    // What is predictable is predicted: the chance is 2 on average, and 4 at most.
    for (row, yhat) in numbers(&table, "yhat").into_iter().enumerate() {
        let expected = sold(row / 7, 120 + row % 7) as f64;
        assert!((yhat - expected).abs() < 5.0, "row {row}: {yhat} against {expected}");
    }
}

#[test]
fn each_forecast_says_why_when_asked() {
    let desk = Desk::with("sales.csv", csv(&daily(3, 120)));
    desk.done("forecast sales.csv --horizon 7 --effort fast --explain --output out.csv");
    let table = desk.table("out.csv");
    assert_eq!(heads(&table), [&COLUMNS[..], &["reasons", "explanation"]].concat());
    let (days, words) = (texts(&table, "ds"), texts(&table, "reasons"));
    for ((yhat, text), row) in numbers(&table, "yhat").into_iter().zip(texts(&table, "explanation")).zip(0..) {
        let explanation: domain::Explanation = serde_json::from_str(&text).expect("an explanation");
        assert!((explanation.total() - yhat).abs() < 1e-9 * yhat, "row {row}: {text} is not {yhat}");
        // Saturdays and Sundays sell more: 2025-05-03 and 04.
        let is_weekend = ["2025-05-03", "2025-05-04"].contains(&days[row].as_str());
        assert_eq!(explanation.units(domain::Driver::Weekday) > 3.0, is_weekend, "{}", words[row]);
        assert!(!is_weekend || words[row].contains(": Saturday +") || words[row].contains(": Sunday +"), "{}", words[row]);
    }
    let ran = desk.done("forecast sales.csv --horizon 7 --effort fast --explain --json");
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(answer["forecasts"][2]["reasons"], words[2]);
    assert!(answer["forecasts"][2]["explanation"]["base"].is_number());
}

#[test]
fn parquet_and_csv_hold_the_same() {
    let desk = Desk::with("sales.csv", csv(&daily(2, 60)));
    desk.done(&format!("forecast sales.csv --horizon 3 {CHEAP} --output out.csv"));
    desk.done(&format!("forecast sales.csv --horizon 3 {CHEAP} --output out.parquet"));
    let (one, other) = (desk.table("out.csv"), desk.table("out.parquet"));
    assert_eq!(heads(&other), COLUMNS);
    for column in &COLUMNS[..4] {
        assert_eq!(texts(&one, column), texts(&other, column), "{column}");
    }
    for column in &COLUMNS[4..] {
        assert_eq!(numbers(&one, column), numbers(&other, column), "{column}");
    }
    // A forecast's own Parquet file is a panel again: dates are dates there.
    let again = desk.done("forecast out.parquet --horizon 1 --target-col yhat --exclude model,chosen --effort fast");
    assert!(
        again.stderr.contains("`out.parquet` (Parquet): 6 rows, 2 series\n2025-03-02 to 2025-03-04, frequency 1d (inferred)"),
        "{}",
        again.stderr
    );
}

#[test]
fn the_pipe_gets_the_data_alone_and_the_same_every_time() {
    let desk = Desk::with("sales.csv", csv(&daily(3, 90)));
    let line = "forecast sales.csv --horizon 5 --effort fast";
    let (first, second) = (desk.done(line), desk.done(line));
    assert_eq!(first.stdout, second.stdout);
    desk.done("forecast sales.csv --horizon 5 --effort fast --output out.csv");
    assert_eq!(desk.text("out.csv"), first.stdout);
    desk.done("forecast sales.csv --horizon 5 --effort fast --output one.parquet");
    desk.done("forecast sales.csv --horizon 5 --effort fast --output two.parquet");
    assert_eq!(desk.bytes("one.parquet"), desk.bytes("two.parquet"));
}

#[test]
fn json_is_for_machines() {
    let desk = Desk::with("sales.csv", csv(&daily(2, 60)));
    let ran = desk.done(&format!("forecast sales.csv --horizon 3 {CHEAP} --json"));
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("nothing but JSON");
    let rows = told["forecasts"].as_array().expect("rows");
    assert_eq!(
        (rows.len(), &rows[0]["unique_id"], &rows[0]["ds"], &rows[0]["model"]),
        (6, &"menu-0".into(), &"2025-03-02".into(), &"viralcast".into())
    );
    assert!(COLUMNS.iter().all(|column| rows[0].get(column).is_some()), "{}", rows[0]);
    let ran = desk.done(&format!("forecast sales.csv --horizon 3 {CHEAP} --json --output out.csv"));
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("nothing but JSON");
    assert_eq!((&told["horizon"], &told["season"], told.get("forecasts")), (&3.into(), &7.into(), None));
}

#[test]
fn models_can_be_named_and_shown() {
    let desk = Desk::with("sales.csv", csv(&daily(2, 90)));
    desk.done(&format!("forecast sales.csv --horizon 3 {CHEAP} --all-models --output out.csv"));
    let table = desk.table("out.csv");
    let models: BTreeSet<String> = texts(&table, "model").into_iter().collect();
    assert_eq!(models.into_iter().collect::<Vec<_>>(), ["seasonal_naive", "viralcast", "weekday_mean"]);
    // The choice's rows are those of the model it chose.
    let rows: Vec<(String, String, String, f64)> = texts(&table, "unique_id")
        .into_iter()
        .zip(texts(&table, "ds"))
        .zip(texts(&table, "model").into_iter().zip(texts(&table, "chosen")))
        .zip(numbers(&table, "yhat"))
        .map(|(((id, ds), (model, chosen)), yhat)| (format!("{id} {ds}"), model, chosen, yhat))
        .collect();
    for (at, _, chosen, yhat) in rows.iter().filter(|row| row.1 == "viralcast") {
        let behind = rows.iter().find(|row| row.0 == *at && row.1 == *chosen).expect("the chosen model's row");
        assert!((behind.3 - yhat).abs() < 1e-9);
    }
    let told = desk.refused("forecast sales.csv --horizon 3 --models lightgbm", 2);
    assert!(told.contains("possible values: seasonal_naive, weekday_mean"), "{told}");
}

#[test]
fn integers_end_where_each_series_ends() {
    let desk = Desk::with("sales.csv", csv(&counted(3, 60)));
    let ran = desk.done(&format!("forecast sales.csv --horizon 2 --season 7 {CHEAP} --output out.csv"));
    assert!(ran.stderr.contains("1 to 80, frequency integer (inferred)"), "{}", ran.stderr);
    for (series, expected) in [("menu-0", ["61", "62"]), ("menu-1", ["71", "72"]), ("menu-2", ["81", "82"])] {
        assert_eq!(labels(&desk, "out.csv", series), expected);
    }
    // The ends are those of values, not of rows: known-future rows may follow.
    let mut rows = counted(3, 60);
    rows.extend((61..=64).map(|at| ("menu-0".to_owned(), at.to_string(), String::new())));
    desk.put("ahead.csv", csv(&rows));
    desk.done(&format!("forecast ahead.csv --horizon 2 --season 7 {CHEAP} --output ahead-out.csv"));
    assert_eq!(desk.text("ahead-out.csv"), desk.text("out.csv"));
}

#[test]
fn integer_series_are_alike_wherever_they_end() {
    // Two series with the same values, one 20 later: the same forecasts, with a regressor and a static column too.
    let twins: Vec<Row> = (0..2)
        .flat_map(|twin| (0..60).map(move |step| (format!("twin-{twin}"), (step + 1 + 20 * twin).to_string(), sold(0, step).to_string())))
        .collect();
    let promo = |ds: &str, twin: usize| u64::from((ds.parse::<usize>().expect("a number") - 20 * twin) % 7 == 4);
    let twin_of = |row: &Row| usize::from(row.0 == "twin-1");
    let mut text = String::from("unique_id,ds,y,promo,shop\n");
    twins.iter().for_each(|row| text.push_str(&format!("{},{},{},{},north\n", row.0, row.1, row.2, promo(&row.1, twin_of(row)))));
    let desk = Desk::with("twins.csv", text);
    let ahead: String =
        (0..2).flat_map(|twin| (61..=63).map(move |at| format!("twin-{twin},{},{}\n", at + 20 * twin, u64::from(at % 7 == 4)))).collect();
    desk.put("ahead.csv", format!("unique_id,ds,promo\n{ahead}"));
    desk.done(
        "forecast twins.csv --horizon 3 --season 7 --effort fast --known-future promo --static shop --future ahead.csv --output out.csv",
    );
    let yhat = numbers(&desk.table("out.csv"), "yhat");
    assert_eq!(labels(&desk, "out.csv", "twin-1"), ["81", "82", "83"]);
    for step in 0..3 {
        assert!((yhat[step] - yhat[step + 3]).abs() < 1e-3 * yhat[step], "{yhat:?}");
    }
}

#[test]
fn weeks_months_and_hours_follow_the_calendar() {
    let desk = Desk::with("weekly.csv", csv(&weekly(2, 60)));
    desk.put("monthly.csv", csv(&monthly(2, 37)));
    desk.put("hourly.csv", csv(&hourly(2, 24 * 8 - 2)));
    for (name, step, season) in [("weekly", "1w-MON", 52), ("monthly", "1mo", 12), ("hourly", "1h", 24)] {
        let ran = desk.done(&format!("forecast {name}.csv --horizon 3 {CHEAP} --json --output {name}-out.csv"));
        assert!(ran.stderr.contains(&format!("frequency {step} (inferred)")), "{}", ran.stderr);
        assert!(ran.stdout.contains(&format!("\"season\": {season}")), "{}", ran.stdout);
    }
    assert_eq!(labels(&desk, "weekly-out.csv", "menu-1"), ["2025-02-24", "2025-03-03", "2025-03-10"]);
    assert_eq!(labels(&desk, "monthly-out.csv", "menu-1"), ["2025-02-28", "2025-03-31", "2025-04-30"]);
    assert_eq!(labels(&desk, "hourly-out.csv", "menu-1"), ["2025-01-08T22:00:00", "2025-01-08T23:00:00", "2025-01-09T00:00:00"]);
}

/// A promo by name on some days, and what it adds.
fn promo(step: usize) -> (&'static str, u64) {
    match step % 10 {
        2 => ("murah", 30),
        6 => ("gratis", 60),
        _ => ("", 0),
    }
}

fn promoted(days: usize) -> Vec<Row> {
    let with_promo = |(row, (id, ds, y)): (usize, Row)| {
        let y: u64 = y.parse().expect("a number");
        (id, ds, (y + promo(row % days).1).to_string())
    };
    daily(3, days).into_iter().enumerate().map(with_promo).collect()
}

#[test]
fn a_known_future_text_moves_the_forecast() {
    let step_of = |row: &Row| (0..200).find(|&step| day(step).to_string() == row.1).expect("a day of the panel");
    let desk = Desk::with("sales.csv", csv_with("promo", &promoted(140), |row| promo(step_of(row)).0.to_owned()));
    let ahead: String = (140..150).map(|step| format!("{},{}\n", day(step), promo(step).0)).collect();
    // A file without an id column holds for every series.
    desk.put("plan.csv", format!("ds,promo\n{ahead}"));
    let line = "forecast sales.csv --horizon 10 --effort fast --known-future promo";
    desk.done(&format!("{line} --future plan.csv --output out.csv"));
    let yhat = numbers(&desk.table("out.csv"), "yhat");
    for series in 0..3 {
        let of = |step: usize| yhat[series * 10 + step] - sold(series, 140 + step) as f64;
        assert!(of(6) > 30.0 && of(2) > 12.0 && of(2) < of(6), "menu-{series}: {:?}", (0..10).map(of).collect::<Vec<_>>());
        assert!(of(0).abs() < 12.0, "menu-{series}: {}", of(0));
    }
    let told = desk.refused(line, 1);
    see("missing_future", &told);
    desk.put("half.csv", "ds,promo\n2025-05-21,murah\n");
    let told = desk.refused(&format!("{line} --future half.csv"), 1);
    assert!(told.contains("hint: give its future values"), "{told}");
}

#[test]
fn closed_days_are_exactly_zero() {
    // Closed on Wednesdays: every seventh day from the first.
    let open = |row: &Row| row.2 != "0";
    let rows: Vec<Row> = daily(3, 119)
        .into_iter()
        .enumerate()
        .map(|(at, (id, ds, y))| if (at % 119) % 7 == 0 { (id, ds, "0".to_owned()) } else { (id, ds, y) })
        .collect();
    let desk = Desk::with("sales.csv", csv_with("tutup", &rows, |row| if open(row) { "no" } else { "yes" }.to_owned()));
    let ahead: String = (119..126).map(|step| format!("{},{}\n", day(step), if step % 7 == 0 { "yes" } else { "no" })).collect();
    desk.put("plan.csv", format!("ds,tutup\n{ahead}"));
    desk.done("forecast sales.csv --horizon 7 --effort fast --closed tutup --future plan.csv --all-models --output out.csv");
    let table = desk.table("out.csv");
    let closed: Vec<usize> =
        texts(&table, "ds").iter().enumerate().filter(|(_, ds)| *ds == &day(119).to_string()).map(|(row, _)| row).collect();
    assert!(closed.len() >= 15);
    for column in &COLUMNS[4..] {
        let values = numbers(&table, column);
        assert!(closed.iter().all(|&row| values[row] == 0.0), "{column}");
    }
    let yhat = numbers(&table, "yhat");
    assert!((0..table.len()).filter(|row| !closed.contains(row)).all(|row| yhat[row] > 5.0), "open days sell");
}
