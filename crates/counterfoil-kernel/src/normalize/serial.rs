//! The serial of a record: raw text to key, layout and steps, in one pass for the common case.

use super::placeholder::WITH_DIGITS;
use super::words::{Worded, by_words};
use super::{
    NO_LAYOUT_CODE, Placeholder, Step, Steps, Tiers, clean, identifier_form, layout_code, layout_text, placeholder, remove_separators,
};
use crate::key::{Key, key_of};

/// What normalization makes of a raw serial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SerialKey {
    /// What kind of value it is.
    pub class: SerialClass,
    /// The key; 0 unless usable.
    pub key: Key,
    /// Where separators stood; [`NO_LAYOUT_CODE`]: see [`Scratch::layout`], to be interned.
    pub layout: u32,
    /// Steps that changed the value.
    pub steps: Steps,
    /// It stands in the digits-only part of the placeholder list.
    pub is_digits: bool,
    /// Key, layout and steps tell the raw value: see [`crate::spelling::Spelling`].
    pub is_spelt: bool,
}

/// What kind of value a serial field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SerialClass {
    /// Nothing.
    Blank,
    /// A listed placeholder, or nothing but separators; its value is [`Scratch::form`].
    Placeholder,
    /// A serial; one of digits alone may yet turn out to be a placeholder.
    Usable,
}

/// Buffers that a worker keeps between values.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The form of the last serial that was a placeholder, or took every step.
    pub form: String,
    /// The key form of the last serial that took every step.
    pub key_form: String,
    /// The layout of the last serial whose layout has no code.
    pub layout: String,
}

/// Normalizes a raw serial.
#[inline(always)]
pub fn serial_key(raw: &str, tiers: Tiers, scratch: &mut Scratch) -> SerialKey {
    serial_key_of_utf8(raw.as_bytes(), tiers, scratch)
}

/// Normalizes a raw serial, given as UTF-8 that was checked before.
///
/// # Panics
/// When it is no UTF-8.
// A call takes as long as a tenth of the work.
#[inline(always)]
pub fn serial_key_of_utf8(raw: &[u8], tiers: Tiers, scratch: &mut Scratch) -> SerialKey {
    let Some(worded) = read_by_words(raw, tiers) else { return serial_key_cleaned(raw, tiers, scratch) };
    let is_spelt = worded.layout != NO_LAYOUT_CODE && !worded.has_mixed_case();
    SerialKey { is_spelt, ..key_of_words(&worded, raw, Steps::default(), &mut scratch.layout) }
}

/// Reads a serial that is no placeholder by words, where the tiers are those that words follow.
// What it gives is large, and would go through memory.
#[inline(always)]
fn read_by_words(bytes: &[u8], tiers: Tiers) -> Option<Worded> {
    let worded = if tiers == Tiers::ALL { by_words(bytes) } else { None };
    worded.filter(|worded| !may_be_placeholder(bytes, worded))
}

/// Makes the key of a serial that was read by words, given the steps that changed it before.
#[inline]
fn key_of_words(worded: &Worded, bytes: &[u8], mut steps: Steps, layout: &mut String) -> SerialKey {
    steps.insert_if(Step::Case, worded.has_lower());
    steps.insert_if(Step::Separators, worded.separators != 0);
    if worded.layout == NO_LAYOUT_CODE {
        layout_text(bytes, layout);
    }
    SerialKey { class: SerialClass::Usable, key: worded.key, layout: worded.layout, steps, is_digits: false, is_spelt: false }
}

/// Normalizes a raw serial that words can't read as it stands: most can once they are clean.
fn serial_key_cleaned(raw: &[u8], tiers: Tiers, scratch: &mut Scratch) -> SerialKey {
    let raw = std::str::from_utf8(raw).expect("the caller checked it");
    if tiers == Tiers::ALL {
        scratch.form.clear();
        let steps = clean(raw, &mut scratch.form);
        let bytes = scratch.form.as_bytes();
        if let Some(worded) = read_by_words(bytes, tiers) {
            return key_of_words(&worded, bytes, steps, &mut scratch.layout);
        }
    }
    serial_key_by_steps(raw, tiers, scratch)
}

/// Tells whether a value could stand in the list of placeholders: cheap, and never wrong about one that does.
#[inline]
fn may_be_placeholder(bytes: &[u8], worded: &Worded) -> bool {
    match (worded.has_digit(), worded.has_letter(), worded.separators != 0) {
        // Every digits-only entry is one digit again and again, or counts up from 0 or 1.
        (true, false, false) => bytes.first() == bytes.last() || bytes.starts_with(b"1234") || bytes.starts_with(b"0123"),
        // Among values of digits with others there is but one.
        (true, true, false) => bytes.len() == WITH_DIGITS.len(),
        (true, _, true) => false,
        (false, ..) => true,
    }
}

/// Normalizes a raw serial step by step.
fn serial_key_by_steps(raw: &str, tiers: Tiers, scratch: &mut Scratch) -> SerialKey {
    let none = |class, steps| SerialKey { class, key: 0, layout: 0, steps, is_digits: false, is_spelt: false };
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
    let layout = if tiers.separators { layout_code(&scratch.form) } else { 0 };
    if layout == NO_LAYOUT_CODE {
        layout_text(scratch.form.as_bytes(), &mut scratch.layout);
    }
    let key = key_of(scratch.key_form.as_bytes());
    SerialKey { class: SerialClass::Usable, key, layout, steps, is_digits: class == Placeholder::Digits, is_spelt: false }
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
        assert_eq!((key("0000").class, key("0000").is_digits), (SerialClass::Usable, true));
        assert_eq!((key("00001").class, key("00001").is_digits), (SerialClass::Usable, false));
        assert_eq!(key("ab-12").key, pack(b"AB12").unwrap());
        assert_eq!(key("ab-12").steps.names().collect::<Vec<_>>(), ["case", "separators"]);
    }

    proptest::proptest! {
        /// Words give what steps give.
        #[test]
        fn words_equal_steps(raw in "[aZ59 @\\[`\\{/:\u{1}\u{7f}\u{a0}\u{e9}-]{0,26}|[A-Ca-c0-39 ._/=+'-]{0,34}|(=\"|'|\u{feff}|[\t ])?[A-Ca-c0-9]{0,2}[\u{2013}\u{200b}\u{ff21}\u{ff11}\u{a0} -]?[A-Ca-c0-9]{1,12}[-./]?[A-C0-9]{0,9}(\"|[\u{a0}\t ]{0,2})| ?0{0,2}(1234?5?6?7?8?9?|[019]{1,6})[ -]?|[Aa][Bb][Cc]1?2?3?") {
            let (mut fast, mut slow) = (Scratch::default(), Scratch::default());
            let left = serial_key(&raw, Tiers::ALL, &mut fast);
            let right = serial_key_by_steps(&raw, Tiers::ALL, &mut slow);
            proptest::prop_assert_eq!(SerialKey { is_spelt: false, ..left }, right);
            if left.layout == NO_LAYOUT_CODE {
                proptest::prop_assert_eq!(fast.layout, slow.layout);
            }
        }
    }
}
