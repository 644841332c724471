//! A table as the booster reads it: borrowed columns of f32.

use super::error::BoostingError;

/// A table of feature columns, all of the same length.
#[derive(Debug, Clone)]
pub struct Columns<'a> {
    pub(super) rows: usize,
    pub(super) columns: Vec<Column<'a>>,
}

/// One column. NaN is missing.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    pub(super) values: &'a [f32],
    /// 0 for numbers, else the number of category codes: values are `0..levels`, anything else is missing.
    pub(super) levels: u32,
}

impl<'a> Column<'a> {
    #[must_use]
    pub fn numbers(values: &'a [f32]) -> Self {
        Self { values, levels: 0 }
    }

    /// Category codes `0..levels`; other values and NaN count as missing.
    #[must_use]
    pub fn categories(values: &'a [f32], levels: u32) -> Self {
        Self { values, levels: levels.max(1) }
    }
}

impl<'a> Columns<'a> {
    /// # Errors
    /// [`BoostingError::LengthMismatch`] if a column has not `rows` values.
    pub fn new(rows: usize, columns: Vec<Column<'a>>) -> Result<Self, BoostingError> {
        match columns.iter().find(|column| column.values.len() != rows) {
            Some(column) => Err(BoostingError::LengthMismatch { what: "column", expected: rows, found: column.values.len() }),
            None => Ok(Self { rows, columns }),
        }
    }

    /// Numeric columns from one column-major slice: column `j` is `data[j * rows .. (j + 1) * rows]`.
    ///
    /// # Errors
    /// [`BoostingError::LengthMismatch`] if the slice is not a whole number of columns.
    pub fn from_column_major(rows: usize, data: &'a [f32]) -> Result<Self, BoostingError> {
        if rows == 0 {
            return Ok(Self { rows, columns: Vec::new() });
        }
        Self::new(rows, data.chunks(rows).map(Column::numbers).collect())
    }

    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn check_width(&self, expected: usize) -> Result<(), BoostingError> {
        let found = self.width();
        if found == expected { Ok(()) } else { Err(BoostingError::WidthMismatch { expected, found }) }
    }
}
