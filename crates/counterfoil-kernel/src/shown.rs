//! A finding as it is shown: what the sentences of the rules are made from.

/// The facts of one finding, from its records.
#[derive(Clone, Debug, Default)]
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
    /// The sources of the cited records, in source order, or those of the subject.
    pub sources: Vec<&'a str>,
    /// Lot forms by source, over all records.
    pub lots: Vec<(&'a str, Vec<String>)>,
    /// Item forms of the cited records, sorted.
    pub items: Vec<String>,
    /// Serial forms of the cited records, sorted.
    pub serials: Vec<String>,
    /// Suppliers of the cited records, sorted.
    pub suppliers: Vec<String>,
    /// The latest day of the cited records, ISO, or empty.
    pub day: String,
    /// The document of an in-transit finding.
    pub document: &'a str,
    /// A placeholder's value, a column, a reason.
    pub value: &'a str,
    /// A placeholder's field.
    pub field: &'a str,
    /// A file's path.
    pub file: &'a str,
}

/// The most values that a sentence lists.
const LISTED_MAX: usize = 5;

impl Shown<'_> {
    /// Names the unit: `P1/SN1`, or the serial alone.
    pub fn unit(&self) -> String {
        if self.item.is_empty() { format!("unit {}", self.serial) } else { format!("unit {}/{}", self.item, self.serial) }
    }

    /// Names the one source.
    pub fn source(&self) -> &str {
        self.sources.first().copied().unwrap_or("")
    }

    /// Lists the sources.
    pub fn sources_listed(&self) -> String {
        self.sources.join(" and ")
    }

    /// Lists the lots by source: `acme: L7, erp: L9`.
    pub fn lots_by_source(&self) -> String {
        let by_source: Vec<String> = self.lots.iter().map(|(source, lots)| format!("{source}: {}", listed(lots, " and "))).collect();
        by_source.join(", ")
    }

    /// Lists the items.
    pub fn items_listed(&self) -> String {
        listed(&self.items, ", ")
    }

    /// Lists the suppliers.
    pub fn suppliers_listed(&self) -> String {
        listed(&self.suppliers, ", ")
    }

    /// Lists the spellings of the serial, quoted.
    pub fn serials_quoted(&self) -> String {
        let quoted: Vec<String> = self.serials.iter().map(|serial| format!("\"{serial}\"")).collect();
        listed(&quoted, " and ")
    }

    /// Gives ` on 2026-01-02`, or nothing without a day.
    pub fn day_listed(&self, word: &str) -> String {
        if self.day.is_empty() { String::new() } else { format!(" {word} {}", self.day) }
    }
}

fn listed(values: &[String], between: &str) -> String {
    if values.len() <= LISTED_MAX {
        return values.join(between);
    }
    format!("{} and {} more", values[..LISTED_MAX].join(between), values.len() - LISTED_MAX)
}
