//! Cuts text at record boundaries and counts records and lines, without looking at fields where it need not.
//!
//! A line with an even number of quotes never runs on: inside an open quoted field the number of quotes seen is odd.
//! So whole blocks are counted by bits, and only a line with an odd number of quotes is walked by the letter.

use super::block::{self, BLOCK_BYTES};
use super::walk::{Dialect, QUOTE, Span, Text, Walked, walk};

/// The most bytes of one physical line. A longer one is no line of a table, and would have to be held in memory.
pub(super) const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;

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
    let mut splitter = Splitter { text, dialect, cut: Cut::default(), spans };
    let bytes = text.bytes;
    let mut base = 0;
    let mut odd = false;
    'blocks: while base < bytes.len() {
        let whole;
        let block = match bytes.get(base..base + BLOCK_BYTES).and_then(<[u8]>::first_chunk::<BLOCK_BYTES>) {
            Some(block) => block,
            None => {
                whole = block::padded(&bytes[base..]);
                &whole
            }
        };
        let mut ends = block::find(block, [dialect.line_end]);
        let mut quotes = if block::contains(block, QUOTE) { block::find(block, [QUOTE]) } else { 0 };
        while ends != 0 {
            let bit = ends.trailing_zeros();
            let below = (1_u64 << bit) - 1;
            odd ^= (quotes & below).count_ones() & 1 == 1;
            quotes &= !below;
            ends &= ends - 1;
            if odd {
                odd = false;
                if !splitter.odd_line()? || splitter.cut.end >= target {
                    return Ok(splitter.cut);
                }
                base = splitter.cut.end;
                continue 'blocks;
            }
            splitter.plain_line(base + bit as usize)?;
            if splitter.cut.end >= target {
                return Ok(splitter.cut);
            }
        }
        odd ^= quotes.count_ones() & 1 == 1;
        base += BLOCK_BYTES;
    }
    splitter.finish()
}

struct Splitter<'a> {
    text: Text<'a>,
    dialect: &'a Dialect,
    cut: Cut,
    spans: &'a mut Vec<Span>,
}

impl Splitter<'_> {
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

    /// Takes the record that starts on a line with an odd number of quotes. False: the text ends before it does.
    fn odd_line(&mut self) -> Result<bool, LineTooLong> {
        let start = self.cut.end;
        let (next, lines) = match walk(self.text, start, self.dialect, self.spans) {
            Walked::Incomplete => return Ok(false),
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
        Ok(true)
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
        check_cut("1,2\n\n\r\n3,4\n", true, usize::MAX, (12, 2, 4));
    }

    #[test]
    fn never_cuts_inside_quotes() {
        check_cut("1,\"a\nb\"\n3,4\n", true, 1, (8, 1, 2));
        check_cut("1,\"a\nb\"\n3,4\n", false, usize::MAX, (12, 2, 3));
        check_cut("1,\"a\nb", false, usize::MAX, (0, 0, 0));
        check_cut("1,\"a\nb\"", false, usize::MAX, (0, 0, 0));
        check_cut("1,\"a\nb\"", true, usize::MAX, (8, 1, 1));
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
    fn refuses_a_line_without_end() {
        let long = vec![b'a'; LINE_BYTES_MAX + 1];
        let text = Text { bytes: &long, is_end: false };
        assert_eq!(cut(text, &DIALECT, usize::MAX, &mut Vec::new()), Err(LineTooLong { lines_before: 0 }));
    }
}
