//! Days and civil dates of the proleptic Gregorian calendar.

/// Counts the days from 1970-01-01 to a date; `None` when there is no such date.
///
/// # Source
/// Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil: years start in March, so that the leap day is the last.
pub(super) fn days_from_civil(year: i64, month: u32, day: u32) -> Option<i64> {
    if !(1..=12).contains(&month) || day == 0 || day > month_days(year, month) {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let month_from_march = i64::from((month + 9) % 12);
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Gives year, month and day of the day that is `days` after 1970-01-01.
///
/// # Source
/// As [`days_from_civil`]: civil_from_days.
pub(super) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn month_days(year: i64, month: u32) -> u32 {
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
    fn days_and_dates_are_each_others_inverse() {
        assert_eq!(days_from_civil(1970, 1, 1), Some(0));
        assert_eq!(days_from_civil(2149, 6, 6), Some(65_535));
        assert_eq!(days_from_civil(2024, 2, 29), Some(19_782));
        for (year, month, day) in [(2023, 2, 29), (1900, 2, 29), (2024, 13, 1), (2024, 0, 1), (2024, 4, 31), (2024, 1, 0)] {
            assert_eq!(days_from_civil(year, month, day), None, "{year}-{month}-{day}");
        }
        let mut next = civil_from_days(-800_000);
        for days in -800_000..800_000 {
            let (year, month, day) = civil_from_days(days);
            assert_eq!((year, month, day), next);
            assert_eq!(days_from_civil(year, month, day), Some(days));
            next = match days_from_civil(year, month, day + 1) {
                Some(_) => (year, month, day + 1),
                None if month < 12 => (year, month + 1, 1),
                None => (year + 1, 1, 1),
            };
        }
    }
}
