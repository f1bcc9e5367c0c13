//! Text from data made safe to look at: what hides or reorders characters is shown by its code point.

use std::borrow::Cow;
use std::fmt;

/// Shows invisible, bidi, control and disguised characters as `‹U+202E›`; other text is unchanged.
///
/// Disguised: a Greek or Cyrillic letter in a word that also has ASCII letters, such as a Cyrillic `А` in `АB-100`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7F).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for word in text.split_inclusive(' ') {
        let mixed = word.bytes().any(|byte| byte.is_ascii_alphabetic());
        for character in word.chars() {
            if hides(character) || (mixed && looks_latin(character)) {
                shown.push_str(&format!("‹U+{:04X}›", u32::from(character)));
            } else {
                shown.push(character);
            }
        }
    }
    Cow::Owned(shown)
}

/// Shortens shown text to about so many bytes and says how much is missing.
pub fn clipped(text: &str, bytes_max: usize) -> Cow<'_, str> {
    if text.len() <= bytes_max {
        return Cow::Borrowed(text);
    }
    let kept = text.floor_char_boundary(bytes_max);
    let missing = text[kept..].chars().count();
    Cow::Owned(format!("{}… (+{missing} characters)", &text[..kept]))
}

/// Counts the columns that shown text takes on a terminal: two for East Asian wide characters and pictographs.
pub fn columns(text: &str) -> usize {
    text.chars().map(|character| if is_wide(character) { 2 } else { usize::from(!is_combining(character)) }).sum()
}

/// Text that a template may print: its hidden characters are visible and its length is bounded. Escaping is the template's.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown(String);

impl Shown {
    /// Makes text safe to look at, with at most about so many bytes.
    pub fn new(text: &str, bytes_max: usize) -> Self {
        // Cutting first keeps the work bounded for a huge cell; the second cut bounds what code points added.
        let cut = clipped(text, bytes_max);
        Self(clipped(&visible(&cut), bytes_max.saturating_mul(3)).into_owned())
    }

    /// Gives the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether there is no text.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Tells whether a character shows nothing, looks like a plain blank, or changes the order of others.
pub const fn hides(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1F}' | '\u{7F}'..='\u{A0}' | '\u{AD}' | '\u{34F}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}'
        | '\u{890}' | '\u{891}' | '\u{8E2}' | '\u{115F}' | '\u{1160}' | '\u{1680}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{2000}'..='\u{200F}' | '\u{2028}'..='\u{202F}' | '\u{205F}'..='\u{206F}' | '\u{2800}' | '\u{3000}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{110BD}' | '\u{110CD}'
        | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Tells whether a character belongs to a script whose letters pass for Latin ones.
const fn looks_latin(character: char) -> bool {
    matches!(character, '\u{370}'..='\u{3FF}' | '\u{400}'..='\u{52F}')
}

const fn is_wide(character: char) -> bool {
    matches!(character,
        '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{FE30}'..='\u{FE6F}'
        | '\u{FF00}'..='\u{FF60}' | '\u{FFE0}'..='\u{FFE6}' | '\u{1F300}'..='\u{1FAFF}' | '\u{20000}'..='\u{3FFFD}')
}

const fn is_combining(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_get_a_face() {
        assert_eq!(visible("SN\u{202E}001"), "SN‹U+202E›001");
        assert_eq!(visible("a\tb\u{200B}\u{FEFF}"), "a‹U+0009›b‹U+200B›‹U+FEFF›");
        assert_eq!(visible("\u{1B}[31m"), "‹U+001B›[31m");
        assert_eq!(visible("A\u{A0}B"), "A‹U+00A0›B");
    }

    #[test]
    fn ordinary_text_of_any_script_is_unchanged() {
        for text in ["", "SN-001 / 4", "Müller & Söhne", "завод Ω", "株式会社", "µm"] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn a_disguised_letter_shows() {
        assert_eq!(visible("\u{410}B-100 завод"), "‹U+0410›B-100 завод");
    }

    #[test]
    fn clipping_says_how_much_is_missing_and_respects_characters() {
        assert_eq!(clipped("abcdef", 4), "abcd… (+2 characters)");
        assert_eq!(clipped("äöü", 3), "ä… (+2 characters)");
        assert_eq!(clipped("abc", 3), "abc");
    }

    #[test]
    fn shown_text_is_bounded_even_when_every_character_hides() {
        let shown = Shown::new(&"\u{202E}".repeat(10_000), 100);
        assert!(shown.as_str().len() < 360);
        assert!(!shown.as_str().contains('\u{202E}'));
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(columns("ab"), 2);
        assert_eq!(columns("株式"), 4);
        assert_eq!(columns("e\u{301}"), 1);
    }
}
