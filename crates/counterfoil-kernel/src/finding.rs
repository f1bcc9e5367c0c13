//! Findings as rules make them: code, subject, record refs; words are made later.

use std::fmt;

use crate::key::Key;
use crate::map::Map;
use crate::model::{Field, Severity};
use crate::record::Record;
use crate::spelling::Spelling;

/// The bit of a reference that marks a cited record: one that the finding is about.
pub const CITED: u64 = 1 << 63;

/// What a finding is about.
///
/// Numbers are those of the run's interners; subjects of units and serials are read from their records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The unit that the records form.
    Unit,
    /// A unit of which the collision rule made one of several.
    SplitUnit,
    /// The unit that the records form, in one source.
    UnitInSource(u8),
    /// The same, of a split unit.
    SplitUnitInSource(u8),
    /// The serial of the records.
    Serial,
    /// The serial and scope value of the records.
    SerialInScope,
    /// A lot key in a source.
    Lot {
        /// The source.
        source: u8,
        /// The item.
        item: u32,
        /// The lot.
        lot: u32,
    },
    /// An item in a source.
    ItemInSource(u8, u32),
    /// An item.
    Item(u32),
    /// Each document of the records.
    Documents,
    /// A value in a field of a source.
    Value {
        /// The source.
        source: u8,
        /// The field.
        field: Field,
        /// The value, a number of the placeholder interner.
        value: u32,
    },
    /// The serial of the records, a placeholder, in a source.
    SerialValue(u8),
    /// Two sources.
    Sources(u8, u8),
    /// A file of a source and a numbered fact about it.
    File(u32, u32),
    /// All data.
    Dataset,
}

/// A finding before it has words.
#[derive(Clone, Copy, Debug)]
pub struct Finding {
    /// The rule's index in the catalogue.
    pub rule: u16,
    /// The subtype, or empty.
    pub subtype: &'static str,
    /// The severity, before the configuration's override.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// A figure of the finding, such as a count where no records are cited.
    pub figure: u64,
    /// The first of its records in [`FindingSink::mentions`], then in those of [`Findings`].
    pub start: u64,
    /// How many records.
    pub length: u32,
    /// The key of the serial whose SER003 explains it; 0 for none.
    pub explained_by: Key,
}

/// Takes the findings of one worker.
#[derive(Debug, Default)]
pub struct FindingSink {
    /// The rule that is running.
    pub rule: u16,
    /// Findings, in the order in which they came.
    pub findings: Vec<Finding>,
    /// The records of all findings.
    pub mentions: Vec<Mention>,
    /// Findings that several partitions add records to.
    pub gathered: Map<(u16, &'static str, Subject), Gathered>,
}

/// A finding that grows.
#[derive(Debug)]
pub struct Gathered {
    /// The severity.
    pub severity: Severity,
    /// Its records.
    pub mentions: Vec<Mention>,
}

/// A record that a finding refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mention {
    /// Its reference; bit 63 marks a cited one.
    pub reference: u64,
    /// What it tells of its raw serial.
    pub spelling: Spelling,
}

impl Mention {
    /// Mentions a record.
    #[inline]
    pub const fn new(record: &Record, is_cited: bool) -> Self {
        Self { reference: record.reference() | if is_cited { CITED } else { 0 }, spelling: Spelling::of(record) }
    }
}

/// What a rule says of a finding that is about records at hand.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The subtype, or empty.
    pub subtype: &'static str,
    /// The severity.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// The key of the serial whose SER003 explains it; 0 for none.
    pub explained_by: Key,
}

impl Claim {
    /// Makes a claim without subtype.
    pub const fn new(severity: Severity, subject: Subject) -> Self {
        Self { subtype: "", severity, subject, explained_by: 0 }
    }

    /// Adds a subtype.
    pub const fn subtype(self, subtype: &'static str) -> Self {
        Self { subtype, ..self }
    }
}

impl FindingSink {
    /// Adds a finding about records, of which `cited` tells those that it is about.
    pub fn push(&mut self, claim: Claim, records: &[Record], cited: impl Fn(&Record) -> bool) {
        let start = self.mentions.len() as u64;
        self.mentions.extend(records.iter().map(|record| Mention::new(record, cited(record))));
        self.findings.push(Finding {
            rule: self.rule,
            subtype: claim.subtype,
            severity: claim.severity,
            subject: claim.subject,
            figure: 0,
            start,
            length: records.len() as u32,
            explained_by: claim.explained_by,
        });
    }

    /// Adds a finding about no record, with a figure.
    pub fn push_figure(&mut self, claim: Claim, figure: u64) {
        self.push(claim, &[], |_| true);
        self.findings.last_mut().expect("one was pushed").figure = figure;
    }

    /// Adds records to a finding that several partitions add to; all are cited.
    pub fn gather<'a>(&mut self, claim: Claim, records: impl Iterator<Item = &'a Record>) {
        let gathered = self
            .gathered
            .entry((self.rule, claim.subtype, claim.subject))
            .or_insert_with(|| Gathered { severity: claim.severity, mentions: Vec::new() });
        gathered.mentions.extend(records.map(|record| Mention::new(record, true)));
    }
}

/// The findings of all workers, with the records that they mention.
#[derive(Debug, Default)]
pub struct Findings {
    /// The findings.
    pub findings: Vec<Finding>,
    /// Their records, one list after the other: as the workers made them, because there are many.
    pub mentions: Vec<Vec<Mention>>,
}

impl Findings {
    /// Gives where in the list of all records each list of them begins.
    fn starts(&self) -> Vec<u64> {
        let begin = |sum: &mut u64, mentions: &Vec<Mention>| {
            *sum += mentions.len() as u64;
            Some(*sum - mentions.len() as u64)
        };
        self.mentions.iter().scan(0, begin).collect()
    }

    /// Gives the reference of the first record of each finding, as the records came; 0 where there is none.
    pub fn first_references(&self) -> Vec<u64> {
        let starts = self.starts();
        let first = |finding: &Finding| {
            let list = starts.partition_point(|&start| start <= finding.start) - 1;
            self.mentions[list][(finding.start - starts[list]) as usize].reference & !CITED
        };
        self.findings.iter().map(|finding| if finding.length == 0 { 0 } else { first(finding) }).collect()
    }

    /// Gives the records of a finding, in pieces, given where lists begin.
    fn records_of(&self, starts: &[u64], finding: &Finding) -> impl Iterator<Item = &[Mention]> {
        let (mut at, end) = (finding.start, finding.start + u64::from(finding.length));
        std::iter::from_fn(move || {
            if at == end {
                return None;
            }
            // The last list that begins there or before: those before it may be empty.
            let list = starts.partition_point(|&start| start <= at) - 1;
            let own = &self.mentions[list][(at - starts[list]) as usize..];
            let own = &own[..own.len().min((end - at) as usize)];
            at += own.len() as u64;
            Some(own)
        })
    }

    /// Sums up for each finding what `weight` gives of its records, by their references.
    pub fn weights(&self, weight: impl Fn(u64) -> u64) -> Vec<u64> {
        let starts = self.starts();
        let of_piece = |own: &[Mention]| own.iter().map(|mention| weight(mention.reference & !CITED)).sum::<u64>();
        self.findings.iter().map(|finding| self.records_of(&starts, finding).map(of_piece).sum()).collect()
    }

    /// Gives some of the findings with their records.
    pub fn some(&self, numbers: &[u32]) -> Self {
        let starts = self.starts();
        let chosen = numbers.iter().map(|&number| self.findings[number as usize]);
        let count = chosen.clone().map(|finding| finding.length as usize).sum();
        let (mut findings, mut mentions) = (Vec::with_capacity(numbers.len()), Vec::with_capacity(count));
        for finding in chosen {
            findings.push(Finding { start: mentions.len() as u64, ..finding });
            self.records_of(&starts, &finding).for_each(|own| mentions.extend_from_slice(own));
        }
        Self { findings, mentions: vec![mentions] }
    }

    /// Puts together what several workers found; those that several added to become ordinary ones, whose records stand as they came.
    pub fn of(sinks: impl IntoIterator<Item = FindingSink>) -> Self {
        let mut all = Self::default();
        let mut gathered = Vec::new();
        let mut count = 0;
        for sink in sinks {
            all.findings.extend(sink.findings.into_iter().map(|finding| Finding { start: finding.start + count, ..finding }));
            count += sink.mentions.len() as u64;
            all.mentions.push(sink.mentions);
            gathered.extend(sink.gathered);
        }
        gathered.sort_unstable_by_key(|(key, _)| *key);
        for same in gathered.chunk_by_mut(|(left, _), (right, _)| left == right) {
            let (start, ((rule, subtype, subject), severity)) = (count, (same[0].0, same[0].1.severity));
            for (_, gathered) in same {
                count += gathered.mentions.len() as u64;
                all.mentions.push(std::mem::take(&mut gathered.mentions));
            }
            let length = (count - start) as u32;
            all.findings.push(Finding { rule, subtype, severity, subject, figure: 0, start, length, explained_by: 0 });
        }
        all
    }
}

/// The id of a finding: `F-` and 26 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId([u8; 28]);

impl FindingId {
    /// Gives the id as ASCII.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Gives the id as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an id is made of letters, digits and a hyphen")
    }
}

impl Default for FindingId {
    fn default() -> Self {
        Self([b'-'; 28])
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Makes the id of a finding from its code and normalized subject.
///
/// Shape: `F-` and 26 characters of base 32 (RFC 4648 alphabet), from 128 bits of BLAKE3. The subtype is no part of it.
/// Parts are length-prefixed, so that no two subjects run into each other.
pub fn finding_id<'a>(code: &'a str, subject: impl Iterator<Item = &'a str>) -> FindingId {
    let mut hashed = Vec::with_capacity(128);
    for part in std::iter::once(code).chain(subject) {
        hashed.extend_from_slice(&(part.len() as u64).to_le_bytes());
        hashed.extend_from_slice(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&blake3::hash(&hashed).as_bytes()[..16]);
    let bits = u128::from_be_bytes(bytes);
    let mut id = [0; 28];
    id[..2].copy_from_slice(b"F-");
    for (index, place) in id[2..].iter_mut().enumerate() {
        // 26 symbols of 5 bits are 130 bits: the last symbol has two zero bits at its end.
        let symbol = if index < 25 { bits >> (123 - 5 * index) } else { bits << 2 };
        *place = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(symbol & 31) as usize];
    }
    FindingId(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_findings_have_their_own_records() {
        let mention = |reference| Mention { reference, spelling: Spelling::of(&bytemuck::Zeroable::zeroed()) };
        let finding = |start, length| Finding {
            rule: 0,
            subtype: "",
            severity: Severity::Error,
            subject: Subject::Dataset,
            figure: start,
            start,
            length,
            explained_by: 0,
        };
        let mentions = [vec![], vec![7, 8 | CITED], vec![], vec![9], vec![], vec![10, 11, 12]];
        let mentions = mentions.map(|list: Vec<u64>| list.into_iter().map(mention).collect()).into();
        let findings = vec![finding(0, 2), finding(1, 3), finding(3, 3), finding(6, 0)];
        let all = Findings { findings, mentions };
        assert_eq!(all.first_references(), [7, 8, 10, 0]);
        assert_eq!(all.weights(|reference| reference), [15, 27, 33, 0]);
        let some = all.some(&[3, 1, 2]);
        let told: Vec<_> = some.findings.iter().map(|finding| (finding.figure, finding.start, finding.length)).collect();
        assert_eq!(told, [(6, 0, 0), (1, 0, 3), (3, 3, 3)]);
        let references: Vec<u64> = some.mentions.concat().iter().map(|mention| mention.reference).collect();
        assert_eq!(references, [8 | CITED, 9, 10, 10, 11, 12]);
    }

    #[test]
    fn the_records_of_a_finding_are_those_that_it_was_pushed_with_whatever_stands_around_them() {
        let record = |record: u32| Record { record, ..bytemuck::Zeroable::zeroed() };
        let records = |numbers: &[u32]| numbers.iter().map(|&number| record(number)).collect::<Vec<_>>();
        let claim = |item: u32| Claim::new(Severity::Info, Subject::Item(item));
        let sink = |rule: u16, pushed: &[&[u32]], gathered: &[(u32, &[u32])]| {
            let mut sink = FindingSink { rule, ..FindingSink::default() };
            pushed.iter().for_each(|numbers| sink.push(claim(99), &records(numbers), |_| true));
            gathered.iter().for_each(|(item, numbers)| sink.gather(claim(*item), records(numbers).iter()));
            sink
        };
        let sinks = [
            sink(1, &[&[1, 2], &[], &[3]], &[]),
            sink(1, &[], &[]),
            sink(1, &[&[4]], &[(7, &[10, 11])]),
            sink(1, &[&[5, 6]], &[(8, &[30]), (7, &[12])]),
            sink(0, &[], &[(9, &[40, 41, 42])]),
        ];
        let found = Findings::of(sinks);
        let mentions = found.mentions.concat();
        let told: Vec<(u16, Subject, Vec<u64>)> = found
            .findings
            .iter()
            .map(|finding| {
                let own = &mentions[finding.start as usize..][..finding.length as usize];
                (finding.rule, finding.subject, own.iter().map(|mention| mention.reference & !CITED).collect())
            })
            .collect();
        let pushed = |numbers: &[u64]| (1, Subject::Item(99), numbers.to_vec());
        let expected = [
            pushed(&[1, 2]),
            pushed(&[]),
            pushed(&[3]),
            pushed(&[4]),
            pushed(&[5, 6]),
            (0, Subject::Item(9), vec![40, 41, 42]),
            (1, Subject::Item(7), vec![10, 11, 12]),
            (1, Subject::Item(8), vec![30]),
        ];
        assert_eq!(told, expected);
        assert_eq!(mentions.len(), expected.iter().map(|(.., own)| own.len()).sum::<usize>());
    }

    #[test]
    fn ids_are_pinned_and_parts_do_not_run_together() {
        let id = |code, subject: &[&str]| finding_id(code, subject.iter().copied()).to_string();
        assert_ne!(id("SER001", &["A", "BC"]), id("SER001", &["AB", "C"]));
        assert_ne!(id("SER001", &["A"]), id("SER002", &["A"]));
        assert_eq!(id("SER001", &["P1", "SN1", "erp"]), "F-2JJFNFDMISPE5M7YEKAVS3NB3U");
    }
}
