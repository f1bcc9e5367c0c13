//! Errors that point at what is wrong: a place in the configuration or on the command line, notes, and what to do.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// Names listed in a note before the rest is only counted.
const NAMES_SHOWN_MAX: usize = 40;

/// What decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The command line or the configuration is wrong: exit 2.
    Configuration,
    /// The input is missing, unreadable or not what the configuration says: exit 3.
    Input,
}

/// What is wrong, by kind: the code in `error[C002]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Not TOML, or a value of the wrong type.
    Syntax,
    /// A key that no version knows.
    UnknownKey,
    /// A word of a later version.
    NotYet,
    /// A value outside what the key takes.
    BadValue,
    /// A field, source or rule that does not exist.
    UnknownName,
    /// Settings that contradict each other, or lack one another.
    Contradiction,
    /// Nothing to reconcile.
    NoSources,
    /// The configuration can't be read.
    ConfigurationUnreadable,
    /// A file is missing, or a pattern matches none.
    NotFound,
    /// A file can't be opened or its header can't be read.
    Unreadable,
    /// A column is not in a file.
    ColumnNotFound,
    /// Two columns are equally good.
    ColumnAmbiguous,
    /// Neither a serial nor a lot was recognized, or no serial where another source has them.
    NothingRecognized,
    /// The type of a column can't be mapped.
    ColumnUnsupported,
    /// The files of one source do not have the same identifiers.
    FilesDiffer,
    /// A path does not match `from_path`.
    PathMismatch,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 16] = [
        Self::Syntax,
        Self::UnknownKey,
        Self::NotYet,
        Self::BadValue,
        Self::UnknownName,
        Self::Contradiction,
        Self::NoSources,
        Self::ConfigurationUnreadable,
        Self::NotFound,
        Self::Unreadable,
        Self::ColumnNotFound,
        Self::ColumnAmbiguous,
        Self::NothingRecognized,
        Self::ColumnUnsupported,
        Self::FilesDiffer,
        Self::PathMismatch,
    ];

    /// Gives the code as it is printed.
    pub const fn id(self) -> &'static str {
        self.row().0
    }

    /// Says what the code means.
    pub const fn meaning(self) -> &'static str {
        self.row().1
    }

    /// Gives the kind: `C` codes are configuration, `I` codes are input.
    pub const fn kind(self) -> ErrorKind {
        if self.id().as_bytes()[0] == b'C' { ErrorKind::Configuration } else { ErrorKind::Input }
    }

    const fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::Syntax => ("C001", "not TOML, or a value of the wrong type"),
            Self::UnknownKey => ("C002", "a key that does not exist"),
            Self::NotYet => ("C003", "a word that this version does not read yet"),
            Self::BadValue => ("C004", "a value outside what the key or flag takes"),
            Self::UnknownName => ("C005", "a field, source or rule that does not exist"),
            Self::Contradiction => ("C006", "settings that contradict or lack one another"),
            Self::NoSources => ("C007", "nothing to reconcile"),
            Self::ConfigurationUnreadable => ("C008", "the configuration can't be read"),
            Self::NotFound => ("I001", "a file is missing, or a pattern or folder gives none"),
            Self::Unreadable => ("I002", "a file can't be opened, or its header can't be read"),
            Self::ColumnNotFound => ("I003", "a column is not in a file"),
            Self::ColumnAmbiguous => ("I004", "two or more columns are equally good"),
            Self::NothingRecognized => {
                ("I005", "neither a serial nor a lot was recognized, or no serial where a source or a header has them")
            }
            Self::ColumnUnsupported => ("I006", "the type of a column can't be mapped"),
            Self::FilesDiffer => ("I007", "the files of one source do not have the same identifiers"),
            Self::PathMismatch => ("I008", "a path does not match `from_path`"),
        }
    }
}

/// A place in a text that a user wrote: the configuration, or one argument of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    path: Arc<str>,
    text: Arc<str>,
    span: Range<usize>,
}

impl Place {
    /// Points at bytes of a text that stands in `path`.
    pub(super) fn new(path: Arc<str>, text: Arc<str>, span: Range<usize>) -> Self {
        let end = span.end.min(text.len());
        Self { path, span: span.start.min(end)..end, text }
    }

    /// Points at the value of a flag.
    pub(super) fn flag(flag: &str, value: &str) -> Self {
        let text = format!("{flag} {value}");
        let span = flag.len() + 1..text.len().max(flag.len() + 1);
        Self::new("command line".into(), text.into(), span)
    }
}

/// A value and where the user wrote it.
#[derive(Clone, Debug)]
pub(super) struct Given<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// Why a run can't start.
#[derive(Clone, Debug)]
pub struct ConfigError(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    code: Code,
    message: String,
    place: Option<(Place, String)>,
    notes: Vec<String>,
    helps: Vec<String>,
}

impl ConfigError {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Parts { code, message: message.into(), place: None, notes: Vec::new(), helps: Vec::new() }))
    }

    /// Points at a place, with a few words under the caret.
    pub(super) fn at(mut self, place: &Place, label: impl Into<String>) -> Self {
        self.0.place = Some((place.clone(), label.into()));
        self
    }

    /// Points at a place where there is one.
    pub(super) fn at_some(self, place: Option<&Place>, label: &str) -> Self {
        match place {
            Some(place) => self.at(place, label),
            None => self,
        }
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.0.notes.push(note.into());
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.helps.push(help.into());
        self
    }

    /// Adds "did you mean" where a candidate is near, and the list of what exists.
    pub(super) fn candidates(self, word: &str, what: &str, names: &[&str]) -> Self {
        let found = nearest(word, names).map(str::to_owned);
        let listed = self.note(format!("{what}: {}", list(names)));
        match found {
            Some(name) => listed.help(format!("did you mean `{name}`?")),
            None => listed,
        }
    }

    /// Gives what is wrong, by kind.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Gives what decides the exit code.
    pub fn kind(&self) -> ErrorKind {
        self.0.code.kind()
    }

    /// Gives the exit code of the program: 2 or 3.
    pub fn exit_code(&self) -> u8 {
        match self.kind() {
            ErrorKind::Configuration => 2,
            ErrorKind::Input => 3,
        }
    }

    /// Renders the error as compilers do: code, place, caret, notes, help. Without `styled` it is plain text.
    pub fn render(&self, styled: bool) -> String {
        let parts = &*self.0;
        let mut group = annotate_snippets::Group::with_title(Level::ERROR.primary_title(&parts.message).id(parts.code.id()));
        if let Some((place, label)) = &parts.place {
            let label = (!label.is_empty()).then_some(label.as_str());
            let annotation = AnnotationKind::Primary.span(place.span.clone()).label(label);
            group = group.element(Snippet::source(&*place.text).path(&*place.path).annotation(annotation));
        }
        for note in &parts.notes {
            group = group.element(Level::NOTE.message(note));
        }
        for help in &parts.helps {
            group = group.element(Level::HELP.message(help));
        }
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ConfigError {}

/// Finds the name nearest to a word, if one is near enough to be what was meant: at most a third of its characters differ.
pub(super) fn nearest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    names
        .iter()
        .map(|&name| (strsim::damerau_levenshtein(&wanted, &name.to_lowercase()), name))
        .filter(|&(distance, name)| distance * 3 <= name.chars().count().max(3))
        .min()
        .map(|(_, name)| name)
}

/// Lists names with commas; a long list ends with the number of the rest.
pub(super) fn list<S: AsRef<str>>(names: &[S]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_SHOWN_MAX).map(AsRef::as_ref).collect();
    let mut text = shown.join(", ");
    if names.len() > NAMES_SHOWN_MAX {
        text.push_str(&format!(" and {} more", names.len() - NAMES_SHOWN_MAX));
    }
    if text.is_empty() { "none".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        let ids: Vec<&str> = Code::ALL.iter().map(|code| code.id()).collect();
        assert!(ids.is_sorted());
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
    }

    #[test]
    fn nearest_takes_a_slip_and_refuses_a_stranger() {
        let names = ["serial", "lot", "item"];
        assert_eq!(nearest("seral", &names), Some("serial"));
        assert_eq!(nearest("LOT", &names), Some("lot"));
        assert_eq!(nearest("warehouse", &names), None);
    }

    #[test]
    fn a_long_list_is_cut_with_a_count() {
        let names: Vec<String> = (0..43).map(|n| format!("C{n}")).collect();
        assert!(list(&names).ends_with("C39 and 3 more"));
    }

    #[test]
    fn renders_place_notes_and_help() {
        let text = "version = 1\nscop = []\n";
        let place = Place::new("counterfoil.toml".into(), text.into(), 12..16);
        let error = ConfigError::new(Code::UnknownKey, "unknown key `scop`").at(&place, "not known here").candidates(
            "scop",
            "keys are",
            &["scope", "out"],
        );
        assert_eq!(
            error.to_string(),
            "error[C002]: unknown key `scop`
 --> counterfoil.toml:2:1
  |
2 | scop = []
  | ^^^^ not known here
  |
  = note: keys are: scope, out
  = help: did you mean `scope`?"
        );
        assert_eq!(error.exit_code(), 2);
        assert!(error.render(true).contains("\u{1b}["), "styled text has colours");
    }
}
