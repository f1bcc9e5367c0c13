//! Finds out how a file is written: line ends, delimiter, header.

use anyhow::{Result, anyhow, bail};

use super::encoding::Encoding;
use super::reject::{Suspect, judge};
use super::walk::{Dialect, QUOTE, Span, Text, Walked, walk};

/// The delimiters that are looked for, the most usual first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Records looked at to tell the delimiter.
const SAMPLE_RECORDS: usize = 1_000;

/// What the first part of a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) dialect: Dialect,
    /// Names of the columns, trimmed.
    pub(super) names: Vec<String>,
    /// The line of the header, from 1.
    pub(super) header_line: u64,
    /// Where the header ends and the first record begins.
    pub(super) body: usize,
    /// Line ends before the first record.
    pub(super) lines: u64,
}

/// What is known before looking.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) delimiter: Option<u8>,
    pub(super) header_line: Option<u64>,
    pub(super) encoding: Encoding,
}

/// Gives the delimiter as people write it.
pub(super) fn delimiter_name(delimiter: u8) -> String {
    match delimiter {
        b'\t' => "tab".to_string(),
        other => format!("'{}'", char::from(other)),
    }
}

/// Reads the head of a file; `None` when more of it is needed.
///
/// # Errors
/// When there is no header, or it can't be read.
pub(super) fn read(text: Text<'_>, given: &Given) -> Result<Option<Head>> {
    if let Some(delimiter) = given.delimiter.filter(|delimiter| !DELIMITERS.contains(delimiter)) {
        bail!("delimiter '{}' is not known; use one of , ; tab |", delimiter.escape_ascii());
    }
    let line_end = line_end(text.bytes);
    let mut lines = Lines { text, line_end, at: 0, number: 1 };
    let mut told = given.delimiter;
    match given.header_line {
        Some(0) => bail!("header_line is 0; lines count from 1"),
        Some(wanted) => {
            while lines.number < wanted {
                match lines.next() {
                    Some(_) => {}
                    None if text.is_end => bail!("header_line is {wanted}, but the file has {} lines", lines.number - 1),
                    None => return Ok(None),
                }
            }
        }
        None => {
            if let Some(separator) = lines.peek().and_then(separator_line) {
                told = told.or(Some(separator));
                lines.next();
            }
            while lines.peek().is_some_and(<[u8]>::is_empty) {
                lines.next();
            }
        }
    }
    let Some(header) = lines.peek() else {
        return match text.is_end {
            true if text.bytes.is_empty() => Err(anyhow!("the file is empty; expected a header line")),
            true => Err(anyhow!("the file holds no header line, only blank lines or a preamble; expected column names")),
            false => Ok(None),
        };
    };
    if header.is_empty() {
        bail!("line {} is blank; expected the header there", lines.number);
    }
    if line_end == b'\n' && header.contains(&b'\r') {
        bail!("line {} holds a carriage return inside, so line ends are mixed; save the file with one kind of line end", lines.number);
    }
    let delimiter = told.unwrap_or_else(|| detect_delimiter(text, lines.at, line_end));
    read_header(&lines, delimiter, given.encoding)
}

/// The lines of a text, quotes aside.
struct Lines<'a> {
    text: Text<'a>,
    line_end: u8,
    at: usize,
    number: u64,
}

impl<'a> Lines<'a> {
    fn bounds(&self) -> Option<(usize, usize)> {
        let rest = self.text.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        match memchr::memchr(self.line_end, rest) {
            Some(length) => Some((self.at + length, self.at + length + 1)),
            None if self.text.is_end => Some((self.text.bytes.len(), self.text.bytes.len())),
            None => None,
        }
    }

    fn peek(&self) -> Option<&'a [u8]> {
        let (end, _) = self.bounds()?;
        let line = &self.text.bytes[self.at..end];
        Some(if self.line_end == b'\n' { line.strip_suffix(b"\r").unwrap_or(line) } else { line })
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        let line = self.peek()?;
        let (_, next) = self.bounds()?;
        self.at = next;
        self.number += 1;
        Some(line)
    }
}

/// Tells the line end: LF unless lines end with CR and none with LF.
fn line_end(bytes: &[u8]) -> u8 {
    let mut is_inside = false;
    let mut has_carriage = false;
    for byte in bytes {
        match byte {
            b'"' => is_inside = !is_inside,
            b'\n' if !is_inside => return b'\n',
            b'\r' if !is_inside => has_carriage = true,
            _ => {}
        }
    }
    if has_carriage { b'\r' } else { b'\n' }
}

/// Understands the first line `sep=;` that spreadsheets write.
fn separator_line(line: &[u8]) -> Option<u8> {
    let line = line.strip_prefix(&[QUOTE]).and_then(|line| line.strip_suffix(&[QUOTE])).unwrap_or(line);
    match line {
        [s, e, p, b'=', delimiter] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => {
            Some(*delimiter).filter(|found| DELIMITERS.contains(found))
        }
        _ => None,
    }
}

/// Tells the delimiter: the one by which most records have as many fields as the header, and the most fields among equals.
fn detect_delimiter(text: Text<'_>, start: usize, line_end: u8) -> u8 {
    let mut best = (DELIMITERS[0], (0, 0));
    for delimiter in DELIMITERS {
        let score = score(text, start, Dialect { delimiter, line_end, columns: 0 });
        if score > best.1 {
            best = (delimiter, score);
        }
    }
    best.0
}

/// Gives the share of records (in thousandths) that have as many fields as the header, and that number; zeros where nothing is delimited.
fn score(text: Text<'_>, start: usize, mut dialect: Dialect) -> (usize, usize) {
    let mut spans: Vec<Span> = Vec::new();
    let (mut records, mut agreeing, mut delimited) = (0, 0, 0);
    let mut at = start;
    while records < SAMPLE_RECORDS && at < text.bytes.len() {
        let is_right = match walk(text, at, &dialect, &mut spans) {
            Walked::Incomplete => break,
            Walked::Defect { next, .. } => {
                at = next;
                false
            }
            Walked::Record { end, next, .. } => {
                let is_blank = end == at;
                at = next;
                if is_blank {
                    continue;
                }
                true
            }
        };
        if dialect.columns == 0 {
            if !is_right || spans.len() < 2 {
                return (0, 0);
            }
            dialect.columns = spans.len();
            continue;
        }
        records += 1;
        agreeing += usize::from(is_right && spans.len() == dialect.columns);
        delimited += usize::from(spans.len() > 1);
    }
    match (records, delimited) {
        (0, _) => (if dialect.columns > 1 { 1000 } else { 0 }, dialect.columns),
        // A header with a comma in its only name delimits nothing.
        (_, 0) => (0, 0),
        _ => (agreeing * 1000 / records, dialect.columns),
    }
}

/// Reads the header at the current line.
fn read_header(lines: &Lines<'_>, delimiter: u8, encoding: Encoding) -> Result<Option<Head>> {
    let mut dialect = Dialect { delimiter, line_end: lines.line_end, columns: 0 };
    let mut spans = Vec::new();
    let (text, start) = (lines.text, lines.at);
    let (end, next, line_ends, defect) = match walk(text, start, &dialect, &mut spans) {
        Walked::Incomplete => return Ok(None),
        Walked::Defect { end, next, defect } => (end, next, 0, Some(defect)),
        Walked::Record { end, next, line_ends } => (end, next, line_ends, None),
    };
    dialect.columns = spans.len();
    let suspect =
        Suspect { bytes: &text.bytes[start..end], onward: &text.bytes[start..], start, line: lines.number, spans: &spans, defect };
    if let Some((reason, detail)) = judge(&suspect, &dialect, encoding) {
        bail!("the header on line {} can't be read: {reason}: {detail}", lines.number);
    }
    let names = spans
        .iter()
        .map(|span| {
            let name = String::from_utf8_lossy(&text.bytes[span.start..span.end]);
            let name = if span.doubled { name.replace("\"\"", "\"") } else { name.into_owned() };
            name.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}').to_string()
        })
        .collect();
    Ok(Some(Head { dialect, names, header_line: lines.number, body: next, lines: lines.number - 1 + line_ends as u64 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Given = Given { delimiter: None, header_line: None, encoding: Encoding::Utf8 };

    #[track_caller]
    fn check_head(text: &str, given: &Given, delimiter: u8, names: &[&str], header_line: u64, body: &str) {
        let head = read(Text { bytes: text.as_bytes(), is_end: true }, given).unwrap().unwrap();
        assert_eq!(char::from(head.dialect.delimiter), char::from(delimiter));
        assert_eq!(head.names, names);
        assert_eq!(head.header_line, header_line);
        assert_eq!(&text[head.body..], body);
    }

    #[track_caller]
    fn check_error(text: &[u8], given: &Given, expected: &str) {
        let error = read(Text { bytes: text, is_end: true }, given).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn detects_the_delimiter_by_consistency() {
        check_head("a,b\n1,2\n", &NOTHING, b',', &["a", "b"], 1, "1,2\n");
        check_head("a;b;c\n1,5;2,5;3\n", &NOTHING, b';', &["a", "b", "c"], 1, "1,5;2,5;3\n");
        check_head("a\tb\n1,2,3\t4\n", &NOTHING, b'\t', &["a", "b"], 1, "1,2,3\t4\n");
        check_head("a|b\n1|2\n", &NOTHING, b'|', &["a", "b"], 1, "1|2\n");
        check_head("size; w, h|b\n1|2\n3|4\n", &NOTHING, b'|', &["size; w, h", "b"], 1, "1|2\n3|4\n");
        check_head("a;b\n\"1,2,3\nx;;\";2\n", &NOTHING, b';', &["a", "b"], 1, "\"1,2,3\nx;;\";2\n");
        check_head("serial\nA1\nA2\n", &NOTHING, b',', &["serial"], 1, "A1\nA2\n");
        check_head("serial;lot", &NOTHING, b';', &["serial", "lot"], 1, "");
        check_head("a;b\n1,2;3\n", &Given { delimiter: Some(b','), ..NOTHING }, b',', &["a;b"], 1, "1,2;3\n");
    }

    #[test]
    fn finds_the_header() {
        check_head("sep=;\r\na;b\r\n1;2\r\n", &NOTHING, b';', &["a", "b"], 2, "1;2\r\n");
        check_head("\"SEP=|\"\na,x|b\n", &NOTHING, b'|', &["a,x", "b"], 2, "");
        check_head("\n\r\na,b\n1,2\n", &NOTHING, b',', &["a", "b"], 3, "1,2\n");
        check_head("report\n\na,b\n1,2\n", &Given { header_line: Some(3), ..NOTHING }, b',', &["a", "b"], 3, "1,2\n");
        check_head(" a ,\" b\n\"\"c\"\"\",a\n1,2,3\n", &NOTHING, b',', &["a", "b\n\"c\"", "a"], 1, "1,2,3\n");
        check_head("a,b\r1,2\r", &NOTHING, b',', &["a", "b"], 1, "1,2\r");
        check_head("a,b\r\"1\n\",2\r", &NOTHING, b',', &["a", "b"], 1, "\"1\n\",2\r");
    }

    #[test]
    fn says_why_there_is_no_header() {
        check_error(b"", &NOTHING, "the file is empty; expected a header line");
        check_error(b"\n\r\n", &NOTHING, "the file holds no header line, only blank lines or a preamble; expected column names");
        check_error(b"a,b\n", &Given { header_line: Some(3), ..NOTHING }, "header_line is 3, but the file has 1 lines");
        check_error(b"a\n\nb\n", &Given { header_line: Some(2), ..NOTHING }, "line 2 is blank; expected the header there");
        check_error(b"a\n", &Given { header_line: Some(0), ..NOTHING }, "header_line is 0; lines count from 1");
        check_error(b"a\n", &Given { delimiter: Some(b'^'), ..NOTHING }, "delimiter '^' is not known; use one of , ; tab |");
        check_error(
            b"a,b\rc,d\n",
            &NOTHING,
            "line 1 holds a carriage return inside, so line ends are mixed; save the file with one kind of line end",
        );
        check_error(
            b"a,b\"c\n1,2\n",
            &NOTHING,
            "the header on line 1 can't be read: bad-quote: quote inside field 2, at byte 4 of the record, but the field does not begin with \
             one; quote the whole field and double the quotes in it",
        );
        check_error(
            b"a,stra\xdfe\n",
            &NOTHING,
            "the header on line 1 can't be read: invalid-utf8: byte 0xDF at byte 7 of the record is not valid UTF-8; if the file has another \
             encoding, declare it in the configuration: csv = { encoding = \"latin-1\" }",
        );
    }
}
