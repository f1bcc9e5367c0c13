//! T1: lossless cleaning of text.

use super::{Step, Steps};

/// Appends the cleaned text to `out` and tells which steps changed it.
///
/// The steps run in order until nothing changes, so that cleaning is idempotent.
///
/// # Source
/// Unicode general categories Cc and Cf, and the White_Space property; the damage table of the project's reference.
pub fn clean(raw: &str, out: &mut String) -> Steps {
    if is_plain(raw.as_bytes()) {
        out.push_str(raw);
        return Steps::default();
    }
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
    // What to look for is found in one pass: most damage is of one kind, and no step makes characters that a later one looks for.
    let sought = text.chars().fold(0, |sought, c| sought | sought_step(c));
    let is_sought = |step: Step| sought >> step as u8 & 1 == 1;
    run(Step::Control, is_sought(Step::Control) && retain(text, |c| !is_dropped_control(c)));
    run(Step::Unwrap, unwrap(text));
    run(Step::Invisible, is_sought(Step::Invisible) && retain(text, |c| !is_invisible(c)));
    run(Step::FullWidth, is_sought(Step::FullWidth) && replace(text, full_width));
    run(Step::Hyphen, is_sought(Step::Hyphen) && replace(text, hyphen));
    run(Step::Trim, trim(text));
    steps
}

/// Gives the step that a character calls for by itself, as a bit.
fn sought_step(c: char) -> u8 {
    let step = match c {
        ' '..='~' => return 0,
        _ if is_dropped_control(c) => Step::Control,
        _ if is_invisible(c) => Step::Invisible,
        _ if full_width(c).is_some() => Step::FullWidth,
        _ if hyphen(c).is_some() => Step::Hyphen,
        _ => return 0,
    };
    1 << step as u8
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
    if let Some(inner) = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')) {
        *text = inner.to_owned();
        return true;
    }
    match text.strip_prefix('\'') {
        Some(rest) if !rest.is_empty() => {
            *text = rest.to_owned();
            true
        }
        _ => false,
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
