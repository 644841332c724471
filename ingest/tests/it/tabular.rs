//! Files as people export them, and what is said when one cannot be read.

use std::path::PathBuf;

use domain::Hint;
use ingest::tabular::{self, ColumnData, DateFormat, Decimal, Locale, Origin, Reader, Table, TabularError};
use insta::assert_snapshot;
use proptest::prelude::*;

fn table(contents: impl AsRef<[u8]>) -> Result<Table, TabularError> {
    tabular::read_origin(&Origin::memory("sales.csv", contents.as_ref().to_vec()))
}

fn read(contents: impl AsRef<[u8]>) -> Table {
    table(contents).expect("a readable table")
}

/// An error as the terminal shows it.
fn told(error: &TabularError) -> String {
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("{error}{hint}")
}

fn refusal(contents: impl AsRef<[u8]>) -> String {
    told(&table(contents).expect_err("an unreadable table"))
}

fn numbers(table: &Table, column: &str) -> Vec<Option<f64>> {
    table.column(column).expect("present").numbers(&Locale::default()).expect("one notation").values
}

fn dates(table: &Table, column: &str) -> Vec<String> {
    let values = table.column(column).expect("present").dates(&Locale::default()).expect("one format").values;
    values.into_iter().map(|stamp| stamp.map(|stamp| stamp.wall.to_string()).unwrap_or_default()).collect()
}

#[test]
fn an_indonesian_export_reads_like_a_machine_file() {
    let owner =
        read("\u{feff}Tanggal;Produk;Jumlah;Harga\r\n31/10/2026;Ayam geprek;12,5;Rp15.000\r\n01/11/2026;\"Es; teh\";1.250,75;Rp4.000\r\n");
    let machine = read("Tanggal,Produk,Jumlah,Harga\n2026-10-31,Ayam geprek,12.5,15000\n2026-11-01,Es; teh,1250.75,4000\n");
    for column in ["Jumlah", "Harga"] {
        assert_eq!(numbers(&owner, column), numbers(&machine, column), "{column}");
    }
    assert_eq!(dates(&owner, "Tanggal"), dates(&machine, "Tanggal"));
    assert_eq!(owner.column("produk").expect("any case").text(1), "Es; teh");
    assert_snapshot!(owner.dialect.expect("a text file"), @"semicolon-separated, UTF-8");
}

#[test]
fn windows_text_is_read_and_said_to_be() {
    let latin = read(b"item;qty\ncaf\xE9;1\n");
    assert_eq!(latin.column("item").expect("present").text(0), "café");
    assert_snapshot!(latin.dialect.expect("a text file"), @"semicolon-separated, Windows-1252 (the file is not valid UTF-8)");
}

#[test]
fn rows_are_numbered_as_an_editor_shows_them() {
    for line_break in ["\n", "\r\n"] {
        let text = ["a,b", "1,x", "", "2,\"two\nlines\"", "3,y", ",", "4"].join(line_break);
        let table = read(&text);
        assert_eq!(table.rows, [2, 4, 6], "{line_break:?}");
        assert_eq!(table.malformed[0].row, 8, "{line_break:?}");
    }
    assert_eq!(read("sep=;\na;b\n1;2\n").rows, [3]);
}

#[test]
fn trailing_separators_and_blank_rows_do_no_harm() {
    let table = read("a;b;;\n1;2;;\n;;;\n3;4;;\n");
    assert_eq!(table.names(), ["a", "b"]);
    assert_eq!((numbers(&table, "b"), table.malformed.len()), (vec![Some(2.0), Some(4.0)], 0));
}

#[test]
fn chunks_hold_what_the_whole_file_holds() {
    let text: String = std::iter::once("n,s\n".to_owned()).chain((0..250).map(|n| format!("{n},row {n}\n"))).collect();
    let origin = Origin::memory("n.csv", text.clone());
    let mut reader = Reader::open(&origin).expect("readable");
    let (mut values, mut rows, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(chunk) = reader.next(100).expect("readable") {
        values.extend(numbers(&chunk, "n"));
        rows.extend(chunk.rows.clone());
        sizes.push(chunk.len());
    }
    let whole = read(text);
    assert_eq!((values, rows, sizes), (numbers(&whole, "n"), whole.rows.clone(), vec![100, 100, 50]));
}

#[test]
fn parquet_types_become_ours() {
    let path = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where")).join("tests/fixtures/types.parquet");
    let table = tabular::read(&path).expect("readable");
    let mut lines = String::new();
    for column in &table.columns {
        let reference = table.column(&column.name).expect("present");
        let cells: Vec<String> = (0..table.len()).map(|row| reference.text(row).into_owned()).collect();
        lines.push_str(&format!("{}: {}\n", column.name, cells.join(" | ")));
    }
    assert_snapshot!(lines, @r#"
    name: nasi | mie |  | nasi
    count: 1 |  | 3 | -4
    big: 1 | 2 | 3 | 4
    small: 0 | 255 |  | 7
    price: 1.5 |  | NaN | 2.25
    amount: 12.5 | -0.25 |  | 1000
    open: true | false |  | true
    day: 2026-11-23 | 1969-12-31 |  | 2026-01-01
    at_ms: 2026-11-23T10:30:00 |  | 1969-12-31T23:59:59 | 2026-01-01
    at_us: 2026-11-23T10:30:00 | 2026-11-23T10:30:00 | 2026-11-23T10:30:00 | 2026-11-23T10:30:00
    at_ns: 2026-11-23T10:30:00 | 2026-11-23T10:30:00 | 2026-11-23T10:30:00 | 2026-11-23T10:30:00
    "#);
    assert_eq!(numbers(&table, "price"), [Some(1.5), None, None, Some(2.25)]);
    let mut reader = Reader::open(&Origin::memory("types.parquet", std::fs::read(&path).expect("a file"))).expect("readable");
    let sizes: Vec<usize> = std::iter::from_fn(|| reader.next(2).expect("readable").map(|chunk| chunk.len())).collect();
    assert_eq!(sizes, [2, 2]);
}

fn every_type() -> Vec<(&'static str, ColumnData)> {
    vec![
        ("unique_id", ColumnData::text(["nasi \"goreng\"", "mie, ayam", "nasi \"goreng\""])),
        ("ds", ColumnData::Date(vec![20_780, 20_781, -1])),
        ("cutoff", ColumnData::Timestamp(vec![1_795_429_800_250_000, 0, -1])),
        ("step", ColumnData::Int64(vec![1, 2, i64::MIN])),
        ("yhat", ColumnData::Float64(vec![1.5, f64::NAN, 1e-300])),
        ("chosen", ColumnData::Bool(vec![true, false, true])),
    ]
}

#[test]
fn what_is_written_is_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (parquet, csv) = (folder.path().join("cv.parquet"), folder.path().join("cv.csv"));
    tabular::write_parquet(&parquet, &every_type()).expect("written");
    tabular::write_csv(&csv, &every_type()).expect("written");
    assert_snapshot!(std::fs::read_to_string(&csv).expect("a file"), @r#"
    unique_id,ds,cutoff,step,yhat,chosen
    "nasi ""goreng""",2026-11-23,2026-11-23T10:30:00.250,1,1.5,true
    "mie, ayam",2026-11-24,1970-01-01T00:00:00,2,,false
    "nasi ""goreng""",1969-12-31,1969-12-31T23:59:59.999999,-9223372036854775808,1e-300,true
    "#);
    let (from_parquet, from_csv) = (tabular::read(&parquet).expect("readable"), tabular::read(&csv).expect("readable"));
    for column in ["step", "yhat"] {
        assert_eq!(numbers(&from_parquet, column), numbers(&from_csv, column), "{column}");
    }
    for column in ["ds", "cutoff"] {
        assert_eq!(dates(&from_parquet, column), dates(&from_csv, column), "{column}");
    }
    assert_eq!(from_parquet.column("unique_id").expect("present").text(1), "mie, ayam");
    let left_over = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left_over, 2);
}

#[test]
fn columns_of_unequal_length_are_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cv.parquet");
    let columns = [("a", ColumnData::Int64(vec![1])), ("b", ColumnData::Int64(vec![]))];
    assert!(matches!(tabular::write_parquet(&path, &columns), Err(TabularError::Parquet { .. })));
    assert!(!path.exists());
}

#[test]
fn files_that_are_no_tables_say_what_they_are() {
    assert_snapshot!(refusal(""), @r#"
    `sales.csv` is empty: it has no header and no rows
    hint: export it again with at least one row of data below the column names
    "#);
    assert_snapshot!(refusal("unique_id,ds,y\n"), @r#"
    `sales.csv` has a header but no rows
    hint: export it again with at least one row of data below the column names
    "#);
    assert_snapshot!(refusal(b"PK\x03\x04rest"), @r#"
    `sales.csv` is not a readable workbook
    hint: open it in a spreadsheet, remove its password if it has one, and save it as xlsx or CSV
    "#);
    assert_snapshot!(refusal(b"\xFF\xFEa\0"), @r#"
    `sales.csv` is text in UTF-16, not a CSV file, a workbook or a Parquet file
    hint: save or export it as CSV (UTF-8) and use that file
    "#);
    assert_snapshot!(refusal("nasi,2026-01-01,5\nnasi,2026-01-02,6\n"), @r#"
    the first line of `sales.csv` holds data (`2026-01-01`), not column names
    hint: put a line of column names on top, such as `unique_id,ds,y`
    "#);
    assert_snapshot!(refusal("ds,y,y\n2026-01-01,5,6\n"), @r#"
    `sales.csv` has two columns named `y`
    hint: rename one of the two `y` columns
    "#);
    assert_snapshot!(told(&tabular::read(&PathBuf::from("no/such/file.csv")).expect_err("no file")), @r#"
    cannot open `no/such/file.csv`
    hint: check the path and that you may read the file
    "#);
}

#[test]
fn a_missing_column_names_the_closest() {
    let table = read("tanggal,jumlah\n2026-01-01,5\n");
    assert_snapshot!(told(&table.column("tangal").expect_err("missing")), @r#"
    `sales.csv` has no column `tangal`; it has `tanggal`, `jumlah`
    hint: did you mean `tanggal`? name it in place of `tangal`
    "#);
    assert_snapshot!(told(&table.column("price").expect_err("missing")), @r#"
    `sales.csv` has no column `price`; it has `tanggal`, `jumlah`
    hint: rename a column to `price` or name the one that plays its part
    "#);
}

#[test]
fn open_dates_and_numbers_are_asked_about() {
    let ask = |text: &str| {
        let table = read(text);
        let column = table.column("x").expect("present");
        let dates = column.dates(&Locale::default()).err();
        told(&dates.or_else(|| column.numbers(&Locale::default()).err()).expect("a doubt"))
    };
    assert_snapshot!(ask("x;n\n05/05/2026;1\n03/04/2026;2\n"), @r#"
    dates in column `x` of `sales.csv` can be read two ways: `03/04/2026` (row 3) is either 2026-04-03 or 2026-03-04, and no row tells which
    hint: say which one it is: `--date-format dd/mm/yyyy` or `--date-format mm/dd/yyyy`
    "#);
    assert_snapshot!(ask("x;n\n13/04/2026;1\n03/31/2026;2\n"), @r#"
    column `x` of `sales.csv` mixes dd/mm and mm/dd: `13/04/2026` (row 2) and `03/31/2026` (row 3)
    hint: mend the rows, or force one reading: `--date-format dd/mm/yyyy` or `--date-format mm/dd/yyyy`
    "#);
    assert_snapshot!(ask("x;n\n13/04/26;1\n"), @r#"
    years in column `x` of `sales.csv` have two digits: `13/04/26` (row 2)
    hint: say how to read them: `--date-format dd/mm/yy`, `--date-format mm/dd/yy` or `--date-format yy/mm/dd`
    "#);
    assert_snapshot!(ask("x;n\n1.234;1\n5.678;2\n"), @r#"
    numbers in column `x` of `sales.csv` can be read two ways: `1.234` (row 2) is either 1.234 or 1234, and no row tells which
    hint: say which one it is: `--decimal point` or `--decimal comma`
    "#);
    assert_snapshot!(ask("x;n\n1.5;1\n2,5;2\n"), @r#"
    column `x` of `sales.csv` mixes decimal points and decimal commas: `1.5` (row 2) and `2,5` (row 3)
    hint: mend the rows, or force one reading: `--decimal point` or `--decimal comma`
    "#);
}

#[test]
fn the_user_can_settle_what_is_open() {
    let table = read("d;n\n03/04/2026;1.234\n");
    let locale = Locale { dates: Some(DateFormat::MONTH_FIRST), decimal: Some(Decimal::Comma) };
    let date = table.column("d").expect("present").dates(&locale).expect("named").values[0].expect("a date");
    let number = table.column("n").expect("present").numbers(&locale).expect("named").values[0];
    assert_eq!((date.wall.date().to_string(), number), ("2026-03-04".to_owned(), Some(1234.0)));
}

#[test]
fn another_column_can_settle_the_notation() {
    let table = read("id;weight;price\n1;1.234;0,5\n2;2.345;7,25\n");
    assert_eq!(numbers(&table, "weight"), [Some(1234.0), Some(2345.0)]);
}

#[test]
fn wrong_cells_are_named_and_the_others_kept() {
    let table = read("ds,y\n2026-01-01,5\n2026-13-01,\n2026-01-03,many\n");
    let (y, ds) = (table.column("y").expect("present"), table.column("ds").expect("present"));
    let values = y.numbers(&Locale::default()).expect("one notation");
    assert_eq!(values.values, [Some(5.0), None, None]);
    assert_snapshot!(told(&values.all_good(&table.file).expect_err("a wrong cell")), @r#"
    `sales.csv` has 1 unreadable cell:
      row 4, column `y`: `many` is not a number (decimal point)
    hint: mend or empty these cells; an empty cell is a missing value
    "#);
    let values = ds.dates(&Locale::default()).expect("one format");
    assert_snapshot!(told(&values.all_good(&table.file).expect_err("a wrong cell")), @r#"
    `sales.csv` has 1 unreadable cell:
      row 3, column `ds`: `2026-13-01` is not a date (yyyy-mm-dd)
    hint: mend these cells or delete the rows
    "#);
}

#[test]
fn malformed_rows_are_named() {
    let table = read("a,b,c\n1,2,3\n1,2\n1,2,3,4\n");
    assert_snapshot!(told(&table.well_formed().expect_err("two bad rows")), @r#"
    `sales.csv` has 2 malformed rows:
      row 3: has 2 fields where the header has 3
      row 4: has 4 fields where the header has 3
    hint: mend these rows; text that contains the separator or a line break needs quotes
    "#);
}

proptest! {
    #[test]
    fn any_bytes_are_answered(contents in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(table) = table(contents) {
            for column in table.names() {
                if let Ok(column) = table.column(&column) {
                    let _ = column.dates(&Locale::default());
                    let _ = column.numbers(&Locale::default());
                    let _ = column.flags();
                    prop_assert_eq!(column.categories(Vec::new()).codes.len(), table.len());
                }
            }
        }
    }

    #[test]
    fn damaged_parquet_is_an_error_not_a_panic(at in 0..4_000_usize, byte in any::<u8>()) {
        let path = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where")).join("tests/fixtures/types.parquet");
        let mut contents = std::fs::read(path).expect("a file");
        let index = at % contents.len();
        contents[index] = byte;
        let _ = table(contents);
    }
}
