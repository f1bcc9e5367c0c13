//! Says why a record can't be read.

use memchr::memchr;

use super::encoding::Encoding;
use super::walk::{Defect, Dialect, SPAN_BYTES_MAX, Span};
use crate::ingest::{FIELD_BYTES_MAX, RAW_BYTES_MAX, RejectedRecord};

/// The bytes of one record and what the walk said about them.
pub(super) struct Suspect<'a> {
    /// The bytes from the record's start, line end excluded.
    pub(super) bytes: &'a [u8],
    /// What follows the start of the record, to count lines to a defect.
    pub(super) onward: &'a [u8],
    /// Where the record starts; spans and defects count from the same zero.
    pub(super) start: usize,
    /// Number of its first line in the file.
    pub(super) line: u64,
    /// Its fields, when its quotes are right.
    pub(super) spans: &'a [Span],
    /// What is wrong with its quotes.
    pub(super) defect: Option<Defect>,
}

/// Gives the reason and its detail; `None` when the record is right.
///
/// The gravest reason counts: NUL, then encoding, then quotes, then the number of fields, then a field's length.
pub(super) fn judge(suspect: &Suspect<'_>, dialect: &Dialect, encoding: Encoding) -> Option<(&'static str, String)> {
    if let Some(place) = memchr(0, suspect.bytes) {
        let detail = format!("NUL character at byte {} of the record; text has none: is the file binary or damaged?", place + 1);
        return Some(("nul", detail));
    }
    if let Err(error) = std::str::from_utf8(suspect.bytes) {
        return Some(("invalid-utf8", invalid_text(suspect.bytes, error.valid_up_to(), encoding)));
    }
    if let Some(defect) = suspect.defect {
        return Some(judge_quotes(suspect, dialect, defect));
    }
    let (found, expected) = (suspect.spans.len(), dialect.columns);
    if found != expected {
        return Some(("ragged", format!("found {}, expected {expected} as in the header", fields(found))));
    }
    let long = suspect.spans.iter().position(|span| span.end - span.start > FIELD_BYTES_MAX)?;
    let length = suspect.spans[long].end - suspect.spans[long].start;
    Some(("too-long", format!("field {} has {length} bytes, the most is {FIELD_BYTES_MAX}", long + 1)))
}

fn fields(count: usize) -> String {
    if count == 1 { "1 field".to_string() } else { format!("{count} fields") }
}

fn invalid_text(bytes: &[u8], place: usize, encoding: Encoding) -> String {
    match encoding {
        Encoding::Utf8 => format!(
            "byte 0x{:02X} at byte {} of the record is not valid UTF-8; if the file has another encoding, declare it in the configuration: csv = {{ encoding = \"latin-1\" }}",
            bytes[place],
            place + 1
        ),
        other => format!(
            "half a character at byte {} of the record is not valid {}; the file is damaged or has another encoding: declare it",
            other.original_bytes(&bytes[..place]) + 1,
            other.name()
        ),
    }
}

fn judge_quotes(suspect: &Suspect<'_>, dialect: &Dialect, defect: Defect) -> (&'static str, String) {
    let byte = |at: usize| at - suspect.start + 1;
    let line = |at: usize| {
        let passed = suspect.onward[..at - suspect.start].iter().filter(|byte| **byte == dialect.line_end).count();
        suspect.line + passed as u64
    };
    match defect {
        Defect::QuoteInside { field, at } => (
            "bad-quote",
            format!(
                "quote inside field {}, at byte {} of the record, but the field does not begin with one; quote the whole field and double the quotes in it",
                field + 1,
                byte(at)
            ),
        ),
        Defect::TextAfterQuote { field, at } => (
            "bad-quote",
            format!(
                "text after the closing quote of field {}, at byte {} of the record; expected a delimiter or the line end: double the quotes inside a field",
                field + 1,
                byte(at)
            ),
        ),
        Defect::ClosedByText { field, at } => (
            "unclosed-quote",
            format!(
                "the quote that opens field {} is not closed: text follows the next quote, on line {}; read on from line {}",
                field + 1,
                line(at),
                suspect.line + 1
            ),
        ),
        Defect::LaterLine { at } => (
            "unclosed-quote",
            format!("a quoted field runs on to line {}, where the quotes are wrong; read on from line {}", line(at), suspect.line + 1),
        ),
        Defect::OpenAtEnd { field } => (
            "unclosed-quote",
            format!(
                "the quote that opens field {} is not closed before the end of the file; read on from line {}",
                field + 1,
                suspect.line + 1
            ),
        ),
        Defect::TooFar { field } => (
            "unclosed-quote",
            format!(
                "a quoted field (field {} or one before it) runs over line ends and the record does not end within {SPAN_BYTES_MAX} bytes; read on from line {}",
                field + 1,
                suspect.line + 1
            ),
        ),
        Defect::Fields { found, lines } => (
            "ragged",
            format!(
                "found {} on lines {} to {}, joined by quotes, expected {} as in the header; read on from line {}",
                fields(found),
                suspect.line,
                suspect.line + lines as u64 - 1,
                dialect.columns,
                suspect.line + 1
            ),
        ),
    }
}

/// Builds the rejected record with the bytes as they stand in the file.
pub(super) fn rejected(
    suspect: &Suspect<'_>,
    encoding: Encoding,
    record: u64,
    byte_offset: u64,
    (reason, detail): (&'static str, String),
) -> RejectedRecord {
    // A character takes at most three bytes of text per byte of the file, so this much text is enough for the evidence.
    let mut raw = encoding.restore(&suspect.bytes[..suspect.bytes.len().min(3 * RAW_BYTES_MAX)]);
    raw.truncate(RAW_BYTES_MAX);
    RejectedRecord { record, line: suspect.line, byte_offset, reason, detail, raw }
}
