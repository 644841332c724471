//! Rows into Postgres by `COPY .. FROM STDIN` in its text format, in bounded memory.

use std::fmt::{Display, Write};

use sqlx::PgConnection;

pub(crate) const FLUSH_BYTES: usize = 256 * 1024;

/// One line of COPY text: fields in the order of the statement's columns.
pub(crate) struct CopyLine<'a> {
    text: &'a mut String,
    is_first: bool,
}

impl<'a> CopyLine<'a> {
    /// A line at the end of `text`; its line break is the caller's.
    pub(crate) fn new(text: &'a mut String) -> Self {
        Self { text, is_first: true }
    }

    /// A value whose text has nothing to escape: numbers, dates, ids.
    pub(crate) fn value(&mut self, value: impl Display) -> &mut Self {
        self.separate();
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{value}");
        self
    }

    pub(crate) fn optional(&mut self, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.value(value),
            None => self.null(),
        }
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.separate();
        for character in value.chars() {
            match character {
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                // Postgres text cannot hold it, and a file may.
                '\0' => {}
                other => self.text.push(other),
            }
        }
        self
    }

    pub(crate) fn optional_text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    fn null(&mut self) -> &mut Self {
        self.separate();
        self.text.push_str("\\N");
        self
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.text.push('\t');
        }
    }
}

/// Streams `rows` into `statement` (`copy t (a, b) from stdin`) and returns how many there were.
pub(crate) async fn copy_rows<R>(
    connection: &mut PgConnection,
    statement: &str,
    rows: impl Iterator<Item = R>,
    mut write_row: impl FnMut(&R, &mut CopyLine<'_>),
) -> Result<u64, sqlx::Error> {
    let mut copy = connection.copy_in_raw(statement).await?;
    let mut buffer = String::with_capacity(FLUSH_BYTES + 4096);
    for row in rows {
        write_row(&row, &mut CopyLine::new(&mut buffer));
        buffer.push('\n');
        if buffer.len() >= FLUSH_BYTES {
            copy.send(buffer.as_bytes()).await?;
            buffer.clear();
        }
    }
    copy.send(buffer.as_bytes()).await?;
    copy.finish().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_escapes_what_copy_would_misread() {
        let mut text = String::new();
        let mut line = CopyLine::new(&mut text);
        line.text("a\tb\\c\nd\r\0e").value(1.5).optional(None::<i64>).optional(Some(7)).optional_text(None);
        assert_eq!(text, "a\\tb\\\\c\\nd\\re\t1.5\t\\N\t7\t\\N");
    }

    #[test]
    fn an_empty_first_text_is_still_a_field() {
        let mut text = String::new();
        let mut line = CopyLine::new(&mut text);
        line.text("").text("x");
        assert_eq!(text, "\tx");
    }
}
