//! Serial keys: 128 bits, a tag and the key form packed injectively, else hashed.
//!
//! A key is the same on every machine and in every run: it never depends on arrival order. Two equal hashed keys are confirmed on text before a finding rests on them.

mod hashed;
mod pack;

pub use hashed::{digest, hash_text, mix};
pub use pack::{PACKED, PACKED_CHARS_MAX, PACKED_TOGETHER, pack, pack_codes, unpack_into, without_code};

/// The key of a serial's key form.
///
/// 0 stands for no key; bits 127 and 126 are the tag: `01` packed, `10` hashed.
pub type Key = u128;

/// The tag of a hashed key.
pub const HASHED: Key = 1 << 127;

/// Makes the key of a key form: packed when it fits, else hashed.
#[inline]
pub fn key_of(key_form: &[u8]) -> Key {
    pack(key_form).unwrap_or_else(|| HASHED | (hash_text(key_form) >> 2))
}
