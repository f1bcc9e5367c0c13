//! Packing: six bits a character.

use super::Key;

/// The most characters of a packed key form.
///
/// # Source
/// 21 characters of 6 bits are 126 bits; two bits are the tag.
pub const PACKED_CHARS_MAX: usize = 21;

/// Bits of a character.
const CODE_BITS: u32 = 6;

/// The tag of a packed key.
pub const PACKED: Key = 1 << 126;

/// Packs a key form of at most [`PACKED_CHARS_MAX`] characters between `!` and `_`, injectively.
///
/// `None` when it does not fit. No symbol is zero, so forms of different lengths never meet.
///
/// ```
/// use counterfoil_kernel::key::{pack, unpack};
/// let key = pack(b"AB123").unwrap();
/// assert_eq!(unpack(key).unwrap(), "AB123");
/// assert_eq!(pack("\u{e9}".as_bytes()), None);
/// ```
pub fn pack(key_form: &[u8]) -> Option<Key> {
    if key_form.is_empty() || key_form.len() > PACKED_CHARS_MAX || !key_form.iter().all(|byte| (b'!'..=b'_').contains(byte)) {
        return None;
    }
    let mut words = [0; PACKED_CHARS_MAX.div_ceil(8)];
    for (word, bytes) in words.iter_mut().zip(key_form.rchunks(8)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u64::from(byte - b' '));
    }
    Some(pack_words(&words))
}

/// Packs the codes of at most [`PACKED_CHARS_MAX`] characters: their bytes less a blank's, eight in a word, the last in the lowest byte of the first word.
#[inline]
pub fn pack_words<const COUNT: usize>(words: &[u64; COUNT]) -> Key {
    words.iter().rev().fold(0, |key, &word| key << 48 | Key::from(pack_eight(word))) | PACKED
}

/// Takes the code at a place out of a packed key, counted from the last character.
#[inline]
pub const fn without_code(key: Key, place: u32) -> Key {
    let (codes, behind) = (key & !PACKED, (1 << (CODE_BITS * place)) - 1);
    codes & behind | codes >> CODE_BITS & !behind | PACKED
}

/// Moves eight codes of six bits together, first by two, then by four.
#[inline]
const fn pack_eight(codes: u64) -> u64 {
    let pairs = codes & 0x003f_003f_003f_003f | (codes & 0x3f00_3f00_3f00_3f00) >> 2;
    let fours = pairs & 0x0000_0fff_0000_0fff | (pairs & 0x0fff_0000_0fff_0000) >> 4;
    fours & 0x00ff_ffff | (fours & 0x00ff_ffff_0000_0000) >> 8
}

/// Gives back the key form of a packed key; `None` for another key.
pub fn unpack(key: Key) -> Option<String> {
    if key >> 126 != 1 {
        return None;
    }
    let mut rest = key & (PACKED - 1);
    let mut bytes = Vec::with_capacity(PACKED_CHARS_MAX);
    while rest != 0 {
        bytes.push((rest & 63) as u8 + b' ');
        rest >>= 6;
    }
    bytes.reverse();
    Some(String::from_utf8(bytes).expect("packed symbols are ASCII"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_values() {
        assert_eq!(pack(b"A"), Some(1 << 126 | 33));
        assert_eq!(pack(b"AB"), Some(1 << 126 | 33 << 6 | 34));
        assert_eq!(pack(b""), None);
        assert_eq!(pack(b"a"), None);
        assert_eq!(pack(&[b'A'; 22]), None);
    }

    proptest::proptest! {
        #[test]
        fn round_trip(form in "[!-_]{1,21}") {
            let key = pack(form.as_bytes()).unwrap();
            proptest::prop_assert_eq!(unpack(key).unwrap(), form);
        }
    }
}
