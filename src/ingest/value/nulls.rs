//! Which rows of a column are null.

use std::ops::Range;

use arrow::buffer::NullBuffer;

/// Lists which of some rows are null, counted from the first of them: mostly none, and so 64 are looked at together.
pub fn nulls_in(nulls: Option<&NullBuffer>, rows: Range<usize>) -> impl Iterator<Item = usize> {
    let validity = nulls.filter(|nulls| nulls.null_count() > 0).map(|nulls| nulls.inner().slice(rows.start, rows.len()));
    let nulls = validity.into_iter().flat_map(move |validity| {
        let chunks = validity.bit_chunks();
        let beyond = u64::MAX.checked_shl(chunks.remainder_len() as u32).unwrap_or(0);
        let words: Vec<u64> = chunks.iter().chain([chunks.remainder_bits() | beyond]).collect();
        words.into_iter().enumerate()
    });
    nulls.flat_map(|(word, valid)| {
        let mut nulls = !valid;
        std::iter::from_fn(move || {
            let bit = (nulls != 0).then(|| nulls.trailing_zeros() as usize)?;
            nulls &= nulls - 1;
            Some(word * u64::BITS as usize + bit)
        })
    })
}
