//! A second reading of delimited text, one byte at a time and without any cleverness, to hold the fast reader to; and text to read.

use rand::Rng;
use rand_pcg::Pcg64;

/// What became of one record: its cells, or the name of the reason, with line and byte offset.
pub type Entry = Result<Vec<Vec<u8>>, (&'static str, u64, u64)>;

/// The outcome of reading one record by the letter.
struct Reading {
    cells: Vec<Vec<u8>>,
    next: usize,
    bad: Option<&'static str>,
}

/// Reads all records of `bytes` from `start` (on line `line`), where lines end with LF.
pub fn read_all(bytes: &[u8], start: usize, line: u64, delimiter: u8, columns: usize) -> Vec<Entry> {
    let (mut at, mut line) = (start, line);
    let mut entries = Vec::new();
    while at < bytes.len() {
        let line_next = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length + 1);
        if columns != 1 && content(&bytes[at..line_next]).is_empty() {
            (at, line) = (line_next, line + 1);
            continue;
        }
        let mut reading = read_one(bytes, at, delimiter);
        let runs_on = reading.next > line_next;
        if reading.bad.is_none() && reading.cells.len() != columns {
            reading.bad = Some("ragged");
        }
        if let Some(reason) = reading.bad {
            // Wrong quotes on a later line, or none: the quote that opened on the first line was never closed.
            reading.bad = Some(if runs_on && reason == "bad-quote" { "unclosed-quote" } else { reason });
            reading.next = line_next;
        }
        let raw = content(&bytes[at..reading.next]);
        if std::str::from_utf8(raw).is_err() {
            reading.bad = Some("invalid-utf8");
        }
        if raw.contains(&0) {
            reading.bad = Some("nul");
        }
        entries.push(match reading.bad {
            Some(reason) => Err((reason, line, at as u64)),
            None => Ok(reading.cells),
        });
        line += bytes[at..reading.next].iter().filter(|byte| **byte == b'\n').count() as u64;
        at = reading.next;
    }
    entries
}

/// Takes the line end off.
fn content(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Reads one record as a machine of four states.
fn read_one(bytes: &[u8], start: usize, delimiter: u8) -> Reading {
    #[derive(PartialEq)]
    enum State {
        FieldStart,
        Plain,
        Quoted,
        AfterQuote,
    }
    let mut cells = vec![Vec::new()];
    let mut state = State::FieldStart;
    let mut at = start;
    let bad = |cells: &[Vec<u8>], at: usize, reason| Reading { cells: cells.to_vec(), next: at + 1, bad: Some(reason) };
    loop {
        let byte = bytes.get(at).copied();
        let is_carriage_end = byte == Some(b'\r') && matches!(bytes.get(at + 1), Some(b'\n') | None);
        let cell = cells.last_mut().expect("a record has a cell");
        match (&state, byte) {
            (State::Quoted, None) => return Reading { cells, next: usize::MAX, bad: Some("unclosed-quote") },
            (State::Quoted, Some(b'"')) => state = State::AfterQuote,
            (State::Quoted, Some(other)) => cell.push(other),
            (State::AfterQuote, Some(b'"')) => {
                cell.push(b'"');
                state = State::Quoted;
            }
            (_, None) => return Reading { cells, next: at, bad: None },
            (_, Some(b'\n')) => return Reading { cells, next: at + 1, bad: None },
            (_, Some(_)) if is_carriage_end => {}
            (_, Some(found)) if found == delimiter => {
                cells.push(Vec::new());
                state = State::FieldStart;
            }
            (State::FieldStart, Some(b'"')) => state = State::Quoted,
            (State::Plain, Some(b'"')) | (State::AfterQuote, Some(_)) => return bad(&cells, at, "bad-quote"),
            (_, Some(other)) => {
                cell.push(other);
                state = State::Plain;
            }
        }
        at += 1;
    }
}

/// Bytes that meet where readers go wrong.
pub fn messy(random: &mut Pcg64, columns: usize) -> Vec<u8> {
    let mut text = (0..columns).map(|column| format!("c{column}")).collect::<Vec<_>>().join(",").into_bytes();
    text.push(b'\n');
    let noise = random.random_range(0..4);
    for _ in 0..random.random_range(0..40) {
        let fields = if random.random_ratio(1, 12) && noise > 0 { random.random_range(1..5) } else { columns };
        for field in 0..fields {
            if field > 0 {
                text.push(b',');
            }
            let quoted = random.random_ratio(1, 3);
            text.extend(if quoted { &b"\""[..] } else { b"" });
            let pieces = if random.random_ratio(1, 9) { 90 } else { 4 };
            for _ in 0..random.random_range(0..pieces) {
                let piece: &[u8] = match random.random_range(0..40) {
                    0 if quoted || noise > 2 => b"\n",
                    1 if quoted || noise > 2 => b"\r\n",
                    2 if quoted => b"\"\"",
                    3 if quoted => b",",
                    4 => "\u{e9}".as_bytes(),
                    5 => "\u{1f600}".as_bytes(),
                    6 if noise > 1 && random.random_ratio(1, 4) => b"\"",
                    7 if noise > 1 && random.random_ratio(1, 8) => b"\xff",
                    8 if noise > 1 && random.random_ratio(1, 8) => b"\0",
                    9 if noise > 2 => b"\r",
                    _ => b"a",
                };
                text.extend(piece);
            }
            text.extend(if quoted && !(noise > 1 && random.random_ratio(1, 60)) { &b"\""[..] } else { b"" });
        }
        text.extend(match random.random_range(0..8) {
            0 => &b"\r\n"[..],
            1 => b"\n\n",
            2 if noise > 2 => b"\r\r\n",
            _ => b"\n",
        });
    }
    if random.random_ratio(1, 3) {
        text.pop();
    }
    text
}
