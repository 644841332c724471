//! Long tables as panels, and what is said when one cannot be one.

use domain::panel::{GapPolicy, Regressor, RegressorKind};
use domain::{Frequency, Hint, Panel};
use ingest::panel::{Filter, Gaps, PanelError, PanelReport, PanelSpec, read_panel};
use ingest::tabular::{self, DateFormat, Locale, Origin, Table};
use insta::assert_snapshot;
use proptest::prelude::*;

fn table(name: &str, contents: &str) -> Table {
    tabular::read_origin(&Origin::memory(name, contents.as_bytes().to_vec())).expect("a readable table")
}

fn panel_with(contents: &str, future: Option<&str>, spec: &PanelSpec) -> Result<(Panel, PanelReport), PanelError> {
    let future = future.map(|contents| table("future.csv", contents));
    read_panel(&table("sales.csv", contents), future.as_ref(), spec)
}

fn panel(contents: &str) -> (Panel, PanelReport) {
    panel_with(contents, None, &PanelSpec::default()).expect("a panel")
}

fn refusal_with(contents: &str, future: Option<&str>, spec: &PanelSpec) -> String {
    let error = panel_with(contents, future, spec).expect_err("no panel");
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("{error}{hint}")
}

fn refusal(contents: &str) -> String {
    refusal_with(contents, None, &PanelSpec::default())
}

/// `unique_id,ds,y` rows of one series.
fn series(stamps: &[&str]) -> String {
    let rows: String = stamps.iter().enumerate().map(|(n, at)| format!("a,{at},{n}\n")).collect();
    format!("unique_id,ds,y\n{rows}")
}

fn names(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn observed(panel: &Panel) -> Vec<String> {
    let cells = &panel.observations;
    (0..cells.len())
        .map(|row| {
            let name = &panel.series[cells.series[row] as usize];
            assert_eq!(cells.at[row], cells.known_from[row]);
            format!("{name} {} {}", panel.frequency.label(cells.at[row]), cells.value[row])
        })
        .collect()
}

fn cells(panel: &Panel, regressor: &Regressor) -> Vec<String> {
    let cells = &regressor.cells;
    (0..cells.value.len())
        .map(|row| {
            let value = cells.levels.get(cells.value[row] as usize).cloned().unwrap_or_else(|| cells.value[row].to_string());
            let known = if cells.known_from[row] == i64::MIN { "always".to_owned() } else { panel.frequency.label(cells.known_from[row]) };
            format!("{} {}={value} from {known}", panel.series[cells.key[row] as usize], panel.frequency.label(cells.at[row]))
        })
        .collect()
}

#[test]
fn unsorted_rows_and_missing_values_are_fine() {
    let (panel, report) = panel("unique_id,ds,y\nb,2026-01-02,4\na,2026-01-03,3\na,2026-01-01,1\na,2026-01-02,NaN\nb,2026-01-03,\n");
    assert_eq!(observed(&panel), ["b 2026-01-02 4", "a 2026-01-03 3", "a 2026-01-01 1", "a 2026-01-02 NaN", "b 2026-01-03 NaN"]);
    assert_snapshot!(report, @r#"
    `sales.csv` (comma-separated, UTF-8): 5 rows, 2 series
    2026-01-01 to 2026-01-03, frequency 1d (inferred), dates yyyy-mm-dd
    rows without a target value: 2
    "#);
}

#[test]
fn every_kind_of_column_has_its_place() {
    let text = "unique_id,ds,y,promo,weather,price,city,shut,note,internal,empty,\n\
        a,2026-01-01,5,1,rain,10,Bandung,0,x,1,,0\n\
        a,2026-01-02,6,0,sun,11,Bandung,0,,2,,1\n\
        b,2026-01-01,7,1,rain,,Solo,1,y,3,,2\n\
        b,2026-01-02,8,0,cloud,13,Solo,0,x,4,,3\n\
        b,2026-01-03,,1,sun,,Solo,0,,,,4\n";
    let spec = PanelSpec {
        known_future: names(&["PROMO", "weather"]),
        statics: names(&["city"]),
        exclude: names(&["internal"]),
        closed: Some("shut".to_owned()),
        ..PanelSpec::default()
    };
    let future = "unique_id,ds,promo,weather,shut\na,2026-01-03,1,storm,1\nc,2026-01-03,1,sun,0\n";
    let (panel, report) = panel_with(text, Some(future), &spec).expect("a panel");
    let regressor = |name: &str| panel.regressors.iter().find(|regressor| regressor.name == name).expect("present");
    assert_eq!(observed(&panel).len(), 4);
    assert_snapshot!(cells(&panel, regressor("weather")).join("\n"), @r#"
    a 2026-01-01=rain from always
    a 2026-01-02=sun from always
    b 2026-01-01=rain from always
    b 2026-01-02=cloud from always
    b 2026-01-03=sun from always
    a 2026-01-03=storm from always
    "#);
    assert_snapshot!(cells(&panel, regressor("price")).join("\n"), @r#"
    a 2026-01-01=10 from 2026-01-01
    a 2026-01-02=11 from 2026-01-02
    b 2026-01-01=NaN from 2026-01-01
    b 2026-01-02=13 from 2026-01-02
    b 2026-01-03=NaN from 2026-01-03
    "#);
    assert_snapshot!(cells(&panel, regressor("city")).join("\n"), @r#"
    a 1970-01-01=Bandung from always
    b 1970-01-01=Solo from always
    "#);
    assert_snapshot!(cells(&panel, panel.closed.as_ref().expect("named")).join("\n"), @r#"
    a 2026-01-01=0 from always
    a 2026-01-02=0 from always
    b 2026-01-01=1 from always
    b 2026-01-02=0 from always
    b 2026-01-03=0 from always
    a 2026-01-03=1 from always
    "#);
    assert_eq!(regressor("note").kind, RegressorKind::ObservedPast);
    assert_snapshot!(report, @r#"
    `sales.csv` (comma-separated, UTF-8): 5 rows, 2 series
    2026-01-01 to 2026-01-02, frequency 1d (inferred), dates yyyy-mm-dd
    future rows: 1
    future rows of unknown series (ignored): 1
    `promo`: known-future
    `weather`: known-future, 4 categories
    `city`: static, 2 categories
    `price`: observed-past
    `note`: observed-past, 2 categories
    `shut`: closed days
    `internal`: excluded
    `empty`: empty
    "#);
}

#[test]
fn a_file_of_one_series_is_named_by_the_file() {
    let (panel, report) = panel("ds,y\n2026-01-01,5\n2026-01-02,6\n");
    assert_eq!((panel.series, report.single_series), (names(&["sales"]), true));
}

#[test]
fn future_values_without_ids_hold_for_every_series() {
    let spec = PanelSpec { known_future: names(&["promo"]), ..PanelSpec::default() };
    let text = "unique_id,ds,y,promo\na,13/01/2026,5,1\nb,13/01/2026,6,0\n";
    let (panel, _) = panel_with(text, Some("ds,promo\n01/02/2026,1\n"), &spec).expect("a panel");
    assert_eq!(cells(&panel, &panel.regressors[0])[2..], ["a 2026-02-01=1 from always", "b 2026-02-01=1 from always"]);
}

#[test]
fn frequencies_are_told_from_the_stamps() {
    let told = |stamps: &[&str]| panel(&series(stamps)).0.frequency.to_string();
    assert_eq!(told(&["2026-01-01", "2026-01-02", "2026-01-05"]), "1d");
    assert_eq!(told(&["2026-01-04", "2026-01-11", "2026-01-25"]), "1w-SUN");
    assert_eq!(told(&["2026-01-31", "2026-02-28", "2026-03-31"]), "1mo");
    assert_eq!(told(&["2026-01-30", "2026-02-28", "2026-03-30"]), "1mo");
    assert_eq!(told(&["2026-03-31", "2026-06-30", "2026-09-30"]), "1q");
    assert_eq!(told(&["2024-12-01", "2025-12-01", "2026-12-01"]), "1y");
    assert_eq!(told(&["2026-01-01 10:00", "2026-01-01 10:30", "2026-01-01 12:00"]), "30min");
    assert_eq!(told(&["2026-01-01T08:00:00Z", "2026-01-01T09:00:00Z"]), "1h");
    assert_eq!(told(&["2026-03-28T23:00+01:00", "2026-03-29T00:00+01:00", "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"]), "1h");
    assert_eq!(told(&["2026-01-01 08:00", "2026-01-02 08:00"]), "1d");
    assert_eq!(told(&["20260101", "20260102"]), "1d");
    assert_eq!(told(&["1", "2", "4"]), "integer");
    assert_eq!(told(&["2026-01-01"]), "1d");
}

#[test]
fn a_named_step_is_kept() {
    let spec = PanelSpec { step: Some("1d".parse().expect("a step")), ..PanelSpec::default() };
    let (panel, report) = panel_with(&series(&["2026-01-01", "2026-01-08", "2026-01-15"]), None, &spec).expect("a panel");
    assert_eq!((panel.frequency, report.gaps), (Frequency::Daily, 12));
}

#[test]
fn gaps_are_counted_and_mean_what_the_user_says() {
    let text = series(&["2026-01-01", "2026-01-02", "2026-01-05"]);
    let with = |gaps| panel_with(&text, None, &PanelSpec { gaps, ..PanelSpec::default() });
    let (panel, report) = with(Gaps::Zero).expect("a panel");
    assert_eq!((panel.gaps, report.gaps), (GapPolicy::Zero, 2));
    assert_eq!(with(Gaps::Missing).expect("a panel").0.gaps, GapPolicy::Missing);
    assert_snapshot!(refusal_with(&text, None, &PanelSpec { gaps: Gaps::Error, ..PanelSpec::default() }), @r#"
    series `a` of `sales.csv` has no row for 2026-01-03 (and 1 more like it)
    hint: add the rows, or say what their absence means: `--gaps missing` or `--gaps zero`
    "#);
}

#[test]
fn an_irregular_panel_names_two_stamps() {
    assert_snapshot!(refusal(&series(&["2026-01-05", "2026-01-12", "2026-01-20", "2026-01-26", "2026-02-02"])), @r#"
    `sales.csv` is not regular: series `a` goes from 2026-01-12 (row 3) to 2026-01-20 (row 4), off the step of 1w-MON
    hint: mend these rows, or name the step that holds them all: `--freq 1d` (also 30min, 1h, 1w, 1mo, 1q, 1y)
    "#);
    assert_snapshot!(refusal(&series(&["2026-01-01", "2026-01-04", "2026-01-07"])), @r#"
    the usual step of `sales.csv` is 3 days, which is no step of the calendar: series `a` goes from 2026-01-01 (row 2) to 2026-01-04 (row 3)
    hint: name a step that holds every row: `--freq 1d` (also 30min, 1h, 1w, 1mo, 1q, 1y); what is between counts as gaps
    "#);
    assert_snapshot!(refusal(&series(&["2026-01-01 10:00", "2026-01-01 11:00", "2026-01-01 12:00", "2026-01-01 12:20"])), @r#"
    `sales.csv` is not regular: series `a` goes from 2026-01-01 12:00:00 (row 4) to 2026-01-01 12:20:00 (row 5), off the step of 1h
    hint: mend these rows, or name the step that holds them all: `--freq 1d` (also 30min, 1h, 1w, 1mo, 1q, 1y)
    "#);
}

#[test]
fn a_period_twice_names_both_rows() {
    assert_snapshot!(refusal("unique_id,ds,y\na,2026-01-02,1\na,2026-01-01,2\na,2026-01-02,3\nb,2026-01-01,1\nb,2026-01-01,1\n"), @r#"
    series `a` of `sales.csv` has two rows for 2026-01-02: rows 2 and 4 (and 1 more like it)
    hint: keep one of the rows, or add them up; if another column tells series apart, name it: `--id-col COLUMN`
    "#);
}

#[test]
fn text_among_numbers_is_named_cell_by_cell() {
    let rows: String = (1..=7).map(|day| format!("a,2026-01-0{day},few\n")).collect();
    assert_snapshot!(refusal(&format!("unique_id,ds,y\na,2026-01-09,3\n{rows}")), @r#"
    `sales.csv` has 7 unreadable cells:
      row 3, column `y`: `few` is not a number (decimal point)
      row 4, column `y`: `few` is not a number (decimal point)
      row 5, column `y`: `few` is not a number (decimal point)
      row 6, column `y`: `few` is not a number (decimal point)
      row 7, column `y`: `few` is not a number (decimal point)
      ... and 2 more
    hint: mend or empty these cells; an empty cell is a missing value
    "#);
    assert_snapshot!(refusal("unique_id,ds,y,rain\na,2026-01-01,1,2.5\na,2026-01-02,1,dry\na,2026-01-03,1,4\n"), @r#"
    `sales.csv` has 1 unreadable cell:
      row 3, column `rain`: `dry` is not a number (decimal point)
    hint: mend or empty these cells; an empty cell is a missing value
    "#);
}

#[test]
fn a_missing_column_lists_what_there_is() {
    assert_snapshot!(refusal("unique_id,date,y\na,2026-01-01,1\n"), @r#"
    `sales.csv` has no column `ds`; it has `unique_id`, `date`, `y`
    hint: rename a column to `ds` or name the one that plays its part
    "#);
    assert_snapshot!(refusal("unique_id,ds,yy\na,2026-01-01,1\n"), @r#"
    `sales.csv` has no column `y`; it has `unique_id`, `ds`, `yy`
    hint: rename a column to `y` or name the one that plays its part
    "#);
    let spec = PanelSpec { known_future: names(&["promotion"]), ..PanelSpec::default() };
    assert_snapshot!(refusal_with("unique_id,ds,y,promotions\na,2026-01-01,1,0\n", None, &spec), @r#"
    `sales.csv` has no column `promotion`; it has `unique_id`, `ds`, `y`, `promotions`
    hint: did you mean `promotions`? name it in place of `promotion`
    "#);
    let spec = PanelSpec { known_future: names(&["promo"]), ..PanelSpec::default() };
    assert_snapshot!(refusal_with("unique_id,ds,y,promo\na,2026-01-01,1,0\n", Some("unique_id,ds\na,2026-01-02\n"), &spec), @r#"
    `future.csv` has no column `promo`; it has `unique_id`, `ds`
    hint: rename a column to `promo` or name the one that plays its part
    "#);
    let spec = PanelSpec { id: "shop".to_owned(), ..PanelSpec::default() };
    assert_snapshot!(refusal_with("store,ds,y\na,2026-01-01,1\n", None, &spec), @r#"
    `sales.csv` has no column `shop`; it has `store`, `ds`, `y`
    hint: rename a column to `shop` or name the one that plays its part
    "#);
}

#[test]
fn other_mistakes_are_told_too() {
    assert_snapshot!(refusal("unique_id,ds,y\na,2026-01-01,\na,2026-01-02,nan\n"), @r#"
    column `y` of `sales.csv` has no value at all
    hint: fill the column, or name the one that holds the target
    "#);
    assert_snapshot!(refusal("unique_id,ds,y\na,2026-01-01,1\n,2026-01-02,2\na,,3\n"), @r#"
    `sales.csv` has 1 unreadable cell:
      row 3, column `unique_id` is empty, so the row belongs to no series
    hint: fill these cells or delete the rows
    "#);
    assert_snapshot!(refusal("unique_id,ds,y\na,,3\na,2026-02-31,3\n"), @r#"
    `sales.csv` has 2 unreadable cells:
      row 2, column `ds` is empty, so the row has no time
      row 3, column `ds`: `2026-02-31` is not a date (yyyy-mm-dd)
    hint: mend these cells or delete the rows
    "#);
    assert_snapshot!(refusal("unique_id,ds,y\na,01/02/2026,3\na,02/02/2026,3\n"), @r#"
    dates in column `ds` of `sales.csv` can be read two ways: `01/02/2026` (row 2) is either 2026-02-01 or 2026-01-02, and no row tells which
    hint: say which one it is: `--date-format dd/mm/yyyy` or `--date-format mm/dd/yyyy`
    "#);
    assert_snapshot!(refusal("unique_id,ds,y\na,2026-01-01,3\na,2026-01-02\n"), @r#"
    `sales.csv` has 1 malformed row:
      row 3: has 2 fields where the header has 3
    hint: mend these rows; text that contains the separator or a line break needs quotes
    "#);
    let both = PanelSpec { known_future: names(&["x"]), statics: names(&["x"]), ..PanelSpec::default() };
    assert_snapshot!(refusal_with("unique_id,ds,y,x\na,2026-01-01,3,1\n", None, &both), @r#"
    column `x` is given two parts: known-future and static
    hint: name each column once
    "#);
    let changing = PanelSpec { statics: names(&["city"]), ..PanelSpec::default() };
    assert_snapshot!(refusal_with("unique_id,ds,y,city\na,2026-01-01,3,Solo\na,2026-01-02,3,Bandung\n", None, &changing), @r#"
    static column `city` of `sales.csv` changes within series `a`: `Solo` (row 2), `Bandung` (row 3)
    hint: mend the rows, or name its kind: `--known-future city` or `--observed-past city`
    "#);
    let future = PanelSpec { known_future: names(&["x"]), ..PanelSpec::default() };
    assert_snapshot!(refusal_with("unique_id,ds,y,x\na,2026-01-01,3,1\n", Some("unique_id,ds,x\na,5,1\n"), &future), @r#"
    `future.csv` writes `ds` as integers where `sales.csv` has dates
    hint: write both files with the same kind of `ds`
    "#);
    let integer = PanelSpec { step: Some("1d".parse().expect("a step")), ..PanelSpec::default() };
    assert_snapshot!(refusal_with("unique_id,ds,y\na,1,3\na,2,3\n", None, &integer), @r#"
    column `ds` of `sales.csv` holds integers, which the step `--freq` names does not fit
    hint: leave `--freq` out, or name a step of the kind that the column holds
    "#);
}

#[test]
fn an_owners_notation_gives_the_same_panel() {
    let owner = table("kas.csv", "Tanggal;Menu;Jumlah\n31/12/2025;Soto;1.250,5\n01/01/2026;Soto;\n02/01/2026;Soto;7\n");
    let spec = PanelSpec { id: "menu".into(), ds: "tanggal".into(), y: "jumlah".into(), ..PanelSpec::default() };
    let (panel, report) = read_panel(&owner, None, &spec).expect("a panel");
    assert_eq!(observed(&panel), ["Soto 2025-12-31 1250.5", "Soto 2026-01-01 NaN", "Soto 2026-01-02 7"]);
    assert_eq!(report.date_format.as_deref(), Some("dd/mm/yyyy"));
    let american = PanelSpec { locale: Locale { dates: Some(DateFormat::MONTH_FIRST), decimal: None }, ..spec };
    assert!(matches!(read_panel(&owner, None, &american), Err(PanelError::Table(_))));
}

proptest! {
    #[test]
    fn any_table_is_answered(contents in "(unique_id,)?ds,y(,x)?\n([a-c]?,?[0-9/-]{0,10},?[0-9.,a]{0,5},?[0-9a-z]{0,2}\n){0,12}") {
        if let Ok(table) = tabular::read_origin(&Origin::memory("any.csv", contents.into_bytes())) {
            for step in [None, Some("1d"), Some("1w"), Some("1mo"), Some("1h"), Some("integer")] {
                let step = step.map(|step| step.parse().expect("a step"));
                if let Ok((panel, report)) = read_panel(&table, None, &PanelSpec { step, ..PanelSpec::default() }) {
                    prop_assert!(panel.observations.len() <= table.len());
                    prop_assert!(!report.to_string().is_empty());
                }
            }
        }
    }
}

fn filtered_by(filters: &[&str]) -> PanelSpec {
    let filters: Vec<Filter> = filters.iter().map(|text| text.parse().expect("a filter")).collect();
    PanelSpec { filters, ..PanelSpec::default() }
}

const MIXED: &str =
    "unique_id,ds,y,period,part,h\na,1,5,YEARLY,train,6\na,2,6,YEARLY,test,6\nb,1,7,MONTHLY,train,18.0\nc,1,8,Other,train,8\n";

#[test]
fn where_chooses_the_rows_and_its_columns_play_no_other_part() {
    let rows = |filters: &[&str]| {
        let (panel, report) = panel_with(MIXED, None, &filtered_by(filters)).expect("a panel");
        (observed(&panel), report.rows, report.left_out_rows)
    };
    assert_eq!(rows(&["period=YEARLY"]), (names(&["a 1 5", "a 2 6"]), 2, 2));
    assert_eq!(rows(&["Period=YEARLY", "part=train"]), (names(&["a 1 5"]), 1, 3), "several columns: all of them");
    assert_eq!(rows(&["period=YEARLY", "period=Other"]), (names(&["a 1 5", "a 2 6", "c 1 8"]), 3, 1), "one column: any of them");
    assert_eq!(rows(&["h=18"]), (names(&["b 1 7"]), 1, 3), "numbers by value");

    let (panel, report) = panel_with(MIXED, None, &filtered_by(&["period=YEARLY"])).expect("a panel");
    assert_eq!(panel.regressors.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["part", "h"]);
    assert!(report.to_string().contains("rows left out by `--where`: 2\n"), "{report}");
    assert!(report.to_string().contains("`period`: chooses the rows"), "{report}");
    let both = PanelSpec { known_future: names(&["period"]), ..filtered_by(&["period=YEARLY"]) };
    assert_eq!(panel_with(MIXED, None, &both).expect("a panel").0.regressors[0].name, "period");
}

#[test]
fn where_filters_the_future_file_where_it_can() {
    let spec = PanelSpec { known_future: names(&["promo"]), ..filtered_by(&["shop=A"]) };
    let history = "unique_id,ds,y,shop,promo\na,2025-01-01,5,A,0\na,2025-01-02,6,A,1\nb,2025-01-01,7,B,0\n";
    for future in ["unique_id,ds,shop,promo\na,2025-01-03,A,1\nb,2025-01-03,B,0\n", "unique_id,ds,promo\na,2025-01-03,1\n"] {
        let (panel, report) = panel_with(history, Some(future), &spec).expect("a panel");
        assert_eq!((panel.series.as_slice(), report.unknown_future_rows), (names(&["a"]).as_slice(), 0));
        assert_eq!(cells(&panel, &panel.regressors[0]).last().map(String::as_str), Some("a 2025-01-03=1 from always"));
    }
}

#[test]
fn where_names_what_there_is_instead() {
    assert_snapshot!(refusal_with(MIXED, None, &filtered_by(&["perod=YEARLY"])), @r"
    `sales.csv` has no column `perod`; it has `unique_id`, `ds`, `y`, `period`, `part`, `h`
    hint: did you mean `period`? name it in place of `perod`
    ");
    assert_snapshot!(refusal_with(MIXED, None, &filtered_by(&["period=yearly"])), @r"
    no row of `sales.csv` has `yearly` in column `period`; it holds `YEARLY`, `MONTHLY`, `Other`
    hint: did you mean `--where period=YEARLY`?
    ");
    assert_snapshot!(refusal_with(MIXED, None, &filtered_by(&["period=weekdays"])), @r"
    no row of `sales.csv` has `weekdays` in column `period`; it holds `YEARLY`, `MONTHLY`, `Other`
    hint: name one of these: `--where period=VALUE`
    ");
    assert_snapshot!(refusal_with(MIXED, None, &filtered_by(&["period=MONTHLY", "part=test"])), @r"
    no row of `sales.csv` fits all of period=MONTHLY, part=test together
    hint: leave one of the `--where` options out
    ");
    assert!("period".parse::<Filter>().is_err() && "=x".parse::<Filter>().is_err());
    assert_eq!("a = b=c".parse::<Filter>().map(|filter| filter.to_string()), Ok("a=b=c".to_owned()));
}
