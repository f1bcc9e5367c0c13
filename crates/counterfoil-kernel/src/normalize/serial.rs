//! The serial of a record: raw text to key, layout and steps, in one pass for the common case.

use super::placeholder::WITH_DIGITS;
use super::separators::layout_code_at;
use super::{Placeholder, Step, Steps, Tiers, clean, identifier_form, layout_code, layout_text, placeholder, remove_separators};
use crate::key::{Key, PACKED_CHARS_MAX, key_of, pack_codes};

/// What normalization makes of a raw serial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SerialKey {
    /// What kind of value it is.
    pub class: SerialClass,
    /// The key; 0 unless usable.
    pub key: Key,
    /// Where separators stood; `None`: see [`Scratch::layout`], to be interned.
    pub layout: Option<u32>,
    /// Steps that changed the value.
    pub steps: Steps,
}

/// What kind of value a serial field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerialClass {
    /// Nothing.
    Blank,
    /// A listed placeholder, or nothing but separators; its value is [`Scratch::form`].
    Placeholder,
    /// A serial; `digits`: one that may turn out to be a digits-only placeholder.
    Usable {
        /// It stands in the digits-only part of the placeholder list.
        digits: bool,
    },
}

/// Buffers that a worker keeps between values.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The form of the last serial that took the slow way, or was a placeholder.
    pub form: String,
    /// The key form of the last serial that took the slow way.
    pub key_form: String,
    /// The layout of the last serial whose layout has no code.
    pub layout: String,
}

/// Classes of bytes; one with none of them is plain.
const DIGIT: u32 = 1 << 8;
const LETTER_OR_SIGN: u32 = 1 << 9;
const LOWER: u32 = 1 << 10;
const BLANK: u32 = 1 << 11;
/// Not for the fast way.
const SLOW: u32 = 1 << 12;
/// The highest, so that a shift leaves it alone.
const SEPARATOR: u32 = 1 << SEPARATOR_BIT;
const SEPARATOR_BIT: u32 = 13;

/// What the fast way knows of a byte: its class, and below it, in upper case, its six bits in a packed key.
static SYMBOLS: [u32; 256] = {
    let mut symbols = [SLOW; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        let class = match byte {
            b' ' => SEPARATOR | BLANK,
            b'0'..=b'9' => DIGIT,
            b'a'..=b'z' => LETTER_OR_SIGN | LOWER,
            b'-' | b'_' | b'.' | b'/' => SEPARATOR,
            b'=' | b'\'' | b'`' | b'{' | b'|' | b'}' | b'~' => SLOW,
            _ => LETTER_OR_SIGN,
        };
        let code = if class & (SEPARATOR | SLOW) == 0 { byte.to_ascii_uppercase() - b' ' } else { 0 };
        symbols[byte as usize] = class | code as u32;
        byte += 1;
    }
    symbols
};

/// The longest raw serial that takes the fast way: positions of separators fit 32 bits.
const FAST_BYTES_MAX: usize = 32;

/// Normalizes a raw serial.
#[inline]
pub fn serial_key(raw: &str, tiers: Tiers, scratch: &mut Scratch) -> SerialKey {
    let bytes = without_outer_blanks(raw.as_bytes());
    if bytes.len() > FAST_BYTES_MAX || bytes.is_empty() || tiers != Tiers::ALL {
        return serial_key_slow(raw, tiers, scratch);
    }
    // From the end and without a branch for separators: where they stand differs from serial to serial, and a branch missed costs more than a byte.
    let (mut codes, mut free) = ([0; FAST_BYTES_MAX], FAST_BYTES_MAX as u32 - 1);
    let (mut classes, mut separators) = (0, 0);
    for &byte in bytes.iter().rev() {
        let symbol = SYMBOLS[usize::from(byte)];
        let is_separator = symbol >> SEPARATOR_BIT;
        codes[free as usize % FAST_BYTES_MAX] = symbol as u8;
        free = free.wrapping_add(is_separator).wrapping_sub(1);
        separators = separators << 1 | is_separator;
        classes |= symbol;
    }
    let count = (FAST_BYTES_MAX as u32 - 1).wrapping_sub(free) as usize;
    let has_run = || classes & BLANK != 0 && bytes.windows(2).any(|pair| pair == b"  ");
    if classes & SLOW != 0 || count > PACKED_CHARS_MAX || may_be_placeholder(bytes, classes) || has_run() {
        return serial_key_slow(raw, tiers, scratch);
    }
    let mut steps = Steps::default();
    if bytes.len() != raw.len() {
        steps.insert(Step::Trim);
    }
    if classes & LOWER != 0 {
        steps.insert(Step::Case);
    }
    let mut layout = Some(0);
    if separators != 0 {
        steps.insert(Step::Separators);
        layout = layout_code_at(bytes, separators);
        if layout.is_none() {
            layout_text(bytes, &mut scratch.layout);
        }
    }
    SerialKey { class: SerialClass::Usable { digits: false }, key: pack_codes(&codes), layout, steps }
}

fn without_outer_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [rest @ .., b' '] = bytes {
        bytes = rest;
    }
    bytes
}

/// Tells whether a value could stand in the list of placeholders: cheap, and never wrong about one that does.
fn may_be_placeholder(bytes: &[u8], classes: u32) -> bool {
    match classes & (DIGIT | LETTER_OR_SIGN | SEPARATOR) {
        // Every digits-only entry is one digit again and again, or counts up from 0 or 1.
        DIGIT => bytes.first() == bytes.last() || bytes.starts_with(b"1234") || bytes.starts_with(b"0123"),
        // Among values of digits with others there is but one.
        kinds if kinds & DIGIT != 0 => kinds == DIGIT | LETTER_OR_SIGN && bytes.len() == WITH_DIGITS.len(),
        _ => true,
    }
}

fn serial_key_slow(raw: &str, tiers: Tiers, scratch: &mut Scratch) -> SerialKey {
    let none = |class, steps| SerialKey { class, key: 0, layout: Some(0), steps };
    // Blank and placeholder are told by the cleaned, upper-case value, whatever tiers run.
    let mut steps = identifier_form(raw, Tiers::ALL, &mut scratch.form);
    if scratch.form.is_empty() {
        return none(SerialClass::Blank, steps);
    }
    let class = placeholder(&scratch.form);
    let separated = remove_separators(&scratch.form, &mut scratch.key_form);
    if class == Placeholder::Listed || scratch.key_form.is_empty() {
        return none(SerialClass::Placeholder, steps);
    }
    // A digits-only entry compares clean whatever tiers run: all its records must meet to be counted.
    let tiers = if class == Placeholder::Digits { Tiers::ALL } else { tiers };
    if tiers == Tiers::ALL {
        if separated {
            steps.insert(Step::Separators);
        }
    } else {
        steps = identifier_form(raw, tiers, &mut scratch.form);
        if !tiers.separators {
            scratch.key_form.clone_from(&scratch.form);
        } else if remove_separators(&scratch.form, &mut scratch.key_form) {
            steps.insert(Step::Separators);
        }
    }
    let layout = if tiers.separators { layout_code(&scratch.form) } else { Some(0) };
    if layout.is_none() {
        layout_text(scratch.form.as_bytes(), &mut scratch.layout);
    }
    let class = SerialClass::Usable { digits: class == Placeholder::Digits };
    SerialKey { class, key: key_of(scratch.key_form.as_bytes()), layout, steps }
}

/// Makes the key form of a lot into `out`, from its raw text; empty when blank or a placeholder.
///
/// A listed placeholder leaves its value in `scratch.form` and `true` comes back.
pub fn lot_key_form(raw: &str, tiers: Tiers, scratch: &mut Scratch, out: &mut String) -> bool {
    out.clear();
    identifier_form(raw, Tiers::ALL, &mut scratch.form);
    if placeholder(&scratch.form) == Placeholder::Listed {
        return true;
    }
    if scratch.form.is_empty() {
        return false;
    }
    remove_separators(&scratch.form, out);
    if out.is_empty() {
        return true;
    }
    if tiers != Tiers::ALL {
        identifier_form(raw, tiers, &mut scratch.form);
        out.clear();
        if tiers.separators {
            remove_separators(&scratch.form, out);
        } else {
            out.push_str(&scratch.form);
        }
    }
    false
}

/// Makes the form of an item into `out`; empty when blank or a placeholder.
///
/// A listed placeholder leaves its value in `scratch.form` and `true` comes back.
pub fn item_form(raw: &str, tiers: Tiers, scratch: &mut Scratch, out: &mut String) -> bool {
    out.clear();
    let steps = identifier_form(raw, Tiers::ALL, &mut scratch.form);
    if placeholder(&scratch.form) == Placeholder::Listed {
        return true;
    }
    if !scratch.form.is_empty() {
        if tiers.clean && !steps.contains(Step::Case) {
            out.push_str(&scratch.form);
        } else if tiers.clean {
            clean(raw, out);
        } else {
            out.push_str(raw);
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::pack;

    fn key(raw: &str) -> SerialKey {
        serial_key(raw, Tiers::ALL, &mut Scratch::default())
    }

    #[test]
    fn classes() {
        assert_eq!(key("").class, SerialClass::Blank);
        assert_eq!(key(" \u{200b}").class, SerialClass::Blank);
        assert_eq!(key("n/a").class, SerialClass::Placeholder);
        assert_eq!(key("abc123").class, SerialClass::Placeholder);
        assert_eq!(key("-- / --").class, SerialClass::Placeholder);
        assert_eq!(key("0000").class, SerialClass::Usable { digits: true });
        assert_eq!(key("00001").class, SerialClass::Usable { digits: false });
        assert_eq!(key("ab-12").key, pack(b"AB12").unwrap());
        assert_eq!(key("ab-12").steps.names().collect::<Vec<_>>(), ["case", "separators"]);
    }

    proptest::proptest! {
        /// The fast way is the slow way.
        #[test]
        fn fast_equals_slow(raw in "[A-Ca-c0-39 ._/=+'-]{0,34}| ?0{0,2}(1234?5?6?7?8?9?|[019]{1,6})[ -]?|[Aa][Bb][Cc]1?2?3?") {
            let (mut fast, mut slow) = (Scratch::default(), Scratch::default());
            let left = serial_key(&raw, Tiers::ALL, &mut fast);
            let right = serial_key_slow(&raw, Tiers::ALL, &mut slow);
            proptest::prop_assert_eq!(left, right);
            if left.layout.is_none() {
                proptest::prop_assert_eq!(fast.layout, slow.layout);
            }
        }
    }
}
