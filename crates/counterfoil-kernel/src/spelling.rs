//! Spelling: the raw text of a serial, where its record tells it.

use crate::key::{Key, unpack_into};
use crate::normalize::{Step, Steps, separators_of};
use crate::record::{Flags, Record};

/// What a record tells of its raw serial.
///
/// Most serials are written as their forms, or in lower case throughout: those follow from key, layout and steps, and need not be read a second time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spelling {
    key: [u32; 4],
    layout: u32,
    steps: u8,
    is_told: bool,
}

impl Spelling {
    /// Takes what a record tells.
    #[inline]
    pub const fn of(record: &Record) -> Self {
        let (key, is_told) = (record.key, record.flags.has(Flags::SPELT));
        let key = [key as u32, (key >> 32) as u32, (key >> 64) as u32, (key >> 96) as u32];
        Self { key, layout: record.layout, steps: record.steps.0, is_told }
    }

    /// Gives it as three words.
    #[inline]
    pub const fn words(&self) -> [u64; 3] {
        let [first, second, third, fourth] = self.key;
        let rest = self.layout as u64 | (self.steps as u64) << 32 | (self.is_told as u64) << 40;
        [first as u64 | (second as u64) << 32, third as u64 | (fourth as u64) << 32, rest]
    }

    /// Takes it from its words.
    pub const fn of_words([front, back, rest]: [u64; 3]) -> Self {
        let key = [front as u32, (front >> 32) as u32, back as u32, (back >> 32) as u32];
        Self { key, layout: rest as u32, steps: (rest >> 32) as u8, is_told: rest >> 40 & 1 == 1 }
    }

    /// Gives the steps that changed the serial.
    pub const fn steps(&self) -> Steps {
        Steps(self.steps)
    }

    /// Tells the texts of the serial in place of `out`, if the record does.
    pub fn tell<'t>(&self, out: &'t mut Told) -> Option<&'t Told> {
        if !self.is_told {
            return None;
        }
        let key = self.key.iter().rev().fold(0, |key: Key, &word| key << u32::BITS | Key::from(word));
        let Told { key_form, form, raw, is_plain } = out;
        assert!(unpack_into(key, key_form), "only packed keys tell a text");
        let is_lower = self.steps().contains(Step::Case);
        *is_plain = self.layout == 0 && !is_lower;
        if *is_plain {
            return Some(out);
        }
        form.clear();
        let mut rest = key_form.as_str();
        for (position, separator) in separators_of(self.layout) {
            let (front, back) = rest.split_at(position - form.len());
            form.push_str(front);
            form.push(separator);
            rest = back;
        }
        form.push_str(rest);
        raw.clone_from(form);
        if is_lower {
            raw.make_ascii_lowercase();
        }
        Some(out)
    }
}

/// The texts of a serial as its record tells them.
#[derive(Debug, Default)]
pub struct Told {
    key_form: String,
    form: String,
    raw: String,
    /// All are the key form.
    is_plain: bool,
}

impl Told {
    /// Gives the key form.
    pub fn key_form(&self) -> &str {
        &self.key_form
    }

    /// Gives the form.
    pub fn form(&self) -> &str {
        if self.is_plain { &self.key_form } else { &self.form }
    }

    /// Gives the raw text.
    pub fn raw(&self) -> &str {
        if self.is_plain { &self.key_form } else { &self.raw }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::{Scratch, Tiers, identifier_form, remove_separators, serial_key};

    /// Gives the raw text that a record with this serial tells, whose forms are those made from it.
    fn told(raw: &str) -> Option<String> {
        let serial = serial_key(raw, Tiers::ALL, &mut Scratch::default());
        let flags = Flags(if serial.is_spelt { Flags::SPELT } else { 0 });
        let layout = serial.layout;
        let record = Record { key: serial.key, layout, steps: serial.steps, flags, ..bytemuck::Zeroable::zeroed() };
        let mut told = Told { key_form: "BEFORE".to_owned(), form: "BEFORE".to_owned(), raw: "before".to_owned(), is_plain: false };
        let spelling = Spelling::of(&record);
        assert_eq!(Spelling::of_words(spelling.words()), spelling);
        let told = spelling.tell(&mut told)?;
        let (mut form, mut key_form) = (String::new(), String::new());
        identifier_form(told.raw(), Tiers::ALL, &mut form);
        remove_separators(&form, &mut key_form);
        assert_eq!((told.form(), told.key_form(), spelling.steps()), (&*form, &*key_form, serial.steps));
        Some(told.raw().to_owned())
    }

    #[test]
    fn forms_and_lower_case_are_told() {
        for raw in ["AB123", "ab123", "-1", "AB-12/3", "a.b1 c", "52341", "ABCDEFGHIJKLMNOPQRST1", "A1-B-C-"] {
            assert_eq!(told(raw).as_deref(), Some(raw));
        }
        // Mixed case, outer blanks, damage, more separators than a layout holds, a key that is hashed, no key.
        for raw in [
            "aB123",
            "X0000000x",
            "A1234567a1234567",
            "Ab345678Ab345678Ab345678",
            " AB123",
            "=\"AB123\"",
            "\u{ff21}123",
            "A-B-C-D-E",
            "ABCDEFGHIJKLMNOPQRSTU12",
            "n/a",
            "",
            "  ",
            "0000",
        ] {
            assert_eq!(told(raw), None, "{raw}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_told_is_what_was_written(raw in "[aAbB1-]{0,26}|[A-Za-c0-39 ._/=+'-]{0,26}|[A-C0-9]{1,9}[ ./_-]?[A-C0-9]{1,9}|[a-c0-9]{1,9}[ ./_-]?[a-c0-9]{1,9}") {
            if let Some(told) = told(&raw) {
                proptest::prop_assert_eq!(told, raw);
            }
        }
    }
}
