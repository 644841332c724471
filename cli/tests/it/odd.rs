//! Files as they come: what is odd is said, what is wrong is named with where and what to do.

use crate::desk::{Desk, numbers, see, texts};
use crate::panels::{Row, csv, csv_as, csv_with, daily, day, noise};

const CHEAP: &str = "--horizon 3 --effort fast --models weekday_mean";

/// Panel with the `y` of some rows replaced.
fn with_y(rows: Vec<Row>, of: impl Fn(usize, &Row) -> String) -> Vec<Row> {
    rows.into_iter()
        .enumerate()
        .map(|(at, row)| {
            let y = of(at, &row);
            (row.0, row.1, y)
        })
        .collect()
}

#[test]
fn gaps_are_what_the_user_says_they_are() {
    let rows: Vec<Row> = daily(2, 80).into_iter().enumerate().filter(|(at, _)| at % 7 != 4).map(|(_, row)| row).collect();
    let desk = Desk::with("sales.csv", csv(&rows));
    let missing = desk.done(&format!("forecast sales.csv {CHEAP} --output missing.csv"));
    see("gaps_missing", &missing.told());
    let zero = desk.done(&format!("forecast sales.csv {CHEAP} --gaps zero --output zero.csv"));
    assert!(zero.stderr.contains("periods without a row, taken for zero: 23"), "{}", zero.stderr);
    let sum = |name: &str| numbers(&desk.table(name), "yhat").iter().sum::<f64>();
    assert!(sum("zero.csv") < sum("missing.csv") - 5.0, "zeros pull down: {} {}", sum("zero.csv"), sum("missing.csv"));
    see("gaps_error", &desk.refused(&format!("forecast sales.csv {CHEAP} --gaps error"), 1));
    let wrong = desk.refused(&format!("forecast sales.csv {CHEAP} --gaps ignore"), 2);
    assert!(wrong.contains("`ignore` is none of `missing`, `zero` and `error`"), "{wrong}");
}

#[test]
fn unsorted_rows_change_nothing() {
    let rows = daily(3, 70);
    // The series appear in the same order, their rows in none.
    let mut shuffled = rows.clone();
    shuffled.sort_by_key(|row| (row.0.clone(), noise(7, row.1.bytes().map(usize::from).fold(0, |a, b| a * 31 % 9973 + b), 1000)));
    assert_ne!(rows, shuffled);
    let desk = Desk::with("sales.csv", csv(&rows));
    desk.put("shuffled.csv", csv(&shuffled));
    let sorted = desk.done("forecast sales.csv --horizon 5 --effort fast");
    assert_eq!(desk.done("forecast shuffled.csv --horizon 5 --effort fast").stdout, sorted.stdout);
}

#[test]
fn constant_and_zero_series_are_forecast_as_such() {
    let desk = Desk::with(
        "sales.csv",
        csv(&with_y(daily(3, 80), |at, row| match at / 80 {
            0 => "5".to_owned(),
            1 => "0".to_owned(),
            _ => row.2.clone(),
        })),
    );
    let ran = desk.done("forecast sales.csv --horizon 7 --effort fast --output out.csv");
    assert!(ran.stderr.contains("3 series"), "{}", ran.stderr);
    let table = desk.table("out.csv");
    for (row, id) in texts(&table, "unique_id").iter().enumerate() {
        let of = |column: &str| numbers(&table, column)[row];
        match id.as_str() {
            "menu-0" => {
                assert!((of("yhat") - 5.0).abs() < 0.5 && (of("q50") - 5.0).abs() < 0.5 && of("q975") < 7.0, "row {row}: {}", of("yhat"))
            }
            "menu-1" => assert!(of("yhat") < 0.1 && of("q90") == 0.0, "row {row}: {}", of("yhat")),
            _ => assert!(of("yhat") > 20.0),
        }
    }
    // Alone they do no harm either.
    desk.put("zeros.csv", csv(&with_y(daily(1, 40), |_, _| "0".to_owned())));
    desk.done("forecast zeros.csv --horizon 3 --effort fast --output zeros-out.csv");
    assert_eq!(numbers(&desk.table("zeros-out.csv"), "yhat"), [0.0; 3]);
    desk.done("backtest zeros.csv --horizon 3 --windows 2 --effort fast --json --report zeros.html");
}

#[test]
fn short_series_get_a_rough_forecast_and_are_named() {
    let mut rows = daily(2, 80);
    rows.push(("new".to_owned(), day(79).to_string(), "7".to_owned()));
    rows.extend((76..80).map(|step| ("young".to_owned(), day(step).to_string(), "3".to_owned())));
    let desk = Desk::with("sales.csv", csv(&rows));
    let ran = desk.done("forecast sales.csv --horizon 2 --effort fast --output out.csv");
    see("short_series", &ran.told());
    let table = desk.table("out.csv");
    let (ids, yhat) = (texts(&table, "unique_id"), numbers(&table, "yhat"));
    assert_eq!(ids.len(), 8);
    let of = |id: &str| ids.iter().zip(&yhat).filter(|(found, _)| *found == id).map(|(_, value)| *value).collect::<Vec<_>>();
    assert!(of("new").iter().all(|value| (1.0..20.0).contains(value)), "{:?}", of("new"));
    assert!(of("young").iter().all(|value| (1.0..12.0).contains(value)), "{:?}", of("young"));

    desk.put("one.csv", "unique_id,ds,y\nnasi goreng,2025-03-01,12\n");
    let alone = desk.done("forecast one.csv --horizon 2 --effort fast --output one-out.csv");
    see("one_row", &alone.told());
    assert_eq!(numbers(&desk.table("one-out.csv"), "yhat"), [12.0, 12.0]);
}

#[test]
fn missing_values_are_passed_over() {
    let odd = |at: usize, row: &Row| match at % 9 {
        0 => String::new(),
        4 => "NaN".to_owned(),
        7 => "NA".to_owned(),
        _ => row.2.clone(),
    };
    let desk = Desk::with("sales.csv", csv(&with_y(daily(2, 90), odd)));
    let ran = desk.done(&format!("forecast sales.csv {CHEAP} --output out.csv"));
    assert!(ran.stderr.contains("rows without a target value: 60"), "{}", ran.stderr);
    assert!(numbers(&desk.table("out.csv"), "yhat").iter().all(|value| value.is_finite() && *value > 5.0));
    desk.put("none.csv", csv(&with_y(daily(2, 9), |_, _| String::new())));
    see("no_values", &desk.refused(&format!("forecast none.csv {CHEAP}"), 1));
}

#[test]
fn the_healthy_are_forecast_beside_the_sick() {
    let mut rows = daily(2, 80);
    rows.extend((0..80).map(|step| ("dead".to_owned(), day(step).to_string(), String::new())));
    rows.extend((0..20).map(|step| ("gone".to_owned(), day(step).to_string(), "4".to_owned())));
    let desk = Desk::with("sales.csv", csv(&rows));
    let ran = desk.done(&format!("forecast sales.csv {CHEAP} --output out.csv --json"));
    see("healthy_and_sick", &ran.stderr);
    let mut ids = texts(&desk.table("out.csv"), "unique_id");
    ids.dedup();
    assert_eq!(ids, ["menu-0", "menu-1", "gone"]);
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((&told["skipped"][0]["unique_id"], told["skipped"].as_array().map(Vec::len)), (&"dead".into(), Some(1)));
}

/// Each file is refused; what is said about it, for the eye.
#[test]
fn broken_files_are_refused_with_the_place_and_a_way_out() {
    let rows = daily(2, 30);
    let mut twice = rows.clone();
    twice.push(rows[3].clone());
    let text = with_y(rows.clone(), |at, row| match at {
        5 => "habis".to_owned(),
        50 => "12 porsi".to_owned(),
        _ => row.2.clone(),
    });
    let ambiguous: Vec<Row> = daily(1, 12).into_iter().map(|(id, ds, y)| (id, format!("{}/0{}/2025", &ds[8..], 1), y)).collect();
    let mut no_date = rows.clone();
    no_date[2].1 = "kemarin".to_owned();
    no_date[4].1 = String::new();
    let mut no_name = rows.clone();
    no_name[1].0 = String::new();
    let irregular: Vec<Row> =
        (0..30).map(|at| ("a".to_owned(), (day(0) + chrono::Days::new(3 * at)).to_string(), "1".to_owned())).collect();
    let cases: [(&str, String, &str); 15] = [
        ("duplicates", csv(&twice), ""),
        ("text in the number column", csv(&text), ""),
        ("a 0-byte file", String::new(), ""),
        ("a header and no row", "unique_id,ds,y\n".to_owned(), ""),
        ("no header", csv(&rows).lines().skip(1).collect::<Vec<_>>().join("\n"), ""),
        ("other column names", csv_as("menu,tanggal,jumlah", &rows), ""),
        ("a column that is not there", csv(&rows), "--known-future promo"),
        ("dates that can be read two ways", csv(&ambiguous), ""),
        ("no date, and an empty one", csv(&no_date), ""),
        ("no series", csv(&no_name), ""),
        ("a wrong step", csv(&rows), "--freq 1w"),
        ("a step of another kind", csv(&rows), "--freq integer"),
        ("no step of the calendar", csv(&irregular), ""),
        ("a static column that changes", csv_with("harga", &rows, |row| row.2.clone()), "--static harga"),
        ("a column with two parts", csv_with("promo", &rows, |_| "1".to_owned()), "--known-future promo --exclude promo"),
    ];
    let desk = Desk::with("sales.csv", "");
    let mut told = String::new();
    for (what, content, options) in &cases {
        desk.put("sales.csv", content);
        let stderr = desk.refused(&format!("forecast sales.csv {CHEAP} {options}"), 1);
        assert_eq!(desk.refused(&format!("backtest sales.csv {CHEAP} {options}"), 1), stderr, "backtest says the same of {what}");
        assert!(stderr.contains("hint: "), "{what}: {stderr}");
        told.push_str(&format!("# {what} {options}\n{stderr}\n"));
    }
    told.push_str(&format!("# no file\n{}", desk.refused(&format!("forecast no-such.csv {CHEAP}"), 1)));
    see("broken_files", &told);
}

#[test]
fn the_hint_for_ambiguous_dates_works() {
    let rows: Vec<Row> = daily(1, 12).into_iter().map(|(id, ds, y)| (id, format!("{}/01/2025", &ds[8..]), y)).collect();
    let desk = Desk::with("sales.csv", csv(&rows));
    let ran = desk.done(&format!("forecast sales.csv {CHEAP} --date-format dd/mm/yyyy"));
    assert!(ran.stdout.contains("2025-01-13"), "{}", ran.stdout);
}

#[test]
fn a_spreadsheet_from_jakarta_reads_the_same() {
    let half = |row: &Row| row.2.parse::<f64>().expect("a number") + 0.5;
    let rows = daily(2, 60);
    let plain = with_y(rows.clone(), |_, row| half(row).to_string());
    let line =
        |row: &Row| format!("{};{}/{}/{};{}\r\n", row.0, &row.1[8..], &row.1[5..7], &row.1[..4], half(row).to_string().replace('.', ","));
    let desk = Desk::with("plain.csv", csv(&plain));
    desk.put("toko.csv", format!("\u{feff}menu;tanggal;jumlah\r\n{}", rows.iter().map(line).collect::<String>()));
    let expected = desk.done(&format!("forecast plain.csv {CHEAP}"));
    let ran = desk.done(&format!("forecast toko.csv {CHEAP} --id-col menu --time-col tanggal --target-col jumlah"));
    assert_eq!(ran.stdout, expected.stdout);
    see("spreadsheet", &ran.stderr);
}

#[test]
fn a_wrong_step_that_fits_is_pointed_out() {
    let desk = Desk::with("sales.csv", csv(&daily(1, 30)));
    let ran = desk.done(&format!("forecast sales.csv {CHEAP} --freq 1h"));
    assert!(ran.stderr.contains("most periods have no row"), "{}", ran.stderr);
    assert!(ran.stderr.contains("if 1h is not the step, say --freq"), "{}", ran.stderr);
}

#[test]
fn a_horizon_beyond_the_history_is_met() {
    let desk = Desk::with("sales.csv", csv(&daily(2, 40)));
    let ran = desk.done("forecast sales.csv --horizon 200 --effort fast --output out.csv");
    assert!(ran.stderr.contains("the history is too short to check the ranges on the past"), "{}", ran.stderr);
    let table = desk.table("out.csv");
    assert_eq!(table.len(), 400);
    assert!(numbers(&table, "yhat").iter().all(|value| value.is_finite()));
}

#[test]
fn far_integers_are_no_surprise() {
    // Milliseconds since 1970 look like integers with enormous gaps.
    let rows: Vec<Row> =
        (0..30_i64).map(|at| ("a".to_owned(), (1_735_689_600_000 + at * 86_400_000).to_string(), "3".to_owned())).collect();
    let desk = Desk::with("sales.csv", csv(&rows));
    see("milliseconds", &desk.refused(&format!("forecast sales.csv {CHEAP}"), 1));
    for (first, last) in [(i64::MIN, i64::MAX), (i64::MAX - 2, i64::MAX), (i64::MIN, i64::MIN + 2)] {
        desk.put("sales.csv", format!("unique_id,ds,y\na,{first},1\na,{last},2\nb,5,1\n"));
        let ran = desk.run(&format!("forecast sales.csv {CHEAP}"));
        assert!(ran.code == 1 && !ran.stderr.contains("panicked"), "{first} {last}: {}", ran.told());
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    let desk = Desk::with("sales.csv", csv(&daily(1, 30)));
    let lines = [
        "forecast sales.csv",
        "forecast sales.csv --horizon 0",
        "forecast sales.csv --horizon many",
        "forecast --horizon 7",
        "forecast sales.csv --horizon 7 --season 0",
        "forecast sales.csv --horizon 7 --output out.xlsx",
        "forecast sales.csv --horizon 7 --freq fortnight",
        "forecast sales.csv --horizon 7 --effort heroic",
        "forecast sales.csv --horizon 7 --decimal dot",
        "forecast sales.csv --horizon 7 --date-format ddmm",
        "backtest sales.csv --horizon 7 --windows 0",
        "backtest sales.csv --horizon 7 --step 0",
        "backtest sales.csv --horizon 7 --format xlsx",
        "predict sales.csv",
    ];
    see("wrong_usage", &lines.map(|line| format!("$ {line}\n{}", desk.refused(line, 2))).join("\n"));
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    let desk = Desk::with("sales.csv", csv(&daily(1, 30)));
    for (line, part) in [
        (format!("forecast sales.csv {CHEAP} --output no/such/out.csv"), "no/such/out.csv"),
        (format!("forecast sales.csv {CHEAP} --output out.csv --report no/such/out.html"), "no/such/out.html"),
        (format!("backtest sales.csv {CHEAP} --windows 1 --output sales.csv/cv"), "sales.csv/cv"),
    ] {
        let ran = desk.run(&line);
        assert!(ran.code == 1 && ran.stderr.contains("error: ") && ran.stderr.contains(part), "{}", ran.told());
    }
}
