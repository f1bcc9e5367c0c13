//! Section "Text" and "Dates" of the semantics, one character at a time.

use super::naive::NaiveTiers;

/// Cleans a text (T1): the steps in their order, again until none changes anything, so that the result is idempotent.
pub(super) fn clean(raw: &str) -> String {
    let mut text = raw.to_owned();
    loop {
        let next = trim(&hyphen(&full_width(&invisible(&unwrap_quoted(&control(&text))))));
        if next == text {
            return text;
        }
        text = next;
    }
}

/// Removes control characters other than tab, line feed, carriage return, GS, RS and EOT.
fn control(text: &str) -> String {
    text.chars().filter(|&c| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\u{1d}' | '\u{1e}' | '\u{4}')).collect()
}

/// Unwraps `="0123"`, and removes a leading `'` before a non-empty rest.
fn unwrap_quoted(text: &str) -> String {
    let inner = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    match inner.strip_prefix('\'') {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => inner.to_owned(),
    }
}

/// Removes invisible and bidi characters.
fn invisible(text: &str) -> String {
    text.chars().filter(|&c| !is_format(c)).collect()
}

/// Tells whether a character has the general category Cf (Unicode 16.0).
fn is_format(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x600..=0x605 | 0x61C | 0x6DD | 0x70F | 0x890..=0x891 | 0x8E2 | 0x180E | 0x200B..=0x200F | 0x202A..=0x202E
        | 0x2060..=0x2064 | 0x2066..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB | 0x110BD | 0x110CD | 0x13430..=0x1343F
        | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0001 | 0xE0020..=0xE007F)
}

/// Turns full-width ASCII into ASCII.
fn full_width(text: &str) -> String {
    let narrow = |c: char| match u32::from(c) {
        code @ 0xFF01..=0xFF5E => char::from_u32(code - 0xFF01 + 0x21).expect("the range maps onto printable ASCII"),
        _ => c,
    };
    text.chars().map(narrow).collect()
}

/// Turns hyphen look-alikes into `-`.
fn hyphen(text: &str) -> String {
    text.chars().map(|c| if matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30FC}') { '-' } else { c }).collect()
}

/// Trims white space and turns each inner run of it into one blank.
fn trim(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Gives an identifier after T1, unless that tier is off; a blank one is empty either way.
pub(super) fn text(raw: &str, tiers: NaiveTiers) -> String {
    let cleaned = clean(raw);
    if tiers.clean || cleaned.is_empty() { cleaned } else { raw.to_owned() }
}

/// Gives the form of a serial or lot: the text after T3.
pub(super) fn form(raw: &str, tiers: NaiveTiers) -> String {
    let text = text(raw, tiers);
    if tiers.case { upper(&text) } else { text }
}

/// Gives a code in upper case: a character that would become several stays.
pub(super) fn upper(text: &str) -> String {
    let one = |c: char| if c.to_uppercase().count() == 1 { c.to_uppercase().collect() } else { c.to_string() };
    text.chars().map(one).collect()
}

/// Gives the form of a name: clean and in upper case, whatever tiers run; a sharp s is two letters.
pub(super) fn name(raw: &str) -> String {
    clean(raw).to_uppercase().replace('ẞ', "SS")
}

/// Gives the form of a supplier as a record names it: a listed word names none.
pub(super) fn supplier(raw: &str) -> String {
    let name = name(raw);
    if super::naive_placeholders::is_word(&name) { String::new() } else { name }
}

/// Gives the key form of a serial or lot from its form: without separators (T4).
pub(super) fn key_form(form: &str, tiers: NaiveTiers) -> String {
    if tiers.separators { form.chars().filter(|c| !matches!(c, ' ' | '-' | '_' | '.' | '/')).collect() } else { form.to_owned() }
}

/// Gives the look-alike fold of a key form: O/0 I/1 S/5 B/8 Z/2 G/6.
pub(super) fn look_alike_fold(key: &str) -> String {
    let fold = |c| match c {
        'O' => '0',
        'I' => '1',
        'S' => '5',
        'B' => '8',
        'Z' => '2',
        'G' => '6',
        other => other,
    };
    key.chars().map(fold).collect()
}

/// Reads a date as days from 1970-01-01; `None` when it is blank, unreadable, or stands for a blank one.
pub fn day(raw: &str) -> Option<i32> {
    // Days count from 1970-01-02 to 2149-06-06.
    written_day(raw).filter(|days| (1..=65_535).contains(days))
}

/// Gives a date as it compares: by day, also by one that does not count; blank for zeros, 1900-01-01 and 1970-01-01; else by its text.
pub(super) fn date(raw: &str) -> String {
    let text = clean(raw);
    if ["0", "00000000", "0000-00-00"].contains(&text.as_str()) {
        return String::new();
    }
    match written_day(raw) {
        Some(0 | -25_567) => String::new(),
        Some(days) => days.to_string(),
        None => text,
    }
}

/// Reads a date of any year as days since 1970-01-01.
fn written_day(raw: &str) -> Option<i32> {
    let text = clean(raw);
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<i32>().ok()).flatten();
    let (parts, rest) = match text.get(..10) {
        Some(head) if &head[4..5] == "-" && &head[7..8] == "-" => ((&text[..4], &text[5..7], &text[8..10]), &text[10..]),
        _ => ((text.get(..4)?, text.get(4..6)?, text.get(6..8)?), &text[8..]),
    };
    let (year, month, day) = (digits(parts.0)?, digits(parts.1)?, digits(parts.2)?);
    if !rest.is_empty() && !is_time(rest) {
        return None;
    }
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(usize::try_from(month - 1).ok()?)?;
    if !(1..=length).contains(&day) {
        return None;
    }
    let leaps_before = |year: i32| (year - 1).div_euclid(4) - (year - 1).div_euclid(100) + (year - 1).div_euclid(400);
    let years = (year - 1970) * 365 + leaps_before(year) - leaps_before(1970);
    let months: i32 = lengths[..usize::try_from(month - 1).ok()?].iter().sum();
    Some(years + months + day - 1)
}

/// Tells whether what follows a date is a time: `T` or a blank, then hours.
fn is_time(rest: &str) -> bool {
    let mut characters = rest.chars();
    matches!(characters.next(), Some('T' | ' ')) && characters.next().is_some_and(|c| c.is_ascii_digit())
}

/// Reads a decimal number in one spelling for each value: `1`, `1.0` and `01` are the same; its text when it can't be read.
pub(super) fn number(raw: &str) -> String {
    let text = clean(raw);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(&text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || !whole.chars().chain(fraction.chars()).all(|c| c.is_ascii_digit()) {
        return text;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    if whole.is_empty() && fraction.is_empty() { "0".to_owned() } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Normalization is idempotent: a form is its own form, a key form its own key form.
        #[test]
        fn forms_are_stable(raw in "[ ='\"a-cＡ-Ｃ＝＇＂ー\\-_./\u{200b}\u{a0}\u{0}\u{1d}ßéİ]{0,12}|\\PC{0,12}") {
            let all = NaiveTiers::default();
            let form = form(&raw, all);
            let key = key_form(&form, all);
            prop_assert_eq!(super::form(&form, all), form.clone());
            prop_assert_eq!(key_form(&key, all), key);
        }
    }

    #[test]
    fn cleaning_follows_each_step() {
        for (raw, cleaned) in [
            ("", ""),
            (" \u{a0}\t\u{3000}", ""),
            ("\u{feff}\u{200b}\u{ad}", ""),
            ("A\u{0}\u{1}B\u{1d}C", "AB\u{1d}C"),
            ("=\"0123\"", "0123"),
            ("=\"\"", ""),
            ("=\"", "=\""),
            ("'0123", "0123"),
            ("'", "'"),
            (" a \n b ", "a b"),
            ("a\u{200b}b", "ab"),
            ("ＡＢ－１２", "AB-12"),
            ("A\u{2010}B\u{2015}C\u{2212}D\u{30fc}E", "A-B-C-D-E"),
            (" =\"0123\" ", "0123"),
            ("＝＂0123＂", "0123"),
            ("=\"=\"7\"\"", "7"),
        ] {
            assert_eq!(clean(raw), cleaned, "{raw:?}");
            assert_eq!(clean(cleaned), cleaned, "{raw:?} twice");
        }
    }

    #[test]
    fn case_and_separators_stand_above_cleaning() {
        let all = NaiveTiers::default();
        assert_eq!(form(" ab\u{200b}-1 2", all), "AB-1 2");
        assert_eq!(key_form("AB-1 2_3.4/5\\6", all), "AB12345\\6");
        assert_eq!(form(" ab", NaiveTiers { case: false, ..all }), "ab");
        assert_eq!(form(" ab", NaiveTiers { clean: false, ..all }), " AB");
        assert_eq!(form("\u{200b}", NaiveTiers { clean: false, ..all }), "");
        assert_eq!(key_form("A-1", NaiveTiers { separators: false, ..all }), "A-1");
    }

    #[test]
    fn days_follow_the_calendar() {
        for (raw, days) in [
            ("1970-01-02", Some(1)),
            ("1972-02-29", Some(789)),
            ("1972-03-01", Some(790)),
            ("2000-03-01", Some(11_017)),
            ("20260630", Some(20_634)),
            ("2026-06-30T23:59:59Z", Some(20_634)),
            ("20260630 10:00", Some(20_634)),
            ("2149-06-06", Some(65_535)),
            ("2149-06-07", None),
            ("1970-01-01", None),
            ("1900-01-01", None),
            ("00000000", None),
            ("2026-02-29", None),
            ("2026-13-01", None),
            ("30.06.2026", None),
            ("2026-06-30x", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(day(raw), days, "{raw:?}");
        }
    }

    #[test]
    fn dates_that_do_not_count_compare_as_they_are_written() {
        for (raw, compared) in [
            ("", ""),
            ("00000000", ""),
            ("1900-01-01", ""),
            ("1970-01-01", ""),
            ("1970-01-02", "1"),
            ("1969-12-31", "-1"),
            ("9999-12-31", "2932896"),
            ("99991231", "2932896"),
            (" soon", "soon"),
        ] {
            assert_eq!(date(raw), compared, "{raw:?}");
        }
    }

    #[test]
    fn numbers_have_one_spelling() {
        for (raw, spelled) in [
            ("1", "1."),
            ("01.0", "1."),
            ("+1", "1."),
            ("-0.50", "-.5"),
            ("0", "0"),
            ("-0.0", "0"),
            ("1,5 ", "1,5"),
            (".", "."),
            ("x", "x"),
            ("1.00000010", "1.0000001"),
            ("", ""),
        ] {
            assert_eq!(number(raw), spelled, "{raw:?}");
        }
    }
}
