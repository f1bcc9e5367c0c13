//! Numbers as people read them: grouped digits, shares, sizes, durations, quantities.

/// Groups the digits of a count: `38811200` -> `38,811,200`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Gives a share in percent with two decimals: `100.00 %` means all, `0.00 %` means none; `–` of nothing.
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let hundredths = u128::from(part) * 10_000 / u128::from(whole);
    if hundredths == 0 && part > 0 {
        return "< 0.01 %".to_owned();
    }
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// Gives a quantity kept in millionths without needless zeros: `2500000` -> `2.5`.
pub fn millionths(quantity: i128) -> String {
    let size = quantity.unsigned_abs();
    let whole = u64::try_from(size / 1_000_000).map_or_else(|_| (size / 1_000_000).to_string(), grouped);
    let fraction = format!("{:06}", size % 1_000_000);
    let fraction = fraction.trim_end_matches('0');
    let sign = if quantity < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Gives a size in the largest binary unit that keeps it at one or more: `812331221` -> `774.7 MiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = 0;
    let mut scaled = bytes as f64 / 1024.0;
    while scaled >= 1024.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{scaled:.1} {}", UNITS[unit])
}

/// Gives a duration: `41.7 s`, `3 min 05 s`, `2 h 04 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..60 => format!("{:.1} s", seconds.max(0.0)),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Gives a rate with three significant digits: `2190000.0` -> `2.19 M`.
pub fn rate(per_second: f64) -> String {
    match per_second {
        value if value >= 1e9 => format!("{:.2} G", value / 1e9),
        value if value >= 1e6 => format!("{:.2} M", value / 1e6),
        value if value >= 1e3 => format!("{:.1} k", value / 1e3),
        value => format!("{:.0}", value.max(0.0)),
    }
}

/// Gives a count with its noun, in the plural unless it is one: `1 file`, `3 files`.
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(counted(1, "file"), "1 file");
        assert_eq!(counted(1_200, "file"), "1,200 files");
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_none() {
        assert_eq!(share(999_999, 1_000_000), "99.99 %");
        assert_eq!(share(1, 1_000_000), "< 0.01 %");
        assert_eq!(share(0, 7), "0.00 %");
        assert_eq!(share(7, 7), "100.00 %");
        assert_eq!(share(0, 0), "–");
        assert_eq!(share(u64::MAX, u64::MAX), "100.00 %");
    }

    #[test]
    fn quantities_keep_what_counts() {
        assert_eq!(millionths(2_500_000), "2.5");
        assert_eq!(millionths(-1), "-0.000001");
        assert_eq!(millionths(1_234_000_000), "1,234");
        assert_eq!(millionths(i128::MAX), "170141183460469231731687303715884.105727");
    }

    #[test]
    fn sizes_durations_and_rates() {
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(812_331_221), "774.7 MiB");
        assert_eq!(duration(41.72), "41.7 s");
        assert_eq!(duration(185.0), "3 min 05 s");
        assert_eq!(duration(7_440.0), "2 h 04 min");
        assert_eq!(rate(2_190_000.0), "2.19 M");
        assert_eq!(rate(12.0), "12");
    }
}
