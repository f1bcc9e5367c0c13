//! A finding as it is shown: what the sentences of the rules are made from.

/// The facts of one finding.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The subtype, or empty.
    pub subtype: &'a str,
    /// The item, or empty.
    pub item: &'a str,
    /// The serial, or empty.
    pub serial: &'a str,
    /// The lot, or empty.
    pub lot: &'a str,
    /// Records cited, or the finding's figure where it cites none.
    pub record_count: u64,
    /// The finding's figure.
    pub figure: u64,
    /// The document of an in-transit finding.
    pub document: &'a str,
    /// A placeholder's value, a column, a reason.
    pub value: &'a str,
    /// A placeholder's field.
    pub field: &'a str,
    /// What its records hold: read when a sentence asks for it, and most ask for little.
    pub held: &'a dyn Held,
}

/// What the records of a finding hold.
pub trait Held {
    /// Lists the sources of the cited records, in source order, or those of the subject.
    fn sources(&self) -> Vec<&str>;
    /// Lists the lot forms by source, over all records.
    fn lots(&self) -> Vec<(&str, Vec<&str>)>;
    /// Lists the item forms of the cited records, sorted.
    fn items(&self) -> Vec<&str>;
    /// Lists the serial forms of the cited records, sorted, each with the number of sources that hold it.
    fn serials_with_sources(&self) -> Vec<(&str, usize)>;
    /// Lists the suppliers of the cited records, sorted.
    fn suppliers(&self) -> Vec<&str>;
    /// Gives the latest day of the cited records, ISO, or empty.
    fn day(&self) -> String;
    /// Gives the path of the subject's file, or empty.
    fn file(&self) -> String;
}

/// The most values that a sentence lists.
const LISTED_MAX: usize = 5;

impl Shown<'_> {
    /// Names the unit: `P1/SN1`, or the serial alone.
    pub fn unit(&self) -> String {
        if self.item.is_empty() { format!("unit {}", self.serial) } else { format!("unit {}/{}", self.item, self.serial) }
    }

    /// Counts the records: `1 record`, `2 records`.
    pub fn records(&self) -> String {
        format!("{} record{}", self.record_count, if self.record_count == 1 { "" } else { "s" })
    }

    /// Names the one source.
    pub fn source(&self) -> &str {
        self.held.sources().first().copied().unwrap_or("")
    }

    /// Lists the sources.
    pub fn sources_listed(&self) -> String {
        self.held.sources().join(" and ")
    }

    /// Lists the lots by source: `acme: L7, erp: L9`.
    pub fn lots_by_source(&self) -> String {
        let by_source: Vec<String> =
            self.held.lots().into_iter().map(|(source, lots)| format!("{source}: {}", listed(&lots, " and "))).collect();
        by_source.join(", ")
    }

    /// Counts values and lists them: `2` and `P1, P2`.
    pub fn counted(values: &[&str]) -> (usize, String) {
        (values.len(), listed(values, ", "))
    }

    /// Lists the spellings of the serial, quoted.
    pub fn serials_quoted(&self) -> String {
        Self::quoted(self.held.serials_with_sources().into_iter().map(|(serial, _)| serial))
    }

    /// Lists values, quoted.
    pub fn quoted<'v>(values: impl Iterator<Item = &'v str>) -> String {
        let quoted: Vec<String> = values.map(|value| format!("\"{value}\"")).collect();
        listed(&quoted.iter().map(String::as_str).collect::<Vec<_>>(), " and ")
    }

    /// Gives ` on 2026-01-02`, or nothing without a day.
    pub fn day_listed(&self, word: &str) -> String {
        let day = self.held.day();
        if day.is_empty() { day } else { format!(" {word} {day}") }
    }
}

fn listed(values: &[&str], between: &str) -> String {
    if values.len() <= LISTED_MAX {
        return values.join(between);
    }
    format!("{} and {} more", values[..LISTED_MAX].join(between), values.len() - LISTED_MAX)
}
