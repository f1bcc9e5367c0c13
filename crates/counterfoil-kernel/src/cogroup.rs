//! Co-grouping: the records of one partition by serial, then by scope, into units.

use bytemuck::Zeroable;

use crate::key::mix;
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
    counts: Vec<u32>,
    buckets: Vec<u32>,
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

/// How many records a bucket of the sort has on average.
const BUCKET_RECORDS: usize = 4;
/// Below this length insertion beats the library's sort.
const INSERTION_MAX: usize = 20;

/// Some records of a partition and the settings that they share.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The records.
    pub records: &'a [CompactRecord],
    /// Their settings, by number.
    pub settings: &'a [Setting],
}

/// Orders the records of a partition by serial, unit, file and record, and flags where serials and units start.
///
/// Shape: the pieces of a partition -> one ordered vector of whole records in `out`; every record once.
/// Cost: a counting pass, a scatter and sorts of a few records each.
pub fn cogroup(pieces: &[Piece<'_>], context: &Context, workspace: &mut Workspace, out: &mut Vec<Record>) {
    bucket_sort(pieces, workspace, out);
    let mut start = 0;
    while start < out.len() {
        let key = out[start].key;
        let length = out[start..].iter().take_while(|record| record.key == key).count();
        settle_group(&mut out[start..start + length], context);
        start += length;
    }
}

fn bucket_sort(pieces: &[Piece<'_>], workspace: &mut Workspace, out: &mut Vec<Record>) {
    let Workspace { counts, buckets } = workspace;
    let total: usize = pieces.iter().map(|piece| piece.records.len()).sum();
    if total == 0 {
        out.clear();
        return;
    }
    let bits = (total / BUCKET_RECORDS).max(1).next_power_of_two().trailing_zeros();
    let bucket =
        |record: &CompactRecord| ((mix(record.key()) << PARTITION_BITS_SKIPPED) as u128 >> (64 - bits)) as usize & ((1 << bits) - 1);
    counts.clear();
    counts.resize((1 << bits) + 1, 0);
    buckets.clear();
    buckets.reserve(total);
    for piece in pieces {
        buckets.extend(piece.records.iter().map(|record| {
            let bucket = bucket(record);
            counts[bucket + 1] += 1;
            bucket as u32
        }));
    }
    for index in 1..counts.len() {
        counts[index] += counts[index - 1];
    }
    // Every place is written below: what stands there from the partition before need not be cleared.
    out.resize(total, Record::zeroed());
    let mut buckets = buckets.iter();
    for piece in pieces {
        for (record, &bucket) in piece.records.iter().zip(buckets.by_ref()) {
            let place = &mut counts[bucket as usize];
            out[*place as usize] = record.with(&piece.settings[record.setting as usize]);
            *place += 1;
        }
    }
    let mut start = 0;
    for &end in &counts[..1 << bits] {
        sort_small(&mut out[start..end as usize]);
        start = end as usize;
    }
}

/// The top bits of the mixed key chose the partition: they are equal inside it.
pub const PARTITION_BITS_SKIPPED: u32 = 12;

fn sort_small(records: &mut [Record]) {
    if records.len() > INSERTION_MAX {
        records.sort_unstable_by_key(|record| (record.key, record.reference()));
        return;
    }
    for index in 1..records.len() {
        let record = records[index];
        let mut hole = index;
        while hole > 0 && (record.key, record.reference()) < (records[hole - 1].key, records[hole - 1].reference()) {
            records[hole] = records[hole - 1];
            hole -= 1;
        }
        records[hole] = record;
    }
}

/// Settles which records of one serial form which unit.
fn settle_group(group: &mut [Record], context: &Context) {
    let first = group[0];
    let scope = context.scope_value(&first);
    let has_scope = |record: &Record| record.place == first.place || context.scope_value(record) == scope;
    let plain =
        scope != 0 && group.iter().all(|record| has_scope(record) && record.layout == first.layout && !record.flags.has(Flags::DIGITS));
    if !plain && (group.len() > 1 || group[0].flags.has(Flags::DIGITS)) {
        settle_mixed(group, context);
    } else {
        group[0].flags.set(Flags::UNIT_START);
    }
    group[0].flags.set(Flags::SERIAL_START);
}

/// Records that form a unit, or wait to.
struct Gathering {
    split: bool,
    layout: u32,
    has_unit_grain: bool,
    records: Vec<Record>,
}

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
    /// Some record states no `lot`.
    pub lacks_lot: bool,
    /// Its records name two or more suppliers, whatever their role.
    pub suppliers_may_differ: bool,
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

/// Finds the units and serial groups of ordered records.
pub fn find_units(records: &[Record], context: &Context, units: &mut Vec<Unit>, serials: &mut Vec<SerialGroup>) {
    units.clear();
    serials.clear();
    let files = context.file_traits();
    let mut start = 0;
    while start < records.len() {
        let length = 1 + records[start + 1..].iter().take_while(|record| !record.flags.has(Flags::SERIAL_START)).count();
        let end = start + length;
        let first_unit = units.len();
        let mut position = start;
        while position < end && records[position].flags.has(Flags::UNIT_START) {
            let more = records[position + 1..end]
                .iter()
                .take_while(|record| !record.flags.has(Flags::UNIT_START | Flags::AMBIGUOUS | Flags::PLACEHOLDER))
                .count();
            let unit_end = position + 1 + more;
            units.push(describe(&records[position..unit_end], position, serials.len(), context, &files));
            position = unit_end;
        }
        let usable = records[position..end].iter().take_while(|record| record.flags.has(Flags::AMBIGUOUS)).count();
        serials.push(SerialGroup {
            start: start as u32,
            units_end: position as u32,
            usable_end: (position + usable) as u32,
            end: end as u32,
            first_unit: first_unit as u32,
            last_unit: units.len() as u32,
            on_several_items: has_several_items(&records[start..position + usable], context),
        });
        start = end;
    }
}

fn describe(records: &[Record], start: usize, serial: usize, context: &Context, files: &[FileTraits]) -> Unit {
    let mut roles = 0;
    let mut repeated = false;
    let mut before = u8::MAX;
    let (mut lot, mut supplier) = (0, 0);
    let (mut lots_may_differ, mut lacks_lot, mut suppliers_may_differ) = (false, false, false);
    for record in records {
        let of = files[record.file as usize];
        roles |= 1 << of.role as u8;
        repeated |= (of.source == before) & (of.grain == Grain::Unit);
        before = of.source;
        lots_may_differ |= (record.supplier_lot != 0) | ((record.lot != 0) & (lot != 0) & (record.lot != lot));
        lacks_lot |= record.lot == 0;
        lot |= record.lot;
        suppliers_may_differ |= (record.supplier != 0) & (supplier != 0) & (record.supplier != supplier);
        supplier |= record.supplier;
    }
    Unit {
        start: start as u32,
        end: (start + records.len()) as u32,
        serial: serial as u32,
        item: unit_item(records, context),
        roles,
        repeated,
        lots_may_differ,
        lacks_lot,
        suppliers_may_differ,
    }
}

/// The byte-least item of the best-ranked source that has one.
fn unit_item(records: &[Record], context: &Context) -> u32 {
    let place = records[0].place;
    let first = context.item(&records[0]);
    if records.iter().all(|record| record.place == place || context.item(record) == first) {
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
pub fn has_several_items(records: &[Record], context: &Context) -> bool {
    if records.iter().all(|record| record.place == records[0].place) {
        return false;
    }
    let mut items = records.iter().map(|record| context.item(record)).filter(|&item| item != 0);
    items.next().is_some_and(|first| items.any(|item| item != first))
}
