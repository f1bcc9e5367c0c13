//! The kernels of a run, one case each, with invented records: `cargo bench --bench kernels` times them, `just bench-gate` counts their instructions.
//!
//! What is measured stands in functions of their own, which are never inlined: `benches/gate.py` counts inside them alone. A case is named by kernel, size and shape.

#![allow(missing_docs, reason = "the macros of criterion make functions without")]

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use counterfoil::engine::partitions::{Room, Scatter};
use counterfoil::engine::spill::{Spill, pack, unpack};
use counterfoil::memory::Memory;
use counterfoil_kernel::cogroup::seen::Concern;
use counterfoil_kernel::cogroup::{Context, Piece, Units, Workspace, cogroup};
use counterfoil_kernel::evaluate::{Enabled, judge_units};
use counterfoil_kernel::finding::FindingSink;
use counterfoil_kernel::key::{Key, digest, key_of, mix};
use counterfoil_kernel::model::{Field, FieldSet, Grain, Role, Source};
use counterfoil_kernel::normalize::{Scratch, Steps, Tiers, serial_key};
use counterfoil_kernel::parameter::Thresholds;
use counterfoil_kernel::record::{CompactRecord, Flags, Setting};
use counterfoil_kernel::rules::{CATALOGUE, Check};
use counterfoil_kernel::settled::{Premises, Settled};
use counterfoil_kernel::tally::{IngestTally, Survey};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

/// Values and records of a case.
const COUNT: usize = 100_000;
/// Records of a partition: those that a run puts into one.
const PARTITION_RECORDS: usize = 12_000;

/// Records that are packed together.
const PACKED_RECORDS: usize = 256;

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 += 1;
        mix(Key::from(self.0)) % bound
    }
}

/// Makes serials as makers write them: `{letters}{week}{number}`, with separators where `separated`.
fn serials(count: usize, separated: bool) -> Vec<String> {
    const MAKERS: [&str; 4] = ["HEJ", "NPC", "YXF", "KMA"];
    let mut numbers = Numbers(0);
    let serial = |at: usize| {
        let (maker, week, number) = (MAKERS[at / 50 % 4], 2301 + numbers.below(52), numbers.below(100_000_000));
        if separated { format!("{maker}-{week}-{number:08}") } else { format!("{maker}{week}{number:08}") }
    };
    (0..count).map(serial).collect()
}

/// Spoils serials as spreadsheets and scanners do.
fn damaged(serials: &[String]) -> Vec<String> {
    let spoil = |(at, serial): (usize, &String)| match at % 5 {
        0 => format!("=\"{serial}\""),
        1 => format!("{serial}\u{a0}"),
        2 => format!("\u{feff}{serial}"),
        3 => serial.replace('-', "\u{2011}"),
        _ => format!(" {}", serial.to_lowercase()),
    };
    serials.iter().enumerate().map(spoil).collect()
}

#[inline(never)]
fn measured_normalize(serials: &[String], scratch: &mut Scratch) -> Key {
    serials.iter().fold(0, |sum: Key, serial| sum.wrapping_add(serial_key(serial, Tiers::ALL, scratch).key))
}

#[inline(never)]
fn measured_key(forms: &[String]) -> Key {
    forms.iter().fold(0, |sum: Key, form| sum.wrapping_add(key_of(form.as_bytes())))
}

#[inline(never)]
fn measured_digest(keys: &[Key]) -> u128 {
    (0..).zip(keys).fold(0, |sum: u128, (record, &key)| sum.wrapping_add(digest(mix(key), 7, record)))
}

#[inline(never)]
fn measured_scatter(records: &[CompactRecord], scatter: &mut Scatter) {
    records.iter().for_each(|record| scatter.push(*record, mix(record.key())).expect("there is memory for all"));
}

/// Packs records as they are spilled, so many of a partition together.
#[inline(never)]
fn measured_pack(records: &[CompactRecord], bytes: &mut Vec<u8>) {
    bytes.clear();
    records.chunks(PACKED_RECORDS).for_each(|records| pack(records, bytes));
}

#[inline(never)]
fn measured_unpack(bytes: &mut Vec<u8>) -> Vec<CompactRecord> {
    let mut records = Vec::with_capacity(COUNT);
    unpack(bytes, &mut records);
    records
}

#[inline(never)]
fn measured_cogroup(pieces: &[Piece<'_>], count: usize, context: &Context, concern: Concern, workspace: &mut Workspace) -> usize {
    let mut units = 0;
    cogroup(pieces.iter().copied(), count, context, concern.into(), workspace, |part| units += part.units.len());
    units
}

#[inline(never)]
fn measured_rule(units: &Units<'_>, settled: &Settled<'_>, enabled: &Enabled, out: &mut FindingSink) {
    judge_units(units, settled, enabled, out);
}

/// Two suppliers, an ERP and claims that share an item.
fn context() -> Context {
    let source = |(name, role, grain): (&str, Role, Grain)| {
        let mut fields = FieldSet::default();
        [Field::Item, Field::Serial, Field::Lot, Field::Supplier].into_iter().for_each(|field| fields.insert(field));
        Source { name: name.to_owned(), role, grain, rank: role.rank_default(), fields }
    };
    let sources = [
        ("acme", Role::Supplier, Grain::Unit),
        ("bolt", Role::Supplier, Grain::Unit),
        ("erp", Role::Erp, Grain::Unit),
        ("crm", Role::Warranty, Grain::Event),
    ];
    Context {
        sources: sources.into_iter().map(source).collect(),
        file_source: vec![0, 1, 2, 3],
        scope_of: vec![0, 1, 2],
        item_of: vec![0, 1, 2],
        item_order: vec![0, 1, 2],
        scope: vec![Field::Item],
        as_of: 20_000,
        grace_days: 14,
        thresholds: Thresholds::default(),
    }
}

/// The records of a partition, in pieces as one worker fills them, with one in a hundred of each defect.
fn partition(settings: &[Setting]) -> Vec<Vec<CompactRecord>> {
    let keys: Vec<Key> = serials(PARTITION_RECORDS / 2, false).iter().map(|serial| key_of(serial.as_bytes())).collect();
    let mut numbers = Numbers(1 << 32);
    let mut pieces = Vec::new();
    for file in 0..4_u64 {
        let mut piece = Vec::new();
        for (unit, &key) in keys.iter().enumerate() {
            // Each supplier ships half of the units, the ERP has nearly all, a third comes back; some come twice or with another lot.
            let is_held = match file {
                0 | 1 => unit as u64 % 2 == file,
                2 => numbers.below(100) != 0,
                _ => numbers.below(3) == 0,
            };
            let count = u64::from(is_held) + u64::from(numbers.below(100) == 0);
            for _ in 0..count {
                let lot = if numbers.below(100) == 0 { numbers.below(50) } else { unit as u64 / 120 };
                let setting = (file * 50 + lot) as u32 % settings.len() as u32;
                piece.push(CompactRecord::new(key, setting, piece.len() as u32, 19_900, Steps::default(), Flags::default()));
            }
        }
        pieces.push(piece);
    }
    pieces
}

fn normalize(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (plain, separated) = (serials(COUNT, false), serials(COUNT, true));
    let damaged = damaged(&separated);
    let mut scratch = Scratch::default();
    for (shape, serials) in [("plain", &plain), ("separated", &separated), ("damaged", &damaged)] {
        group.throughput(Throughput::Bytes(serials.iter().map(|serial| serial.len() as u64).sum()));
        group.bench_function(format!("normalize/1e5/{shape}"), |b| b.iter(|| measured_normalize(black_box(serials), &mut scratch)));
    }
    group.throughput(Throughput::Elements(COUNT as u64));
    group.bench_function("key/1e5/packed", |b| b.iter(|| measured_key(black_box(&plain))));
    let keys: Vec<Key> = plain.iter().map(|serial| key_of(serial.as_bytes())).collect();
    group.bench_function("digest/1e5/mixed", |b| b.iter(|| measured_digest(black_box(&keys))));
}

fn scatter(group: &mut BenchmarkGroup<'_, WallTime>) {
    const BITS: u32 = 11;
    let record = |(at, serial): (usize, &String)| {
        CompactRecord::new(key_of(serial.as_bytes()), at as u32 / 100, at as u32, 19_900, Steps::default(), Flags::default())
    };
    let records: Vec<CompactRecord> = serials(COUNT, false).iter().enumerate().map(record).collect();
    group.throughput(Throughput::Bytes(size_of_val(records.as_slice()) as u64));
    group.bench_function("scatter/1e5/2048 partitions", |b| {
        b.iter_with_large_drop(|| {
            let memory = Arc::new(Memory::counted(1 << 30, u64::MAX));
            let room = Room::new(1 << BITS, memory, Arc::new(Spill::new(PathBuf::new(), 0, Arc::default())));
            let mut scatter = Scatter::new(BITS, Arc::new(room)).expect("there is memory");
            measured_scatter(black_box(&records), &mut scatter);
            scatter
        });
    });
    let (mut bytes, mut packed) = (Vec::new(), Vec::new());
    group.bench_function("spill/1e5/packed", |b| b.iter(|| measured_pack(black_box(&records), &mut packed)));
    records.chunks(PACKED_RECORDS).for_each(|records| pack(records, &mut bytes));
    group.bench_function("spill/1e5/unpacked", |b| b.iter_with_setup(|| bytes.clone(), |mut bytes| measured_unpack(black_box(&mut bytes))));
}

fn judge(group: &mut BenchmarkGroup<'_, WallTime>) {
    let context = context();
    let setting = |at: u32| Setting { place: 1, lot: 1 + at % 50, supplier_lot: 0, supplier: 1 + at / 50 % 2, layout: 0, file: at / 50 };
    let settings: Vec<Setting> = (0..200).map(setting).collect();
    let records = partition(&settings);
    let pieces: Vec<Piece<'_>> = records.iter().map(|records| Piece { records, settings: &settings }).collect();
    let count = records.iter().map(Vec::len).sum::<usize>();
    let all = Enabled::new(&[], &[], &context.sources);
    let mut workspace = Workspace::default();
    // Buffers grow once a run: what is measured finds them grown.
    cogroup(pieces.iter().copied(), count, &context, all.concern().into(), &mut workspace, |_| ());
    group.throughput(Throughput::Elements(count as u64));
    group.bench_function("cogroup/1.2e4/1% of each defect", |b| {
        b.iter(|| measured_cogroup(black_box(&pieces), count, &context, all.concern(), &mut workspace));
    });
    let mut tally = IngestTally::new(context.sources.len());
    for source in 0..context.sources.len() as u8 {
        (tally.item(source, 1).records, tally.item(source, 1).with_lot) = (9, 9);
    }
    let nothing = Survey::new(context.sources.len());
    let premises = Premises::new(&nothing, 1, &context.thresholds);
    let settled = Settled::new(&context, &tally, &nothing, &premises);
    // So many records are one part.
    cogroup(pieces.iter().copied(), count, &context, all.concern().into(), &mut workspace, |units| {
        for rule in CATALOGUE.iter().filter(|rule| matches!(rule.check, Check::Units(..) | Check::UnitsAndTotals(..))) {
            let enabled = Enabled::new(&[rule.code.to_owned()], &[], &context.sources);
            group.bench_function(format!("rule/1.2e4/{}", rule.code), |b| {
                let mut out = FindingSink::default();
                judge_units(units, &settled, &enabled, &mut out);
                b.iter(|| {
                    let FindingSink { findings, mentions, gathered, .. } = &mut out;
                    findings.clear();
                    mentions.clear();
                    gathered.clear();
                    measured_rule(black_box(units), &settled, &enabled, &mut out);
                });
            });
        }
    });
}

fn kernels(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernels");
    normalize(&mut group);
    scatter(&mut group);
    judge(&mut group);
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
