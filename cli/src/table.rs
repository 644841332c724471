//! Tables for people; machines get JSON.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent};

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
    for column in table.column_iter_mut().skip(right.start) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A count with thousands in Indonesian notation: `1.234.567`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(".")
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn counts_are_grouped() {
        assert_eq!([0, 12, 1_234, 1_234_567].map(thousands), ["0", "12", "1.234", "1.234.567"]);
    }
}
