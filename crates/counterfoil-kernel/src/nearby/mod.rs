//! Look-alikes: they suggest, they never match.

/// Folds a key form to its look-alike skeleton: O Q D to 0, I L to 1, S to 5, B to 8, Z to 2, G to 6.
///
/// # Source
/// The fold merges 678 of 22,892 physically different drive serials (public data), so nothing may match by it.
pub fn look_alike_fold(key_form: &str) -> String {
    key_form
        .chars()
        .map(|c| match c {
            'O' | 'Q' | 'D' => '0',
            'I' | 'L' => '1',
            'S' => '5',
            'B' => '8',
            'Z' => '2',
            'G' => '6',
            other => other,
        })
        .collect()
}
