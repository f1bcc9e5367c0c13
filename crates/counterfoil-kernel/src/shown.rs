//! A finding as it is shown: what the sentences of the rules are made from.

use std::fmt::{self, Display, Formatter};

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
    /// What its records hold: read when a sentence asks for it, and most ask for little.
    pub held: &'a dyn Held,
}

/// What the records of a finding hold.
pub trait Held {
    /// Lists the sources of the cited records, in source order, or those of the subject.
    fn sources(&self) -> Vec<&str>;
    /// Lists sources with their lot forms, over all records: by source, then sorted.
    fn lots(&self) -> Vec<(&str, &str)>;
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
    /// Gives a part of the subject, of which the source is the first (0), or empty.
    fn part(&self, at: usize) -> &str;
}

/// The most values that a sentence lists.
const LISTED_MAX: usize = 5;

impl Shown<'_> {
    /// Names the unit: `P1/SN1`, or the serial alone.
    pub fn unit(&self) -> impl Display {
        let Self { item, serial, .. } = *self;
        fmt::from_fn(move |out| if item.is_empty() { write!(out, "unit {serial}") } else { write!(out, "unit {item}/{serial}") })
    }

    /// Counts the records: `1 record`, `2 records`.
    pub fn records(&self) -> impl Display {
        let count = self.record_count;
        fmt::from_fn(move |out| write!(out, "{count} record{}", if count == 1 { "" } else { "s" }))
    }

    /// Gives the document of an in-transit finding.
    pub fn document(&self) -> &str {
        self.held.part(1)
    }

    /// Gives a placeholder's field.
    pub fn field(&self) -> &str {
        self.held.part(1)
    }

    /// Gives a placeholder's value, a column, or a reason.
    pub fn value(&self) -> &str {
        self.held.part(2)
    }

    /// Names the one source.
    pub fn source(&self) -> &str {
        self.held.sources().first().copied().unwrap_or("")
    }

    /// Lists the sources.
    pub fn sources_listed(&self) -> impl Display {
        let sources = self.held.sources();
        fmt::from_fn(move |out| write_between(out, sources.iter(), " and "))
    }

    /// Lists the lots by source: `acme: L7, erp: L9`.
    pub fn lots_by_source(&self) -> impl Display {
        let lots = self.held.lots();
        fmt::from_fn(move |out| {
            let by_source = lots.chunk_by(|left, right| left.0 == right.0).map(|lots| {
                fmt::from_fn(move |out| {
                    write!(out, "{}: ", lots[0].0)?;
                    write_listed(out, lots.iter().map(|(_, lot)| lot), " and ")
                })
            });
            write_between(out, by_source, ", ")
        })
    }

    /// Lists values: `P1, P2`.
    pub fn listed(values: &[&str]) -> impl Display {
        fmt::from_fn(move |out| write_listed(out, values.iter(), ", "))
    }

    /// Lists the spellings of the serial, quoted.
    pub fn serials_quoted(&self) -> impl Display {
        let serials: Vec<&str> = self.held.serials_with_sources().into_iter().map(|(serial, _)| serial).collect();
        fmt::from_fn(move |out| write!(out, "{}", Self::quoted(&serials)))
    }

    /// Lists values, quoted.
    pub fn quoted(values: &[&str]) -> impl Display {
        fmt::from_fn(move |out| write_listed(out, values.iter().map(|value| fmt::from_fn(move |out| write!(out, "\"{value}\""))), " and "))
    }

    /// Gives ` on 2026-01-02`, or nothing without a day.
    pub fn day_listed(&self, word: &str) -> impl Display {
        let day = self.held.day();
        fmt::from_fn(move |out| if day.is_empty() { Ok(()) } else { write!(out, " {word} {day}") })
    }
}

/// Writes the first of some values, and how many more there are.
fn write_listed(out: &mut Formatter<'_>, values: impl ExactSizeIterator<Item = impl Display>, between: &str) -> fmt::Result {
    let more = values.len().saturating_sub(LISTED_MAX);
    write_between(out, values.take(LISTED_MAX), between)?;
    if more > 0 { write!(out, " and {more} more") } else { Ok(()) }
}

fn write_between(out: &mut Formatter<'_>, values: impl Iterator<Item = impl Display>, between: &str) -> fmt::Result {
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.write_str(between)?;
        }
        write!(out, "{value}")?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Records of which only serials and lots are known.
    pub(crate) struct Holding {
        /// Serials with the number of sources that hold them.
        pub serials: &'static [(&'static str, usize)],
        /// Sources with lots.
        pub lots: &'static [(&'static str, &'static str)],
    }

    impl Holding {
        /// Gives a finding that shows nothing else.
        pub fn shown(&self) -> Shown<'_> {
            let (record_count, figure) = (0, 0);
            Shown { subtype: "", item: "", serial: "", lot: "", record_count, figure, held: self }
        }
    }

    impl Held for Holding {
        fn sources(&self) -> Vec<&str> {
            Vec::new()
        }
        fn lots(&self) -> Vec<(&str, &str)> {
            self.lots.to_vec()
        }
        fn items(&self) -> Vec<&str> {
            Vec::new()
        }
        fn serials_with_sources(&self) -> Vec<(&str, usize)> {
            self.serials.to_vec()
        }
        fn suppliers(&self) -> Vec<&str> {
            Vec::new()
        }
        fn day(&self) -> String {
            String::new()
        }
        fn file(&self) -> String {
            String::new()
        }
        fn part(&self, _: usize) -> &str {
            ""
        }
    }

    #[test]
    fn lots_stand_by_source_and_the_first_five_are_named() {
        let lots = |lots| Holding { serials: &[], lots }.shown().lots_by_source().to_string();
        assert_eq!(lots(&[]), "");
        assert_eq!(lots(&[("acme", "L1")]), "acme: L1");
        assert_eq!(lots(&[("acme", "L1"), ("acme", "L2"), ("erp", "L1")]), "acme: L1 and L2, erp: L1");
        assert_eq!(lots(&[("e", "1"), ("e", "2"), ("e", "3"), ("e", "4"), ("e", "5")]), "e: 1 and 2 and 3 and 4 and 5");
        assert_eq!(
            lots(&[("e", "1"), ("e", "2"), ("e", "3"), ("e", "4"), ("e", "5"), ("e", "6")]),
            "e: 1 and 2 and 3 and 4 and 5 and 1 more"
        );
    }
}
