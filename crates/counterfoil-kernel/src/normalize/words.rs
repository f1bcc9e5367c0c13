//! Serials eight characters at a time: a word holds eight of them, the last in its lowest byte.
//!
//! Each step works on all eight bytes at once, so that a serial of letters and digits takes no loop over its characters.

use super::separators::{separator_kind, with_separator};
use crate::key::{Key, PACKED_CHARS_MAX, pack_words, without_code};

/// Characters of a word.
const WORD: usize = size_of::<u64>();
/// Words of the longest text.
const WORDS_MAX: usize = PACKED_CHARS_MAX.div_ceil(WORD);

/// One in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
const HIGHS: u64 = ONES << HIGH_BIT;
const HIGH_BIT: u32 = 7;
/// What a letter in lower case is above its upper case, and a character above its code in a packed key.
const CASE: u64 = 1 << CASE_BIT;
const CASE_BIT: u32 = 5;

/// What words tell of a serial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Worded {
    /// The packed key of its key form.
    pub key: Key,
    /// How many characters are separators.
    pub separators: u32,
    /// Where they stand; `None` where that has no code.
    pub layout: Option<u32>,
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
        self.has_lower() && self.classes.uppers != 0
    }
}

/// Reads a serial without outer blanks; `None`: it is too long for a packed key, or holds something else than letters, digits and single separators.
#[inline]
pub(super) fn by_words(bytes: &[u8]) -> Option<Worded> {
    match bytes.len() {
        0 => None,
        1..=8 => of::<1>(bytes),
        9..=16 => of::<2>(bytes),
        17..=PACKED_CHARS_MAX => of::<WORDS_MAX>(bytes),
        _ => None,
    }
}

/// Reads a serial of `COUNT` words, the last of which is not empty.
#[inline]
fn of<const COUNT: usize>(bytes: &[u8]) -> Option<Worded> {
    let missing = 8 * (COUNT * WORD - bytes.len()) as u32;
    let mut words = load::<COUNT>(bytes, missing);
    let (mut all, mut specials) = (Classes::default(), 0);
    for (at, word) in words.iter_mut().enumerate() {
        let inside = if at + 1 == COUNT { u64::MAX >> missing } else { u64::MAX };
        let classes = Classes::of(*word);
        all.add(&classes);
        specials |= bit_a_byte(!(classes.digits | classes.letters) & HIGHS & inside) << (WORD * at);
        *word = word.wrapping_sub(classes.lowers >> (HIGH_BIT - CASE_BIT)).wrapping_sub((ONES * CASE) & inside);
    }
    let mut worded = Worded { key: pack_words(&words), separators: 0, layout: Some(0), classes: all };
    if specials != 0 {
        leave_out_separators(specials, bytes, &mut worded)?;
    }
    (worded.separators as usize != bytes.len()).then_some(worded)
}

/// Takes the bytes into words; the first `missing` bits of the last word stay zero.
#[inline]
fn load<const COUNT: usize>(bytes: &[u8], missing: u32) -> [u64; COUNT] {
    let mut words = [0; COUNT];
    let Some(first) = bytes.first_chunk() else {
        let mut short = [0; WORD];
        short[WORD - bytes.len()..].copy_from_slice(bytes);
        words[0] = u64::from_be_bytes(short);
        return words;
    };
    for (word, bytes) in words.iter_mut().zip(bytes.rchunks_exact(WORD)) {
        *word = u64::from_be_bytes(bytes.try_into().expect("eight bytes are cut off"));
    }
    words[COUNT - 1] = u64::from_be_bytes(*first) >> missing;
    words
}

/// The characters of a word by class: the highest bit of their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Classes {
    digits: u64,
    letters: u64,
    uppers: u64,
    lowers: u64,
}

impl Classes {
    #[inline]
    const fn of(word: u64) -> Self {
        // With the highest bit set no byte borrows from the next, and the bit is left where the byte is not less.
        let high = word | HIGHS;
        let is_ascii = !word & HIGHS;
        let digits = (high - ONES * b'0' as u64) & !(high - ONES * (b'9' as u64 + 1)) & is_ascii;
        let lower = high | (ONES * CASE);
        let letters = (lower - ONES * b'a' as u64) & !(lower - ONES * (b'z' as u64 + 1)) & is_ascii;
        let lowers = letters & word << (HIGH_BIT - CASE_BIT);
        Self { digits, letters, uppers: letters & !lowers, lowers }
    }

    /// Joins the characters of another word: which stand where is lost.
    #[inline]
    const fn add(&mut self, other: &Self) {
        self.digits |= other.digits;
        self.letters |= other.letters;
        self.uppers |= other.uppers;
        self.lowers |= other.lowers;
    }
}

/// Takes separators out of a key that holds them as characters: what stands in front of them moves up. `None` where something else is neither letter
/// nor digit.
#[inline]
fn leave_out_separators(specials: u32, bytes: &[u8], worded: &mut Worded) -> Option<()> {
    let mut rest = specials;
    while rest != 0 {
        let place = rest.trailing_zeros();
        rest &= rest - 1;
        let position = bytes.len() - 1 - place as usize;
        let kind = separator_kind(bytes[position]);
        // Of two blanks the first is come to last.
        if kind == 0 || bytes[position] == b' ' && bytes.get(position + 1) == Some(&b' ') {
            return None;
        }
        worded.key = without_code(worded.key, place - worded.separators);
        worded.layout = worded.layout.and_then(|code| with_separator(code, worded.separators, position, kind));
        worded.separators += 1;
    }
    Some(())
}

/// Gives the bytes whose highest bit is set, one bit each, that of the lowest byte first.
#[inline]
const fn bit_a_byte(highs: u64) -> u32 {
    // The product moves the bit of byte n from 8n by 56 - 7n to 56 + n; no two of its terms meet.
    ((highs >> HIGH_BIT).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}
