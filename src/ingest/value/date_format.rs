//! Dates by a pattern, such as `%d.%m.%Y`.

use super::calendar::days_from_civil;

/// The months in English; the first three letters are their short names.
const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];

/// A date pattern, checked and taken apart once.
///
/// `%Y` year of four digits, `%y` of two (69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068, as POSIX has it), `%m` month, `%d` day, `%b` month by its
/// English name, short or full, in any case; `%H`, `%M`, `%S` hour, minute, second; `%%` a percent sign; any other character stands for itself.
/// Numbers other than `%Y` and `%y` may have one digit or two.
///
/// ```
/// use counterfoil::ingest::value::DateFormat;
/// let format = DateFormat::new("%d-%b-%y").unwrap();
/// assert_eq!(format.day_of("1-FEB-70"), Some(31));
/// assert_eq!(format.day_of("31-Feb-70"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateFormat {
    items: Vec<Item>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Literal(char),
    Year,
    ShortYear,
    Month,
    MonthName,
    Day,
    Hour,
    Minute,
    Second,
}

impl DateFormat {
    /// Takes a pattern apart.
    ///
    /// # Errors
    /// When it holds an unknown `%` letter, one part twice, or lacks year, month or day; the text says what to write.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let mut items = Vec::new();
        let mut letters = pattern.chars();
        while let Some(letter) = letters.next() {
            items.push(if letter == '%' { item(pattern, letters.next())? } else { Item::Literal(letter) });
        }
        let parts: [(&str, &[Item]); 6] = [
            ("year (%Y or %y)", &[Item::Year, Item::ShortYear]),
            ("month (%m or %b)", &[Item::Month, Item::MonthName]),
            ("day (%d)", &[Item::Day]),
            ("hour (%H)", &[Item::Hour]),
            ("minute (%M)", &[Item::Minute]),
            ("second (%S)", &[Item::Second]),
        ];
        for (index, (name, kinds)) in parts.into_iter().enumerate() {
            let count = items.iter().filter(|item| kinds.contains(item)).count();
            if count > 1 {
                return Err(format!("date format \"{pattern}\" has the {name} more than once; name it once"));
            }
            if count == 0 && index < 3 {
                return Err(format!("date format \"{pattern}\" has no {name}; expected a form like \"%d.%m.%Y\""));
            }
        }
        Ok(Self { items })
    }

    /// Gives the day of a text, from 1970-01-01; `None` when the whole text does not fit the pattern or there is no such day.
    pub fn day_of(&self, text: &str) -> Option<i64> {
        let mut rest = text;
        let (mut year, mut month, mut day) = (0, 0, 0);
        for item in &self.items {
            match item {
                Item::Literal(letter) => rest = rest.strip_prefix(*letter)?,
                Item::Year => year = i64::from(number(&mut rest, 4, 4)?),
                Item::ShortYear => year = full_year(number(&mut rest, 2, 2)?),
                Item::Month => month = number(&mut rest, 1, 2)?,
                Item::MonthName => month = month_name(&mut rest)?,
                Item::Day => day = number(&mut rest, 1, 2)?,
                Item::Hour => check_below(number(&mut rest, 1, 2)?, 25)?,
                Item::Minute => check_below(number(&mut rest, 1, 2)?, 60)?,
                Item::Second => check_below(number(&mut rest, 1, 2)?, 61)?,
            }
        }
        if rest.is_empty() { days_from_civil(year, month, day) } else { None }
    }
}

fn item(pattern: &str, letter: Option<char>) -> Result<Item, String> {
    Ok(match letter {
        Some('Y') => Item::Year,
        Some('y') => Item::ShortYear,
        Some('m') => Item::Month,
        Some('b') => Item::MonthName,
        Some('d') => Item::Day,
        Some('H') => Item::Hour,
        Some('M') => Item::Minute,
        Some('S') => Item::Second,
        Some('%') => Item::Literal('%'),
        other => {
            let found = other.map_or("% at its end".to_string(), |letter| format!("%{letter}"));
            return Err(format!("date format \"{pattern}\" has {found}, expected one of %Y %y %m %b %d %H %M %S %%"));
        }
    })
}

fn full_year(short: u32) -> i64 {
    i64::from(if short >= 69 { 1900 + short } else { 2000 + short })
}

fn check_below(value: u32, limit: u32) -> Option<()> {
    (value < limit).then_some(())
}

/// Takes at least `least` and at most `most` digits off the front.
fn number(rest: &mut &str, least: usize, most: usize) -> Option<u32> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (digits, tail) = rest.split_at(count);
    *rest = tail;
    digits.parse().ok()
}

/// Takes the name of a month off the front: the full one if it is there, else its first three letters.
fn month_name(rest: &mut &str) -> Option<u32> {
    let starts_with = |name: &str| rest.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
    for (month, name) in (1..).zip(MONTHS) {
        let length = if starts_with(name) {
            name.len()
        } else if starts_with(&name[..3]) {
            3
        } else {
            continue;
        };
        *rest = &rest[length..];
        return Some(month);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_day(pattern: &str, text: &str, expected: Option<(i64, u32, u32)>) {
        let expected = expected.map(|(year, month, day)| days_from_civil(year, month, day).unwrap());
        assert_eq!(DateFormat::new(pattern).unwrap().day_of(text), expected, "{pattern} on {text:?}");
    }

    #[test]
    fn patterns_read_dates() {
        check_day("%d.%m.%Y", "12.03.2024", Some((2024, 3, 12)));
        check_day("%d.%m.%Y", "1.3.2024", Some((2024, 3, 1)));
        check_day("%m/%d/%y", "03/12/24", Some((2024, 3, 12)));
        check_day("%d%m%Y", "12032024", Some((2024, 3, 12)));
        check_day("%d %b %Y", "2 sept 2024", None);
        check_day("%d %b %Y", "2 September 2024", Some((2024, 9, 2)));
        check_day("%d-%b-%y", "02-SEP-99", Some((1999, 9, 2)));
        check_day("%b %d, %Y", "May 5, 2024", Some((2024, 5, 5)));
        check_day("%Y-%m-%d %H:%M:%S", "2024-03-12 23:59:60", Some((2024, 3, 12)));
        check_day("100%% %Y%m%d", "100% 20240312", Some((2024, 3, 12)));
        for text in ["12.03.24", "31.02.2024", "12.03.2024 ", "12,03,2024", "", "12.03.", "\u{661}2.03.2024"] {
            check_day("%d.%m.%Y", text, None);
        }
        check_day("%Y-%m-%d %H:%M:%S", "2024-03-12 25:00:00", None);
    }

    #[test]
    fn wrong_patterns_are_explained() {
        let error = |pattern: &str| DateFormat::new(pattern).unwrap_err();
        assert_eq!(error("%d.%q.%Y"), "date format \"%d.%q.%Y\" has %q, expected one of %Y %y %m %b %d %H %M %S %%");
        assert_eq!(error("%d.%m"), "date format \"%d.%m\" has no year (%Y or %y); expected a form like \"%d.%m.%Y\"");
        assert_eq!(error("%Y%y%m%d"), "date format \"%Y%y%m%d\" has the year (%Y or %y) more than once; name it once");
        assert_eq!(error("%Y%m%d%"), "date format \"%Y%m%d%\" has % at its end, expected one of %Y %y %m %b %d %H %M %S %%");
    }
}
