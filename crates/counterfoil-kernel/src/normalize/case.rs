//! T3: upper case, one character to one character.

/// Makes a text upper case and tells whether that changed it.
///
/// Characters whose upper case is several characters stay as they are: `ß` must not become two letters of a serial.
pub(super) fn upper(text: &mut String) -> bool {
    if text.is_ascii() {
        let changed = text.bytes().any(|byte| byte.is_ascii_lowercase());
        text.make_ascii_uppercase();
        return changed;
    }
    let raised: String = text.chars().map(upper_one).collect();
    let changed = raised != *text;
    *text = raised;
    changed
}

/// Makes a text upper case in full: `ß`, whichever case it has, becomes `SS`.
pub(super) fn upper_fully(text: &mut String) {
    if text.is_ascii() {
        text.make_ascii_uppercase();
    } else {
        *text = text.to_uppercase().replace('\u{1e9e}', "SS");
    }
}

fn upper_one(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}
