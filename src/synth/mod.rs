//! Synthetic supplier, ERP and warranty sources with planted, labelled defects and their truth.
//!
//! Units are made in blocks that depend on the seed and their number alone; blocks are made side by side and written in
//! order. The truth is written by the planter: nothing here knows rules, keys, normalization or evaluation.
//!
//! Blocks follow each other in the order of production. Supplier files stand in shipment order and ERP files in receipt
//! order; claims stand by date within a block only, for a whole order would need all claims in memory.

mod block;
mod calendar;
mod configuration;
mod defects;
mod encode;
mod expect;
mod plant;
mod record;
mod sinks;
mod special;
mod spelling;
mod tally;
#[cfg(test)]
mod tests;
mod truth;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use counterfoil_kernel::model::{Disposition, Severity};
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

use block::{Block, Course, Product};
use encode::Damage;
use sinks::{Encoded, FileKey, Sinks};
use tally::Tally;
use world::World;

pub use calendar::days_of;
pub use defects::{Defect, Rates};
pub use record::Feed;
pub use sinks::Format;
pub use truth::{Expected, Ledger};

/// Units of a block unless told otherwise.
pub const BLOCK_UNITS: u64 = 16_384;

/// The most units, 1.1 billion records: unit numbers, ghosts included, have nine digits.
pub const UNITS_MAX: u64 = 499_000_000;

/// Grace in days, as the configuration states it.
const GRACE_DAYS: i32 = 14;

/// What to make.
#[derive(Clone, Debug)]
pub struct Options {
    /// The seed: same seed and options, same bytes.
    pub seed: u64,
    /// Physical units.
    pub units: u64,
    /// The kind of files.
    pub format: Format,
    /// The folder to write; it must not hold anything.
    pub out: PathBuf,
    /// How often defects are planted.
    pub rates: Rates,
    /// How many suppliers; none: by the number of items.
    pub suppliers: Option<u32>,
    /// How many items; none: by the number of units.
    pub items: Option<u32>,
    /// Files per source.
    pub files_per_source: usize,
    /// The day of the run, in days from 1970-01-01.
    pub as_of: i32,
    /// Threads; 0: those of the current pool.
    pub threads: usize,
    /// Adds a supplier and an ERP source whose lots are of different kinds (LOT006).
    pub foreign_lots: bool,
    /// Adds an ERP file whose serials are stored as numbers (IDN005).
    pub numeric_column: bool,
    /// Delivers the last supplier file twice (RUN003).
    pub repeated_file: bool,
    /// Units of a block; part of what makes the bytes.
    pub block_units: u64,
}

impl Options {
    /// Gives the options for so many units in a folder, everything else by default.
    pub fn new(seed: u64, units: u64, out: PathBuf) -> Self {
        Self {
            seed,
            units,
            format: Format::Parquet,
            out,
            rates: Rates::default(),
            suppliers: None,
            items: None,
            files_per_source: 4,
            as_of: AS_OF_DEFAULT,
            threads: 0,
            foreign_lots: false,
            numeric_column: false,
            repeated_file: false,
            block_units: BLOCK_UNITS,
        }
    }
}

/// The default day of the run: 2026-06-30.
pub const AS_OF_DEFAULT: i32 = 20_634;

/// What was made.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The sources.
    pub feeds: Vec<Feed>,
    /// Records by source and disposition, the repeated file and unreadable lines included.
    pub ledger: Ledger,
    /// The findings that a run must give, sorted.
    pub findings: Vec<Expected>,
}

/// A part of a file and how many records it has.
struct Part {
    file: FileKey,
    records: u64,
    encoded: Encoded,
}

/// A data set while it is made.
struct DataSet<'a> {
    options: &'a Options,
    course: Course,
    files: Vec<FileKey>,
}

/// Makes a data set: sources, configuration, truth.
///
/// Cost: memory for a few blocks, the open row groups and the truth; time linear in units.
///
/// # Errors
/// When an option is out of bounds, the folder holds something, or a file can't be written.
pub fn generate(options: &Options) -> Result<Summary> {
    check(options)?;
    if fs::read_dir(&options.out).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{}: folder is not empty; give another with --out, or remove it", options.out.display());
    }
    if options.threads == 0 {
        return DataSet::new(options).write();
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build().context("threads not started")?;
    pool.install(|| DataSet::new(options).write())
}

/// Checks the options.
///
/// # Errors
/// When one is out of bounds.
pub fn check(options: &Options) -> Result<()> {
    if options.units == 0 || options.units > UNITS_MAX {
        bail!("{} units asked for: give 1 to {UNITS_MAX}", options.units);
    }
    if options.files_per_source == 0 || options.files_per_source > 100 {
        bail!("{} files per source asked for: give 1 to 100", options.files_per_source);
    }
    if options.suppliers.is_some_and(|suppliers| !(2..=world::SUPPLIERS_MAX).contains(&suppliers)) {
        bail!("{} suppliers asked for: give 2 to {}", options.suppliers.unwrap_or_default(), world::SUPPLIERS_MAX);
    }
    if options.items.is_some_and(|items| !(20..=world::ITEMS_MAX).contains(&items)) {
        bail!("{} items asked for: give 20 to {}", options.items.unwrap_or_default(), world::ITEMS_MAX);
    }
    if options.as_of < world::SHIPPING_DAYS + 365 {
        bail!("as-of date is too early: shipments go back {} days from it", world::SHIPPING_DAYS);
    }
    Ok(())
}

impl<'a> DataSet<'a> {
    fn new(options: &'a Options) -> Self {
        let items = options.items.unwrap_or((options.units / 500).clamp(20, 2_000) as u32);
        let suppliers = options.suppliers.unwrap_or((items / 5).clamp(8, 120));
        let world = World::new(options.seed, options.units, options.as_of, suppliers, items);
        let course = Course { world, rates: options.rates.clone(), grace_days: GRACE_DAYS, block_units: options.block_units };
        let count = |feed: Feed| match feed {
            Feed::Supplier => options.files_per_source.min(suppliers as usize),
            Feed::Erp | Feed::Warranty => options.files_per_source.min(course.blocks() as usize),
            Feed::SupplierForeign | Feed::ErpForeign => usize::from(options.foreign_lots),
        };
        let numbered = |feed: Feed| (0..count(feed)).map(move |number| FileKey { feed, number, numeric_serial: false });
        let mut files: Vec<FileKey> = Feed::ALL.into_iter().flat_map(numbered).collect();
        if options.numeric_column {
            files.push(FileKey { feed: Feed::Erp, number: 0, numeric_serial: true });
        }
        Self { options, course, files }
    }

    /// Gives the file that is delivered twice.
    fn repeated(&self) -> Option<FileKey> {
        self.files.iter().copied().rfind(|file| file.feed == Feed::Supplier).filter(|_| self.options.repeated_file)
    }

    fn write(&self) -> Result<Summary> {
        let out = &self.options.out;
        fs::create_dir_all(out).with_context(|| format!("{}: folder not created", out.display()))?;
        let mut sinks = Sinks::create(out, self.options.format, &self.files)?;
        let mut tally = Tally::default();
        let mut file_records: BTreeMap<FileKey, u64> = BTreeMap::new();
        let round = 2 * rayon::current_num_threads() as u64;
        let blocks = self.course.blocks();
        let mut ready: Vec<Vec<(FileKey, Encoded)>> = Vec::new();
        for first in (0..=blocks).step_by(round as usize) {
            // The next blocks are made while the last ones are written.
            let (appended, made) = rayon::join(|| sinks.append(&ready), || self.make(first..(first + round).min(blocks + 1)));
            appended?;
            ready.clear();
            for (parts, more) in made? {
                tally.merge(more);
                parts.iter().for_each(|part| *file_records.entry(part.file).or_default() += part.records);
                ready.push(parts.into_iter().map(|part| (part.file, part.encoded)).collect());
            }
        }
        sinks.append(&ready)?;
        sinks.close()?;
        self.conclude(tally, &file_records)
    }

    /// Makes and encodes blocks side by side; the one after the last holds what is not planted unit by unit.
    fn make(&self, numbers: std::ops::Range<u64>) -> Result<Vec<(Vec<Part>, Tally)>> {
        let one = |number: u64| -> Result<Vec<(Vec<Part>, Tally)>> {
            let products = if number < self.course.blocks() { vec![self.grow(number)] } else { self.special() };
            products.into_iter().map(|product| self.encode(product, number)).collect()
        };
        let made = numbers.into_par_iter().map(one).collect::<Result<Vec<_>>>()?;
        Ok(made.into_iter().flatten().collect())
    }

    fn grow(&self, number: u64) -> Product {
        let mut block = Block::new(&self.course, number);
        block.grow();
        block.finish()
    }

    fn special(&self) -> Vec<Product> {
        let mut products = Vec::new();
        if self.options.rates.of(Defect::PlaceholderIdentifier) > 0.0 {
            products.push(special::digits_only(&self.course));
        }
        if self.options.numeric_column {
            products.push(special::numeric_serials(&self.course));
        }
        if self.options.foreign_lots {
            products.push(special::foreign_lots(&self.course));
        }
        products
    }

    /// Sorts the records of a block into files and encodes them.
    fn encode(&self, product: Product, number: u64) -> Result<(Vec<Part>, Tally)> {
        let Product { records, mut tally, numeric_serials } = product;
        let mut by_file: BTreeMap<FileKey, Vec<&record::Record>> = BTreeMap::new();
        let counts = Feed::ALL.map(|feed| self.files.iter().filter(|file| file.feed == feed && !file.numeric_serial).count());
        for record in &records {
            by_file.entry(self.file_of(record, number, numeric_serials, &counts)).or_default().push(record);
        }
        let mut parts = Vec::new();
        for (file, chosen) in &by_file {
            let encoded = if self.options.format.is_text(*file) {
                Encoded::Text(self.encode_text(*file, chosen, number, &mut tally))
            } else {
                Encoded::Batch(encode::batch(file.feed, chosen, &self.course.world, file.numeric_serial)?)
            };
            parts.push(Part { file: *file, records: chosen.len() as u64, encoded });
        }
        Ok((parts, tally))
    }

    fn encode_text(&self, file: FileKey, records: &[&record::Record], number: u64, tally: &mut Tally) -> Vec<u8> {
        let mut rng = Pcg64Mcg::seed_from_u64(self.options.seed ^ (number << 20) ^ ((file.feed as u64) << 8) ^ file.number as u64);
        let rate = if self.repeated() == Some(file) { 0.0 } else { self.options.rates.rejected_line };
        let mut text = Vec::with_capacity(records.len() * 80);
        let mut cell = String::new();
        for record in records {
            if rate > 0.0 && rng.random_bool(rate) {
                let damage = Damage::ALL[rng.random_range(0..Damage::ALL.len())];
                damage.write(file.feed, &mut text);
                *tally.rejected.entry((file.feed, file.number, damage.reason())).or_default() += 1;
                tally.ledger.add(file.feed, Disposition::Rejected, 1);
            }
            encode::delimited(record, &self.course.world, &mut cell, &mut text);
        }
        text
    }

    /// Says which file a record goes to: supplier records by supplier, the others by time.
    fn file_of(&self, record: &record::Record, number: u64, numeric_serials: bool, counts: &[usize; Feed::ALL.len()]) -> FileKey {
        let feed = record.feed;
        let count = counts[feed as usize];
        let number = match feed {
            Feed::Supplier => record.supplier.unwrap_or_default() as usize % count,
            Feed::Erp if numeric_serials => return FileKey { feed, number: 0, numeric_serial: true },
            Feed::Erp | Feed::Warranty => (number.min(self.course.blocks() - 1) * count as u64 / self.course.blocks()) as usize,
            Feed::SupplierForeign | Feed::ErpForeign => 0,
        };
        FileKey { feed, number, numeric_serial: false }
    }

    /// Judges the whole, and writes truth and configuration.
    fn conclude(&self, mut tally: Tally, file_records: &BTreeMap<FileKey, u64>) -> Result<Summary> {
        let mut findings = tally.resolve(&self.course.world, GRACE_DAYS)?;
        let format = self.options.format;
        for (feed, number, reason) in tally.rejected.keys() {
            let name = format.file_name(FileKey { feed: *feed, number: *number, numeric_serial: false });
            findings.push(Expected::new("RUN001", "", Severity::Error).about(format!("{}/{name}/{reason}", feed.name())).naming(&[*feed]));
        }
        if let Some(file) = self.files.iter().find(|file| file.numeric_serial) {
            let subject = format!("{}/{}/serial", file.feed.name(), format.file_name(*file));
            findings.push(Expected::new("IDN005", "", Severity::Warning).about(subject).naming(&[file.feed]));
        }
        if let Some(file) = self.repeated() {
            let name = format.file_name(file);
            self.repeat(&name)?;
            tally.ledger.add(file.feed, Disposition::OutOfScope, file_records.get(&file).copied().unwrap_or_default());
            findings
                .push(Expected::new("RUN003", "", Severity::Warning).about(format!("{}/{name}", file.feed.name())).naming(&[file.feed]));
        }
        findings.sort();
        let mut feeds: Vec<Feed> = self.files.iter().map(|file| file.feed).collect();
        feeds.sort_unstable();
        feeds.dedup();
        let out = &self.options.out;
        truth::write_findings(&out.join("truth.parquet"), &findings)?;
        truth::write_ledger(&out.join("truth_ledger.parquet"), &tally.ledger, &feeds)?;
        let path = out.join("counterfoil.toml");
        let rejected: BTreeMap<Feed, u64> = feeds.iter().map(|&feed| (feed, tally.ledger.records(feed, Disposition::Rejected))).collect();
        let text = configuration::render(self.options, &feeds, &rejected, GRACE_DAYS);
        fs::write(&path, text).with_context(|| format!("{}: not written", path.display()))?;
        Ok(Summary { feeds, ledger: tally.ledger, findings })
    }

    /// Copies a supplier file under a name that sorts behind it.
    fn repeat(&self, name: &str) -> Result<()> {
        let folder = self.options.out.join(Feed::Supplier.name());
        let again = name.replacen('.', "_again.", 1);
        fs::copy(folder.join(name), folder.join(&again)).with_context(|| format!("{}: not written", folder.join(&again).display()))?;
        Ok(())
    }
}
