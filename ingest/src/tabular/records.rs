//! Splits text into records, by lines: the number of a record's first line is exact, and a quote that is never closed costs
//! one row instead of the rest of the file.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Result};

/// Reads records one by one into buffers that are used again.
pub(super) struct Records {
    input: BufReader<Box<dyn Read + Send>>,
    delimiter: u8,
    line_end: u8,
    /// Lines that were read ahead in search of a closing quote.
    ahead: VecDeque<Vec<u8>>,
    /// Number of the last line taken.
    line: u64,
    raw: Vec<u8>,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// What [`Records::read`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The fields of the record that starts on this line.
    Record {
        line: u64,
    },
    /// This line opens a quote that no line nearby closes; the next line is a record of its own.
    OpenQuote {
        line: u64,
    },
    End,
}

impl Records {
    /// How far a quoted field may reach.
    const LINES: usize = 50;
    const BYTES: usize = 16 * 1024;

    pub(super) fn new(input: Box<dyn Read + Send>, delimiter: u8, line_end: u8, lines_before: u64) -> Self {
        Self {
            input: BufReader::with_capacity(1 << 18, input),
            delimiter,
            line_end,
            ahead: VecDeque::new(),
            line: lines_before,
            raw: Vec::new(),
            text: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Fields of the last record.
    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| self.text[start..end].trim_ascii())
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Reads the next record, skipping blank lines.
    pub(super) fn read(&mut self) -> Result<Found> {
        loop {
            if !self.take_line()? {
                return Ok(Found::End);
            }
            if !self.raw.trim_ascii().is_empty() {
                break;
            }
        }
        let line = self.line;
        if memchr::memchr(b'"', &self.raw).is_none() {
            self.split_plain();
            return Ok(Found::Record { line });
        }
        if self.split_quoted() { Ok(Found::Record { line }) } else { self.read_on(line) }
    }

    /// Takes further lines until the open quote closes; gives them back if it does not.
    fn read_on(&mut self, line: u64) -> Result<Found> {
        let mut taken = Vec::new();
        let mut record = std::mem::take(&mut self.raw);
        while taken.len() < Self::LINES && record.len() < Self::BYTES && self.take_line()? {
            record.extend_from_slice(&self.raw);
            taken.push(std::mem::take(&mut self.raw));
            if taken.last().is_none_or(|last| memchr::memchr(b'"', last).is_none()) {
                continue;
            }
            std::mem::swap(&mut self.raw, &mut record);
            let closed = self.split_quoted();
            std::mem::swap(&mut self.raw, &mut record);
            if closed {
                return Ok(Found::Record { line });
            }
        }
        taken.into_iter().rev().for_each(|taken| self.ahead.push_front(taken));
        self.line = line;
        Ok(Found::OpenQuote { line })
    }

    /// The next line into `raw`, its line break included; `false` at the end.
    fn take_line(&mut self) -> Result<bool> {
        self.raw.clear();
        match self.ahead.pop_front() {
            Some(line) => self.raw = line,
            None if self.input.read_until(self.line_end, &mut self.raw)? == 0 => return Ok(false),
            None => {}
        }
        self.line += 1;
        Ok(true)
    }

    fn split_plain(&mut self) {
        self.text.clear();
        self.ends.clear();
        let mut start = 0;
        for end in memchr::memchr_iter(self.delimiter, &self.raw).chain(std::iter::once(self.raw.len())) {
            self.text.extend_from_slice(&self.raw[start..end]);
            self.ends.push(self.text.len());
            start = end + 1;
        }
    }

    /// Splits `raw` with quotes; `false` if one is still open at its end.
    fn split_quoted(&mut self) -> bool {
        self.text.clear();
        self.ends.clear();
        let mut quoted = false;
        let mut bytes = self.raw.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            let field = self.ends.last().copied().unwrap_or(0);
            match byte {
                b'"' if quoted && bytes.next_if_eq(&b'"').is_some() => self.text.push(b'"'),
                b'"' if quoted => quoted = false,
                b'"' if self.text[field..].trim_ascii().is_empty() => {
                    self.text.truncate(field);
                    quoted = true;
                }
                _ if byte == self.delimiter && !quoted => self.ends.push(self.text.len()),
                _ => self.text.push(byte),
            }
        }
        self.ends.push(self.text.len());
        !quoted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Vec<(u64, Vec<String>)> {
        let mut records = Records::new(Box::new(std::io::Cursor::new(text.as_bytes().to_vec())), b',', b'\n', 0);
        let mut all = Vec::new();
        loop {
            match records.read().expect("in memory") {
                Found::End => return all,
                Found::OpenQuote { line } => all.push((line, vec!["open quote".to_owned()])),
                Found::Record { line } => {
                    all.push((line, records.fields().map(|field| String::from_utf8_lossy(field).into_owned()).collect()))
                }
            }
        }
    }

    #[test]
    fn an_open_quote_costs_one_row() {
        let rows = split("a,\"x, \"\"y\"\"\"\nb,\"open\nc,1\nd,\"two\nlines\"\npipe 5\",6\n");
        let shown: Vec<String> = rows.iter().map(|(line, fields)| format!("{line}: {}", fields.join(" | ").replace('\n', "/"))).collect();
        assert_eq!(shown, ["1: a | x, \"y\"", "2: b | open/c,1/d,two", "5: lines\"", "6: pipe 5\" | 6"]);
        let far = format!("a,\"open\n{}", "b,1\n".repeat(200));
        let rows = split(&far);
        assert_eq!((rows.len(), rows[0].clone(), rows[200].0), (201, (1, vec!["open quote".to_owned()]), 201));
    }

    proptest! {
        #[test]
        fn well_formed_text_splits_as_the_csv_crate_does(rows in prop::collection::vec(prop::collection::vec("[a-z \",\n]{0,6}", 2..4), 1..6)) {
            let mut writer = csv::WriterBuilder::new().flexible(true).quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).expect("in memory");
            }
            let text = String::from_utf8(writer.into_inner().expect("in memory")).expect("text");
            let ours: Vec<Vec<String>> = split(&text).into_iter().map(|(_, fields)| fields).collect();
            let trimmed: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| cell.trim().to_owned()).collect()).collect();
            prop_assert_eq!(ours, trimmed);
        }
    }
}
