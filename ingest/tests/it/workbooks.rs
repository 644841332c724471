//! Workbooks as tills and offices save them.

use ingest::tabular::{Data, Locale, Origin, Reader, TabularError, read_origin};
use insta::assert_snapshot;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use crate::shop::Shop;

/// Titles above the table, a sheet of notes before it, dates as dates, a dash for nothing, a formula, an empty row in between.
fn exported() -> Vec<u8> {
    let mut book = Workbook::new();
    let notes = book.add_worksheet();
    notes.set_name("Catatan").expect("a name");
    notes.write(0, 0, "Laporan dibuat otomatis").expect("written");
    let sheet = book.add_worksheet();
    let date = Format::new().set_num_format("dd/mm/yyyy");
    sheet.write(0, 0, "Laporan Penjualan").expect("written");
    sheet.write(1, 0, "Warung Sari").expect("written");
    for (column, name) in ["Tanggal", "Produk", "Jumlah", "", "Total", "Habis"].iter().enumerate() {
        sheet.write(3, column as u16, *name).expect("written");
    }
    let rows = [(1, "Ayam Geprek", Some(12.0), 180_000.0), (2, "Ayam Geprek", None, 0.0), (2, "Es Teh", Some(7.5), 37_500.0)];
    for (place, (day, product, quantity, total)) in rows.into_iter().enumerate() {
        // Row 6 of the sheet stays empty.
        let row = [4, 6, 7][place];
        let day = ExcelDateTime::from_ymd(2026, 11, day).expect("a day");
        sheet.write_with_format(row, 0, &day, &date).expect("written");
        sheet.write(row, 1, product).expect("written");
        match quantity {
            Some(quantity) => sheet.write(row, 2, quantity).expect("written"),
            None => sheet.write(row, 2, "-").expect("written"),
        };
        sheet.write_formula(row, 4, rust_xlsxwriter::Formula::new("=1+1").set_result(total.to_string())).expect("written");
        sheet.write(row, 5, place == 2).expect("written");
    }
    book.save_to_buffer().expect("a workbook")
}

fn origin(bytes: Vec<u8>) -> Origin {
    Origin::memory("penjualan.xlsx", bytes)
}

#[test]
fn the_sheet_with_the_table_is_read_with_its_types() {
    let table = read_origin(&origin(exported())).expect("a table");
    assert_eq!(table.names(), ["Tanggal", "Produk", "Jumlah", "Total", "Habis"]);
    assert_eq!(table.rows, [5, 7, 8], "as the sheet counts them");
    let kinds: Vec<&str> = table
        .columns
        .iter()
        .map(|column| match column.data {
            Data::Text(_) => "text",
            Data::Integers(_) => "integers",
            Data::Numbers(_) => "numbers",
            Data::Flags(_) => "flags",
            Data::Stamps(_) => "stamps",
        })
        .collect();
    assert_eq!(kinds, ["stamps", "text", "text", "numbers", "flags"]);
    let quantities = table.column("jumlah").expect("a column").numbers(&Locale::default()).expect("numbers");
    assert_eq!(quantities.values, [Some(12.0), None, Some(7.5)]);
    assert_eq!(quantities.errors.iter().map(|error| (error.row, error.text.as_str())).collect::<Vec<_>>(), [(7, "-")]);
    let days = table.column("Tanggal").expect("a column").dates(&Locale::default()).expect("dates");
    let days: Vec<String> = days.values.iter().map(|day| day.expect("a day").wall.date().to_string()).collect();
    assert_eq!(days, ["2026-11-01", "2026-11-02", "2026-11-02"]);
}

#[test]
fn a_workbook_comes_in_pieces_too() {
    let mut reader = Reader::open(&origin(exported())).expect("a workbook");
    assert_eq!(reader.format(), "a workbook");
    let mut rows = Vec::new();
    while let Some(table) = reader.next(2).expect("a piece") {
        assert!(table.columns.iter().all(|column| table.column(&column.name).expect("it").text(0).len() < 40));
        rows.push(table.rows);
    }
    assert_eq!(rows, [vec![5, 7], vec![8]]);
}

#[tokio::test]
async fn sales_of_a_workbook_are_loaded() {
    let shop = Shop::open().await;
    let file = shop.folder.path().join("penjualan.xlsx");
    std::fs::write(&file, exported()).expect("written");
    assert_snapshot!(shop.ingest(&file).await.expect("a report"));
    assert_snapshot!(
        shop.query("select concat_ws(' | ', p.name, d.business_date, d.quantity, d.revenue) from sales_daily d join products p on p.id = d.product_id order by 1").await
    );
    shop.close().await;
}

#[test]
fn what_would_fill_the_memory_is_not_unpacked() {
    let refusal = |bytes| read_origin(&origin(bytes)).expect_err("too large").to_string();
    let mut packed = exported();
    let entry = packed.windows(4).position(|bytes| bytes == b"PK\x01\x02").expect("a central directory");
    // APPNOTE.TXT 4.3.12: the uncompressed size.
    packed[entry + 24..entry + 28].copy_from_slice(&(2_u32 << 30).to_le_bytes());
    assert!(refusal(packed).starts_with("`penjualan.xlsx` has 2049 MiB unpacked; a workbook may have 1024"));
    let mut long = exported();
    long.resize((128 << 20) + 1, 0);
    assert_eq!(refusal(long), "`penjualan.xlsx` has 129 MiB; a workbook may have 128");
}

#[test]
fn what_is_no_workbook_says_so() {
    let refusal = |bytes: Vec<u8>| match read_origin(&origin(bytes)) {
        Err(error @ TabularError::Workbook { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let whole = exported();
    assert_eq!(refusal(b"PK\x03\x04rest".to_vec()), "`penjualan.xlsx` is not a readable workbook");
    for cut in [40, whole.len() / 3, whole.len() - 30] {
        refusal(whole[..cut].to_vec());
    }
    // A byte that is another costs an error or a cell, never more.
    for place in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x55;
        let _ = read_origin(&origin(bytes));
    }
    let mut wide = Workbook::new();
    let sheet = wide.add_worksheet();
    sheet.write(0, 0, "Tanggal").expect("written");
    sheet.write(1_048_575, 16_383, "jauh").expect("written");
    let far_out = refusal(wide.save_to_buffer().expect("a workbook"));
    assert_eq!(far_out, "`penjualan.xlsx` is not a readable workbook", "17 billion cells are not made room for");
    let mut empty = Workbook::new();
    empty.add_worksheet();
    let empty = empty.save_to_buffer().expect("a workbook");
    assert_eq!(read_origin(&origin(empty)).expect_err("no table").to_string(), "`penjualan.xlsx` is empty: it has no header and no rows");
}
