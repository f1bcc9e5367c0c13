//! A column as days.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::datatypes::*;

use super::calendar::days_from_civil;
use super::{DateFormat, TextColumn, Unreadable, ValueError, nulls_in, trimmed};
use crate::ingest::Cells;

/// The day that stands for a blank date: 1970-01-01 itself, which counts as blank by definition.
pub const BLANK_DAY: i32 = 0;

/// The last day that counts, 2149-06-06: days fit into 16 bits.
const LAST_DAY: i64 = u16::MAX as i64;

/// A column as days since 1970-01-01.
///
/// Dates and timestamps count by their UTC day. Text is `YYYY-MM-DD` or `YYYYMMDD`, either alone or followed by a time, and counts by the day that is
/// written: an offset behind the time moves nothing. With formats, text must fit one of them instead: the first that it fits decides. Numbers are read as the text they render to,
/// so that 20240312 is a date. Nulls, empty cells, zeros only, and days outside 1970-01-02 to 2149-06-06 are blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayColumn {
    days: Vec<i32>,
    /// How many rows are blank, unreadable ones not counted.
    pub blank_count: u64,
    /// The rows that hold something that is no date; they are blank as well.
    pub unreadable: Unreadable,
}

/// What a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Day(i32),
    Blank,
    Unreadable,
}

impl DayColumn {
    /// Reads a column as days; values of a dictionary are read once each.
    ///
    /// # Errors
    /// When the column is nested or binary.
    pub fn new(cells: &Cells, formats: &[DateFormat]) -> Result<Self, ValueError> {
        let mut column = Self { days: Vec::with_capacity(cells.len()), blank_count: 0, unreadable: Unreadable::default() };
        let Cells::Array(array) = cells else {
            column.read_text(&text_of(cells)?, formats);
            return Ok(column);
        };
        match array.data_type() {
            // In the numbers that are there, so that several are looked at together.
            DataType::Date32 => {
                column.count_days::<Date32Type>(array, |day| if 1 <= day && day <= LAST_DAY as i32 { day } else { BLANK_DAY })
            }
            DataType::Date64 => column.count_days::<Date64Type>(array, |value| day_of(value.div_euclid(86_400_000))),
            DataType::Timestamp(TimeUnit::Second, _) => {
                column.count_days::<TimestampSecondType>(array, |value| day_of(value.div_euclid(86_400)))
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                column.count_days::<TimestampMillisecondType>(array, |value| day_of(value.div_euclid(86_400_000)));
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                column.count_days::<TimestampMicrosecondType>(array, |value| day_of(value.div_euclid(86_400_000_000)));
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                column.count_days::<TimestampNanosecondType>(array, |value| day_of(value.div_euclid(86_400_000_000_000)));
            }
            _ => column.read_text(&text_of(cells)?, formats),
        }
        Ok(column)
    }

    /// Gives one day per row, [`BLANK_DAY`] where there is none.
    pub fn days(&self) -> &[i32] {
        &self.days
    }

    /// Gives the days away.
    pub fn into_days(self) -> Vec<i32> {
        self.days
    }

    /// Gives the day of a row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn get(&self, row: usize) -> Option<i32> {
        Some(self.days[row]).filter(|&day| day != BLANK_DAY)
    }

    fn count_days<T: ArrowPrimitiveType>(&mut self, array: &ArrayRef, day: impl Fn(T::Native) -> i32) {
        let array = array.as_primitive::<T>();
        self.days.extend(array.values().iter().map(|&value| day(value)));
        nulls_in(array.nulls(), 0..array.len()).for_each(|row| self.days[row] = BLANK_DAY);
        self.blank_count += self.days.iter().filter(|&&day| day == BLANK_DAY).count() as u64;
    }

    fn read_text(&mut self, text: &TextColumn, formats: &[DateFormat]) {
        match text {
            TextColumn::Values(_) | TextColumn::Packed(_) => {
                for value in text.iter() {
                    let cell = value.map_or(Cell::Blank, |value| cell(value, formats));
                    self.push(cell, || value.unwrap_or_default().to_string());
                }
            }
            TextColumn::Dictionary { keys, values } => {
                let cells: Vec<Cell> = values.iter().map(|value| value.map_or(Cell::Blank, |value| cell(value, formats))).collect();
                for (row, key) in keys.iter().enumerate() {
                    let cell = key.and_then(|key| usize::try_from(key).ok()).map_or(Cell::Blank, |key| cells[key]);
                    self.push(cell, || text.get(row).unwrap_or_default().to_string());
                }
            }
        }
    }

    fn push(&mut self, cell: Cell, text: impl FnOnce() -> String) {
        let day = match cell {
            Cell::Day(day) => day,
            Cell::Blank => {
                self.blank_count += 1;
                BLANK_DAY
            }
            Cell::Unreadable => {
                self.unreadable.add(self.days.len(), text);
                BLANK_DAY
            }
        };
        self.days.push(day);
    }
}

fn text_of(cells: &Cells) -> Result<TextColumn, ValueError> {
    TextColumn::new(cells).map_err(|error| ValueError { wanted: "dates", ..error })
}

/// Gives a day that counts, else [`BLANK_DAY`].
const fn day_of(day: i64) -> i32 {
    match counted(day) {
        Cell::Day(day) => day,
        Cell::Blank | Cell::Unreadable => BLANK_DAY,
    }
}

/// Blanks days that do not count.
const fn counted(day: i64) -> Cell {
    if 1 <= day && day <= LAST_DAY { Cell::Day(day as i32) } else { Cell::Blank }
}

/// What is written in a cell of a date column, days beyond those that count included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenDate<'a> {
    /// Nothing, zeros, 1900-01-01 or 1970-01-01.
    Blank,
    /// A day since 1970-01-01.
    Day(i64),
    /// What is no date, without outer blanks.
    Other(&'a str),
}

/// The other day that is blank by definition: 1900-01-01.
const BLANK_DAY_1900: i64 = -25_567;

impl<'a> WrittenDate<'a> {
    /// Reads a cell with the first of the formats that it fits; without formats, ISO.
    pub fn new(text: &'a str, formats: &[DateFormat]) -> Self {
        let text = trimmed(text);
        if text.is_empty() || is_zeros(text) {
            return Self::Blank;
        }
        let day = if formats.is_empty() { written(text.as_bytes()) } else { formats.iter().find_map(|format| format.day_of(text)) };
        match day {
            None => Self::Other(text),
            Some(0 | BLANK_DAY_1900) => Self::Blank,
            Some(day) => Self::Day(day),
        }
    }
}

fn cell(text: &str, formats: &[DateFormat]) -> Cell {
    if formats.is_empty()
        && let Some(day) = plain_iso(text.as_bytes())
    {
        return counted(day);
    }
    match WrittenDate::new(text, formats) {
        WrittenDate::Blank => Cell::Blank,
        WrittenDate::Day(day) => counted(day),
        WrittenDate::Other(_) => Cell::Unreadable,
    }
}

/// Says whether a date consists of zeros, as some programs write an empty one: `0`, `00000000`, `0000-00-00`.
fn is_zeros(text: &str) -> bool {
    matches!(text, "0" | "00000000" | "0000-00-00")
}

/// The fast path: exactly `YYYY-MM-DD`.
fn plain_iso(text: &[u8]) -> Option<i64> {
    match text {
        [year @ .., b'-', m1, m2, b'-', d1, d2] if year.len() == 4 => {
            days_from_civil(i64::from(digits(year)?), digits(&[*m1, *m2])?, digits(&[*d1, *d2])?)
        }
        _ => None,
    }
}

/// `YYYY-MM-DD` or `YYYYMMDD`, either followed by a time.
fn written(text: &[u8]) -> Option<i64> {
    if let Some((date, rest)) = text.split_at_checked(10)
        && let Some(day) = plain_iso(date)
    {
        return is_time_behind(rest, false).then_some(day);
    }
    let (date, rest) = text.split_at_checked(8)?;
    let day = days_from_civil(i64::from(digits(&date[..4])?), digits(&date[4..6])?, digits(&date[6..])?)?;
    is_time_behind(rest, true).then_some(day)
}

/// Says whether `rest` is nothing or a time of day, set off by a blank or `T`; behind a compact date it may follow at once.
fn is_time_behind(rest: &[u8], is_compact: bool) -> bool {
    match rest {
        [] => true,
        [b' ' | b'T' | b't', time @ ..] => is_time(time),
        [b'0'..=b'9', ..] if is_compact && rest.len() == 6 => is_time(rest),
        _ => false,
    }
}

/// `HH`, `HH:MM`, `HH:MM:SS` or the same without colons, a fraction, then nothing, `Z`, `UTC` or an offset.
fn is_time(time: &[u8]) -> bool {
    let clock_end = time.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b':')).unwrap_or(time.len());
    let (clock, rest) = time.split_at(clock_end);
    let parts: Vec<Option<u32>> = match clock.len() {
        2 | 4 | 6 => clock.chunks(2).map(digits).collect(),
        5 | 8 => clock.split(|&byte| byte == b':').map(|part| if part.len() == 2 { digits(part) } else { None }).collect(),
        _ => return false,
    };
    let limits = [25, 60, 61];
    let is_clock = parts.len() <= 3 && parts.iter().zip(limits).all(|(part, limit)| part.is_some_and(|value| value < limit));
    let rest = match rest {
        [b'.' | b',', fraction @ ..] if parts.len() == 3 => {
            let count = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if count == 0 {
                return false;
            }
            &fraction[count..]
        }
        rest => rest,
    };
    is_clock && is_zone(rest.strip_prefix(b" ").unwrap_or(rest))
}

fn is_zone(zone: &[u8]) -> bool {
    match zone {
        [] | b"Z" | b"z" | b"UTC" | b"GMT" => true,
        [b'+' | b'-', offset @ ..] => match offset.len() {
            2 | 4 => digits(offset).is_some(),
            5 => offset[2] == b':' && digits(&offset[..2]).is_some() && digits(&offset[3..]).is_some(),
            _ => false,
        },
        _ => false,
    }
}

fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0_u32, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::*;

    use super::*;

    #[track_caller]
    fn check_days(array: impl Array + 'static, expected: &[Option<i32>]) -> DayColumn {
        let cells = Cells::from(Arc::new(array) as ArrayRef);
        let column = DayColumn::new(&cells, &[]).unwrap();
        let found: Vec<Option<i32>> = (0..cells.len()).map(|row| column.get(row)).collect();
        assert_eq!(found, expected);
        column
    }

    #[test]
    fn text_dates_are_read_in_every_documented_form() {
        for text in [
            "2024-03-12",
            "20240312",
            " 2024-03-12\u{a0}",
            "2024-03-12T10:15:00",
            "2024-03-12 23:59",
            "2024-03-12T23:59:59.123456789Z",
            "2024-03-12 23:59:59 +05:30",
            "2024-03-12T23:59:59-0500",
            "20240312T101500",
            "20240312 1015",
            "20240312101500",
            "\u{feff}2024-03-12",
        ] {
            check_days(StringViewArray::from(vec![text]), &[Some(19_794)]);
        }
    }

    #[test]
    fn what_is_no_date_is_counted_with_the_first_text() {
        let texts =
            ["", "12.03.2024", "2024-3-12", "2024-02-30", "2024-03-12X", "2024-03-12T", "2024-03-12T25:00", "202403", "20240312123", "n/a"];
        let column = check_days(StringViewArray::from(texts.to_vec()), &[None; 10]);
        assert_eq!(column.blank_count, 1);
        assert_eq!(column.unreadable, Unreadable { count: 9, first: Some((1, "12.03.2024".to_string())) });
    }

    #[test]
    fn blank_dates_are_blank_and_not_unreadable() {
        let texts = [
            Some("00000000"),
            Some("1900-01-01"),
            Some("1970-01-01"),
            Some("2149-06-07"),
            Some("9999-12-31"),
            Some(" "),
            None,
            Some("0000-00-00"),
        ];
        let column = check_days(StringViewArray::from(texts.to_vec()), &[None; 8]);
        assert_eq!((column.blank_count, column.unreadable.count), (8, 0));
        check_days(StringViewArray::from(vec!["1970-01-02", "2149-06-06"]), &[Some(1), Some(65_535)]);
    }

    #[test]
    fn dictionary_values_are_counted_by_row() {
        let keys = Int32Array::from(vec![Some(0), Some(1), None, Some(1), Some(0)]);
        let values = StringArray::from(vec!["2024-03-12", "soon", "never used"]);
        let column = check_days(DictionaryArray::new(keys, Arc::new(values)), &[Some(19_794), None, None, None, Some(19_794)]);
        assert_eq!(column.unreadable, Unreadable { count: 2, first: Some((1, "soon".to_string())) });
        assert_eq!(column.days(), [19_794, 0, 0, 0, 19_794]);
    }

    #[test]
    fn typed_dates_and_numbers_count_by_the_utc_day() {
        check_days(Date32Array::from(vec![Some(19_794), None, Some(0), Some(-5)]), &[Some(19_794), None, None, None]);
        check_days(Date64Array::from(vec![19_794 * 86_400_000 + 5]), &[Some(19_794)]);
        check_days(TimestampMillisecondArray::from(vec![19_795 * 86_400_000 - 1]).with_timezone("+05:30"), &[Some(19_794)]);
        check_days(TimestampNanosecondArray::from(vec![19_794 * 86_400_000_000_000]), &[Some(19_794)]);
        check_days(Int32Array::from(vec![20_240_312, 0, 20_240_399]), &[Some(19_794), None, None]);
        check_days(Float64Array::from(vec![20_240_312.0]), &[Some(19_794)]);
    }

    #[test]
    fn a_format_replaces_the_standard_forms() {
        let array: ArrayRef = Arc::new(StringViewArray::from(vec!["12.03.2024", "2024-03-12", "00000000"]));
        let column = DayColumn::new(&array.into(), &[DateFormat::new("%d.%m.%Y").unwrap()]).unwrap();
        assert_eq!(column.days(), [19_794, 0, 0]);
        assert_eq!((column.blank_count, column.unreadable.count), (1, 1));
    }

    #[test]
    fn each_value_is_read_by_the_first_format_that_fits_it() {
        let formats = [DateFormat::new("%d.%m.%Y").unwrap(), DateFormat::new("%Y%m%d").unwrap()];
        let texts = ["20240312", "01.01.1900", "19000101", "soon", "12.03.2024", "99991231", "later", ""];
        let array: ArrayRef = Arc::new(StringViewArray::from(texts.to_vec()));
        let column = DayColumn::new(&array.into(), &formats).unwrap();
        assert_eq!(column.days(), [19_794, 0, 0, 0, 19_794, 0, 0, 0]);
        assert_eq!(column.blank_count, 4);
        assert_eq!(column.unreadable, Unreadable { count: 2, first: Some((3, "soon".to_string())) });
    }

    #[test]
    fn days_that_do_not_count_are_told_apart_as_they_are_written() {
        let read = |text| WrittenDate::new(text, &[]);
        for blank in ["", " ", "0", "00000000", "0000-00-00", "1970-01-01", "19000101", "1900-01-01T00:00:00"] {
            assert_eq!(read(blank), WrittenDate::Blank, "{blank:?}");
        }
        assert_eq!(read("9999-12-31"), read("99991231"));
        assert_ne!(read("1965-01-01"), read("1966-02-02"));
        assert_eq!(read(" soon "), WrittenDate::Other("soon"));
    }
}
