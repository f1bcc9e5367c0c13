//! Keying: mapped columns in, compact records, tallies and ledger sums out.

use std::ops::Range;

use anyhow::{Context as _, Result};
use arrow::array::{Array as _, StringViewArray};
use counterfoil_kernel::finding::CITED;
use counterfoil_kernel::ledger::Ledger;
use counterfoil_kernel::limits::FILE_RECORDS_MAX;
use counterfoil_kernel::map::Map;
use counterfoil_kernel::model::{Disposition, Field, Grain, Role};
use counterfoil_kernel::normalize::{
    NO_LAYOUT_CODE, Scratch, SerialClass, SerialKey, Steps, Tiers, identifier_form, item_form, lot_key_form, name_form, serial_key_of_utf8,
    supplier_form, text_form,
};
use counterfoil_kernel::record::{CompactRecord, Flags, Record, Setting, file_digest, reference};
use counterfoil_kernel::rules::PlaceholderUse;
use counterfoil_kernel::sums::{QUANTITY_ONE, Sums};
use counterfoil_kernel::tally::{IngestTally, ItemTally};

use super::block::{BLANK_SERIAL, BLOCK_ROWS, Block, Columns, Marked, Serial, Serials};
use super::columns::{Numbers, PLACEHOLDER_BIT, TextCache, verdicts};
use super::interner::Interners;
use super::partitions::Scatter;
use super::raws::{KeptFiles, Raws};
use super::settings::{Settings, Slot, TOGETHER};
use crate::config::plan::{FilePlan, Origin, Plan, SourcePlan};
use crate::ingest::value::{DateFormat, DayColumn, QuantityColumn, TextColumn, nulls_in};
use crate::ingest::{Cells, Morsel, RejectedRecord};

/// How places are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// The scope is the item, or nothing: a place is an item.
    Item,
    /// The scope is several columns: a place is their values and the item.
    Composite,
}

/// What all workers share.
pub struct Shared<'a> {
    /// The run.
    pub plan: &'a Plan,
    /// The tiers that run.
    pub tiers: Tiers,
    /// The interners.
    pub interners: Interners,
    /// How places are numbered.
    pub places: Places,
    /// Whether raw serials are kept, by file.
    pub kept_raws: KeptFiles,
}

impl<'a> Shared<'a> {
    /// Starts a run, with nothing numbered.
    pub fn new(plan: &'a Plan, kept_raws: KeptFiles) -> Self {
        let tiers = Tiers { clean: plan.tiers.clean, case: plan.tiers.case, separators: plan.tiers.separators };
        let places = if plan.scope.iter().all(|&field| field == Field::Item) { Places::Item } else { Places::Composite };
        Self { plan, tiers, interners: Interners::default(), places, kept_raws }
    }
}

/// How the records of one file are keyed.
pub struct FileKeying<'a> {
    /// Index of the file in the run.
    pub file: u32,
    /// Index of its source.
    pub source: u8,
    /// The source.
    pub source_plan: &'a SourcePlan,
    /// The file.
    pub plan: &'a FilePlan,
    /// Digest of source and path.
    pub digest: u64,
    /// The file repeats another: its records are out of scope.
    pub repeated: bool,
    /// The last day that counts as shipped: that of the run in a supplier source, else none.
    shipped_until: i32,
    /// The records stand for quantities of lots, whatever serial they have.
    is_lot_grain: bool,
    /// Columns that are read, by index in the file.
    pub columns: Vec<usize>,
}

/// The date that travels with the records of a role.
pub const fn day_field(role: Role) -> Field {
    match role {
        Role::Supplier => Field::Shipped,
        Role::Erp => Field::Received,
        Role::Warranty => Field::Claimed,
    }
}

impl<'a> FileKeying<'a> {
    /// Decides which columns the first read needs.
    pub fn new(plan: &'a Plan, source: usize, file: u32, file_plan: &'a FilePlan, repeated: bool) -> Self {
        let source_plan = &plan.sources[source];
        let mut columns: Vec<usize> = file_plan
            .mapping
            .iter()
            .filter(|mapped| is_keyed(mapped.field, source_plan.source.role, &plan.scope))
            .filter_map(|mapped| match mapped.origin {
                Origin::Column { index, .. } => Some(index),
                Origin::Constant(_) => None,
            })
            .chain(file_plan.filters.iter().copied())
            .collect();
        columns.sort_unstable();
        columns.dedup();
        let path = file_plan.input.path.display().to_string();
        Self {
            file,
            source: source as u8,
            source_plan,
            plan: file_plan,
            digest: file_digest(&source_plan.source.name, &path),
            repeated,
            shipped_until: if source_plan.source.role == Role::Supplier { plan.as_of } else { i32::MIN },
            is_lot_grain: source_plan.source.grain == Grain::Lot,
            columns,
        }
    }

    fn column<'m>(&self, morsel: &'m Morsel, index: usize) -> &'m Cells {
        let position = self.columns.binary_search(&index).expect("a keyed column is read");
        &morsel.columns[position]
    }

    /// Gives where a mapped field comes from: a column with its name, or a constant.
    fn origin<'m>(&self, morsel: &'m Morsel, field: Field) -> Option<ColumnOrConstant<'m, 'a>> {
        let mapped = self.plan.mapping.iter().find(|mapped| mapped.field == field)?;
        Some(match &mapped.origin {
            Origin::Constant(value) => ColumnOrConstant::Constant(value),
            Origin::Column { index, name, .. } => ColumnOrConstant::Column(self.column(morsel, *index), name),
        })
    }

    /// Gives the number of a record as records hold it.
    fn record_number(&self, number: u64) -> Result<u32> {
        u32::try_from(number)
            .with_context(|| format!("{}: more than {FILE_RECORDS_MAX} records in one file; split it", self.plan.input.path.display()))
    }

    fn place(&self, column: &str) -> String {
        format!("{}: column \"{column}\"", self.plan.input.path.display())
    }
}

/// Tells whether the first read needs a field.
fn is_keyed(field: Field, role: Role, scope: &[Field]) -> bool {
    matches!(field, Field::Serial | Field::Item | Field::Lot | Field::SupplierLot | Field::Supplier | Field::Quantity)
        || field == day_field(role)
        || scope.contains(&field)
}

enum ColumnOrConstant<'m, 'a> {
    Column(&'m Cells, &'a str),
    Constant(&'a str),
}

/// What one worker gathers.
pub struct Worker {
    /// Keyed records.
    pub scatter: Scatter,
    /// Records without a usable serial, and those of lot grain.
    pub keyless: Vec<(Record, i64)>,
    /// Placeholders.
    pub placeholders: Vec<PlaceholderUse>,
    /// What records share, with counts.
    pub settings: Settings,
    /// Raw serials that their records do not tell.
    pub raws: Raws,
    /// Records that end at ingest: rejected and out of scope.
    pub ledger: Ledger,
    /// Sums over the records read, by file.
    pub read: Vec<Sums>,
    /// Rejected records, by file: the first of them, where they are more than are allowed.
    pub rejected: Vec<(u32, RejectedRecord)>,
    /// By source: how many of them are kept, and file and record of the first.
    kept_rejected: Map<u8, (u64, (u32, u64))>,
    /// Dates and quantities that could not be read: file, field, values not blank, unreadable ones, the first with its record.
    pub unreadable: Vec<UnreadableValues>,
    /// Records by the steps that changed their serial.
    steps: Box<[u64; 256]>,
    scratch: Scratch,
    text: String,
    caches: [TextCache; 5],
    places: Map<Box<[u32]>, u32>,
    place_parts: Vec<u32>,
    block: Block,
}

/// Values of a column that could not be read as what the field is.
#[derive(Clone, Debug)]
pub struct UnreadableValues {
    /// The file.
    pub file: u32,
    /// The field.
    pub field: Field,
    /// Values that are not blank.
    pub values: u64,
    /// Those that could not be read.
    pub unreadable: u64,
    /// The first of them: record number from 0, and text.
    pub first: Option<(u64, String)>,
}

impl Worker {
    /// Makes an idle worker.
    pub fn new(files: usize, scatter: Scatter, raws: Raws) -> Self {
        Self {
            scatter,
            keyless: Vec::new(),
            placeholders: Vec::new(),
            settings: Settings::default(),
            raws,
            ledger: Ledger::new(files),
            read: vec![Sums::default(); files],
            rejected: Vec::new(),
            kept_rejected: Map::default(),
            unreadable: Vec::new(),
            steps: Box::new([0; 256]),
            scratch: Scratch::default(),
            text: String::new(),
            caches: Default::default(),
            places: Map::default(),
            place_parts: Vec::new(),
            block: Block::default(),
        }
    }

    /// Keys the records of one morsel.
    ///
    /// # Errors
    /// When a column can't be text, a date or a number at all.
    pub fn key(&mut self, morsel: Morsel, file: &FileKeying<'_>, shared: &Shared<'_>) -> Result<()> {
        let columns = self.prepare(&morsel, file, shared)?;
        // Record numbers of the morsel fit where its last one does.
        file.record_number(morsel.first_record + morsel.record_count.saturating_sub(1))?;
        let first_record = morsel.first_record as u32;
        let mut block = std::mem::take(&mut self.block);
        for start in (0..morsel.row_count).step_by(BLOCK_ROWS) {
            let range = start..morsel.row_count.min(start + BLOCK_ROWS);
            self.read_serials(&columns.serial, range.clone(), shared, &mut block.serials);
            match &morsel.record_offsets {
                Some(offsets) => block.fill(&columns, range.clone(), offsets[range].iter().map(|offset| first_record + offset)),
                None => block.fill(&columns, range.clone(), first_record + range.start as u32..first_record + range.end as u32),
            }
            self.key_block(&mut block, &columns, file, shared)?;
        }
        self.block = block;
        for rejected in morsel.rejected {
            let record = Record { record: file.record_number(rejected.record)?, ..empty(file.file) };
            let digest = record.digest(file.digest);
            self.read[file.file as usize].add_record(QUANTITY_ONE, digest);
            self.ledger.of(file.file, Disposition::Rejected).add_record(QUANTITY_ONE, digest);
            self.keep_rejected(rejected, file);
        }
        Ok(())
    }

    /// Keeps a rejected record: all of those that are allowed, and where they are more, in which case the run ends, the first.
    fn keep_rejected(&mut self, rejected: RejectedRecord, file: &FileKeying<'_>) {
        let (kept, first) = self.kept_rejected.entry(file.source).or_insert((0, (u32::MAX, u64::MAX)));
        let place = (file.file, rejected.record);
        if *kept <= file.source_plan.rejected_max || place < *first {
            *kept += 1;
            *first = place.min(*first);
            self.rejected.push((file.file, rejected));
        }
    }

    /// Keys the rows of a block, column by column.
    fn key_block(&mut self, block: &mut Block, columns: &Columns, file: &FileKeying<'_>, shared: &Shared<'_>) -> Result<()> {
        self.read[file.file as usize].add(&block.sums(file.digest));
        if let Some(kept) = &columns.kept {
            self.leave_out(block, kept, file);
        }
        let placeholders = block.take_placeholders();
        if shared.places == Places::Composite {
            self.fill_places(block, columns, shared);
        }
        self.note_settings(block, file);
        self.note_quantities(block, file);
        self.store(block, file)?;
        if shared.kept_raws.has(file.file) {
            self.keep_raws(block, columns, file, &shared.kept_raws);
        }
        self.note_placeholders(block, &placeholders, file);
        Ok(())
    }

    /// Ends the records of a block that filters leave out, and goes on without them.
    #[cold]
    fn leave_out(&mut self, block: &mut Block, kept: &[bool], file: &FileKeying<'_>) {
        let (kept, left): (Vec<usize>, Vec<usize>) = (0..block.rows.len()).partition(|&at| kept[block.rows[at] as usize]);
        let ended = self.ledger.of(file.file, Disposition::OutOfScope);
        left.iter().for_each(|&at| ended.add_record(block.quantity(at), block.digest(at, file.digest)));
        if !left.is_empty() {
            block.pick(&kept);
        }
    }

    /// Numbers the settings of a block, and counts its records in runs of one setting.
    fn note_settings(&mut self, block: &mut Block, file: &FileKeying<'_>) {
        block.find_runs(file.file);
        let Block { serials, items, days, runs, settings, .. } = block;
        settings.clear();
        for runs in runs.chunks(TOGETHER) {
            let mut slots = [Slot::FREE; TOGETHER];
            for (slot, run) in slots.iter_mut().zip(runs) {
                *slot = self.settings.first_slot(&run.words);
            }
            for (run, slot) in runs.iter().zip(slots) {
                let rows = settings.len()..run.end;
                let counts = counts_of(&serials[rows.clone()], &days[rows.clone()], file.shipped_until);
                let number = self.settings.note(slot, &run.words, items[rows.start], &counts);
                settings.resize(rows.end, number);
            }
        }
    }

    /// Marks the records of a block whose quantity is not one, and notes the quantities of those that go into partitions.
    fn note_quantities(&mut self, block: &mut Block, file: &FileKeying<'_>) {
        let usable = block.serials.iter_mut().zip(&block.quantities).enumerate().filter(|(_, (serial, _))| serial.is_usable());
        for (at, (serial, &quantity)) in usable.filter(|(_, (_, quantity))| **quantity != QUANTITY_ONE) {
            serial.flags.set(Flags::QUANTITY);
            if !file.is_lot_grain {
                self.scatter.push_quantity(block.mixed[at], reference(file.file, block.records[at]), quantity);
            }
        }
    }

    /// Puts the records of a block into partitions; those that belong to no unit are kept apart.
    fn store(&mut self, block: &Block, file: &FileKeying<'_>) -> Result<()> {
        let Block { serials, records, days, mixed, settings, .. } = block;
        let columns = serials.iter().zip(settings).zip(records).zip(days).zip(mixed);
        for (at, ((((serial, &setting), &record), &day), &mixed)) in columns.enumerate() {
            self.steps[usize::from(serial.steps.0)] += 1;
            let compact = CompactRecord::new(serial.key, setting, record, day, serial.steps, serial.flags);
            if serial.is_usable() && !file.is_lot_grain {
                self.scatter.push(compact, mixed)?;
            } else {
                self.keep_keyless(compact.with(&self.settings.get(setting)), serial.class, block.quantity(at), file);
            }
        }
        Ok(())
    }

    /// Keeps the raw serials of a block that their records do not tell.
    fn keep_raws(&mut self, block: &Block, columns: &Columns, file: &FileKeying<'_>, kept: &KeptFiles) {
        let untold = block.serials.iter().enumerate().filter(|(_, serial)| !serial.flags.has(Flags::SPELT));
        for (at, _) in untold {
            if let Some(raw) = columns.serial.raw(block.rows[at] as usize) {
                self.raws.keep(file.file, block.records[at], raw, kept);
            }
        }
        self.raws.count(file.file, block.serials.len(), kept);
    }

    /// Notes the placeholders among items and lots of a block.
    fn note_placeholders(&mut self, block: &Block, placeholders: &[Marked], file: &FileKeying<'_>) {
        for &Marked { field, at, value } in placeholders {
            let (serial, number) = (&block.serials[at], block.settings[at]);
            let compact = CompactRecord::new(serial.key, number, block.records[at], block.days[at], serial.steps, serial.flags);
            let record = compact.with(&self.settings.get(number));
            self.placeholders.push(PlaceholderUse { source: file.source, field, value, record });
        }
    }

    /// Keeps a record that belongs to no unit: without a usable serial, or of a source of lots.
    #[cold]
    fn keep_keyless(&mut self, mut record: Record, class: SerialClass, quantity: i64, file: &FileKeying<'_>) {
        if class == SerialClass::Placeholder {
            record.flags.set(Flags::PLACEHOLDER);
            self.placeholders.push(PlaceholderUse { source: file.source, field: Field::Serial, value: record.layout, record });
        }
        self.keyless.push((record, quantity));
    }

    /// Ends keying: gives the settings by number and what was counted of them, and lets go of what only more records would need.
    pub fn finish_settings(&mut self, plan: &Plan, file_source: &[u8]) -> (Vec<Setting>, IngestTally) {
        self.caches = Default::default();
        std::mem::take(&mut self.settings).finish(plan, file_source)
    }

    /// Adds to the tally of a run the records that each step changed.
    pub fn tally_steps(&self, tally: &mut IngestTally) {
        for (step, count) in tally.steps_changed.iter_mut().enumerate() {
            *count += (0..).zip(self.steps.iter()).filter(|(steps, _)| steps >> step & 1 == 1).map(|(_, records)| records).sum::<u64>();
        }
    }

    fn serial(&mut self, raw: &str, shared: &Shared<'_>) -> Serial {
        let mut serial = BLANK_SERIAL;
        self.read_serial(raw.as_bytes(), shared.tiers, &shared.interners, &mut serial);
        serial
    }

    /// Replaces `out` by the serials of some rows. Each is written to its place, because to copy it from another would wait for all its parts.
    fn read_serials(&mut self, serials: &Serials, rows: Range<usize>, shared: &Shared<'_>, out: &mut Vec<Serial>) {
        out.resize(rows.len(), BLANK_SERIAL);
        // Known to stay as they are, where what others share would be looked at anew for each row.
        let (tiers, interners) = (shared.tiers, &shared.interners);
        match serials {
            Serials::None => out.fill(BLANK_SERIAL),
            Serials::One(serial) => out.fill(*serial),
            Serials::Values(values) => {
                let texts = rows.clone().map(|row| values.value(row).as_bytes());
                out.iter_mut().zip(texts).for_each(|(serial, text)| self.read_serial(text, tiers, interners, serial));
                nulls_in(values.nulls(), rows).for_each(|at| out[at] = BLANK_SERIAL);
            }
            Serials::Packed(texts) => {
                out.iter_mut().zip(texts.slices(rows.clone())).for_each(|(serial, text)| self.read_serial(text, tiers, interners, serial));
                nulls_in(texts.nulls(), rows).for_each(|at| out[at] = BLANK_SERIAL);
            }
            Serials::Keys(keys, serials) => {
                for (serial, row) in out.iter_mut().zip(rows) {
                    *serial = if keys.is_valid(row) { serials[keys.value(row) as usize] } else { BLANK_SERIAL };
                }
            }
        }
    }

    #[inline(always)]
    fn read_serial(&mut self, raw: &[u8], tiers: Tiers, interners: &Interners, serial: &mut Serial) {
        let SerialKey { class, key, layout, steps, is_digits, is_spelt } = serial_key_of_utf8(raw, tiers, &mut self.scratch);
        let flags = Flags((Flags::DIGITS * u8::from(is_digits)) | (Flags::SPELT * u8::from(is_spelt)));
        let layout = match (class, layout) {
            (SerialClass::Placeholder, _) => interners.placeholders.number(&self.scratch.form),
            (_, NO_LAYOUT_CODE) => NO_LAYOUT_CODE | interners.layouts.number(&self.scratch.layout),
            (_, code) => code,
        };
        *serial = Serial { key, layout, class, steps, flags };
    }

    /// Numbers the places of a block where they are several columns.
    fn fill_places(&mut self, block: &mut Block, columns: &Columns, shared: &Shared<'_>) {
        for (&row, &item) in block.rows.iter().zip(&block.items) {
            let place = self.place(row as usize, item, columns, shared);
            block.places.push(place);
        }
    }

    fn place(&mut self, row: usize, item: u32, columns: &Columns, shared: &Shared<'_>) -> u32 {
        use std::fmt::Write;
        self.place_parts.clear();
        self.place_parts.extend(columns.scope.iter().map(|scope| blank_if_placeholder(scope.get(row))));
        self.place_parts.push(item);
        if let Some(&place) = self.places.get(self.place_parts.as_slice()) {
            return place;
        }
        self.text.clear();
        self.place_parts.iter().for_each(|part| write!(self.text, "{part} ").expect("writing to a string can't fail"));
        let place = shared.interners.places.number(&self.text);
        self.places.insert(self.place_parts.as_slice().into(), place);
        place
    }

    fn prepare(&mut self, morsel: &Morsel, file: &FileKeying<'_>, shared: &Shared<'_>) -> Result<Columns> {
        let serial = self.prepare_serials(morsel, file, shared)?;
        let mut columns = Columns {
            serial,
            item: self.numbers(morsel, file, shared, Field::Item)?,
            lot: self.numbers(morsel, file, shared, Field::Lot)?,
            supplier_lot: self.numbers(morsel, file, shared, Field::SupplierLot)?,
            supplier: self.numbers(morsel, file, shared, Field::Supplier)?,
            days: self.days(morsel, file)?,
            quantities: self.quantities(morsel, file)?,
            scope: Vec::new(),
            kept: file.repeated.then(|| vec![false; morsel.row_count]),
        };
        if shared.places == Places::Composite {
            for &field in &shared.plan.scope {
                columns.scope.push(self.numbers(morsel, file, shared, field)?);
            }
        }
        for (filter, &index) in file.source_plan.filters.iter().zip(&file.plan.filters) {
            let mut form = String::new();
            let keeps = |raw: &str| {
                form.clear();
                counterfoil_kernel::normalize::clean(raw, &mut form);
                filter.values.contains(&form) == filter.keep
            };
            let blank = filter.values.iter().any(String::is_empty) == filter.keep;
            let verdicts = verdicts(file.column(morsel, index), blank, keeps).with_context(|| file.place(&filter.column))?;
            match &mut columns.kept {
                Some(kept) => kept.iter_mut().zip(verdicts).for_each(|(kept, verdict)| *kept &= verdict),
                None => columns.kept = Some(verdicts),
            }
        }
        Ok(columns)
    }

    fn prepare_serials(&mut self, morsel: &Morsel, file: &FileKeying<'_>, shared: &Shared<'_>) -> Result<Serials> {
        let (cells, name) = match file.origin(morsel, Field::Serial) {
            None => return Ok(Serials::None),
            Some(ColumnOrConstant::Constant(value)) => {
                return Ok(Serials::One(self.serial(value, shared)));
            }
            Some(ColumnOrConstant::Column(cells, name)) => (cells, name),
        };
        Ok(match TextColumn::new(cells).with_context(|| file.place(name))? {
            TextColumn::Values(values) => Serials::Values(values),
            TextColumn::Packed(texts) => Serials::Packed(texts),
            TextColumn::Dictionary { keys, values } => {
                // A dictionary is quickly read again.
                shared.kept_raws.give_up(file.file);
                let serials = values.iter().map(|value| value.map_or(BLANK_SERIAL, |value| self.serial(value, shared))).collect();
                Serials::Keys(keys, serials)
            }
        })
    }

    /// Numbers the values of a field.
    fn numbers(&mut self, morsel: &Morsel, file: &FileKeying<'_>, shared: &Shared<'_>, field: Field) -> Result<Numbers> {
        let column = file.origin(morsel, field);
        let Self { scratch, text, caches, .. } = self;
        let interners = &shared.interners;
        let mut form = |raw: &str, form: &mut String| {
            let is_placeholder = match field {
                Field::Item => item_form(raw, shared.tiers, scratch, form),
                Field::Lot | Field::SupplierLot => lot_key_form(raw, shared.tiers, scratch, form),
                Field::Supplier => {
                    supplier_form(raw, form);
                    false
                }
                Field::SecondarySerial => {
                    identifier_form(raw, shared.tiers, form);
                    false
                }
                // Tiers are about identifiers: other text is always clean.
                _ => {
                    text_form(raw, Tiers::ALL, form);
                    false
                }
            };
            if is_placeholder { Some(PLACEHOLDER_BIT | interners.placeholders.number(&scratch.form)) } else { form.is_empty().then_some(0) }
        };
        let interner = match field {
            Field::Item => &interners.items,
            Field::Lot | Field::SupplierLot => &interners.lots,
            Field::Supplier => &interners.suppliers,
            _ => &interners.texts,
        };
        let cache = match field {
            Field::Item => &mut caches[0],
            Field::Lot => &mut caches[1],
            Field::SupplierLot => &mut caches[2],
            Field::Supplier => &mut caches[3],
            _ => &mut TextCache::default(),
        };
        Ok(match column {
            Some(ColumnOrConstant::Column(cells, name)) => Numbers::new(cells, cache, interner, form).with_context(|| file.place(name))?,
            Some(ColumnOrConstant::Constant(value)) => Numbers::Constant(form(value, text).unwrap_or_else(|| interner.number(text))),
            // Where the field is unmapped, a supplier source stands for its supplier.
            None if field == Field::Supplier && file.source_plan.source.role == Role::Supplier && !file.source_plan.source.maps(field) => {
                name_form(&file.source_plan.source.name, text);
                Numbers::Constant(interners.suppliers.number(text))
            }
            None => Numbers::Constant(0),
        })
    }

    fn days(&mut self, morsel: &Morsel, file: &FileKeying<'_>) -> Result<Option<Vec<i32>>> {
        let field = day_field(file.source_plan.source.role);
        let Some(mapped) = file.plan.mapping.iter().find(|mapped| mapped.field == field) else { return Ok(None) };
        let read = match &mapped.origin {
            Origin::Column { index, name, date_formats } => {
                read_days(file.column(morsel, *index), date_formats).with_context(|| file.place(name))?
            }
            Origin::Constant(value) => read_days(&constant_text(value, morsel.row_count), &[])?,
        };
        let values = morsel.row_count as u64 - read.blank_count;
        self.note_unreadable(morsel, file, field, values, read.unreadable.count, read.unreadable.first.clone());
        Ok(Some(read.into_days()))
    }

    fn quantities(&mut self, morsel: &Morsel, file: &FileKeying<'_>) -> Result<Option<Vec<Option<i64>>>> {
        let Some(mapped) = file.plan.mapping.iter().find(|mapped| mapped.field == Field::Quantity) else { return Ok(None) };
        let (cells, name) = match &mapped.origin {
            Origin::Column { index, name, .. } => (file.column(morsel, *index).clone(), name.as_str()),
            Origin::Constant(value) => (constant_text(value, morsel.row_count), "quantity"),
        };
        if QuantityColumn::is_all_one(&cells) {
            self.note_unreadable(morsel, file, Field::Quantity, morsel.row_count as u64, 0, None);
            return Ok(None);
        }
        let read = QuantityColumn::new(&cells).with_context(|| file.place(name))?;
        let values = morsel.row_count as u64 - read.blank_count;
        self.note_unreadable(morsel, file, Field::Quantity, values, read.unreadable.count, read.unreadable.first);
        Ok(Some(read.millionths))
    }

    fn note_unreadable(
        &mut self,
        morsel: &Morsel,
        file: &FileKeying<'_>,
        field: Field,
        values: u64,
        unreadable: u64,
        first: Option<(usize, String)>,
    ) {
        let first = first.map(|(row, text)| {
            let offset = morsel.record_offsets.as_ref().map_or(row as u64, |offsets| u64::from(offsets[row]));
            (morsel.first_record + offset, text)
        });
        self.unreadable.push(UnreadableValues { file: file.file, field, values, unreadable, first });
    }
}

/// Counts records of one setting: those without a usable serial, and the days on which they shipped, which are none after `shipped_until`.
fn counts_of(serials: &[Serial], days: &[u16], shipped_until: i32) -> ItemTally {
    let mut counts = ItemTally {
        records: serials.len() as u64,
        without_serial: serials.iter().map(|serial| u64::from(!serial.is_usable())).sum(),
        ..ItemTally::default()
    };
    // Only records of suppliers ship.
    if shipped_until >= 0 {
        days.iter().filter(|&&day| i32::from(day) <= shipped_until).for_each(|&day| counts.note_shipped(day));
    }
    counts
}

const fn blank_if_placeholder(number: u32) -> u32 {
    if number & PLACEHOLDER_BIT != 0 { 0 } else { number }
}

fn empty(file: u32) -> Record {
    assert!(u64::from(file) << 32 & CITED == 0, "file numbers leave the top bit free");
    Record { key: 0, place: 0, lot: 0, supplier_lot: 0, supplier: 0, layout: 0, file, record: 0, day: 0, steps: Steps(0), flags: Flags(0) }
}

/// Reads a column as days with the first of the formats that reads each value; without formats, ISO.
pub fn read_days(cells: &Cells, formats: &[String]) -> Result<DayColumn> {
    let parsed: Vec<DateFormat> = formats
        .iter()
        .map(|format| DateFormat::new(format).map_err(|error| anyhow::anyhow!("date format \"{format}\": {error}")))
        .collect::<Result<_>>()?;
    Ok(DayColumn::new(cells, &parsed)?)
}

/// A column that holds one text in every row.
pub fn constant_text(value: &str, rows: usize) -> Cells {
    Cells::Array(std::sync::Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(value, rows))))
}
