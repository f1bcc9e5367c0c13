//! Packing: six bits a character.

use wide::{i16x8, u8x16, u16x8};

use super::Key;

/// The most characters of a packed key form.
///
/// # Source
/// 21 characters of 6 bits are 126 bits; two bits are the tag.
pub const PACKED_CHARS_MAX: usize = 21;

/// Bits of a character.
const CODE_BITS: u32 = 6;

/// Moves the first two of four codes in front of the others.
const FIRST_OF_TWO: i16x8 =
    i16x8::new([1 << (2 * CODE_BITS), 1, 1 << (2 * CODE_BITS), 1, 1 << (2 * CODE_BITS), 1, 1 << (2 * CODE_BITS), 1]);

/// The tag of a packed key.
pub const PACKED: Key = 1 << 126;

/// Packs a key form of at most [`PACKED_CHARS_MAX`] characters between `!` and `_`, injectively.
///
/// `None` when it does not fit. No symbol is zero, so forms of different lengths never meet.
///
/// ```
/// use counterfoil_kernel::key::{pack, unpack_into};
/// let (key, mut form) = (pack(b"AB123").unwrap(), String::new());
/// assert!(unpack_into(key, &mut form));
/// assert_eq!(form, "AB123");
/// assert_eq!(pack("\u{e9}".as_bytes()), None);
/// ```
pub fn pack(key_form: &[u8]) -> Option<Key> {
    if key_form.is_empty() || key_form.len() > PACKED_CHARS_MAX || !key_form.iter().all(|byte| (b'!'..=b'_').contains(byte)) {
        return None;
    }
    Some(key_form.iter().fold(0, |key, byte| key << CODE_BITS | Key::from(byte - b' ')) | PACKED)
}

/// Codes that are packed together.
pub const PACKED_TOGETHER: usize = 16;

/// Packs the codes of at most [`PACKED_CHARS_MAX`] characters: their bytes less a blank's, sixteen in a word, zeros in front of the first.
#[inline]
pub fn pack_codes<const COUNT: usize>(words: [u8x16; COUNT]) -> Key {
    words.into_iter().fold(0, |key, codes| key << (CODE_BITS as usize * PACKED_TOGETHER) | pack_sixteen(codes)) | PACKED
}

/// Takes the code at a place out of a packed key, counted from the last character.
#[inline]
pub const fn without_code(key: Key, place: u32) -> Key {
    let (codes, behind) = (key & !PACKED, (1 << (CODE_BITS * place)) - 1);
    codes & behind | codes >> CODE_BITS & !behind | PACKED
}

/// Moves sixteen codes of six bits together: by two, by four, by eight, and all.
#[inline]
fn pack_sixteen(codes: u8x16) -> Key {
    const {
        assert!(cfg!(target_endian = "little"), "of two codes in a lane the first is the lower byte");
    }
    let lanes: u16x8 = bytemuck::cast(codes);
    let twos = lanes << CODE_BITS & u16x8::splat(0x0fc0) | lanes >> u8::BITS;
    let fours = bytemuck::cast::<_, i16x8>(twos).dot(FIRST_OF_TWO);
    let [first, last] = bytemuck::cast::<_, [u64; 2]>(fours).map(|eight| (eight & 0x00ff_ffff) << (4 * CODE_BITS) | eight >> u32::BITS);
    Key::from(first) << (8 * CODE_BITS) | Key::from(last)
}

/// Writes the key form of a packed key in place of `out`; tells whether it was one.
pub fn unpack_into(key: Key, out: &mut String) -> bool {
    const WORD_CHARS: usize = 10;
    out.clear();
    if key >> 126 != 1 {
        return false;
    }
    // From the last character on, ten in a word: words of 128 bits take longer to shift.
    let mut bytes = [0; PACKED_CHARS_MAX];
    let words = (0..).map(|word| (key & !PACKED) >> (CODE_BITS as usize * WORD_CHARS * word));
    for (bytes, word) in bytes.rchunks_mut(WORD_CHARS).zip(words) {
        for (at, byte) in bytes.iter_mut().rev().enumerate() {
            *byte = (word as u64 >> (CODE_BITS as usize * at)) as u8 & 63;
        }
    }
    let start = bytes.iter().take_while(|&&code| code == 0).count();
    bytes[start..].iter_mut().for_each(|byte| *byte += b' ');
    out.push_str(std::str::from_utf8(&bytes[start..]).expect("packed symbols are ASCII"));
    true
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
            let mut unpacked = "BEFORE".to_owned();
            proptest::prop_assert!(unpack_into(pack(form.as_bytes()).unwrap(), &mut unpacked));
            proptest::prop_assert_eq!(&unpacked, &form);
            proptest::prop_assert!(!unpack_into(crate::key::hash_text(form.as_bytes()) | 1 << 127, &mut unpacked));
        }
    }
}
