//! Days since 1970-01-01 and the codes that makers print of them.

/// A calendar day, split up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// The year.
    pub year: i32,
    /// The month, from 1.
    pub month: u32,
    /// The day of the month, from 1.
    pub day: u32,
    /// The day of the year, from 1.
    pub day_of_year: u32,
}

impl Day {
    /// Splits days since 1970-01-01, from that day on.
    pub fn of(days: i32) -> Self {
        let mut year = 1970 + days / 366;
        while days_before(year + 1) <= days {
            year += 1;
        }
        let mut rest = days - days_before(year);
        let day_of_year = rest as u32 + 1;
        let mut month = 1;
        while rest >= month_length(year, month) {
            rest -= month_length(year, month);
            month += 1;
        }
        Self { year, month, day: rest as u32 + 1, day_of_year }
    }

    /// Gives the two last digits of the year.
    pub fn short_year(self) -> i32 {
        self.year % 100
    }

    /// Gives the week of production: 01 from the first of January on.
    pub fn week(self) -> u32 {
        (self.day_of_year - 1) / 7 + 1
    }

    /// Writes the day as `YYYY-MM-DD`.
    pub fn iso(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Reads `YYYY-MM-DD` as days since 1970-01-01; none when it is no day from that day on.
pub fn days_of(text: &str) -> Option<i32> {
    let mut parts = text.split('-');
    let year: i32 = parts.next()?.parse().ok()?;
    let month: u32 = parts.next()?.parse().ok()?;
    let day: i32 = parts.next()?.parse().ok()?;
    let valid = parts.next().is_none() && (1970..=2148).contains(&year) && (1..=12).contains(&month);
    if !valid || day < 1 || day > month_length(year, month) {
        return None;
    }
    Some(days_before(year) + (1..month).map(|month| month_length(year, month)).sum::<i32>() + day - 1)
}

/// Counts the days from 1970-01-01 to the first of January of a year.
fn days_before(year: i32) -> i32 {
    let passed = year - 1;
    let leaps = passed / 4 - passed / 100 + passed / 400;
    (year - 1970) * 365 + leaps - 477
}

/// Gives how many days a month has.
fn month_length(year: i32, month: u32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_texts_agree() {
        for (text, days) in [("1970-01-01", 0), ("2000-02-29", 11_016), ("2024-12-31", 20_088), ("2026-06-30", 20_634)] {
            assert_eq!(days_of(text), Some(days), "{text}");
            assert_eq!(Day::of(days).iso(), text);
        }
        for days in 0..60_000 {
            assert_eq!(days_of(&Day::of(days).iso()), Some(days));
        }
        assert_eq!(days_of("2023-02-29"), None);
        assert_eq!(days_of("2023-13-01"), None);
    }

    #[test]
    fn the_last_day_of_a_leap_year_is_in_week_53() {
        let day = Day::of(days_of("2024-12-31").expect("a day"));
        assert_eq!((day.day_of_year, day.week(), day.short_year()), (366, 53, 24));
    }
}
