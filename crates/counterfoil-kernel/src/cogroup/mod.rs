//! Co-grouping: the records of one partition by serial, then by scope, into units.

pub mod seen;
mod settle;
pub mod shape;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use bytemuck::Zeroable;

use self::seen::{Concern, Concerned, Seen, Sights};
use self::settle::{is_settled_without_look, settle};
use self::shape::{Mark, Shape, ShapeCounts};
use crate::key::{Key, mix};
use crate::model::{Field, Grain, Role, Source};
use crate::parameter::Thresholds;
use crate::record::{CompactRecord, Flags, Record, Setting};

/// What co-grouping and rules know of the run.
#[derive(Clone, Debug)]
pub struct Context {
    /// The sources.
    pub sources: Vec<Source>,
    /// The source of each file.
    pub file_source: Vec<u8>,
    /// The scope value of each place; 0: without scope.
    pub scope_of: Vec<u32>,
    /// The item of each place; 0: blank.
    pub item_of: Vec<u32>,
    /// The rank of each item among all items by bytes.
    pub item_order: Vec<u32>,
    /// The scope columns.
    pub scope: Vec<Field>,
    /// The day of the run, in days from 1970-01-01.
    pub as_of: i32,
    /// Grace in days.
    pub grace_days: i32,
    /// What the parameters of rules and guards are set to.
    pub thresholds: Thresholds,
}

impl Context {
    /// Gives the source index of a record.
    pub fn source_of(&self, record: &Record) -> u8 {
        self.file_source[record.file as usize]
    }

    /// Lists by file what the walk over units looks up for every record.
    pub fn file_traits(&self) -> Vec<FileTraits> {
        let of = |&source: &u8| {
            let of = &self.sources[usize::from(source)];
            FileTraits { source, mark: Mark::new(source), role: 1 << of.role as u8, sights: Sights::of_grain(of.grain) }
        };
        self.file_source.iter().map(of).collect()
    }

    /// Gives the source of a record.
    pub fn source(&self, record: &Record) -> &Source {
        &self.sources[usize::from(self.source_of(record))]
    }

    /// Gives the scope value of a record; 0: without scope.
    pub fn scope_value(&self, record: &Record) -> u32 {
        self.scope_of[record.place as usize]
    }

    /// Gives the item of a record; 0 when blank.
    pub fn item(&self, record: &Record) -> u32 {
        self.item_of[record.place as usize]
    }

    /// Tells whether a record's source lists each unit once.
    pub fn is_unit_grain(&self, record: &Record) -> bool {
        self.source(record).grain == Grain::Unit
    }
}

/// Buffers that a worker keeps between partitions.
#[derive(Debug, Default)]
pub struct Workspace {
    /// The records of the partition as they came, in parts.
    parts: Vec<Vec<Record>>,
    /// Those of the part that is grouped.
    arrived: Vec<Record>,
    /// Stretches of them, which give all of them ordered by reference.
    stretches: Vec<Range<usize>>,
    /// A hash table of serials: their number plus one, 0 for a free slot. Half of it fits the nearest cache.
    slots: Vec<u16>,
    /// What is seen of each serial.
    seen: Vec<Seen>,
    /// The serial of each record that arrived.
    serial_of: Vec<u32>,
    /// How the records of each serial end; all are loud until they are told apart.
    ends: Vec<End>,
    /// Where the next record of each serial goes that is not quiet.
    places: Vec<u32>,
    /// The serials that are not quiet, in the order of those places.
    loud_serials: Vec<u32>,
    /// Which records that arrived are not quiet.
    loud: Vec<u32>,
    shapes: ShapeCounts,
    records: Vec<Record>,
    units: Vec<Unit>,
    serials: Vec<SerialGroup>,
}

/// What the walk over units looks up for every record, by file.
#[derive(Clone, Copy, Debug)]
pub struct FileTraits {
    /// The source.
    pub source: u8,
    /// What the briefs of its records share.
    pub mark: Mark,
    /// The bit of its role.
    pub role: u8,
    /// What may be seen only because of its grain.
    pub sights: Sights,
}

/// Serials of fewer records stand with those of equally many.
const LENGTHS: usize = 8;

/// Some records of a partition and the settings that they share.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The records.
    pub records: &'a [CompactRecord],
    /// Their settings, by number.
    pub settings: &'a [Setting],
}

/// Records of one part of a partition: what is known of them while they are grouped fits the cache.
const PART_RECORDS: usize = 8 * 1024;

/// Records whose settings are looked up together: many look-ups that no cache near by answers are then on their way at once.
const TOGETHER: usize = 32;

/// Spreads keys over parts: 2^64 divided by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Groups the records of a partition by serial, then by unit, ordered by file and record, and gives them to `each`.
///
/// Shape: the pieces of a partition, of `count` records in all -> its units, a part at a time; every record once, those of a serial together. Serials stand in an
/// order that depends on the records alone. Serials that are one unit each, which is not concerned, are quiet: only what is counted of them is given.
/// Cost: no sort of records. They arrive in long ordered stretches; a hash table numbers their serials, and those that are not quiet are copied to their places.
/// Fewer and larger partitions are quicker to fill, so they are cut into parts here, where a record is copied anyway.
pub fn cogroup<'p>(
    pieces: impl IntoIterator<Item = Piece<'p>>,
    count: usize,
    context: &Context,
    concerned: Concerned<'_>,
    workspace: &mut Workspace,
    mut each: impl FnMut(&Units<'_>),
) {
    let bits = (count / PART_RECORDS).max(1).next_power_of_two().trailing_zeros();
    let mut parts = std::mem::take(&mut workspace.parts);
    parts.resize_with(parts.len().max(1 << bits), Vec::new);
    for piece in pieces {
        for records in piece.records.chunks(TOGETHER) {
            let mut settings = [Setting::default(); TOGETHER];
            for (setting, record) in settings.iter_mut().zip(records) {
                *setting = piece.settings[record.setting as usize];
            }
            let whole = records.iter().zip(&settings).map(|(record, setting)| record.with(setting));
            if bits == 0 {
                parts[0].extend(whole);
            } else {
                for record in whole {
                    let part = (record.key as u64).wrapping_mul(SPREAD) >> (u64::BITS - bits);
                    parts[part as usize].push(record);
                }
            }
        }
    }
    let files = context.file_traits();
    for part in &mut parts[..1 << bits] {
        workspace.arrived.clear();
        std::mem::swap(&mut workspace.arrived, part);
        each(&group(context, &files, concerned, workspace));
    }
    workspace.parts = parts;
}

/// Groups the records that arrived.
fn group<'w>(context: &'w Context, files: &[FileTraits], concerned: Concerned<'_>, workspace: &'w mut Workspace) -> Units<'w> {
    order_stretches(&workspace.arrived, &mut workspace.stretches);
    if !number_serials(workspace, files) {
        number_serials_by_sorting(workspace, files);
    }
    part_serials(workspace, concerned);
    place_loud_records(workspace);
    let Workspace { arrived, seen, serial_of, ends, shapes, loud_serials, records, units, serials, .. } = workspace;
    units.clear();
    serials.clear();
    let (mut start, mut rest) = (0, &mut records[..]);
    for &serial in &*loud_serials {
        let seen = &seen[serial as usize];
        let group = rest.split_off_mut(..seen.records as usize).expect("each record of the serial has a place");
        list_serial(group, seen, start, context, files, units, serials);
        start += group.len();
    }
    assert!(rest.is_empty(), "every record that is not quiet is one of a serial");
    let quiet = Quiet { serials: (seen.len() - loud_serials.len()) as u64, shapes, arrived, serial_of, ends };
    Units { context, records, units, serials, quiet }
}

/// Lists stretches of records that give all of them ordered by reference.
///
/// Workers take whole morsels: the records of a partition rise in a few runs, which take turns for long stretches.
fn order_stretches(arrived: &[Record], stretches: &mut Vec<Range<usize>>) {
    stretches.clear();
    let Some(first) = arrived.first() else { return };
    let mut runs = BinaryHeap::new();
    let (mut start, mut last) = (0, first.reference());
    for (at, record) in arrived.iter().enumerate() {
        let reference = record.reference();
        if reference < last {
            runs.push(Reverse((arrived[start].reference(), start, at)));
            start = at;
        }
        last = reference;
    }
    runs.push(Reverse((arrived[start].reference(), start, arrived.len())));
    while let Some(Reverse((_, start, end))) = runs.pop() {
        let next = runs.peek().map_or(u64::MAX, |&Reverse((reference, ..))| reference);
        let rest = start + arrived[start..end].partition_point(|record| record.reference() < next).max(1);
        stretches.push(start..rest);
        if rest < end {
            runs.push(Reverse((arrived[rest].reference(), rest, end)));
        }
    }
}

/// Steps from slot to slot that numbering takes for each record at most, on average: serials that keep apart take less than one.
const STEPS_MAX: usize = 8;

/// Serials that the hash table holds at most: eight times the records of a part.
const SERIALS_MAX: usize = u16::MAX as usize;

/// Spreads keys over slots by their top bits: quicker than to mix them, and who chose keys that meet gains nothing by it.
#[inline]
const fn spread(key: Key) -> u64 {
    (key as u64).wrapping_mul(SPREAD_LOW) ^ ((key >> 64) as u64).wrapping_mul(SPREAD_HIGH)
}

/// Odd numbers, from the roots of two and three.
const SPREAD_LOW: u64 = 0x6a09_e667_f3bc_c909;
const SPREAD_HIGH: u64 = 0xbb67_ae85_84ca_a73b;

/// Numbers the serials in the order of references, and sees their records; tells whether the hash table held them and kept them apart.
///
/// That order helps: most records of the first source open a serial, and most records of the others meet theirs, so branches are foreseen.
fn number_serials(workspace: &mut Workspace, files: &[FileTraits]) -> bool {
    let Workspace { arrived, stretches, slots, seen, serial_of, ends, .. } = workspace;
    // At most one slot in three is taken, even if each record has a serial of its own: serials that meet can't be foreseen, and cost more than room.
    let bits = (3 * arrived.len().min(SERIALS_MAX)).max(2).next_power_of_two().trailing_zeros();
    slots.clear();
    slots.resize(1 << bits, 0);
    seen.clear();
    ends.clear();
    serial_of.resize(arrived.len(), 0);
    let mut steps_left = STEPS_MAX * arrived.len();
    let Some(first) = arrived.first() else { return true };
    let (mut file, mut traits) = (first.file, files[first.file as usize]);
    for stretch in &*stretches {
        for (record, of) in arrived[stretch.clone()].iter().zip(&mut serial_of[stretch.clone()]) {
            if record.file != file {
                (file, traits) = (record.file, files[record.file as usize]);
            }
            let mut slot = (spread(record.key) >> (u64::BITS - bits)) as usize;
            *of = loop {
                let Some(serial) = slots[slot].checked_sub(1) else {
                    if seen.len() == SERIALS_MAX {
                        return false;
                    }
                    seen.push(Seen::new(record, traits));
                    ends.push(End { mixed: mix(record.key), ending: Ending::Loud });
                    slots[slot] = seen.len() as u16;
                    break seen.len() as u32 - 1;
                };
                let met = &mut seen[usize::from(serial)];
                if met.key == record.key {
                    met.add(record, traits);
                    break u32::from(serial);
                }
                slot = (slot + 1) & (slots.len() - 1);
                match steps_left.checked_sub(1) {
                    Some(left) => steps_left = left,
                    None => return false,
                }
            };
        }
    }
    true
}

/// Numbers the serials in the order of keys: whatever serials were chosen to meet in the hash table, this takes no longer.
fn number_serials_by_sorting(workspace: &mut Workspace, files: &[FileTraits]) {
    let Workspace { arrived, stretches, seen, serial_of, ends, .. } = workspace;
    let mut order: Vec<usize> = stretches.iter().cloned().flatten().collect();
    order.sort_by_key(|&index| arrived[index].key);
    seen.clear();
    ends.clear();
    for index in order {
        let record = &arrived[index];
        let traits = files[record.file as usize];
        match seen.last_mut().filter(|last| last.key == record.key) {
            Some(last) => last.add(record, traits),
            None => {
                seen.push(Seen::new(record, traits));
                ends.push(End { mixed: mix(record.key), ending: Ending::Loud });
            }
        }
        serial_of[index] = seen.len() as u32 - 1;
    }
}

/// Counts the quiet serials and gives the others their places.
///
/// Serials of equally many records stand together: loops over the records of one are then foreseen to end where they do.
fn part_serials(workspace: &mut Workspace, concerned: Concerned<'_>) {
    let Workspace { seen, ends, places, shapes, loud_serials, records, .. } = workspace;
    shapes.clear();
    // Where the serials of each length start, and their records.
    let mut starts = [(0, 0); LENGTHS + 1];
    for (seen, end) in seen.iter().zip(&mut *ends) {
        if seen.is_quiet(concerned) {
            shapes.count(seen.shape);
            end.ending = Ending::of(seen.roles);
        } else {
            let start = &mut starts[(seen.records as usize).min(LENGTHS)];
            *start = (start.0 + 1, start.1 + seen.records);
        }
    }
    let mut next = (0, 0);
    for start in &mut starts {
        let (serials, records) = std::mem::replace(start, next);
        next = (next.0 + serials, next.1 + records);
    }
    // Every place is written afterwards: what stands there from the partition before need not be cleared.
    loud_serials.resize(next.0, 0);
    records.resize(next.1 as usize, Record::zeroed());
    places.clear();
    for (serial, (seen, end)) in seen.iter().zip(&*ends).enumerate() {
        let start = &mut starts[(seen.records as usize).min(LENGTHS)];
        places.push(start.1);
        if end.ending == Ending::Loud {
            loud_serials[start.0] = serial as u32;
            *start = (start.0 + 1, start.1 + seen.records);
        }
    }
}

/// Copies the records of each serial that is not quiet to one stretch, ordered by reference.
fn place_loud_records(workspace: &mut Workspace) {
    let Workspace { arrived, stretches, places, serial_of, ends, loud, records, .. } = workspace;
    loud.resize(arrived.len(), 0);
    let mut count = 0;
    for stretch in &*stretches {
        for (index, &serial) in stretch.clone().zip(&serial_of[stretch.clone()]) {
            // Written whether it counts or not: which serials are quiet can't be foreseen.
            loud[count] = index as u32;
            count += usize::from(ends[serial as usize].ending == Ending::Loud);
        }
    }
    assert_eq!(count, records.len(), "every record that is not quiet has a place");
    for &index in &loud[..count] {
        let place = &mut places[serial_of[index as usize] as usize];
        records[*place as usize] = arrived[index as usize];
        *place += 1;
    }
}

/// Lists the units of one serial, and the serial.
fn list_serial(
    group: &mut [Record],
    seen: &Seen,
    start: usize,
    context: &Context,
    files: &[FileTraits],
    units: &mut Vec<Unit>,
    serials: &mut Vec<SerialGroup>,
) {
    let first_unit = units.len();
    let mut serial = SerialGroup {
        start: start as u32,
        units_end: (start + group.len()) as u32,
        usable_end: (start + group.len()) as u32,
        end: (start + group.len()) as u32,
        first_unit: first_unit as u32,
        last_unit: first_unit as u32 + 1,
        on_several_items: false,
    };
    // Nearly all serials are one unit, whose records agree; without scope, too, records of one form are one unit where there are no others.
    if seen.is_one_unit() || is_settled_without_look(seen, group, context) {
        units.push(Unit::new(seen, group, start, serials.len(), context));
        serial.on_several_items = seen.sights.has(Sights::PLACES_DIFFER) && has_several_items(group, context);
    } else {
        settle(group, context);
        let mut position = 0;
        while position < group.len() && group[position].flags.has(Flags::UNIT_START) {
            let is_inside = |record: &&Record| !record.flags.has(Flags::UNIT_START | Flags::AMBIGUOUS | Flags::PLACEHOLDER);
            let length = 1 + group[position + 1..].iter().take_while(is_inside).count();
            let records = &group[position..position + length];
            units.push(Unit::new(&Seen::in_records(records, files), records, start + position, serials.len(), context));
            position += length;
        }
        let ambiguous = group[position..].iter().take_while(|record| record.flags.has(Flags::AMBIGUOUS)).count();
        serial.units_end = (start + position) as u32;
        serial.usable_end = (start + position + ambiguous) as u32;
        serial.last_unit = units.len() as u32;
        serial.on_several_items = has_several_items(&group[..position + ambiguous], context);
    }
    serials.push(serial);
}

/// A unit of a partition.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// Its first record.
    pub start: u32,
    /// One past its last record.
    pub end: u32,
    /// Its serial group.
    pub serial: u32,
    /// Its item; 0 when no record has one.
    pub item: u32,
    /// Which roles hold it: bit 0 supplier, bit 1 ERP, bit 2 warranty.
    pub roles: u8,
    /// What is seen of its records together.
    pub sights: Sights,
    /// What is counted of its records, if they are not more than a shape holds.
    pub shape: Shape,
    /// The collision rule made it one of several of its serial and scope value.
    pub split: bool,
}

impl Unit {
    fn new(seen: &Seen, records: &[Record], start: usize, serial: usize, context: &Context) -> Self {
        Self {
            start: start as u32,
            end: (start + records.len()) as u32,
            serial: serial as u32,
            item: if seen.sights.has(Sights::PLACES_DIFFER) { unit_item(records, context) } else { context.item(&records[0]) },
            roles: seen.roles,
            sights: seen.sights,
            shape: seen.shape,
            split: seen.flags.has(Flags::SPLIT),
        }
    }

    /// Tells whether a role holds the unit.
    pub const fn held_by(&self, role: Role) -> bool {
        self.roles & 1 << role as u8 != 0
    }
}

/// A serial group of a partition.
#[derive(Clone, Copy, Debug)]
pub struct SerialGroup {
    /// First record.
    pub start: u32,
    /// One past the last unit's last record: ambiguous records follow.
    pub units_end: u32,
    /// One past the last ambiguous record: confirmed placeholders follow.
    pub usable_end: u32,
    /// One past the last record.
    pub end: u32,
    /// First unit.
    pub first_unit: u32,
    /// One past the last unit.
    pub last_unit: u32,
    /// Its usable records stand under two or more items, blanks aside.
    pub on_several_items: bool,
}

/// The units of one part of a partition: every rule sees each of them once.
#[derive(Debug)]
pub struct Units<'a> {
    /// What the run knows.
    pub context: &'a Context,
    /// The records, as [`cogroup`] ordered them.
    pub records: &'a [Record],
    /// The units, in order.
    pub units: &'a [Unit],
    /// The serial groups, in order.
    pub serials: &'a [SerialGroup],
    /// The others, which concern no rule.
    pub quiet: Quiet<'a>,
}

/// The units of a part that concern no rule, each alone in its serial.
#[derive(Debug)]
pub struct Quiet<'a> {
    /// How many they are.
    pub serials: u64,
    /// What is counted of them.
    pub shapes: &'a ShapeCounts,
    arrived: &'a [Record],
    serial_of: &'a [u32],
    ends: &'a [End],
}

impl<'a> Quiet<'a> {
    /// Gives all records of the part in runs of one file, with how those of their serial end.
    pub fn by_file(&self) -> impl Iterator<Item = (u32, impl Iterator<Item = (&'a Record, End)>)> {
        let (ends, mut serial_of) = (self.ends, self.serial_of);
        self.arrived.chunk_by(|left, right| left.file == right.file).map(move |records| {
            let serials = serial_of.split_off(..records.len()).expect("each record has a serial");
            (records[0].file, records.iter().zip(serials).map(|(record, &serial)| (record, ends[serial as usize])))
        })
    }
}

/// How the records of a serial end.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// The mixed key of the serial.
    pub mixed: u64,
    /// Their disposition.
    pub ending: Ending,
}

/// The disposition of the records of a serial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Sources of two or more roles hold its only unit, which is quiet.
    Matched,
    /// Sources of one role hold its only unit, which is quiet.
    Unmatched,
    /// It is listed: its units tell.
    Loud,
}

impl Ending {
    /// Gives the disposition of the records of a unit.
    #[inline]
    pub const fn of(roles: u8) -> Self {
        if roles.count_ones() > 1 { Self::Matched } else { Self::Unmatched }
    }
}

impl<'a> Units<'a> {
    /// Gives the records of a unit, ordered by source, file and record.
    pub fn records_of(&self, unit: &Unit) -> &'a [Record] {
        &self.records[unit.start as usize..unit.end as usize]
    }

    /// Gives the units that concern a rule.
    pub fn concerned(&self, concern: Concern) -> impl Iterator<Item = &'a Unit> {
        self.units.iter().filter(move |unit| concern.covers(unit.sights, unit.roles))
    }

    /// Gives the records of a unit by source.
    pub fn by_source(&self, unit: &Unit) -> impl Iterator<Item = (u8, &'a [Record])> {
        let context = self.context;
        let records: &'a [Record] = self.records_of(unit);
        records
            .chunk_by(|left, right| context.source_of(left) == context.source_of(right))
            .map(|records| (context.source_of(&records[0]), records))
    }
}

/// The byte-least item of the best-ranked source that has one.
fn unit_item(records: &[Record], context: &Context) -> u32 {
    let first = context.item(&records[0]);
    if records.iter().all(|record| context.item(record) == first) {
        return first;
    }
    records
        .iter()
        .filter(|record| context.item(record) != 0)
        .min_by_key(|record| {
            let source = context.source(record);
            (source.rank, &source.name, context.item_order[context.item(record) as usize])
        })
        .map_or(0, |record| context.item(record))
}

/// Tells whether records have two or more different items, blanks aside.
fn has_several_items(records: &[Record], context: &Context) -> bool {
    let mut items = records.iter().map(|record| context.item(record)).filter(|&item| item != 0);
    items.next().is_some_and(|first| items.any(|item| item != first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::key_of;
    use crate::model::FieldSet;
    use crate::normalize::Steps;

    /// Checks that the stretches of records, given by file and number, hold each of them once and in order.
    #[track_caller]
    fn check_stretches(arrived: &[(u32, u32)], expected: &[Range<usize>]) {
        let arrived: Vec<Record> = arrived.iter().map(|&(file, record)| Record { file, record, ..Record::zeroed() }).collect();
        let mut stretches = Vec::new();
        order_stretches(&arrived, &mut stretches);
        assert_eq!(stretches, expected);
        let ordered: Vec<u64> = stretches.iter().flat_map(|stretch| &arrived[stretch.clone()]).map(Record::reference).collect();
        let mut sorted: Vec<u64> = arrived.iter().map(Record::reference).collect();
        sorted.sort_unstable();
        assert_eq!(ordered, sorted);
    }

    /// Makes the context of records of one source.
    fn context() -> Context {
        let source = Source { name: "erp".to_owned(), role: Role::Erp, grain: Grain::Unit, rank: 1, fields: FieldSet::default() };
        Context {
            sources: vec![source],
            file_source: vec![0],
            scope_of: vec![0, 1],
            item_of: vec![0, 1],
            item_order: vec![0, 1],
            scope: vec![Field::Item],
            as_of: 0,
            grace_days: 0,
            thresholds: Thresholds::default(),
        }
    }

    #[test]
    fn serials_that_meet_in_the_hash_table_are_grouped_all_the_same() {
        // 700 serials, twice each: the table has 8192 slots, and all of them come to one.
        let crafted: Vec<Key> = (1..).filter(|&key| spread(key) >> (64 - 13) == 0).take(700).collect();
        let record = |(number, &key): (usize, &Key)| CompactRecord::new(key, 0, number as u32, 0, Steps(0), Flags(0));
        let records: Vec<CompactRecord> = crafted.iter().chain(crafted.iter().rev()).enumerate().map(record).collect();
        let settings = [Setting { place: 1, ..Setting::default() }];
        let (context, mut workspace) = (context(), Workspace::default());
        let pieces = [Piece { records: &records, settings: &settings }];
        let mut numbers = Vec::new();
        cogroup(pieces, records.len(), &context, Concern::ALL.into(), &mut workspace, |units| {
            numbers.extend(units.units.iter().map(|unit| units.records_of(unit).iter().map(|record| record.record).collect::<Vec<_>>()));
            assert!(units.serials.iter().all(|serial| serial.end - serial.start == 2));
        });
        numbers.sort_unstable();
        assert_eq!(numbers, (0..700).map(|number| vec![number, 1399 - number]).collect::<Vec<_>>());
        assert!(!number_serials(&mut workspace, &context.file_traits()), "the hash table held them");
    }

    #[test]
    fn a_part_may_hold_more_serials_than_the_hash_table() {
        let serials = SERIALS_MAX as u32 + 1;
        let record =
            |number: u32| CompactRecord::new(key_of(format!("S{}", number % serials).as_bytes()), 0, number, 0, Steps(0), Flags(0));
        let settings = [Setting { place: 1, ..Setting::default() }];
        for some in [serials - 1, serials] {
            let records: Vec<CompactRecord> = (0..some).chain(serials..serials + some).map(record).collect();
            let (context, mut workspace, mut pairs) = (context(), Workspace::default(), 0);
            // A partition that is said to be small comes in one part.
            cogroup([Piece { records: &records, settings: &settings }], 1, &context, Concern::ALL.into(), &mut workspace, |units| {
                pairs += units.units.iter().filter(|unit| unit.end - unit.start == 2).count();
            });
            assert_eq!(pairs, some as usize);
            assert_eq!(number_serials(&mut workspace, &context.file_traits()), some < serials);
        }
    }

    #[test]
    fn a_large_partition_comes_in_parts_of_whole_serials() {
        let serials = 20_000_u32;
        let record = |number: u32| {
            let key = key_of(format!("S{}", number % serials).as_bytes());
            CompactRecord::new(key, 0, number, 0, Steps(0), Flags(0))
        };
        let records: Vec<CompactRecord> = (0..2 * serials).map(record).collect();
        let settings = [Setting { place: 1, ..Setting::default() }];
        let pieces = records.chunks(300).map(|records| Piece { records, settings: &settings });
        let (mut parts, mut pairs) = (0, Vec::new());
        cogroup(pieces, records.len(), &context(), Concern::ALL.into(), &mut Workspace::default(), |units| {
            parts += 1;
            pairs.extend(units.units.iter().map(|unit| units.records_of(unit).iter().map(|record| record.record).collect::<Vec<_>>()));
        });
        pairs.sort_unstable();
        assert_eq!(pairs, (0..serials).map(|number| vec![number, number + serials]).collect::<Vec<_>>());
        assert_eq!(parts, 4);
    }

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "one stretch is a case")]
    fn stretches_give_all_records_in_order() {
        check_stretches(&[], &[]);
        check_stretches(&[(3, 7)], &[0..1]);
        check_stretches(&[(0, 1), (0, 2), (1, 0)], &[0..3]);
        // Each record stands before the one that came before it.
        check_stretches(&[(1, 0), (0, 5), (0, 3)], &[2..3, 1..2, 0..1]);
        // Two workers took turns.
        check_stretches(&[(0, 0), (0, 1), (0, 4), (1, 0), (0, 2), (0, 3), (0, 5)], &[0..2, 4..6, 2..3, 6..7, 3..4]);
        // A third stands amid one of them.
        check_stretches(&[(0, 0), (0, 9), (0, 1), (0, 8), (0, 4), (0, 5)], &[0..1, 2..3, 4..6, 3..4, 1..2]);
    }
}
