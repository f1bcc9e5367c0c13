//! Packing: six bits a character.

use super::Key;

/// The most characters of a packed key form.
///
/// # Source
/// 21 characters of 6 bits are 126 bits; two bits are the tag.
pub const PACKED_CHARS_MAX: usize = 21;

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
    if key_form.is_empty() || key_form.len() > PACKED_CHARS_MAX {
        return None;
    }
    let (head, tail) = key_form.split_at(key_form.len().min(10));
    let mut fits = true;
    let mut high = 0_u64;
    for &byte in head {
        fits &= byte.wrapping_sub(b'!') < 63;
        high = high << 6 | u64::from(byte.wrapping_sub(b' ') & 63);
    }
    let mut key = Key::from(high);
    if !tail.is_empty() {
        let (middle, last) = tail.split_at(tail.len().min(10));
        let mut low = 0_u64;
        for &byte in middle {
            fits &= byte.wrapping_sub(b'!') < 63;
            low = low << 6 | u64::from(byte.wrapping_sub(b' ') & 63);
        }
        key = key << (6 * middle.len()) | Key::from(low);
        for &byte in last {
            fits &= byte.wrapping_sub(b'!') < 63;
            key = key << 6 | Key::from(byte.wrapping_sub(b' ') & 63);
        }
    }
    fits.then_some(key | PACKED)
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
