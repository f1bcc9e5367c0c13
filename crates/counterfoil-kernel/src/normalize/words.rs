//! Serials sixteen characters at a time: a word is a vector of their bytes, the first in front.
//!
//! Each step works on all sixteen at once, so that a serial of letters and digits takes no loop over its characters.

use wide::{i8x16, u8x16};

use super::separators::{HAS_SEPARATORS, LAYOUT_SEPARATORS_MAX, NO_LAYOUT_CODE, POSITIONS, separator_code, separator_kind};
use crate::key::{Key, PACKED_CHARS_MAX, PACKED_TOGETHER, pack_codes, without_code};

/// Characters of a word.
const CHARS: usize = PACKED_TOGETHER;
/// Characters that are loaded together.
const HALF: usize = CHARS / 2;

/// What a letter in lower case is above its upper case, and a character above its code in a packed key.
const CASE: u8 = 32;

/// What words tell of a serial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Worded {
    /// The packed key of its key form.
    pub key: Key,
    /// How many characters are separators.
    pub separators: u32,
    /// Where they stand, or [`super::NO_LAYOUT_CODE`].
    pub layout: u32,
    /// Its characters by class.
    classes: Classes,
}

impl Worded {
    /// Tells whether some character is a digit.
    #[inline]
    pub const fn has_digit(&self) -> bool {
        self.classes.digits != 0
    }

    /// Tells whether some character is a letter.
    #[inline]
    pub const fn has_letter(&self) -> bool {
        self.classes.letters != 0
    }

    /// Tells whether some letter is in lower case.
    #[inline]
    pub const fn has_lower(&self) -> bool {
        self.classes.lowers != 0
    }

    /// Tells whether letters are in both cases.
    #[inline]
    pub const fn has_mixed_case(&self) -> bool {
        self.has_lower() && self.classes.lowers != self.classes.letters
    }
}

/// Reads a serial; `None`: it is too long for a packed key, has outer blanks, or holds something else than letters, digits and single separators.
// What it gives is large, and would go through memory.
#[inline(always)]
pub(super) fn by_words(bytes: &[u8]) -> Option<Worded> {
    let length = bytes.len();
    let (key, classes) = match length {
        1..HALF => codes_of([[0, short(bytes)]], length),
        HALF..=CHARS => codes_of([halves(bytes)?], length),
        ..=PACKED_CHARS_MAX if length > 0 => codes_of([[0, before(bytes, length - HALF)?], halves(&bytes[length - CHARS..])?], length),
        _ => return None,
    };
    let specials = !(classes.digits | classes.letters) & ((1 << length) - 1);
    let mut worded = Worded { key, separators: 0, layout: 0, classes };
    if specials != 0 {
        leave_out_separators(specials, bytes, &mut worded)?;
    }
    (worded.separators as usize != length).then_some(worded)
}

/// Loads fewer characters than a half holds.
#[inline]
fn short(bytes: &[u8]) -> u64 {
    let mut half = [0; HALF];
    half[HALF - bytes.len()..].copy_from_slice(bytes);
    u64::from_le_bytes(half)
}

/// Loads the characters of a word.
#[inline]
fn halves(bytes: &[u8]) -> Option<[u64; 2]> {
    Some([before(bytes, bytes.len())?, u64::from_le_bytes(*bytes.last_chunk()?)])
}

/// Loads the characters in front of the last eight of `count`, of which there are at most eight.
#[inline]
fn before(bytes: &[u8], count: usize) -> Option<u64> {
    // A word can't be shifted by all its bits at once.
    let missing = 4 * (CHARS - count);
    Some(u64::from_le_bytes(*bytes.first_chunk()?) << missing << missing)
}

/// Packs the characters of words, of which the first begins with zeros where characters are missing: a key in upper case that still holds separators.
#[inline]
fn codes_of<const COUNT: usize>(words: [[u64; 2]; COUNT], length: usize) -> (Key, Classes) {
    let mut classes = Classes::default();
    let mut codes = [u8x16::ZERO; COUNT];
    for (at, (halves, codes)) in words.into_iter().zip(&mut codes).enumerate() {
        let word: i8x16 = bytemuck::cast(halves);
        let lowers = classes.add(word, CHARS * at);
        // Where no character stands, zero stays zero.
        let upper = bytemuck::cast::<_, u8x16>(word).saturating_sub(u8x16::splat(CASE));
        *codes = upper - (bytemuck::cast::<_, u8x16>(lowers) & u8x16::splat(CASE));
    }
    (pack_codes(codes), classes.from(CHARS * COUNT - length))
}

/// The characters of a serial by class, one bit each, that of the first character first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Classes {
    digits: u32,
    letters: u32,
    lowers: u32,
}

impl Classes {
    /// Adds the characters of a word, the first of which stands at `at`; gives which are letters in lower case.
    #[inline]
    fn add(&mut self, word: i8x16, at: usize) -> i8x16 {
        // Whatever is no ASCII is less than all that is compared with.
        let is_in =
            |bytes: i8x16, first: u8, last: u8| bytes.simd_gt(i8x16::splat(first as i8 - 1)) & bytes.simd_lt(i8x16::splat(last as i8 + 1));
        let letters = is_in(word | i8x16::splat(CASE as i8), b'a', b'z');
        let lowers = letters & word.simd_gt(i8x16::splat(b'Z' as i8));
        self.digits |= is_in(word, b'0', b'9').to_bitmask() << at;
        self.letters |= letters.to_bitmask() << at;
        self.lowers |= lowers.to_bitmask() << at;
        lowers
    }

    /// Leaves out what stands in front of the first character.
    #[inline]
    const fn from(self, first: usize) -> Self {
        Self { digits: self.digits >> first, letters: self.letters >> first, lowers: self.lowers >> first }
    }
}

/// Takes separators out of a key that holds them as characters: what stands in front of them moves up. `None` where something else is neither letter
/// nor digit.
#[inline]
fn leave_out_separators(specials: u32, bytes: &[u8], worded: &mut Worded) -> Option<()> {
    const {
        assert!(PACKED_CHARS_MAX <= POSITIONS, "codes can name every position");
    }
    let mut rest = specials;
    while rest != 0 {
        let position = rest.ilog2() as usize;
        rest ^= 1 << position;
        let place = (bytes.len() - 1 - position) as u32;
        let kind = separator_kind(bytes[position]);
        // Outer blanks are no part of a serial, and of two blanks the first, which is come to last, is one too many.
        let is_misplaced = || position == 0 || matches!(bytes.get(position + 1), None | Some(b' '));
        if kind == 0 || bytes[position] == b' ' && is_misplaced() {
            return None;
        }
        worded.key = without_code(worded.key, place - worded.separators);
        // Beyond what a code holds it is lost, and none is needed: see below.
        worded.layout |= separator_code(position, kind).checked_shl(8 * worded.separators).unwrap_or(0);
        worded.separators += 1;
    }
    worded.layout = if worded.separators > LAYOUT_SEPARATORS_MAX { NO_LAYOUT_CODE } else { worded.layout | HAS_SEPARATORS };
    Some(())
}
