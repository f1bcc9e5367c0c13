//! Normalization: raw text to form (T1, T3) and key form (T4), with the steps that changed it.

mod case;
mod clean;
mod placeholder;
mod separators;
mod serial;
mod words;

pub use clean::clean;
pub use placeholder::{PLACEHOLDERS, Placeholder, placeholder};
pub use separators::{NO_LAYOUT_CODE, is_separator, layout_code, layout_text, remove_separators, separators_of};
pub use serial::{Scratch, SerialClass, SerialKey, item_form, lot_key_form, serial_key, serial_key_of_utf8};

/// The tiers of normalization that run beyond T0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiers {
    /// T1, lossless cleaning.
    pub clean: bool,
    /// T3, case of serials and lots.
    pub case: bool,
    /// T4, separators of serials and lots.
    pub separators: bool,
}

impl Tiers {
    /// Every tier.
    pub const ALL: Self = Self { clean: true, case: true, separators: true };
}

/// One step of normalization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Step {
    /// Control characters removed.
    Control,
    /// `="0123"` or a leading apostrophe unwrapped.
    Unwrap,
    /// Invisible and bidi characters removed.
    Invisible,
    /// Full-width forms made ASCII.
    FullWidth,
    /// Hyphen look-alikes made `-`.
    Hyphen,
    /// Outer blanks removed, inner runs made one blank.
    Trim,
    /// Upper case.
    Case,
    /// Separators removed.
    Separators,
}

impl Step {
    /// Every step, in the order in which a later one wins.
    pub const ALL: [Self; 8] =
        [Self::Control, Self::Unwrap, Self::Invisible, Self::FullWidth, Self::Hyphen, Self::Trim, Self::Case, Self::Separators];

    /// Gives the name that outputs use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Unwrap => "unwrap",
            Self::Invisible => "invisible",
            Self::FullWidth => "full-width",
            Self::Hyphen => "hyphen",
            Self::Trim => "trim",
            Self::Case => "case",
            Self::Separators => "separators",
        }
    }

    /// Gives the tier that the step belongs to.
    pub const fn tier(self) -> &'static str {
        match self {
            Self::Case => "T3",
            Self::Separators => "T4",
            _ => "T1",
        }
    }
}

/// The steps that changed a value: one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
pub struct Steps(pub u8);

impl Steps {
    /// Adds a step.
    pub const fn insert(&mut self, step: Step) {
        self.0 |= 1 << step as u8;
    }

    /// Adds a step where it changed the value.
    #[inline]
    pub const fn insert_if(&mut self, step: Step, is_changed: bool) {
        self.0 |= (is_changed as u8) << step as u8;
    }

    /// Tells whether a step is in the set.
    pub const fn contains(self, step: Step) -> bool {
        self.0 & (1 << step as u8) != 0
    }

    /// Gives the number of the last step plus one; 0 when no step changed the value.
    pub const fn last_rank(self) -> u8 {
        8 - self.0.leading_zeros() as u8
    }

    /// Gives the tier of the last step: `T0` when no step changed the value.
    pub const fn tier(self) -> &'static str {
        match self.last_rank() {
            0 => "T0",
            7 => "T3",
            8 => "T4",
            _ => "T1",
        }
    }

    /// Lists the names of the steps, in order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Step::ALL.into_iter().filter(move |&step| self.contains(step)).map(Step::name)
    }
}

/// Makes the form (T1, T3) of a serial or lot.
///
/// Shape: the form replaces `out`; the steps that changed the value come back. Idempotent.
pub fn identifier_form(raw: &str, tiers: Tiers, out: &mut String) -> Steps {
    let mut steps = text_form(raw, tiers, out);
    if tiers.case && case::upper(out) {
        steps.insert(Step::Case);
    }
    steps
}

/// Makes the form (T1) of an item or another text.
pub fn text_form(raw: &str, tiers: Tiers, out: &mut String) -> Steps {
    out.clear();
    if tiers.clean {
        return clean(raw, out);
    }
    out.push_str(raw);
    Steps::default()
}

/// Makes the form of a supplier's name: T1 and upper case, whatever the tiers, because a name is no code; blank for a listed placeholder.
pub fn supplier_form(raw: &str, out: &mut String) {
    name_form(raw, out);
    if placeholder(out) == Placeholder::Listed {
        out.clear();
    }
}

/// Makes the form of a name that is no placeholder whatever it says, such as that of a source: T1 and the full upper case, in which `ß` is `SS`.
pub fn name_form(raw: &str, out: &mut String) {
    out.clear();
    clean(raw, out);
    case::upper_fully(out);
}

/// Tells whether a form is blank: nothing but white space, whatever the tiers.
pub fn is_blank(form: &str) -> bool {
    form.chars().all(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(raw: &str) -> (String, Steps) {
        let mut out = String::new();
        let steps = identifier_form(raw, Tiers::ALL, &mut out);
        (out, steps)
    }

    #[test]
    fn forms_and_steps() {
        assert_eq!(form("AB-123"), ("AB-123".into(), Steps::default()));
        assert_eq!(form(" ab-123 ").0, "AB-123");
        assert_eq!(form(" ab-123 ").1.names().collect::<Vec<_>>(), ["trim", "case"]);
        assert_eq!(form("=\"0123\"").0, "0123");
        assert_eq!(form("'0123").0, "0123");
        assert_eq!(form("'").0, "'");
        assert_eq!(form("A\u{a0}\u{a0}B").0, "A B");
        assert_eq!(form("\u{ff21}\u{ff11}\u{2010}x\u{200b}").0, "A1-X");
        assert_eq!(form("\u{200b}=\" \u{feff}7\"").0, "7");
    }

    #[test]
    fn names_are_folded_further_than_codes() {
        let name = |raw: &str| {
            let mut out = String::from("before");
            supplier_form(raw, &mut out);
            out
        };
        for straße in ["Straßer GmbH", "STRASSER GMBH", " Strasser\u{a0}GmbH", "STRA\u{1e9e}ER GmbH"] {
            assert_eq!(name(straße), "STRASSER GMBH", "{straße}");
        }
        for missing in ["", " ", "N/A", "n/a", " Unknown ", "tbd", "不明"] {
            assert_eq!(name(missing), "", "{missing}");
        }
        // Digits-only entries are placeholders of serials alone.
        assert_eq!(["0000", "N/A Inc"].map(name), ["0000", "N/A INC"]);
        assert_eq!(["STRAßE", "STRA\u{1e9e}E"].map(|serial| form(serial).0), ["STRAßE", "STRA\u{1e9e}E"]);
        let mut source = String::new();
        name_form("other", &mut source);
        assert_eq!(source, "OTHER");
    }

    #[test]
    fn tiers_switch_steps_off() {
        let mut out = String::new();
        let steps = identifier_form(" ab ", Tiers { clean: false, case: true, separators: true }, &mut out);
        assert_eq!((out.as_str(), steps.tier()), (" AB ", "T3"));
    }

    proptest::proptest! {
        #[test]
        fn idempotent(raw in "[ -~\u{80}-\u{ff}\u{200b}-\u{200f}\u{2010}-\u{2015}\u{ff01}-\u{ff5e}\u{3000}\u{130}\u{131}\u{df}=\"']{0,24}") {
            let (once, _) = form(&raw);
            let (twice, steps) = form(&once);
            proptest::prop_assert_eq!(&once, &twice);
            proptest::prop_assert_eq!(steps, Steps::default());
        }
    }
}
