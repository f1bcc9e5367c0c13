//! Parses a chunk of whole records into packed texts.
//!
//! Blocks of 64 bytes become words of bits; quotes are paired by a running exclusive or. What is not plainly right in a block goes to the
//! walk by the letter, which decides alone what is rejected.

use anyhow::{Context as _, Result, bail};
use memchr::memchr;

use super::block::{self, BLOCK_BYTES};
use super::chunks::Chunk;
use super::encoding::Encoding;
use super::reject::{Suspect, judge, rejected};
use super::walk::{Defect, Dialect, QUOTE, SPAN_BYTES_MAX, Span, Text, Walked, walk};
use crate::ingest::{Cells, FIELD_BYTES_MAX, Morsel, PackedTexts, RejectedRecord, Wanted};

/// Fields up to so many bytes are copied as so many: a copy of a length that is known needs no call.
const COPIED_BYTES: usize = 16;

/// The fields of a column, one after the other.
struct Fields {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
}

impl Fields {
    /// Makes room for rows.
    fn new(rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { bytes: Vec::with_capacity(COPIED_BYTES * rows), offsets }
    }

    /// Adds the field `text[start..end]`.
    #[inline(always)]
    fn push(&mut self, text: &[u8], start: usize, end: usize) {
        match text.get(start..).and_then(<[u8]>::first_chunk::<COPIED_BYTES>) {
            Some(sixteen) if end - start <= COPIED_BYTES => {
                let length = self.bytes.len() + end - start;
                self.bytes.extend_from_slice(sixteen);
                self.bytes.truncate(length);
            }
            _ => self.bytes.extend_from_slice(&text[start..end]),
        }
        self.end();
    }

    /// Ends a field whose bytes were added.
    #[inline(always)]
    fn end(&mut self) {
        self.offsets.push(self.bytes.len() as u32);
    }
}

/// From each of so many records to the next one, a signpost says where it begins.
pub(super) const SIGNPOST_RECORDS: u32 = 64;

/// Where in a chunk the records begin whose number in it is a multiple of [`SIGNPOST_RECORDS`], the first left out.
pub(super) type Signposts = Vec<u32>;

/// Parses a chunk; `None` when it holds no wanted record.
///
/// Where all records are wanted, it gives signposts too; where some are, the chunk's signposts tell what need not be looked at.
///
/// # Errors
/// When the count of records differs from the splitter's, or a wanted record can't be given: a fault of this program or a changed file.
pub(super) fn parse(
    chunk: &Chunk,
    dialect: &Dialect,
    encoding: Encoding,
    columns: &[usize],
    wanted: Wanted<'_>,
) -> Result<Option<(Morsel, Signposts)>> {
    let wanted = match wanted {
        Wanted::All => None,
        Wanted::Records(numbers) => {
            let from = numbers.partition_point(|number| u64::from(*number) < chunk.first_record);
            let to = numbers.partition_point(|number| u64::from(*number) < chunk.first_record + chunk.record_count);
            Some(&numbers[from..to])
        }
    };
    if chunk.record_count == 0 || wanted.is_some_and(<[u32]>::is_empty) {
        return Ok(None);
    }
    let body = &chunk.buffer.as_slice()[..chunk.end];
    let rows = wanted.map_or(chunk.record_count as usize, <[u32]>::len);
    let mut parser = Parser {
        text: Text { bytes: chunk.buffer.as_slice(), is_end: chunk.is_end },
        body,
        dialect: *dialect,
        encoding,
        columns,
        fields: columns.iter().map(|_| Fields::new(rows)).collect(),
        ends: vec![0; dialect.columns + 1],
        spans: Vec::new(),
        clean: chunk.signposts.is_none() && is_clean(body),
        wanted,
        known: chunk.signposts,
        is_leap_due: chunk.signposts.is_some(),
        signposts: Vec::new(),
        start: 0,
        records: 0,
        rows: 0,
        first_record: chunk.first_record,
        record_count: chunk.record_count as u32,
        offsets: Vec::new(),
        rejects: Rejects { records: Vec::new(), line: chunk.first_line, counted_to: 0, origin: chunk.origin, measured_to: 0 },
    };
    parser.run()?;
    let signposts = std::mem::take(&mut parser.signposts);
    let morsel = parser.finish(chunk)?;
    Ok(Some((morsel, signposts)))
}

/// Says whether the text is UTF-8 without NUL, so that records need not be looked at one by one.
fn is_clean(body: &[u8]) -> bool {
    memchr(0, body).is_none() && simdutf8::basic::from_utf8(body).is_ok()
}

/// The rejected records, and how far lines and bytes of the file were counted for them.
struct Rejects {
    records: Vec<RejectedRecord>,
    /// The line at `counted_to`.
    line: u64,
    counted_to: usize,
    /// The offset in the file at `measured_to`.
    origin: u64,
    measured_to: usize,
}

struct Parser<'a> {
    text: Text<'a>,
    /// The chunk's own records; `text` goes on behind them.
    body: &'a [u8],
    dialect: Dialect,
    encoding: Encoding,
    columns: &'a [usize],
    fields: Vec<Fields>,
    /// Where each field of the record ends; one more place takes the ends of fields too many.
    ends: Vec<usize>,
    spans: Vec<Span>,
    clean: bool,
    wanted: Option<&'a [u32]>,
    /// The signposts of the chunk, where they are known.
    known: Option<&'a [u32]>,
    /// A signpost was passed since they were asked last: once for each, however many blank lines stand behind it.
    is_leap_due: bool,
    /// Those that are found.
    signposts: Signposts,
    /// Where the record starts.
    start: usize,
    records: u32,
    rows: usize,
    first_record: u64,
    record_count: u32,
    offsets: Vec<u32>,
    rejects: Rejects,
}

/// The structure of one block.
struct Bits {
    /// Delimiters and line ends outside quotes.
    hits: u64,
    inner_line_ends: u64,
    /// From here on the quotes are not plainly right.
    doubtful_from: u32,
    is_inside_after: bool,
}

impl Parser<'_> {
    /// Parses the whole chunk.
    fn run(&mut self) -> Result<()> {
        while self.start < self.body.len() {
            if self.is_leap_due {
                self.leap();
            } else {
                self.run_blocks()?;
            }
        }
        Ok(())
    }

    /// Goes on at the signpost before the next wanted record, or at the end where there is none, and looks whether what follows is clean.
    fn leap(&mut self) {
        self.is_leap_due = false;
        let known = self.known.unwrap_or_default();
        let Some(&next) = self.wanted.and_then(|numbers| numbers.get(self.rows)) else {
            // What is left was counted before.
            (self.start, self.records) = (self.body.len(), self.record_count);
            return;
        };
        let signpost = ((u64::from(next) - self.first_record) / u64::from(SIGNPOST_RECORDS)) as usize;
        if signpost > (self.records / SIGNPOST_RECORDS) as usize {
            self.start = known[signpost - 1] as usize;
            self.records = signpost as u32 * SIGNPOST_RECORDS;
        }
        let end = known.get(signpost).map_or(self.body.len(), |&end| end as usize);
        self.clean = is_clean(&self.body[self.start..end]);
    }

    /// Counts a record, and goes on at `next`.
    #[inline(always)]
    fn pass(&mut self, next: usize) {
        self.records += 1;
        self.start = next;
        if self.records.is_multiple_of(SIGNPOST_RECORDS) {
            self.is_leap_due = self.known.is_some();
            if self.wanted.is_none() {
                self.signposts.push(next as u32);
            }
        }
    }

    /// Parses from `start` until a record needs the walk, and takes that one.
    fn run_blocks(&mut self) -> Result<()> {
        let columns = self.dialect.columns;
        let mut base = self.start;
        let (mut field, mut is_inside, mut lines) = (0, false, 0_u32);
        while base < self.body.len() {
            let bits = self.bits(base, is_inside);
            is_inside = bits.is_inside_after;
            let mut hits = bits.hits | bits.inner_line_ends;
            if bits.doubtful_from < 64 {
                hits &= (1 << bits.doubtful_from) - 1;
            }
            while hits != 0 {
                let bit = hits.trailing_zeros();
                hits &= hits - 1;
                let at = base + bit as usize;
                if self.body[at] != self.dialect.line_end {
                    self.ends[field.min(columns)] = at;
                    field += 1;
                } else if bits.inner_line_ends >> bit & 1 == 1 {
                    lines += 1;
                } else if self.plain_record(at, field + 1, lines) {
                    (field, lines) = (0, 0);
                    if self.is_leap_due {
                        return Ok(());
                    }
                } else {
                    return self.slow();
                }
            }
            if bits.doubtful_from < 64 {
                return self.slow();
            }
            base += BLOCK_BYTES;
        }
        // An open quote, or the last line of a file without its end.
        if self.start < self.body.len() { self.slow() } else { Ok(()) }
    }

    /// Finds the structure of the block at `base`.
    #[inline(always)]
    fn bits(&self, base: usize, is_inside: bool) -> Bits {
        let padded;
        let block = match self.body.get(base..base + BLOCK_BYTES).and_then(<[u8]>::first_chunk::<BLOCK_BYTES>) {
            Some(block) => block,
            None => {
                padded = block::padded(&self.body[base..]);
                &padded
            }
        };
        let hits = block::find(block, [self.dialect.delimiter, self.dialect.line_end]);
        if !is_inside && !block::contains(block, QUOTE) {
            return Bits { hits, inner_line_ends: 0, doubtful_from: 64, is_inside_after: false };
        }
        let quotes = block::find(block, [QUOTE]);
        let inside = block::inside(quotes) ^ if is_inside { u64::MAX } else { 0 };
        let (opening, closing) = (quotes & inside, quotes & !inside);
        let structure = hits & !inside;
        // Before an opening quote stands structure, or the first of two quotes.
        let before = u64::from(base == 0 || self.precedes_field(base - 1));
        let bad_opening = opening & !(((structure | closing) << 1) | before);
        // After a closing quote stands structure, or the second of two quotes; carriage returns and block ends are looked at one by one.
        let mut bad_closing = 0;
        let mut open_question = closing & !((structure | opening) >> 1);
        while open_question != 0 {
            let bit = open_question.trailing_zeros();
            open_question &= open_question - 1;
            if !self.follows_field(base + bit as usize + 1) {
                bad_closing |= 1 << bit;
            }
        }
        Bits {
            hits: structure,
            inner_line_ends: if hits & inside == 0 { 0 } else { block::find(block, [self.dialect.line_end]) & inside },
            doubtful_from: (bad_opening | bad_closing).trailing_zeros(),
            is_inside_after: inside >> 63 == 1,
        }
    }

    /// Says whether a quoted field may begin after the byte at `at`; the first of two quotes counts.
    fn precedes_field(&self, at: usize) -> bool {
        at + 1 == self.start || [self.dialect.delimiter, self.dialect.line_end, QUOTE].contains(&self.body[at])
    }

    /// Says whether a quoted field may end before the byte at `at`; the second of two quotes counts.
    fn follows_field(&self, at: usize) -> bool {
        match self.body.get(at) {
            None => true,
            Some(b'\r') if self.dialect.line_end == b'\n' => matches!(self.body.get(at + 1), Some(b'\n') | None),
            Some(byte) => [self.dialect.delimiter, self.dialect.line_end, QUOTE].contains(byte),
        }
    }

    /// Takes the record that ends with the line end at `at`. False when it is not plainly right.
    #[inline(always)]
    fn plain_record(&mut self, at: usize, found: usize, inner_lines: u32) -> bool {
        let end = self.dialect.trimmed_end(self.body, self.start, at);
        if end == self.start && self.dialect.skips_blank_lines() {
            self.start = at + 1;
            return true;
        }
        let is_right = found == self.dialect.columns
            && at - self.start < if inner_lines == 0 { FIELD_BYTES_MAX } else { SPAN_BYTES_MAX }
            && (self.clean || is_clean(&self.body[self.start..end]));
        if !is_right {
            return false;
        }
        self.ends[found - 1] = end;
        if self.is_wanted() {
            for place in 0..self.columns.len() {
                let column = self.columns[place];
                let start = if column == 0 { self.start } else { self.ends[column - 1] + 1 };
                self.push_field(place, start, self.ends[column]);
            }
            self.push_row();
        }
        self.pass(at + 1);
        true
    }

    /// Takes the record at `start` by the letter.
    #[cold]
    fn slow(&mut self) -> Result<()> {
        let start = self.start;
        let mut spans = std::mem::take(&mut self.spans);
        let (end, next, defect) = match walk(self.text, start, &self.dialect, &mut spans) {
            Walked::Record { end, next, .. } => (end, next, None),
            Walked::Defect { end, next, defect } => (end, next, Some(defect)),
            Walked::Incomplete => bail!("internal error: a chunk of text ends inside a record, record {}", self.number() + 1),
        };
        if end > start || !self.dialect.skips_blank_lines() {
            self.judge(start, end, &spans, defect);
            self.pass(next);
        } else {
            self.start = next;
        }
        self.spans = spans;
        Ok(())
    }

    fn judge(&mut self, start: usize, end: usize, spans: &[Span], defect: Option<Defect>) {
        let (bytes, onward) = (&self.body[start..end], &self.text.bytes[start..]);
        let mut suspect = Suspect { bytes, onward, start, line: 0, spans, defect };
        let is_right = defect.is_none() && spans.len() == self.dialect.columns && end - start <= FIELD_BYTES_MAX;
        if is_right && (self.clean || is_clean(bytes)) {
            return self.push_spans(spans);
        }
        // Lines are counted here, for few records, and not for all.
        let counted = &self.body[self.rejects.counted_to..start];
        self.rejects.line += memchr::memchr_iter(self.dialect.line_end, counted).count() as u64;
        self.rejects.counted_to = start;
        suspect.line = self.rejects.line;
        let Some(verdict) = judge(&suspect, &self.dialect, self.encoding) else { return self.push_spans(spans) };
        self.rejects.origin += self.encoding.original_bytes(&self.body[self.rejects.measured_to..start]);
        self.rejects.measured_to = start;
        if self.wanted.is_none() {
            let record = rejected(&suspect, self.encoding, self.number(), self.rejects.origin, verdict);
            self.rejects.records.push(record);
        }
    }

    fn push_spans(&mut self, spans: &[Span]) {
        if self.is_wanted() {
            for place in 0..self.columns.len() {
                let span = spans[self.columns[place]];
                if span.doubled {
                    self.push_singled(place, span.start, span.end);
                } else {
                    self.fields[place].push(self.text.bytes, span.start, span.end);
                }
            }
            self.push_row();
        }
    }

    fn number(&self) -> u64 {
        self.first_record + u64::from(self.records)
    }

    #[inline(always)]
    fn is_wanted(&self) -> bool {
        match self.wanted {
            None => true,
            Some(numbers) => numbers.get(self.rows).is_some_and(|number| u64::from(*number) == self.number()),
        }
    }

    #[inline(always)]
    fn push_row(&mut self) {
        // Offsets begin to differ from row numbers with the first rejected or unwanted record.
        if self.rows != self.records as usize || !self.offsets.is_empty() {
            if self.offsets.is_empty() {
                self.offsets.extend(0..self.rows as u32);
            }
            self.offsets.push(self.records);
        }
        self.rows += 1;
    }

    #[inline(always)]
    fn push_field(&mut self, place: usize, start: usize, end: usize) {
        if end > start && self.body[start] == QUOTE {
            return self.push_quoted(place, start + 1, end - 1);
        }
        self.fields[place].push(self.text.bytes, start, end);
    }

    fn push_quoted(&mut self, place: usize, start: usize, end: usize) {
        if memchr(QUOTE, &self.body[start..end]).is_some() {
            return self.push_singled(place, start, end);
        }
        self.fields[place].push(self.text.bytes, start, end);
    }

    fn push_singled(&mut self, place: usize, start: usize, end: usize) {
        let fields = &mut self.fields[place];
        let mut rest = &self.body[start..end];
        while let Some(quote) = memchr(QUOTE, rest) {
            fields.bytes.extend_from_slice(&rest[..=quote]);
            rest = rest.get(quote + 2..).unwrap_or_default();
        }
        fields.bytes.extend_from_slice(rest);
        fields.end();
    }

    /// Checks the counts and builds the arrays.
    fn finish(mut self, chunk: &Chunk) -> Result<Morsel> {
        if u64::from(self.records) != chunk.record_count {
            bail!(
                "internal error: splitter and parser count {} and {} records from record {} on; please report the file",
                chunk.record_count,
                self.records,
                chunk.first_record + 1
            );
        }
        if let Some(missing) = self.wanted.and_then(|numbers| numbers.get(self.rows)) {
            bail!("record {} was readable before and is not any more; keep the file unchanged during a run", u64::from(*missing) + 1);
        }
        let is_plain = self.rows == self.records as usize;
        if !is_plain && self.offsets.is_empty() {
            self.offsets.extend(0..self.rows as u32);
        }
        let mut columns = Vec::with_capacity(self.fields.len());
        for Fields { bytes, offsets } in self.fields {
            assert_eq!(offsets.len(), self.rows + 1, "every column has every row");
            let texts = PackedTexts::new(bytes, offsets, None).context("internal error: a field is no UTF-8; please report the file")?;
            columns.push(Cells::Packed(texts));
        }
        Ok(Morsel {
            first_record: chunk.first_record,
            record_count: chunk.record_count,
            record_offsets: if is_plain { None } else { Some(self.offsets) },
            row_count: self.rows,
            columns,
            rejected: self.rejects.records,
            bytes: chunk.disk_bytes,
        })
    }
}
