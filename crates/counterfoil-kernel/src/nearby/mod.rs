//! Look-alikes: they suggest, they never match.

/// Folds a key form to its look-alike skeleton: O to 0, I to 1, S to 5, B to 8, Z to 2, G to 6.
///
/// # Source
/// Such a fold merges 678 of 22,892 physically different drive serials (public data), so nothing may match by it.
pub fn look_alike_fold(key_form: &str) -> String {
    key_form
        .chars()
        .map(|c| match c {
            'O' => '0',
            'I' => '1',
            'S' => '5',
            'B' => '8',
            'Z' => '2',
            'G' => '6',
            other => other,
        })
        .collect()
}
