//! Identifiers as records spell them: every variant carries, by construction, the form and the key form it will have.
//!
//! Nothing here normalizes. A spelling is composed from parts of upper-case letters and digits, so its form (parts with
//! separators) and its key form (parts alone) are known before the raw text exists.

use std::sync::Arc;

use rand::Rng;

/// An identifier as one record spells it, with the form and key form that this spelling has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// The text in the file.
    pub raw: Box<str>,
    /// The text after cleaning and case.
    pub form: Box<str>,
    /// The form without separators.
    pub key: Box<str>,
}

/// What an identifier cell holds.
#[derive(Clone, Debug)]
pub enum Cell {
    /// Nothing, or only blanks.
    Blank(&'static str),
    /// A listed placeholder.
    Placeholder {
        /// The text in the file.
        raw: &'static str,
        /// The text after cleaning and upper case.
        value: &'static str,
    },
    /// An identifier.
    Value(Arc<Spelling>),
}

impl Cell {
    /// Gives the spelling of an identifier, none for a blank or a placeholder.
    pub fn value(&self) -> Option<&Arc<Spelling>> {
        match self {
            Self::Value(spelling) => Some(spelling),
            _ => None,
        }
    }

    /// Gives the text in the file.
    pub fn raw(&self) -> &str {
        match self {
            Self::Blank(raw) | Self::Placeholder { raw, .. } => raw,
            Self::Value(spelling) => &spelling.raw,
        }
    }

    /// Tells whether two cells are equal after normalization: by form; a placeholder is a blank.
    pub fn same_form(&self, other: &Self) -> bool {
        self.value().map(|spelling| &spelling.form) == other.value().map(|spelling| &spelling.form)
    }
}

/// Separators that vanish in a key form.
const SEPARATORS: [char; 5] = ['-', ' ', '.', '/', '_'];

/// Letters of composed identifiers: none that looks like a digit or like another letter.
const LETTERS: &[u8; 17] = b"ACEFHJKMNPRTUVWXY";

/// Digits and letters of composed sequence numbers.
const SYMBOLS: &[u8; 27] = b"0123456789ACEFHJKMNPRTUVWXY";

/// Pairs that look alike: a digit and the letter it is misread as.
const LOOK_ALIKES: [(char, char); 6] = [('0', 'O'), ('1', 'I'), ('5', 'S'), ('8', 'B'), ('2', 'Z'), ('6', 'G')];

impl Spelling {
    /// Composes a spelling from parts of upper-case letters and digits.
    pub fn compose(parts: &[&str], separator: &str, lower: bool) -> Arc<Self> {
        let form = parts.join(separator);
        let key = if separator.is_empty() { form.clone() } else { parts.concat() };
        let raw = if lower { form.to_ascii_lowercase() } else { form.clone() };
        Arc::new(Self { raw: raw.into(), form: form.into(), key: key.into() })
    }

    /// Makes a spelling whose raw text, form and key form are one text.
    pub fn plain(text: &str) -> Arc<Self> {
        Arc::new(Self { raw: text.into(), form: text.into(), key: text.into() })
    }

    /// Makes an item number: its form is its key, separators and case included.
    pub fn item(text: String) -> Arc<Self> {
        Arc::new(Self { raw: text.as_str().into(), form: text.as_str().into(), key: text.into() })
    }

    /// Spells the form as it is.
    pub fn tidy(&self) -> Arc<Self> {
        Arc::new(Self { raw: self.form.clone(), form: self.form.clone(), key: self.key.clone() })
    }

    /// Spells the same form another way: case, blanks, invisible characters, full-width, wrapping.
    pub fn respelled<R: Rng>(&self, rng: &mut R, keep_case: bool) -> Arc<Self> {
        let raw = noisy(&self.form, rng.random_range(0..10), keep_case);
        Arc::new(Self { raw: raw.into(), form: self.form.clone(), key: self.key.clone() })
    }

    /// Adds or removes a separator: another form of the same key form.
    pub fn reseparated<R: Rng>(&self, rng: &mut R) -> Arc<Self> {
        if self.form != self.key && rng.random_bool(0.5) {
            return Self::plain(&self.key);
        }
        loop {
            let separator = SEPARATORS[rng.random_range(0..SEPARATORS.len())];
            let place = rng.random_range(1..self.key.len());
            let form = format!("{}{separator}{}", &self.key[..place], &self.key[place..]);
            if *form != *self.form {
                return Arc::new(Self { raw: form.as_str().into(), form: form.into(), key: self.key.clone() });
            }
        }
    }

    /// Misreads one digit as the letter it looks like: another identifier, equal only after the look-alike fold.
    ///
    /// Composed identifiers hold no such letter of their own, so two of them never meet by the fold alone.
    pub fn misread(&self) -> Option<Arc<Self>> {
        let (digit, letter) = LOOK_ALIKES.into_iter().find(|(digit, _)| self.key.contains(*digit))?;
        let form = self.form.replacen(digit, letter.encode_utf8(&mut [0; 4]), 1);
        let key = self.key.replacen(digit, letter.encode_utf8(&mut [0; 4]), 1);
        Some(Arc::new(Self { raw: form.as_str().into(), form: form.into(), key: key.into() }))
    }
}

/// Folds look-alikes: the planter's own statement of which letter is misread as which digit.
pub fn look_alike_fold(key: &str) -> String {
    key.chars().map(|symbol| LOOK_ALIKES.iter().find(|(_, letter)| *letter == symbol).map_or(symbol, |(digit, _)| *digit)).collect()
}

/// Writes a text with noise that cleaning and case remove.
fn noisy(text: &str, kind: u32, keep_case: bool) -> String {
    let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    match kind {
        0 if !keep_case => text.to_ascii_lowercase(),
        1 => format!(" {text}"),
        2 => format!("{text}  "),
        3 => format!("{text}\u{a0}"),
        4 => text.chars().enumerate().map(|(at, symbol)| if at < 3 { full_width(symbol) } else { symbol }).collect(),
        5 => format!("{}\u{200b}{}", &text[..middle], &text[middle..]),
        6 if text.contains('-') => text.replace('-', "\u{2013}"),
        6 => format!("{text}\t"),
        7 => format!("=\"{text}\""),
        8 => format!("'{text}"),
        _ => format!("\u{feff}{text}"),
    }
}

/// Gives the full-width form of a printable ASCII character, other characters as they are.
fn full_width(symbol: char) -> char {
    match symbol {
        '!'..='~' => char::from_u32(symbol as u32 + 0xfee0).unwrap_or(symbol),
        _ => symbol,
    }
}

/// Writes a number in symbols that can't be misread, with leading zeros.
pub fn symbols(mut number: u64, width: usize) -> String {
    let mut text = vec![b'0'; width];
    for slot in text.iter_mut().rev() {
        *slot = SYMBOLS[(number % 27) as usize];
        number /= 27;
    }
    assert!(number == 0, "a sequence number must fit its width");
    text.into_iter().map(char::from).collect()
}

/// Gives how many symbols numbers below `bound` need, at least `least`.
pub fn symbol_width(bound: u64, least: usize) -> usize {
    let mut width = 1;
    let mut reach = 27_u64;
    while reach < bound {
        reach = reach.saturating_mul(27);
        width += 1;
    }
    width.max(least)
}

/// Writes a number in letters alone, with leading `A`.
pub fn letters(mut number: u64, width: usize) -> String {
    let mut text = vec![b'A'; width];
    for slot in text.iter_mut().rev() {
        *slot = LETTERS[(number % 17) as usize];
        number /= 17;
    }
    text.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::*;

    #[test]
    fn a_reseparated_spelling_keeps_its_key_and_changes_its_form() {
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        let spelling = Spelling::compose(&["ACE", "2407", "000123"], "-", false);
        for _ in 0..200 {
            let other = spelling.reseparated(&mut rng);
            assert_eq!(other.key, spelling.key);
            assert_ne!(other.form, spelling.form);
            assert_eq!(other.form.chars().filter(|symbol| !SEPARATORS.contains(symbol)).collect::<String>(), *other.key);
        }
    }

    #[test]
    fn a_respelled_identifier_is_written_otherwise_and_keeps_its_form() {
        let spelling = Spelling::compose(&["ACE", "2407"], "-", false);
        let raws: Vec<String> = (0..10).map(|kind| noisy(&spelling.form, kind, false)).collect();
        assert_eq!(raws[0], "ace-2407");
        assert_eq!(raws[4], "\u{ff21}\u{ff23}\u{ff25}-2407");
        assert_eq!(raws[7], "=\"ACE-2407\"");
        assert!(raws.iter().all(|raw| **raw != *spelling.form));
    }

    #[test]
    fn a_misread_identifier_meets_its_origin_only_after_the_fold() {
        let spelling = Spelling::compose(&["24W07", "000AC"], "-", false);
        let misread = spelling.misread().expect("it holds digits");
        assert_ne!(misread.key, spelling.key);
        assert_eq!(look_alike_fold(&misread.key), *spelling.key);
    }

    #[test]
    fn sequence_numbers_are_injective() {
        let mut seen = std::collections::BTreeSet::new();
        assert!((0..5_000).all(|number| seen.insert(symbols(number, 4))));
        assert_eq!(symbol_width(27 * 27, 1), 2);
        assert_eq!(symbol_width(27 * 27 + 1, 1), 3);
    }
}
