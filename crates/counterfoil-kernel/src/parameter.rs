//! Parameters: the numbers of rules and guards that the configuration may change.

/// A number that a rule or a guard takes: its one home, from which configuration, documentation and reports are made.
pub struct Parameter {
    /// The key in the configuration.
    pub name: &'static str,
    /// What the number counts.
    pub unit: Unit,
    /// What holds unless configured, as it is kept.
    pub default: u64,
    /// The least that makes sense.
    pub least: u64,
    /// The most that makes sense.
    pub most: u64,
    /// What it does, in one line.
    pub about: &'static str,
    /// Where it is configured.
    pub home: Home,
}

/// What a parameter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A whole number of things, named in the plural.
    Count(&'static str),
    /// A share in percent, with at most two decimals; kept in hundredths of a percent.
    Percent,
}

/// Where a parameter is configured.
#[derive(Clone, Copy)]
pub enum Home {
    /// In the table of its rule, `[rules.CODE]`, or in `[guards]`.
    Table(fn(&mut Thresholds) -> &mut u64),
    /// Under a key that serves more than this rule.
    Key(&'static str),
}

/// Hundredths of a percent in a percent, as shares are kept.
pub const PERCENT: u64 = 100;

/// The whole, as shares are kept.
pub const WHOLE: u64 = 100 * PERCENT;

/// What the parameters of a run are set to; shares in hundredths of a percent.
///
/// The defaults stand with the rules and guards: see [`Thresholds::default`](Thresholds#impl-Default-for-Thresholds).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// IDN001: from this share without a serial on, an item is lot-only in a source.
    pub lot_only_percent: u64,
    /// IDN002: from so many records on, a digits-only serial is a placeholder.
    pub digits_repeats: u64,
    /// LOT002: from this share with a lot on, an item is lot-tracked.
    pub lot_tracked_percent: u64,
    /// LOT006: from so many comparable units on, a pair of sources is judged.
    pub lot_pair_units_min: u64,
    /// LOT006: above this share of differing units, the lots of a pair are not comparable.
    pub lot_pair_differing_percent: u64,
    /// SER003: from so many serials on, serials on several items can be widespread.
    pub widespread_serials_min: u64,
    /// SER003: above this share of all serials, they are.
    pub widespread_percent: u64,
    /// Guards: from so many units on either side, a source is judged.
    pub guard_units_min: u64,
    /// No overlap: below this share of the smaller side, the run stops.
    pub guard_overlap_percent: u64,
    /// Wrong grain: above this share of recurring units, the run stops.
    pub guard_recurring_percent: u64,
    /// No overlap: so many keys are looked at for what would match instead.
    pub guard_estimate_keys: u64,
}

/// Tells whether a part is more than a share of the whole.
///
/// ```
/// use counterfoil_kernel::parameter::{PERCENT, exceeds};
///
/// assert!(exceeds(501, 1_000, 50 * PERCENT));
/// assert!(!exceeds(500, 1_000, 50 * PERCENT));
/// ```
pub const fn exceeds(part: u64, whole: u64, share: u64) -> bool {
    part as u128 * WHOLE as u128 > share as u128 * whole as u128
}

/// Tells whether a part is at least a share of the whole.
///
/// ```
/// use counterfoil_kernel::parameter::{PERCENT, reaches};
///
/// assert!(reaches(99, 100, 99 * PERCENT));
/// assert!(!reaches(98, 100, 99 * PERCENT));
/// ```
pub const fn reaches(part: u64, whole: u64, share: u64) -> bool {
    part as u128 * WHOLE as u128 >= share as u128 * whole as u128
}

impl Unit {
    /// Names the unit.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count(things) => things,
            Self::Percent => "percent",
        }
    }

    /// Writes a value as the configuration has it: `1000`, `50`, `0.5`.
    pub fn show(self, value: u64) -> String {
        match self {
            Self::Count(_) => value.to_string(),
            Self::Percent => {
                let text = format!("{}.{:02}", value / PERCENT, value % PERCENT);
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            }
        }
    }
}

impl Parameter {
    /// Writes the default as the configuration has it.
    pub fn default_shown(&self) -> String {
        self.unit.show(self.default)
    }

    /// Writes the range in words: `0 to 100`, `1 or more`.
    pub fn range(&self) -> String {
        match self.most {
            u64::MAX => format!("{} or more", self.unit.show(self.least)),
            most => format!("{} to {}", self.unit.show(self.least), self.unit.show(most)),
        }
    }

    /// Gives the whole key in the configuration; `table` is the table of the rule or guard.
    pub fn key(&self, table: &str) -> String {
        match self.home {
            Home::Table(_) => format!("{table}.{}", self.name),
            Home::Key(key) => key.to_owned(),
        }
    }
}

/// Writes parameters as the rows of a Markdown table; `table` is their table in the configuration.
pub fn markdown_rows(parameters: &[Parameter], table: &str) -> String {
    let row = |parameter: &Parameter| {
        let (key, unit, about) = (parameter.key(table), parameter.unit.name(), parameter.about);
        format!("| `{key}` | {} | {unit} | {} | {about} |\n", parameter.default_shown(), parameter.range())
    };
    parameters.iter().map(row).collect()
}

/// The head of the table that [`markdown_rows`] fills.
pub const MARKDOWN_HEAD: &str = "| key | default | unit | range | meaning |\n|---|---|---|---|---|\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_they_are_written() {
        assert_eq!(Unit::Count("units").show(1_000), "1000");
        for (value, expected) in [(50 * PERCENT, "50"), (50, "0.5"), (5, "0.05"), (0, "0"), (WHOLE, "100"), (1_010, "10.1")] {
            assert_eq!(Unit::Percent.show(value), expected);
        }
    }

    #[test]
    fn shares_of_nothing_are_reached_and_never_exceeded() {
        assert!(reaches(0, 0, WHOLE));
        assert!(!exceeds(0, 0, 0));
        assert!(exceeds(u64::MAX, u64::MAX, WHOLE - 1), "large counts do not overflow");
    }
}
