//! T1: lossless cleaning of text.

use super::{Step, Steps};

/// Appends the cleaned text to `out` and tells which steps changed it.
///
/// As if the steps ran in order until nothing changes: so cleaning is idempotent.
///
/// # Source
/// Unicode general categories Cc and Cf, and the White_Space property; the damage table of the project's reference.
pub fn clean(raw: &str, out: &mut String) -> Steps {
    if is_plain(raw.as_bytes()) {
        out.push_str(raw);
        return Steps::default();
    }
    clean_in_one_pass(raw, out).unwrap_or_else(|| clean_in_rounds(raw, out))
}

/// Cleans a text in which no step brings work for another. Gives nothing, and leaves `out` as it was, where a wrapping may come to light under others.
fn clean_in_one_pass(raw: &str, out: &mut String) -> Option<Steps> {
    let start = out.len();
    out.reserve(raw.len());
    let unwrapped = unwrapped(raw);
    let mut steps = Steps::default();
    steps.insert_if(Step::Unwrap, unwrapped.is_some());
    let mut is_after_blank = false;
    let mut rest = unwrapped.unwrap_or(raw);
    loop {
        let plain = rest.bytes().take_while(|&byte| KINDS[usize::from(byte)] == 0).count();
        let (kept, other) = rest.split_at(plain);
        if plain > 0 {
            append(kept, start, out, &mut is_after_blank);
        }
        let mut others = other.chars();
        let Some(c) = others.next() else { break };
        rest = others.as_str();
        let (replaced, step) = kind_of(c);
        steps.0 |= step.map_or(0, |step| 1 << step as u8);
        match replaced {
            '\0' => {}
            ' ' => {
                steps.insert_if(Step::Trim, is_after_blank || out.len() == start);
                is_after_blank = true;
            }
            _ => append(replaced.encode_utf8(&mut [0; 4]), start, out, &mut is_after_blank),
        }
    }
    steps.insert_if(Step::Trim, is_after_blank);
    // A quote before nothing but what is dropped wraps nothing.
    let is_in_doubt = out[start..].starts_with(['=', '\'']) || unwrapped.is_some() && out.len() == start;
    if is_in_doubt {
        out.truncate(start);
    }
    (!is_in_doubt).then_some(steps)
}

/// Appends text that is no blank, behind the blank before it unless it is the first.
fn append(text: &str, start: usize, out: &mut String, is_after_blank: &mut bool) {
    if std::mem::take(is_after_blank) && out.len() > start {
        out.push(' ');
    }
    out.push_str(text);
}

/// Gives what a character becomes, NUL for nothing and a blank for any white space, and the step that does it.
fn kind_of(c: char) -> (char, Option<Step>) {
    if c == ' ' {
        (c, None)
    } else if is_dropped_control(c) {
        ('\0', Some(Step::Control))
    } else if is_invisible(c) {
        ('\0', Some(Step::Invisible))
    } else if let Some(plain) = full_width(c) {
        (plain, Some(Step::FullWidth))
    } else if let Some(plain) = hyphen(c) {
        (plain, Some(Step::Hyphen))
    } else if c.is_whitespace() {
        (' ', Some(Step::Trim))
    } else {
        (c, None)
    }
}

/// Cleans any text, step by step until nothing changes.
fn clean_in_rounds(raw: &str, out: &mut String) -> Steps {
    let mut steps = Steps::default();
    let mut text = raw.to_owned();
    loop {
        let round = clean_once(&mut text);
        steps.0 |= round.0;
        if round == Steps::default() || is_plain(text.as_bytes()) {
            break;
        }
    }
    out.push_str(&text);
    steps
}

/// Tells whether cleaning would change nothing, by bytes alone: printable ASCII, no outer or double blank, no wrapping.
fn is_plain(bytes: &[u8]) -> bool {
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return true };
    if first == b' ' || last == b' ' || first == b'=' || first == b'\'' {
        return false;
    }
    let kinds = bytes.iter().fold(0, |kinds, &byte| kinds | KINDS[usize::from(byte)]);
    kinds & OTHER == 0 && (kinds & BLANK == 0 || !bytes.windows(2).any(|pair| pair == b"  "))
}

/// Kinds of bytes: blanks, and what is no printable ASCII.
const BLANK: u8 = 1;
const OTHER: u8 = 2;

static KINDS: [u8; 256] = {
    let mut kinds = [OTHER; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        kinds[byte as usize] = if byte == b' ' { BLANK } else { 0 };
        byte += 1;
    }
    kinds
};

fn clean_once(text: &mut String) -> Steps {
    let mut steps = Steps::default();
    let mut run = |step: Step, changed: bool| {
        if changed {
            steps.insert(step);
        }
    };
    run(Step::Control, retain(text, |c| !is_dropped_control(c)));
    run(Step::Unwrap, unwrap(text));
    run(Step::Invisible, retain(text, |c| !is_invisible(c)));
    run(Step::FullWidth, replace(text, full_width));
    run(Step::Hyphen, replace(text, hyphen));
    run(Step::Trim, trim(text));
    steps
}

fn retain(text: &mut String, keep: impl Fn(char) -> bool) -> bool {
    let before = text.len();
    text.retain(keep);
    text.len() != before
}

fn replace(text: &mut String, map: impl Fn(char) -> Option<char>) -> bool {
    let mut is_changed = false;
    let replaced = text.chars().map(|c| map(c).inspect(|_| is_changed = true).unwrap_or(c)).collect();
    *text = replaced;
    is_changed
}

/// GS, RS and EOT separate the fields of a scanned label, so they stay; tab and line ends are white space.
fn is_dropped_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{1d}' | '\u{1e}' | '\u{4}')
}

fn unwrap(text: &mut String) -> bool {
    let inner = unwrapped(text).map(str::to_owned);
    inner.map(|inner| *text = inner).is_some()
}

/// Gives what spreadsheets wrap to keep it text.
fn unwrapped(text: &str) -> Option<&str> {
    match text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => Some(inner),
        None => text.strip_prefix('\'').filter(|rest| !rest.is_empty()),
    }
}

/// General category Cf (Unicode 16).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

fn full_width(c: char) -> Option<char> {
    matches!(c, '\u{ff01}'..='\u{ff5e}').then(|| char::from_u32(c as u32 - 0xfee0).expect("U+FF01 to U+FF5E lie 0xFEE0 above ASCII"))
}

fn hyphen(c: char) -> Option<char> {
    matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}').then_some('-')
}

fn trim(text: &mut String) -> bool {
    let is_trimmed = |text: &str| text.split(' ').all(|word| !word.is_empty() && !word.contains(char::is_whitespace));
    if text.is_empty() || is_trimmed(text) {
        return false;
    }
    let mut trimmed = String::with_capacity(text.len());
    for word in text.split(char::is_whitespace).filter(|word| !word.is_empty()) {
        if !trimmed.is_empty() {
            trimmed.push(' ');
        }
        trimmed.push_str(word);
    }
    *text = trimmed;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        /// One pass gives what rounds give, wherever it gives anything: everywhere but where a wrapping comes to light on the way.
        #[test]
        fn one_pass_equals_rounds(raw in "[ \t'=\"aZ5-]{0,3}[ \t\r\u{a0}\u{3000}\u{85}\u{b}\u{1d}aZ5\u{e9}'=\"\u{200b}\u{feff}\u{7f}\u{0}\u{ff0d}\u{ff21}\u{ff1d}\u{ff07}\u{2013}\u{30fc}-]{0,9}[ \"\u{200b}a]{0,3}") {
            let (mut fast, mut slow) = ("before ".to_owned(), "before ".to_owned());
            let steps = clean_in_rounds(&raw, &mut slow);
            match clean_in_one_pass(&raw, &mut fast) {
                Some(found) => proptest::prop_assert_eq!((fast, found), (slow, steps)),
                None => {
                    proptest::prop_assert_eq!(fast, "before ");
                    // Under what is dropped, and one wrapping, stands the start of another, or nothing.
                    let inner = unwrapped(&raw).unwrap_or(&raw);
                    let first = inner.chars().find(|&c| !is_dropped_control(c) && !is_invisible(c) && !c.is_whitespace());
                    let is_in_doubt = first.map_or(inner != raw, |first| "='\u{ff1d}\u{ff07}".contains(first));
                    proptest::prop_assert!(is_in_doubt, "{:?}", first);
                }
            }
        }
    }
}
