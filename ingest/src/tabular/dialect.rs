//! How a text file is written: separator, encoding, byte order mark.

use std::io::Read;

use super::{Origin, TabularError};

/// How the characters of a text file are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Encoding {
    Utf8,
    /// What remains when a file is not UTF-8: every byte is a character.
    Windows1252,
}

/// How a text file is written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Dialect {
    /// `,`, `;`, tab or `|`.
    pub delimiter: u8,
    pub encoding: Encoding,
    /// What ends a line: a line feed, or a carriage return where there is none.
    pub(super) line_end: u8,
    /// Bytes before the header: a byte order mark, and Excel's `sep=;` line.
    pub(super) skip: usize,
    /// Lines before the header.
    pub(super) skipped_lines: u64,
}

impl std::fmt::Display for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let delimiter = match self.delimiter {
            b';' => "semicolon",
            b'\t' => "tab",
            b'|' => "pipe",
            _ => "comma",
        };
        let encoding = match self.encoding {
            Encoding::Utf8 => "UTF-8",
            Encoding::Windows1252 => "Windows-1252 (the file is not valid UTF-8)",
        };
        write!(f, "{delimiter}-separated, {encoding}")
    }
}

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
const SAMPLE: u64 = 64 * 1024;

impl Dialect {
    pub(super) fn sniff(origin: &Origin) -> Result<Self, TabularError> {
        let head = origin.head(SAMPLE)?;
        let mark = if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let whole = (head.len() as u64) < SAMPLE;
        let (named, separator_line) = separator_line(&head[mark..]);
        let skip = mark + separator_line;
        let delimiter = named.unwrap_or_else(|| sniff_delimiter(complete_lines(&head[skip..], whole)));
        let line_end = if !head.contains(&b'\n') && head.contains(&b'\r') { b'\r' } else { b'\n' };
        Ok(Self { delimiter, encoding: sniff_encoding(origin)?, line_end, skip, skipped_lines: u64::from(separator_line > 0) })
    }

    /// The text of a cell.
    pub(super) fn decode(&self, cell: &[u8], into: &mut String) {
        match std::str::from_utf8(cell) {
            Ok(text) => into.push_str(text),
            Err(_) => into.extend(cell.iter().map(|&byte| windows_1252(byte))),
        }
    }
}

/// Excel's first line `sep=;`: the separator it names, and its length with the line break.
fn separator_line(text: &[u8]) -> (Option<u8>, usize) {
    let line_end = memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1);
    let line = text[..line_end].trim_ascii_end();
    // A tab would have been trimmed with the line break.
    let named = if text.starts_with(b"sep=\t") { Some(b'\t') } else { line.strip_prefix(b"sep=").and_then(|rest| rest.first().copied()) };
    match named {
        Some(delimiter) if line.len() <= 5 && DELIMITERS.contains(&delimiter) => (named, line_end),
        _ => (None, 0),
    }
}

fn complete_lines(sample: &[u8], whole: bool) -> &[u8] {
    if whole {
        return sample;
    }
    memchr::memrchr(b'\n', sample).map_or(sample, |end| &sample[..=end])
}

/// The separator that splits the header into several fields and most rows into as many.
fn sniff_delimiter(sample: &[u8]) -> u8 {
    let quality = |&delimiter: &u8| {
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(sample);
        let mut records = reader.byte_records().take(200).filter_map(Result::ok);
        let fields = records.next().map_or(0, |header| header.len());
        let (mut same, mut all) = (1_usize, 1_usize);
        for record in records {
            all += 1;
            same += usize::from(record.len() == fields);
        }
        if fields < 2 { (0, 0) } else { (same * 1000 / all, fields) }
    };
    // Of equals the first counts: `max_by_key` keeps the last, so the list is walked backwards.
    DELIMITERS.iter().rev().max_by_key(|delimiter| quality(delimiter)).copied().unwrap_or(b',')
}

/// UTF-8 if every byte of the file fits; a late byte can decide, so all of it is read.
fn sniff_encoding(origin: &Origin) -> Result<Encoding, TabularError> {
    let mut input = origin.open()?;
    let mut block = vec![0_u8; 1 << 20];
    let mut kept = 0;
    loop {
        let read = input.read(&mut block[kept..]).map_err(|source| origin.read_error(source))?;
        if read == 0 {
            return Ok(if kept == 0 { Encoding::Utf8 } else { Encoding::Windows1252 });
        }
        let filled = kept + read;
        kept = match std::str::from_utf8(&block[..filled]) {
            Ok(_) => 0,
            // A character cut at the end of the block is completed by the next one.
            Err(error) if error.error_len().is_none() => {
                block.copy_within(error.valid_up_to()..filled, 0);
                filled - error.valid_up_to()
            }
            Err(_) => return Ok(Encoding::Windows1252),
        };
    }
}

fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•',
        '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9F => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sniff(contents: &[u8]) -> Dialect {
        Dialect::sniff(&Origin::memory("test.csv", contents.to_vec())).expect("in memory")
    }

    #[test]
    fn separators_are_told_apart() {
        assert_eq!(sniff(b"a,b\n1,2\n").delimiter, b',');
        assert_eq!(sniff(b"a;b\n1,5;2,5\n").delimiter, b';');
        assert_eq!(sniff(b"a\tb\n1,5\t2\n").delimiter, b'\t');
        assert_eq!(sniff(b"a|b|c\n1|2|3\n").delimiter, b'|');
        assert_eq!(sniff(b"ds;\"qty, pcs\";item\n1;2;x\n1;2;y, z\n").delimiter, b';');
        assert_eq!(sniff(b"only\n1\n").delimiter, b',');
        let excel = sniff(b"\xEF\xBB\xBFsep=;\r\na;b\r\n");
        assert_eq!((excel.delimiter, excel.skip, excel.skipped_lines), (b';', 10, 1));
    }

    #[test]
    fn what_is_not_utf8_is_windows_1252() {
        assert_eq!(sniff("a,b\nkopi,café\n".as_bytes()).encoding, Encoding::Utf8);
        let latin = sniff(b"a,b\nkopi,caf\xE9 \x80\n");
        assert_eq!(latin.encoding, Encoding::Windows1252);
        let mut text = String::new();
        latin.decode(b"caf\xE9 \x80", &mut text);
        assert_eq!(text, "café €");
    }

    #[test]
    fn a_character_across_blocks_is_still_utf8() {
        let mut contents = vec![b'a'; (1 << 20) - 1];
        contents.extend("é,b\n".as_bytes());
        assert_eq!(sniff(&contents).encoding, Encoding::Utf8);
    }

    proptest! {
        #[test]
        fn any_bytes_are_sniffed(contents in prop::collection::vec(any::<u8>(), 0..400)) {
            sniff(&contents);
        }
    }
}
