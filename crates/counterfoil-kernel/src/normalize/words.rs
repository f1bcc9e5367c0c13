//! Serials eight characters at a time: a word holds eight of them, the last in its lowest byte.
//!
//! Each step works on all eight bytes at once, so that a serial of letters and digits takes no loop over its characters.

use super::separators::{separator_kind, with_separator};
use crate::key::{Key, PACKED_CHARS_MAX, pack_words};

/// Characters of a word.
const WORD: usize = size_of::<u64>();
/// Words of the longest text.
const WORDS_MAX: usize = 3;
/// The longest text that is read by words.
const BYTES_MAX: usize = WORDS_MAX * WORD;

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
    /// Some character is a digit.
    pub has_digit: bool,
    /// Some character is a letter.
    pub has_letter: bool,
    /// Some letter is in lower case.
    pub has_lower: bool,
    /// Some letter is in upper case.
    pub has_upper: bool,
}

/// Reads a serial without outer blanks; `None`: it is too long for words or for a packed key, or holds something else than letters, digits and
/// single separators.
#[inline]
pub(super) fn by_words(bytes: &[u8]) -> Option<Worded> {
    match bytes.len() {
        0 => None,
        1..=8 => of::<1>(bytes),
        9..=16 => of::<2>(bytes),
        17..=BYTES_MAX => of::<WORDS_MAX>(bytes),
        _ => None,
    }
}

/// Reads a serial of `COUNT` words, the last of which is not empty.
#[inline]
fn of<const COUNT: usize>(bytes: &[u8]) -> Option<Worded> {
    let missing = 8 * (COUNT * WORD - bytes.len()) as u32;
    let mut words = load::<COUNT>(bytes, missing);
    let (mut digits, mut uppers, mut lowers, mut specials) = (0, 0, 0, [0; COUNT]);
    for (at, word) in words.iter_mut().enumerate() {
        let inside = if at + 1 == COUNT { u64::MAX >> missing } else { u64::MAX };
        let classes = Classes::of(*word);
        digits |= classes.digits;
        uppers |= classes.letters & !classes.lowers;
        lowers |= classes.lowers;
        specials[at] = !(classes.digits | classes.letters) & HIGHS & inside;
        *word = word.wrapping_sub(classes.lowers >> (HIGH_BIT - CASE_BIT)).wrapping_sub((ONES * CASE) & inside);
    }
    let mut worded = Worded {
        key: 0,
        separators: 0,
        layout: Some(0),
        has_digit: digits != 0,
        has_letter: uppers | lowers != 0,
        has_lower: lowers != 0,
        has_upper: uppers != 0,
    };
    if specials.iter().any(|&specials| specials != 0) {
        leave_out_separators(&mut words, &specials, bytes, &mut worded)?;
    }
    let characters = bytes.len() - worded.separators as usize;
    if characters == 0 || characters > PACKED_CHARS_MAX {
        return None;
    }
    worded.key = pack_words(&words);
    Some(worded)
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
struct Classes {
    digits: u64,
    letters: u64,
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
        Self { digits, letters, lowers: letters & word << (HIGH_BIT - CASE_BIT) }
    }
}

/// Takes separators out of the words: what stands in front of them moves up. `None` where something else is neither letter nor digit.
#[inline]
fn leave_out_separators<const COUNT: usize>(
    words: &mut [u64; COUNT],
    specials: &[u64; COUNT],
    bytes: &[u8],
    worded: &mut Worded,
) -> Option<()> {
    for (at, &specials) in specials.iter().enumerate() {
        let mut rest = specials;
        while rest != 0 {
            let place = at * WORD + rest.trailing_zeros() as usize / 8;
            rest &= rest - 1;
            let position = bytes.len() - 1 - place;
            let kind = separator_kind(bytes[position]);
            if kind == 0 || bytes[position..].starts_with(b"  ") {
                return None;
            }
            remove(words, place - worded.separators as usize);
            worded.layout = worded.layout.and_then(|code| with_separator(code, worded.separators, position, kind));
            worded.separators += 1;
        }
    }
    Some(())
}

/// Removes the byte at a place, counted from the last character.
#[inline]
fn remove<const COUNT: usize>(words: &mut [u64; COUNT], place: usize) {
    let mut kept = (1 << (place % WORD * 8)) - 1;
    for at in place / WORD..COUNT {
        let next = if at + 1 < COUNT { words[at + 1] } else { 0 };
        words[at] = words[at] & kept | (words[at] >> 8 | next << 56) & !kept;
        kept = 0;
    }
}
