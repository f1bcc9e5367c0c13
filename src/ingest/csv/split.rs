//! Cuts text at record boundaries and counts records and lines, without looking at fields where it need not.
//!
//! A line with an even number of quotes never runs on: inside an open quoted field the number of quotes seen is odd.
//! So quotes are only counted, in words of bits, and only a line with an odd number of quotes is walked by the letter.

use memchr::{memchr, memchr_iter};

use super::block::{self, BLOCK_BYTES, Block};
use super::walk::{Dialect, QUOTE, Span, Text, Walked, walk};

/// The most bytes of one physical line. A longer one is no line of a table, and would have to be held in memory.
pub(super) const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes that are looked at for quotes at once: small beside a cache, large beside a line.
const WINDOW_BYTES: usize = 16 * 1024;

/// Bytes that are looked at line by line where lines are not plain.
const CAREFUL_BYTES: usize = 1024;

/// Whole records from the start of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    /// Where they end; 0 when the text does not hold a whole record.
    pub(super) end: usize,
    /// How many records.
    pub(super) records: u64,
    /// How many line ends.
    pub(super) lines: u64,
}

/// A physical line is longer than [`LINE_BYTES_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LineTooLong {
    /// Line ends before it.
    pub(super) lines_before: u64,
}

/// Cuts at the first boundary at or after `target`, or at the last one there is.
pub(super) fn cut(text: Text<'_>, dialect: &Dialect, target: usize, spans: &mut Vec<Span>) -> Result<Cut, LineTooLong> {
    cut_in_windows(text, dialect, target, spans, WINDOW_BYTES)
}

fn cut_in_windows(
    text: Text<'_>,
    dialect: &Dialect,
    target: usize,
    spans: &mut Vec<Span>,
    window_bytes: usize,
) -> Result<Cut, LineTooLong> {
    let mut splitter = Splitter { text, dialect, target, cut: Cut::default(), is_odd: false, spans };
    let mut at = 0;
    while at < text.bytes.len() {
        let end = (at + window_bytes).min(text.bytes.len());
        match splitter.window(at, end)? {
            Some(next) => at = next,
            None => return Ok(splitter.cut),
        }
    }
    splitter.finish()
}

struct Splitter<'a> {
    text: Text<'a>,
    dialect: &'a Dialect,
    target: usize,
    cut: Cut,
    /// The line at `cut.end` has an odd number of quotes so far.
    is_odd: bool,
    spans: &'a mut Vec<Span>,
}

impl Splitter<'_> {
    /// Takes the lines that end in a window; gives where to look next, or `None` when the cut is made.
    fn window(&mut self, start: usize, end: usize) -> Result<Option<usize>, LineTooLong> {
        let bytes = self.text.bytes;
        let (blocks, _) = bytes[start..end].as_chunks::<BLOCK_BYTES>();
        for (block, at) in blocks.iter().zip((start..).step_by(BLOCK_BYTES)) {
            if !self.plain_block(block, at) {
                return self.careful(at, end.min(at + CAREFUL_BYTES));
            }
        }
        let rest = start + blocks.len() * BLOCK_BYTES;
        if rest < end { self.careful(rest, end) } else { Ok(Some(end)) }
    }

    /// Takes the lines that end in the block at `at`, where each of them is a record before the target; else does nothing, and says so.
    #[inline(always)]
    fn plain_block(&mut self, block: &Block, at: usize) -> bool {
        let quotes = if block::contains(block, QUOTE) { block::find(block, [QUOTE]) } else { 0 };
        let inside = block::inside(quotes) ^ if self.is_odd { u64::MAX } else { 0 };
        let line_ends = block::find(block, [self.dialect.line_end]);
        if line_ends != 0 {
            let first = at + line_ends.trailing_zeros() as usize;
            let end = at + BLOCK_BYTES - line_ends.leading_zeros() as usize;
            // A line of one byte may be a carriage return and nothing else.
            let may_be_blank = line_ends & (line_ends << 1 | line_ends << 2) != 0 || first < self.cut.end + 2;
            if line_ends & inside != 0 || may_be_blank || end >= self.target || first - self.cut.end > LINE_BYTES_MAX {
                return false;
            }
            let count = u64::from(line_ends.count_ones());
            self.cut = Cut { end, records: self.cut.records + count, lines: self.cut.lines + count };
        }
        self.is_odd = inside >> (BLOCK_BYTES - 1) == 1;
        true
    }

    /// Does the same as [`Self::window`] line by line.
    fn careful(&mut self, start: usize, end: usize) -> Result<Option<usize>, LineTooLong> {
        let window = &self.text.bytes[start..end];
        let has_quotes = memchr(QUOTE, window).is_some();
        let mut counted = 0;
        for length in memchr_iter(self.dialect.line_end, window) {
            if has_quotes {
                self.count_quotes(&window[counted..length]);
                counted = length;
            }
            if self.is_odd {
                // What is behind the record was not counted yet, and may lie outside the window.
                return self.odd_line();
            }
            self.plain_line(start + length)?;
            if self.cut.end >= self.target {
                return Ok(None);
            }
        }
        if has_quotes {
            self.count_quotes(&window[counted..]);
        }
        Ok(Some(end))
    }

    #[inline(always)]
    fn count_quotes(&mut self, bytes: &[u8]) {
        self.is_odd ^= memchr_iter(QUOTE, bytes).count() % 2 == 1;
    }

    /// Takes the line that ends at `end` as one record, or none if it is blank.
    #[inline(always)]
    fn plain_line(&mut self, end: usize) -> Result<(), LineTooLong> {
        let start = self.cut.end;
        let trimmed = self.dialect.trimmed_end(self.text.bytes, start, end);
        let blank = trimmed == start && self.dialect.skips_blank_lines();
        self.check_length(end)?;
        self.cut.records += u64::from(!blank);
        self.cut.lines += 1;
        self.cut.end = end + 1;
        Ok(())
    }

    /// Takes the record that starts on a line with an odd number of quotes; gives where it ends, or `None` when the cut is made.
    fn odd_line(&mut self) -> Result<Option<usize>, LineTooLong> {
        self.is_odd = false;
        let start = self.cut.end;
        let (next, lines) = match walk(self.text, start, self.dialect, self.spans) {
            Walked::Incomplete => return Ok(None),
            Walked::Record { next, line_ends, .. } => (next, line_ends),
            Walked::Defect { next, .. } => {
                let ended = self.text.bytes[next - 1] == self.dialect.line_end;
                (next, usize::from(ended))
            }
        };
        self.check_length(next)?;
        self.cut.records += 1;
        self.cut.lines += lines as u64;
        self.cut.end = next;
        Ok(Some(next).filter(|next| *next < self.target))
    }

    fn check_length(&self, end: usize) -> Result<(), LineTooLong> {
        match end - self.cut.end > LINE_BYTES_MAX {
            true => Err(LineTooLong { lines_before: self.cut.lines }),
            false => Ok(()),
        }
    }

    /// Takes the last line of a file without a line end.
    fn finish(mut self) -> Result<Cut, LineTooLong> {
        let length = self.text.bytes.len();
        if self.cut.end < length {
            self.check_length(length)?;
            if self.text.is_end {
                let trimmed = self.dialect.trimmed_end(self.text.bytes, self.cut.end, length);
                self.cut.records += u64::from(trimmed > self.cut.end || !self.dialect.skips_blank_lines());
                self.cut.end = length;
            }
        }
        Ok(self.cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECT: Dialect = Dialect { delimiter: b',', line_end: b'\n', columns: 2 };

    #[track_caller]
    fn check_cut(text: &str, is_end: bool, target: usize, expected: (usize, u64, u64)) {
        let text = Text { bytes: text.as_bytes(), is_end };
        let cut = cut(text, &DIALECT, target, &mut Vec::new()).unwrap();
        assert_eq!((cut.end, cut.records, cut.lines), expected);
    }

    #[test]
    fn cuts_after_whole_records() {
        check_cut("1,2\n3,4\n5,6", true, 1, (4, 1, 1));
        check_cut("1,2\n3,4\n5,6", true, 5, (8, 2, 2));
        check_cut("1,2\n3,4\n5,6", true, usize::MAX, (11, 3, 2));
        check_cut("1,2\n3,4\n5,6", false, usize::MAX, (8, 2, 2));
        check_cut("1,2", false, usize::MAX, (0, 0, 0));
        check_cut("1,2\n\n\r\n3,4\n", true, usize::MAX, (11, 2, 4));
    }

    #[test]
    fn never_cuts_inside_quotes() {
        check_cut("1,\"a\nb\"\n3,4\n", true, 1, (8, 1, 2));
        check_cut("1,\"a\nb\"\n3,4\n", false, usize::MAX, (12, 2, 3));
        check_cut("1,\"a\nb", false, usize::MAX, (0, 0, 0));
        check_cut("1,\"a\nb\"", false, usize::MAX, (0, 0, 0));
        check_cut("1,\"a\nb\"", true, usize::MAX, (7, 1, 1));
    }

    #[test]
    fn an_unclosed_quote_costs_one_line() {
        check_cut("1,\"a\n3,4\n5,6\n", true, 1, (5, 1, 1));
        check_cut("1,\"a\n3,4\n5,6\n", true, usize::MAX, (13, 3, 3));
        check_cut("1,\"a\n3,\"4\"\n5,6\n", true, 1, (5, 1, 1));
        // Three fields over two lines are not what the header says, so the first line is alone.
        check_cut("1,\"a\n3\",4\"\n5,6\n", true, 1, (5, 1, 1));
    }

    #[test]
    fn windows_change_nothing() {
        let mut state = 7_u64;
        for _ in 0..3_000 {
            let bytes: Vec<u8> = (0..200)
                .map(|_| {
                    state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                    b"aaaaaaaaaaaa,,,,\"\"\n\n\n\r"[(state >> 33) as usize % 22]
                })
                .collect();
            let text = Text { bytes: &bytes, is_end: state & (1 << 40) == 0 };
            let target = (state >> 41) as usize % 300;
            let whole = cut(text, &DIALECT, target, &mut Vec::new());
            for window in [1, 2, 9, 63, 64, 65, 130] {
                assert_eq!(cut_in_windows(text, &DIALECT, target, &mut Vec::new(), window), whole, "{:?}", String::from_utf8_lossy(&bytes));
            }
        }
    }

    #[test]
    fn blocks_count_what_lines_do() {
        let mut state = 3_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (state >> 33) as usize % below
        };
        for case in 0..2_000 {
            // Lines long enough for plain blocks, and now and then a quoted field, a quote alone, a blank line, or a carriage return.
            let mut bytes = Vec::new();
            while bytes.len() < 3_000 {
                bytes.extend(std::iter::repeat_n(b'a', next(90)));
                let ends: [&[u8]; 8] = [b"\n", b"\r\n", b",\"b\"\n", b",\"b\nc\"\n", b"\n\n", b"\n\r\n", b"x\"y\n", b"\n\"\n"];
                bytes.extend(ends[next(if case % 2 == 0 { 3 } else { ends.len() })]);
            }
            let text = Text { bytes: &bytes, is_end: case % 3 == 0 };
            let target = if case % 5 == 0 { usize::MAX } else { next(4_000) };
            let by_lines = cut_in_windows(text, &DIALECT, target, &mut Vec::new(), BLOCK_BYTES - 1);
            assert_eq!(cut(text, &DIALECT, target, &mut Vec::new()), by_lines, "{:?}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn refuses_a_line_without_end() {
        let long = vec![b'a'; LINE_BYTES_MAX + 1];
        let text = Text { bytes: &long, is_end: false };
        assert_eq!(cut(text, &DIALECT, usize::MAX, &mut Vec::new()), Err(LineTooLong { lines_before: 0 }));
    }
}
