//! Spelling: the raw text of a serial, where its record tells it.

use crate::key::{Key, unpack};
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

    /// Writes the raw text in place of `out`; tells whether the record tells it.
    pub fn write(&self, out: &mut String) -> bool {
        out.clear();
        if !self.is_told {
            return false;
        }
        let key = self.key.iter().rev().fold(0, |key: Key, &word| key << u32::BITS | Key::from(word));
        let key_form = unpack(key).expect("only packed keys tell a text");
        let mut rest = key_form.as_str();
        for (position, separator) in separators_of(self.layout) {
            let (front, back) = rest.split_at(position - out.len());
            out.push_str(front);
            out.push(separator);
            rest = back;
        }
        out.push_str(rest);
        if Steps(self.steps).contains(Step::Case) {
            out.make_ascii_lowercase();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::{Scratch, Tiers, serial_key};

    /// Gives what a record with this serial tells of it.
    fn told(raw: &str) -> Option<String> {
        let serial = serial_key(raw, Tiers::ALL, &mut Scratch::default());
        let flags = Flags(if serial.is_spelt { Flags::SPELT } else { 0 });
        let layout = serial.layout.unwrap_or(1 << 31);
        let record = Record { key: serial.key, layout, steps: serial.steps, flags, ..bytemuck::Zeroable::zeroed() };
        let mut out = String::from("before");
        Spelling::of(&record).write(&mut out).then_some(out)
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
