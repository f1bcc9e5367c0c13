//! Co-grouping: the records of one partition by serial, then by scope, into units.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use bytemuck::Zeroable;

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
            FileTraits { source, role: of.role, grain: of.grain }
        };
        self.file_source.iter().map(of).collect()
    }

    /// Gives the source of a record.
    pub fn source(&self, record: &Record) -> &Source {
        &self.sources[usize::from(self.source_of(record))]
    }

    fn scope_value(&self, record: &Record) -> u32 {
        self.scope_of[record.place as usize]
    }

    /// Gives the item of a record; 0 when blank.
    pub fn item(&self, record: &Record) -> u32 {
        self.item_of[record.place as usize]
    }

    fn is_unit_grain(&self, record: &Record) -> bool {
        self.source(record).grain == Grain::Unit
    }
}

/// Buffers that a worker keeps between partitions.
#[derive(Debug, Default)]
pub struct Workspace {
    /// The records as they came.
    arrived: Vec<Record>,
    /// Stretches of them, which give all of them ordered by reference.
    stretches: Vec<Range<usize>>,
    /// A hash table of serials: their number plus one, 0 for a free slot.
    slots: Vec<u32>,
    /// The key of each serial.
    keys: Vec<Key>,
    /// How many records each serial has; then where its next one goes.
    places: Vec<u32>,
    /// The serial of each record that arrived.
    serial_of: Vec<u32>,
    records: Vec<Record>,
    units: Vec<Unit>,
    serials: Vec<SerialGroup>,
}

/// What the walk over units looks up for every record, by file.
#[derive(Clone, Copy, Debug)]
pub struct FileTraits {
    /// The source.
    pub source: u8,
    /// Its role.
    pub role: Role,
    /// Its grain.
    pub grain: Grain,
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

/// Groups the records of a partition by serial, then by unit, ordered by file and record.
///
/// Shape: the pieces of a partition -> its units; every record once. Serials stand in an order that depends on the records alone.
/// Cost: no sort of records. They arrive in long ordered stretches; a hash table numbers their serials, and one copy puts them in their places.
pub fn cogroup<'w>(pieces: &[Piece<'_>], context: &'w Context, workspace: &'w mut Workspace) -> Units<'w> {
    let arrived = &mut workspace.arrived;
    arrived.clear();
    arrived.reserve(pieces.iter().map(|piece| piece.records.len()).sum());
    for piece in pieces {
        arrived.extend(piece.records.iter().map(|record| record.with(&piece.settings[record.setting as usize])));
    }
    order_stretches(arrived, &mut workspace.stretches);
    number_serials(workspace);
    place_records(workspace);
    let Workspace { records, units, serials, .. } = workspace;
    units.clear();
    serials.clear();
    let files = context.file_traits();
    let (mut start, mut rest) = (0, &mut records[..]);
    while let Some(first) = rest.first() {
        let key = first.key;
        let length = rest.iter().take_while(|record| record.key == key).count();
        let (group, after) = rest.split_at_mut(length);
        list_serial(group, start, context, &files, units, serials);
        start += length;
        rest = after;
    }
    Units { context, records, units, serials }
}

/// Lists stretches of records that give all of them ordered by reference.
///
/// Workers take whole morsels: the records of a partition rise in a few runs, which take turns for long stretches.
fn order_stretches(arrived: &[Record], stretches: &mut Vec<Range<usize>>) {
    stretches.clear();
    let mut runs = BinaryHeap::new();
    let mut start = 0;
    for end in 1..=arrived.len() {
        if end == arrived.len() || arrived[end].reference() < arrived[end - 1].reference() {
            runs.push(Reverse((arrived[start].reference(), start, end)));
            start = end;
        }
    }
    while let Some(Reverse((_, start, end))) = runs.pop() {
        let next = runs.peek().map_or(u64::MAX, |&Reverse((reference, ..))| reference);
        let rest = start + arrived[start..end].partition_point(|record| record.reference() < next).max(1);
        stretches.push(start..rest);
        if rest < end {
            runs.push(Reverse((arrived[rest].reference(), rest, end)));
        }
    }
}

/// Numbers the serials in the order of references, and counts their records.
///
/// That order helps: most records of the first source open a serial, and most records of the others meet theirs, so branches are foreseen.
fn number_serials(workspace: &mut Workspace) {
    let Workspace { arrived, stretches, slots, keys, places, serial_of, .. } = workspace;
    // At most two slots in three are taken, even if each record has a serial of its own.
    let bits = (arrived.len() + arrived.len() / 2).max(2).next_power_of_two().trailing_zeros();
    slots.clear();
    slots.resize(1 << bits, 0);
    keys.clear();
    places.clear();
    serial_of.resize(arrived.len(), 0);
    for stretch in &*stretches {
        for (record, of) in arrived[stretch.clone()].iter().zip(&mut serial_of[stretch.clone()]) {
            let mut slot = (mix(record.key) << PARTITION_BITS_SKIPPED >> (64 - bits)) as usize;
            *of = loop {
                match slots[slot].checked_sub(1) {
                    Some(serial) if keys[serial as usize] == record.key => break serial,
                    Some(_) => slot = (slot + 1) & (slots.len() - 1),
                    None => {
                        let serial = keys.len() as u32;
                        slots[slot] = serial + 1;
                        keys.push(record.key);
                        places.push(0);
                        break serial;
                    }
                }
            };
            places[*of as usize] += 1;
        }
    }
}

/// The top bits of the mixed key chose the partition: they are equal inside it.
pub const PARTITION_BITS_SKIPPED: u32 = 12;

/// Copies the records of each serial to one stretch, ordered by reference.
///
/// Serials of equally many records stand together: loops over the records of one are then foreseen to end where they do.
fn place_records(workspace: &mut Workspace) {
    let Workspace { arrived, stretches, places, serial_of, records, .. } = workspace;
    let mut starts = [0; LENGTHS + 1];
    places.iter().for_each(|&count| starts[(count as usize).min(LENGTHS)] += count);
    let mut start = 0;
    for of in &mut starts {
        start += std::mem::replace(of, start);
    }
    for place in &mut *places {
        let start = &mut starts[(*place as usize).min(LENGTHS)];
        let count = std::mem::replace(place, *start);
        *start += count;
    }
    // Every place is written below: what stands there from the partition before need not be cleared.
    records.resize(arrived.len(), Record::zeroed());
    for stretch in &*stretches {
        for (record, &serial) in arrived[stretch.clone()].iter().zip(&serial_of[stretch.clone()]) {
            let place = &mut places[serial as usize];
            records[*place as usize] = *record;
            *place += 1;
        }
    }
}

/// Lists the units of one serial, and the serial.
fn list_serial(
    group: &mut [Record],
    start: usize,
    context: &Context,
    files: &[FileTraits],
    units: &mut Vec<Unit>,
    serials: &mut Vec<SerialGroup>,
) {
    let seen = Seen::in_records(group, files);
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
    if !seen.places_differ && !seen.layouts_differ && !seen.flags.has(Flags::DIGITS) {
        units.push(seen.unit(group, start, serials.len(), context));
    } else {
        settle_mixed(group, context);
        let mut position = 0;
        while position < group.len() && group[position].flags.has(Flags::UNIT_START) {
            let is_inside = |record: &&Record| !record.flags.has(Flags::UNIT_START | Flags::AMBIGUOUS | Flags::PLACEHOLDER);
            let length = 1 + group[position + 1..].iter().take_while(is_inside).count();
            let records = &group[position..position + length];
            units.push(Seen::in_records(records, files).unit(records, start + position, serials.len(), context));
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

/// Records that form a unit, or wait to.
struct Gathering {
    split: bool,
    layout: u32,
    has_unit_grain: bool,
    records: Vec<Record>,
}

/// Settles which records of one serial form which unit, and flags where units start.
fn settle_mixed(group: &mut [Record], context: &Context) {
    let digits_confirmed = digits_confirmed(group, context);
    let (mut placeholders, mut usable): (Vec<Record>, Vec<Record>) =
        group.iter().copied().partition(|record| digits_confirmed && record.flags.has(Flags::DIGITS));
    placeholders.iter_mut().for_each(|record| record.flags.set(Flags::PLACEHOLDER));
    usable.sort_by_key(|record| (context.scope_value(record), record.layout, record.reference()));
    let unscoped_count = usable.iter().take_while(|record| context.scope_value(record) == 0).count();
    let scoped = usable.split_off(unscoped_count);
    let mut units = Vec::new();
    for run in scoped.chunk_by(|left, right| context.scope_value(left) == context.scope_value(right)) {
        gather(run, context, &mut units);
    }
    let mut ambiguous = join_unscoped(&usable, context, &mut units);
    ambiguous.iter_mut().for_each(|record| record.flags.set(Flags::AMBIGUOUS));

    let mut place = group.iter_mut();
    for unit in &mut units {
        unit.records.sort_by_key(Record::reference);
        for (index, record) in unit.records.iter_mut().enumerate() {
            if index == 0 {
                record.flags.set(Flags::UNIT_START);
            }
            if unit.split {
                record.flags.set(Flags::SPLIT);
            }
            *place.next().expect("every record is placed once") = *record;
        }
    }
    for record in ambiguous.into_iter().chain(placeholders) {
        *place.next().expect("every record is placed once") = record;
    }
    assert!(place.next().is_none(), "a serial group kept its length");
}

/// Tells whether some unit-grain source holds the digits-only value often enough under one item.
fn digits_confirmed(group: &[Record], context: &Context) -> bool {
    let mut holders: Vec<(u8, u32)> = group
        .iter()
        .filter(|record| record.flags.has(Flags::DIGITS) && context.is_unit_grain(record))
        .map(|record| (context.source_of(record), context.item(record)))
        .collect();
    holders.sort_unstable();
    holders.chunk_by(|left, right| left == right).any(|run| run.len() as u64 >= context.thresholds.digits_repeats)
}

/// Turns the records of one scope value, ordered by layout, into one unit, or into one for each form where forms are confirmed apart.
fn gather(run: &[Record], context: &Context, units: &mut Vec<Gathering>) {
    let forms: Vec<&[Record]> = run.chunk_by(|left, right| left.layout == right.layout).collect();
    let confirmed = forms.iter().filter(|form| sources_of(form, context) >= 2).count();
    let mut push = |records: &[Record], split| {
        units.push(Gathering {
            split,
            layout: records[0].layout,
            has_unit_grain: records.iter().any(|record| context.is_unit_grain(record)),
            records: records.to_vec(),
        });
    };
    if confirmed >= 2 {
        forms.into_iter().for_each(|form| push(form, true));
    } else {
        push(run, false);
    }
}

/// Counts the sources of records ordered by file.
fn sources_of(records: &[Record], context: &Context) -> usize {
    records.chunk_by(|left, right| context.source_of(left) == context.source_of(right)).count()
}

/// Joins the records without scope to the unit they must belong to; gives back the ambiguous ones.
fn join_unscoped(unscoped: &[Record], context: &Context, units: &mut Vec<Gathering>) -> Vec<Record> {
    if unscoped.is_empty() {
        return Vec::new();
    }
    let any_split = units.iter().any(|unit| unit.split);
    let scoped_count = units.len();
    let mut ambiguous = Vec::new();
    let mut own = Vec::new();
    for form in unscoped.chunk_by(|left, right| !any_split || left.layout == right.layout) {
        let mut candidates = (0..scoped_count)
            .filter(|&index| units[index].has_unit_grain && (!units[index].split || units[index].layout == form[0].layout));
        match (candidates.next(), candidates.next()) {
            (Some(only), None) => units[only].records.extend_from_slice(form),
            (Some(_), Some(_)) => ambiguous.extend_from_slice(form),
            (None, _) => own.extend_from_slice(form),
        }
    }
    if !own.is_empty() {
        gather(&own, context, units);
    }
    ambiguous
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
    /// Some unit-grain source holds two or more records of it.
    pub repeated: bool,
    /// Its records may state different lots, or some supplier lot.
    pub lots_may_differ: bool,
    /// Some record of a unit-grain source states no `lot`.
    pub lacks_lot: bool,
    /// Its records name two or more suppliers, whatever their role.
    pub suppliers_may_differ: bool,
    /// The collision rule made it one of several of its serial and scope value.
    pub split: bool,
}

impl Unit {
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

/// The units of one partition: every rule sees each of them once.
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
}

impl<'a> Units<'a> {
    /// Gives the records of a unit, ordered by source, file and record.
    pub fn records_of(&self, unit: &Unit) -> &'a [Record] {
        &self.records[unit.start as usize..unit.end as usize]
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

/// What one pass over some records of a serial sees.
struct Seen {
    roles: u8,
    repeated: bool,
    lots_may_differ: bool,
    lacks_lot: bool,
    suppliers_may_differ: bool,
    places_differ: bool,
    layouts_differ: bool,
    /// The flags of all of them.
    flags: Flags,
}

impl Seen {
    #[inline]
    fn in_records(records: &[Record], files: &[FileTraits]) -> Self {
        let mut seen = Self {
            roles: 0,
            repeated: false,
            lots_may_differ: false,
            lacks_lot: false,
            suppliers_may_differ: false,
            places_differ: false,
            layouts_differ: false,
            flags: Flags::default(),
        };
        let Record { place, layout, .. } = records[0];
        let mut before = u8::MAX;
        let (mut lot, mut supplier) = (0, 0);
        for record in records {
            let of = files[record.file as usize];
            seen.roles |= 1 << of.role as u8;
            seen.repeated |= (of.source == before) & (of.grain == Grain::Unit);
            before = of.source;
            seen.lots_may_differ |= (record.supplier_lot != 0) | ((record.lot != 0) & (lot != 0) & (record.lot != lot));
            seen.lacks_lot |= (record.lot == 0) & (of.grain == Grain::Unit);
            lot |= record.lot;
            seen.suppliers_may_differ |= (record.supplier != 0) & (supplier != 0) & (record.supplier != supplier);
            supplier |= record.supplier;
            seen.places_differ |= record.place != place;
            seen.layouts_differ |= record.layout != layout;
            seen.flags.set(record.flags.0);
        }
        seen
    }

    fn unit(&self, records: &[Record], start: usize, serial: usize, context: &Context) -> Unit {
        Unit {
            start: start as u32,
            end: (start + records.len()) as u32,
            serial: serial as u32,
            item: if self.places_differ { unit_item(records, context) } else { context.item(&records[0]) },
            roles: self.roles,
            repeated: self.repeated,
            lots_may_differ: self.lots_may_differ,
            lacks_lot: self.lacks_lot,
            suppliers_may_differ: self.suppliers_may_differ,
            split: self.flags.has(Flags::SPLIT),
        }
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
