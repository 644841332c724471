//! Workbooks of Excel and its kin (xlsx, xlsb, xls, ods): the first sheet that holds a table.
//!
//! A sheet has a million rows at most, so it is read whole; what is larger than a file of so many is refused before it is unpacked. The header is the first row that names most of its columns; titles above
//! it are passed over. A column of numbers, dates or yes and no keeps its type; anything else is text.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use calamine::{Data as Cell, DataType as _, Range, Reader as _, Sheets, open_workbook_auto_from_rs};
use chrono::NaiveTime;
use zip::ZipArchive;

use super::dates::Stamp;
use super::numbers::is_missing;
use super::table::{Column, Data, Table, TextColumn};
use super::{Origin, TabularError, names};

/// Rows in which the header is looked for.
const TITLES: usize = 50;
/// Bytes of a file.
const MOST_BYTES: u64 = 128 << 20;
/// Bytes of all that is packed in it.
const MOST_UNPACKED: u64 = 1 << 30;
/// Cells that a sheet may span.
const MOST_CELLS: u64 = 20_000_000;

pub(super) struct Workbook {
    name: String,
    header: Vec<String>,
    /// What is not handed out yet.
    columns: Vec<Data>,
    rows: Vec<u64>,
}

impl Workbook {
    pub(super) fn open(origin: &Origin) -> Result<Self, TabularError> {
        let name = origin.name().to_owned();
        let failed = |source| TabularError::Workbook { file: name.clone(), source };
        let bytes = bounded(origin)?;
        // The reader trusts what a file says of itself more than it should.
        let read = catch_unwind(AssertUnwindSafe(|| first_table(bytes)));
        let (sheet, header_at) = read
            .unwrap_or(Err(calamine::Error::Msg("it is damaged")))
            .map_err(failed)?
            .ok_or_else(|| TabularError::Empty { file: name.clone() })?;
        let (first_row, _) = sheet.start().unwrap_or_default();
        let header_cells: Vec<String> = sheet.rows().nth(header_at).into_iter().flatten().map(shown).collect();
        let named: Vec<usize> = (0..header_cells.len()).filter(|column| !header_cells[*column].is_empty()).collect();
        let header: Vec<String> = named.iter().map(|column| header_cells[*column].clone()).collect();
        names::unique(&name, &header)?;
        let body: Vec<(u64, &[Cell])> = sheet
            .rows()
            .zip(u64::from(first_row) + 1..)
            .skip(header_at + 1)
            .filter(|(cells, _)| named.iter().any(|column| cells.get(*column).is_some_and(|cell| !shown(cell).is_empty())))
            .map(|(cells, row)| (row, cells))
            .collect();
        let columns = named.iter().map(|column| typed(body.iter().map(|(_, cells)| &cells[*column]))).collect();
        Ok(Self { header, columns, rows: body.iter().map(|(row, _)| *row).collect(), name })
    }

    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    pub(super) fn next(&mut self, limit: usize) -> Option<Table> {
        let count = self.rows.len().min(limit);
        if count == 0 {
            return None;
        }
        let later = self.rows.split_off(count);
        let rows = std::mem::replace(&mut self.rows, later);
        let take = |(name, data): (&String, &mut Data)| {
            let later = data.split_off(count);
            Column { name: name.clone(), data: std::mem::replace(data, later) }
        };
        let columns = self.header.iter().zip(&mut self.columns).map(take).collect();
        Some(Table { file: self.name.clone(), dialect: None, columns, rows, malformed: Vec::new() })
    }
}

/// All of a file, if it is no larger than what is held in memory.
fn bounded(origin: &Origin) -> Result<Bytes, TabularError> {
    let within = |what, bytes: u64, most: u64| match bytes <= most {
        true => Ok(()),
        false => Err(TabularError::TooLarge { file: origin.name().to_owned(), what, mebibytes: bytes.div_ceil(1 << 20), most: most >> 20 }),
    };
    within("", origin.size()?, MOST_BYTES)?;
    let bytes = origin.bytes()?;
    within(" unpacked", unpacked(&bytes), MOST_UNPACKED)?;
    Ok(bytes)
}

/// What an archive says that its files have. The old format of Excel is none, and packs nothing.
fn unpacked(bytes: &Bytes) -> u64 {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes.clone())) else { return 0 };
    let sizes = (0..archive.len()).map(|place| archive.by_index_raw(place).map_or(0, |file| file.size()));
    sizes.fold(0, u64::saturating_add)
}

/// The first sheet with a header and a row below it, and where the header is.
fn first_table(bytes: Bytes) -> Result<Option<(Range<Cell>, usize)>, calamine::Error> {
    let mut book = open_workbook_auto_from_rs(Cursor::new(bytes))?;
    for name in book.sheet_names() {
        if area(&mut book, &name)? > MOST_CELLS {
            return Err(calamine::Error::Msg(
                "its cells spread over more than 20 million places: remove what lies far out, or save it as CSV",
            ));
        }
        let sheet = book.worksheet_range(&name)?;
        if let Some(header) = header_of(&sheet).filter(|header| header + 1 < sheet.height()) {
            return Ok(Some((sheet, header)));
        }
    }
    Ok(None)
}

/// Places from the first to the last cell of a sheet, which are all held in memory. One cell far out makes many.
fn area(book: &mut Sheets<Cursor<Bytes>>, name: &str) -> Result<u64, calamine::Error> {
    let mut bounds: Option<[u32; 4]> = None;
    let mut meet = |(row, column): (u32, u32)| {
        let [top, left, bottom, right] = bounds.unwrap_or([row, column, row, column]);
        bounds = Some([top.min(row), left.min(column), bottom.max(row), right.max(column)]);
    };
    match book {
        Sheets::Xlsx(book) => {
            let mut cells = book.worksheet_cells_reader(name)?;
            while let Some(cell) = cells.next_cell()? {
                meet(cell.get_position());
            }
        }
        Sheets::Xlsb(book) => {
            let mut cells = book.worksheet_cells_reader(name)?;
            while let Some(cell) = cells.next_cell()? {
                meet(cell.get_position());
            }
        }
        // The old format has no room for more; of the open one the reader counts repetitions.
        Sheets::Xls(_) | Sheets::Ods(_) => {}
    }
    Ok(bounds.map_or(0, |[top, left, bottom, right]| u64::from(bottom - top + 1) * u64::from(right - left + 1)))
}

/// The first row whose cells are names, for at least half of the columns that any of the first rows fills.
fn header_of(sheet: &Range<Cell>) -> Option<usize> {
    let filled = |cells: &[Cell]| cells.iter().filter(|cell| !shown(cell).is_empty()).count();
    let widest = sheet.rows().take(TITLES).map(filled).max()?;
    let is_named = |cells: &[Cell]| cells.iter().all(|cell| matches!(cell, Cell::Empty | Cell::String(_)));
    sheet.rows().take(TITLES).position(|cells| is_named(cells) && filled(cells) > 0 && filled(cells) * 2 >= widest)
}

/// A cell as text; nothing for an empty one and for a formula's error.
fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Empty | Cell::Error(_) => String::new(),
        Cell::String(text) => text.trim().to_owned(),
        Cell::DateTime(_) => match stamp(cell) {
            Some(Stamp { wall, timed: true, .. }) => wall.format("%Y-%m-%dT%H:%M:%S").to_string(),
            Some(Stamp { wall, .. }) => wall.date().to_string(),
            None => cell.to_string(),
        },
        _ => cell.to_string(),
    }
}

fn stamp(cell: &Cell) -> Option<Stamp> {
    let wall = cell.as_datetime()?;
    Some(Stamp { wall, offset_seconds: None, timed: wall.time() != NaiveTime::MIN })
}

/// One column: its type is what all its cells have that are not empty.
fn typed<'a>(cells: impl Iterator<Item = &'a Cell> + Clone) -> Data {
    let is_nothing = |cell: &Cell| match cell {
        Cell::Empty | Cell::Error(_) => true,
        Cell::String(text) => is_missing(text.trim()),
        _ => false,
    };
    let told = || cells.clone().filter(|cell| !is_nothing(cell));
    let all = |is_of: fn(&Cell) -> bool| told().next().is_some() && told().all(is_of);
    if all(|cell| matches!(cell, Cell::Int(_) | Cell::Float(_))) {
        return Data::Numbers(cells.map(|cell| if is_nothing(cell) { None } else { cell.as_f64() }).collect());
    }
    if all(|cell| matches!(cell, Cell::DateTime(_)) && stamp(cell).is_some()) {
        return Data::Stamps(cells.map(|cell| if is_nothing(cell) { None } else { stamp(cell) }).collect());
    }
    if all(|cell| matches!(cell, Cell::Bool(_))) {
        return Data::Flags(cells.map(Cell::get_bool).collect());
    }
    let mut texts = TextColumn::default();
    cells.for_each(|cell| texts.push(&shown(cell)));
    Data::Text(texts)
}
