//! Reads one record by the letter: the definition of a record that splitter and parser share.
//!
//! RFC 4180, strictly. A quoted field begins with a quote as its first byte; a quote in it is doubled; after the closing quote
//! stands a delimiter or the end of the line. A record is one physical line, unless a quoted field runs over line ends.
//! A record over several lines must be right as a whole (quotes, number of fields, at most [`SPAN_BYTES_MAX`] bytes). If it is not,
//! its first line alone is the (rejected) record, and reading goes on with the next line, so that an unclosed quote
//! costs one line and not the rest of the file.

use memchr::{memchr, memchr_iter};

/// The quote; no other is known.
pub(super) const QUOTE: u8 = b'"';

/// The most bytes of a record that runs over several lines. A longer one is taken for an unclosed quote.
pub(super) const SPAN_BYTES_MAX: usize = 1024 * 1024;

/// How fields and lines of a file end, and how many fields a record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Stands between fields.
    pub(super) delimiter: u8,
    /// Ends a line: LF (one CR before it belongs to the line end), or CR in files without LF.
    pub(super) line_end: u8,
    /// Fields per record; 0 while the header is not read.
    pub(super) columns: usize,
}

impl Dialect {
    /// Takes a carriage return off the end of a line, where lines end with LF.
    #[inline(always)]
    pub(super) fn trimmed_end(&self, bytes: &[u8], start: usize, end: usize) -> usize {
        if self.line_end == b'\n' && end > start && bytes[end - 1] == b'\r' { end - 1 } else { end }
    }

    /// Says whether an empty line is no record: a file of one column has blank values, others have blank lines.
    #[inline(always)]
    pub(super) fn skips_blank_lines(&self) -> bool {
        self.columns != 1
    }
}

/// A part of a file, from its first byte on: the parser's chunk, the splitter's window.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    /// The bytes.
    pub(super) bytes: &'a [u8],
    /// The file ends with them.
    pub(super) is_end: bool,
}

/// The content of a field, without outer quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    /// It holds doubled quotes.
    pub(super) doubled: bool,
}

/// Why the quotes of a record are not right. Fields count from 0; places are offsets in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// A quote in a field that does not begin with one.
    QuoteInside { field: usize, at: usize },
    /// Something else than a delimiter or line end after a closing quote.
    TextAfterQuote { field: usize, at: usize },
    /// The same, but the quote opened on an earlier line.
    ClosedByText { field: usize, at: usize },
    /// Another defect on a later line than the first.
    LaterLine { at: usize },
    /// The file ends inside quotes.
    OpenAtEnd { field: usize },
    /// The record goes on for more than [`SPAN_BYTES_MAX`] bytes.
    TooFar { field: usize },
    /// A record over several lines has another number of fields than the header.
    Fields { found: usize, lines: usize },
}

/// What a walk found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walked {
    /// A record with right quotes. `end` is after its last field, `next` the start of the next line.
    Record { end: usize, next: usize, line_ends: usize },
    /// A line that is no record.
    Defect { end: usize, next: usize, defect: Defect },
    /// The text ends before that can be said.
    Incomplete,
}

/// How one field ended.
enum Field {
    Delimited { next: usize },
    LineEnd { at: usize },
    TextEnd { at: usize },
    Bad { defect: Defect },
    OpenEnd,
}

/// Walks the record at `start` and fills `spans` with its fields.
pub(super) fn walk(text: Text<'_>, start: usize, dialect: &Dialect, spans: &mut Vec<Span>) -> Walked {
    spans.clear();
    let bytes = text.bytes;
    let line_end = memchr(dialect.line_end, &bytes[start..]).map(|length| start + length);
    let (first_end, first_next) = match line_end {
        Some(end) => (end, end + 1),
        None if text.is_end => (bytes.len(), bytes.len()),
        None => return Walked::Incomplete,
    };
    // What lies in the window decides; the window depends on the file only, never on how much of it was read.
    let limit = start.saturating_add(SPAN_BYTES_MAX).max(first_next);
    let window = &bytes[..limit.min(bytes.len())];
    let reaches_end = text.is_end && window.len() == bytes.len();
    let trimmed = dialect.trimmed_end(bytes, start, first_end);
    let defect = |defect| Walked::Defect { end: trimmed, next: first_next, defect };
    let mut at = start;
    loop {
        match walk_field(window, at, first_next, reaches_end, dialect, spans) {
            Field::Delimited { next } => at = next,
            Field::LineEnd { at: end } => return finish(bytes, (start, first_next), (end, end + 1), dialect, spans, defect),
            Field::TextEnd { at: end } if reaches_end => {
                return finish(bytes, (start, first_next), (end, end), dialect, spans, defect);
            }
            Field::OpenEnd if reaches_end => return defect(Defect::OpenAtEnd { field: spans.len() }),
            Field::TextEnd { .. } | Field::OpenEnd if !text.is_end && bytes.len() <= limit => return Walked::Incomplete,
            Field::TextEnd { .. } | Field::OpenEnd => return defect(Defect::TooFar { field: spans.len() }),
            Field::Bad { defect: found } => return defect(found),
        }
    }
}

/// Checks the number of fields of a record over several lines.
fn finish(
    bytes: &[u8],
    (start, first_next): (usize, usize),
    (end, next): (usize, usize),
    dialect: &Dialect,
    spans: &[Span],
    defect: impl Fn(Defect) -> Walked,
) -> Walked {
    let found = spans.len();
    let inner = if next > first_next { memchr_iter(dialect.line_end, &bytes[start..end]).count() } else { 0 };
    let line_ends = inner + usize::from(next > end);
    if next > first_next && dialect.columns != 0 && found != dialect.columns {
        return defect(Defect::Fields { found, lines: inner + 1 });
    }
    Walked::Record { end: dialect.trimmed_end(bytes, start, end), next, line_ends }
}

/// Walks one field that starts at `at`.
fn walk_field(window: &[u8], at: usize, first_next: usize, reaches_end: bool, dialect: &Dialect, spans: &mut Vec<Span>) -> Field {
    if window.get(at) == Some(&QUOTE) {
        return walk_quoted(window, at, first_next, reaches_end, dialect, spans);
    }
    let place = window[at..].iter().position(|byte| *byte == dialect.delimiter || *byte == dialect.line_end || *byte == QUOTE);
    let Some(length) = place else {
        if reaches_end {
            spans.push(Span { start: at, end: dialect.trimmed_end(window, at, window.len()), doubled: false });
        }
        return Field::TextEnd { at: window.len() };
    };
    let end = at + length;
    match window[end] {
        QUOTE if end >= first_next => Field::Bad { defect: Defect::LaterLine { at: end } },
        QUOTE => Field::Bad { defect: Defect::QuoteInside { field: spans.len(), at: end } },
        found if found == dialect.delimiter => {
            spans.push(Span { start: at, end, doubled: false });
            Field::Delimited { next: end + 1 }
        }
        _ => {
            spans.push(Span { start: at, end: dialect.trimmed_end(window, at, end), doubled: false });
            Field::LineEnd { at: end }
        }
    }
}

/// Walks a field that opens with a quote at `open`.
fn walk_quoted(window: &[u8], open: usize, first_next: usize, reaches_end: bool, dialect: &Dialect, spans: &mut Vec<Span>) -> Field {
    let mut from = open + 1;
    let mut doubled = false;
    let close = loop {
        let Some(length) = memchr(QUOTE, &window[from..]) else { return Field::OpenEnd };
        let close = from + length;
        if window.get(close + 1) != Some(&QUOTE) {
            break close;
        }
        doubled = true;
        from = close + 2;
    };
    let field = spans.len();
    let span = Span { start: open + 1, end: close, doubled };
    let after = close + 1;
    let carriage = dialect.line_end == b'\n' && window.get(after) == Some(&b'\r');
    match window.get(after) {
        // A quote may follow beyond the window: only the end of the file closes for certain.
        None if reaches_end => {
            spans.push(span);
            Field::TextEnd { at: after }
        }
        None => Field::OpenEnd,
        Some(found) if *found == dialect.delimiter => {
            spans.push(span);
            Field::Delimited { next: after + 1 }
        }
        Some(found) if *found == dialect.line_end => {
            spans.push(span);
            Field::LineEnd { at: after }
        }
        Some(_) if carriage && window.get(after + 1) == Some(&b'\n') => {
            spans.push(span);
            Field::LineEnd { at: after + 1 }
        }
        Some(_) if carriage && after + 1 == window.len() && reaches_end => {
            spans.push(span);
            Field::TextEnd { at: after + 1 }
        }
        Some(_) if carriage && after + 1 == window.len() => Field::OpenEnd,
        Some(_) if open >= first_next => Field::Bad { defect: Defect::LaterLine { at: after } },
        Some(_) if after >= first_next => Field::Bad { defect: Defect::ClosedByText { field, at: after } },
        Some(_) => Field::Bad { defect: Defect::TextAfterQuote { field, at: after } },
    }
}
