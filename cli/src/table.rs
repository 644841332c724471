//! Tables for people; machines get JSON.

use std::io::Write as _;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, TableComponent, Width};

/// Characters of a column of text, padding included, at least.
const NARROWEST: u16 = 14;

/// A table whose columns named in `right` are aligned to the right.
pub fn table(head: &[&str], right: std::ops::RangeFrom<usize>, rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head.to_vec());
    for component in [
        TableComponent::HorizontalLines,
        TableComponent::MiddleIntersections,
        TableComponent::LeftBorderIntersections,
        TableComponent::RightBorderIntersections,
    ] {
        table.remove_style(component);
    }
    for row in rows {
        table.add_row(row);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        if index >= right.start {
            // A number broken over two lines is none; better that a narrow terminal wraps the row.
            column.set_cell_alignment(CellAlignment::Right);
            column.set_constraint(ColumnConstraint::ContentWidth);
            column.set_padding((1, 0));
        } else {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(NARROWEST)));
        }
    }
    table
}

/// Prints to stdout. A reader who has seen enough (`| head`) is no failure.
pub fn print(text: impl std::fmt::Display) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// What `println!` is in this crate: as the standard one, output that cannot be written ends the program, but for a reader
/// who has gone.
pub fn say(text: std::fmt::Arguments<'_>) {
    print(text).unwrap_or_else(|error| panic!("can't write to stdout: {error}"));
}

/// A count with thousands in Indonesian notation: `1.234.567`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(".")
}

#[cfg(test)]
mod tests {
    use super::{table, thousands};

    #[test]
    fn a_narrow_terminal_breaks_no_number() {
        let rows = [vec!["a series with quite a long name".to_owned(), "1234.5678".to_owned(), "0.8146".to_owned()]];
        let text = table(&["series", "sum", "share"], 1.., rows).set_width(20).to_string();
        assert!(text.contains("1234.5678") && text.contains("0.8146") && text.contains("long name"), "{text}");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!([0, 12, 1_234, 1_234_567].map(thousands), ["0", "12", "1.234", "1.234.567"]);
    }
}
