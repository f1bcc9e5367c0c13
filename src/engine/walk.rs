//! The walk over partitions: each is co-grouped, surveyed and judged once, while its records lie in the cache.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use counterfoil_kernel::cogroup::seen::{Concern, Concerned};
use counterfoil_kernel::cogroup::{Context, Piece, Workspace, cogroup};
use counterfoil_kernel::evaluate::{Enabled, judge_units};
use counterfoil_kernel::finding::{FindingSink, Mention, Subject};
use counterfoil_kernel::ledger::{Ledger, end_units};
use counterfoil_kernel::map::Map;
use counterfoil_kernel::number_set::NumberSet;
use counterfoil_kernel::record::{Record, Setting};
use counterfoil_kernel::rules::{rule_index, unknown_lots};
use counterfoil_kernel::settled::{Premises, Settled};
use counterfoil_kernel::tally::{IngestTally, Survey, Surveying};
use rayon::prelude::*;

use super::partitions::{Filled, Loaded, Partition, Partitions};
use super::settings::lot_for_supplier;
use crate::config::plan::Plan;
use crate::memory::Memory;

/// What the walk needs.
pub struct Walk<'a> {
    /// What rules know of the run.
    pub context: &'a Context,
    /// Counts of ingest.
    pub tally: &'a IngestTally,
    /// Which rules run.
    pub enabled: &'a Enabled,
    /// Digest of each file's source and path.
    pub file_digests: &'a [u64],
    /// The lots whose records are cited.
    pub lots: &'a CitedLots,
    /// How the run is configured.
    pub plan: &'a Plan,
    /// The memory of the run.
    pub memory: &'a Memory,
}

/// What the walk gives.
pub struct Walked {
    /// Counts of units.
    pub survey: Survey,
    /// Findings about units, as they were found.
    pub findings: Vec<FindingSink>,
    /// How the records of units end.
    pub ledger: Ledger,
    /// The records of cited lots, as they were met: lot and reference.
    pub of_lots: Vec<Vec<(u32, Mention)>>,
}

impl Walked {
    /// Makes sums of nothing.
    pub fn new(context: &Context) -> Self {
        Self {
            survey: Survey::new(context.sources.len()),
            findings: Vec::new(),
            ledger: Ledger::new(context.file_source.len()),
            of_lots: Vec::new(),
        }
    }

    /// Adds what another part of the walk gave.
    pub fn with(mut self, other: Self) -> Self {
        self.survey.add(other.survey);
        self.findings.extend(other.findings);
        self.ledger.add(&other.ledger);
        self.of_lots.extend(other.of_lots);
        self
    }
}

impl Walk<'_> {
    /// Counts the units of the first `count` partitions and judges nothing.
    ///
    /// # Errors
    /// When the disk does not give back what was spilled, or memory runs out.
    pub fn survey(&self, partitions: &Partitions, count: usize) -> Result<Survey> {
        let empty = || (Workspace::default(), Loaded::default(), Surveying::new(self.context));
        let held = partitions.held(count);
        let surveyed = held.par_iter().try_fold(empty, |(mut workspace, mut loaded, mut surveying), held| {
            self.check_memory(held.number)?;
            partitions.show(held, &mut loaded, |partition| {
                let pieces = partition.pieces.iter().copied();
                cogroup(pieces, partition.count(), self.context, Concern::NOTHING.into(), &mut workspace, |units| {
                    surveying.count(units, &partition.quantities, self.file_digests);
                });
            })?;
            Ok((workspace, loaded, surveying))
        });
        surveyed.map(|surveyed: Result<_>| surveyed.map(|(.., surveying)| surveying.finish(self.context))).try_reduce(
            || Survey::new(self.context.sources.len()),
            |mut left, right| {
                left.add(right);
                Ok(left)
            },
        )
    }

    /// Looks now and then whether the memory of the process is inside the limit: findings take some of it.
    fn check_memory(&self, partition: usize) -> Result<()> {
        const PARTITIONS: usize = 16;
        if partition.is_multiple_of(PARTITIONS) { self.memory.check_held() } else { Ok(()) }
    }

    /// Counts and judges the units of all partitions on the given premises; `twice` are the first partitions, which are judged again.
    ///
    /// # Errors
    /// When the disk does not give back what was spilled, or memory runs out.
    pub fn judge(&self, partitions: &Partitions, premises: &Premises, done: &AtomicU64, twice: usize) -> Result<Walked> {
        let lots_of_settings = self.lots.of_settings(self.context, self.plan, partitions.workers());
        let nothing = Survey::new(self.context.sources.len());
        let settled = Settled::new(self.context, self.tally, &nothing, premises);
        let untracked = settled.untracked_places();
        let concerned = Concerned::new(self.enabled.concern(), &untracked);
        // One desk for each thread of the pool, and one for a caller outside it: buffers and lists are made once each.
        let count = rayon::current_num_threads() + 1;
        let desks: Vec<Mutex<Desk>> = (0..count).map(|_| Mutex::new(Desk::new(self.context))).collect();
        let held = partitions.held(partitions.count());
        let walked: Vec<&Partition<'_>> = held[..twice].iter().chain(&held).collect();
        walked.par_iter().try_for_each(|held| {
            self.check_memory(held.number)?;
            let index = rayon::current_thread_index().unwrap_or(count - 1);
            let desk = &mut *desks[index].lock().expect("a worker that panicked ended the run");
            let Desk { workspace, loaded, surveying, findings, ledger, of_lots } = desk;
            partitions.show(held, loaded, |partition| {
                // Lots are gathered from some records just before these are grouped: they come into the nearest cache once, and while they are grouped the next come.
                let pieces = partition.pieces.iter().zip(&partition.workers).flat_map(|(piece, &worker)| {
                    let Piece { records, settings } = *piece;
                    records.chunks(GATHERED_TOGETHER).map(move |records| (Piece { records, settings }, worker))
                });
                let pieces = pieces.map(|(piece, worker)| {
                    if let Some(lots) = lots_of_settings.get(worker as usize) {
                        lots.gather(&piece, of_lots);
                    }
                    piece
                });
                cogroup(pieces, partition.count(), self.context, concerned, workspace, |units| {
                    surveying.count(units, &partition.quantities, self.file_digests);
                    judge_units(units, &settled, self.enabled, findings);
                    end_units(units, &partition.quantities, self.file_digests, ledger);
                });
            })?;
            done.fetch_add(1, Ordering::Relaxed);
            Ok::<_, anyhow::Error>(())
        })?;
        let walked = desks.into_iter().map(|desk| desk.into_inner().expect("a worker that panicked ended the run").walked(self.context));
        Ok(walked.reduce(Walked::with).expect("there is a desk"))
    }
}

/// Records whose lots are gathered before they are grouped: few lines of the cache, so that memory is read while records are grouped.
const GATHERED_TOGETHER: usize = 64;

/// What a thread works on while it walks.
struct Desk {
    workspace: Workspace,
    loaded: Loaded,
    surveying: Surveying,
    findings: FindingSink,
    ledger: Ledger,
    of_lots: Vec<(u32, Mention)>,
}

impl Desk {
    fn new(context: &Context) -> Self {
        Self {
            workspace: Workspace::default(),
            loaded: Loaded::default(),
            surveying: Surveying::new(context),
            findings: FindingSink::default(),
            ledger: Ledger::new(context.file_source.len()),
            of_lots: Vec::new(),
        }
    }

    fn walked(self, context: &Context) -> Walked {
        let Self { surveying, findings, ledger, of_lots, .. } = self;
        Walked { survey: surveying.finish(context), findings: vec![findings], ledger, of_lots: vec![of_lots] }
    }
}

/// The lots that LOT003 may be about, known from ingest: their records are gathered in the walk.
#[derive(Default)]
pub struct CitedLots {
    /// By source, item and lot: its number, from 1.
    numbers: Map<(u8, u32, u32), u32>,
    /// The lots among them, to be asked first: nearly no setting states one.
    lots: NumberSet,
}

impl CitedLots {
    /// Finds out which lots these are.
    pub fn new(context: &Context, tally: &IngestTally, enabled: &Enabled) -> Self {
        if !rule_index("LOT003").is_some_and(|rule| enabled.has(rule)) {
            return Self::default();
        }
        let nothing = Survey::new(context.sources.len());
        let premises = Premises::new(&nothing, 1, &context.thresholds);
        let settled = Settled::new(context, tally, &nothing, &premises);
        let numbers: Map<(u8, u32, u32), u32> = unknown_lots(&settled).into_iter().zip(1..).collect();
        let mut lots = NumberSet::default();
        numbers.keys().for_each(|&(.., lot)| lots.insert(lot));
        Self { numbers, lots }
    }

    /// Gives by worker the cited lots of its settings; nothing where no lot is cited.
    fn of_settings(&self, context: &Context, plan: &Plan, filled: &[Filled]) -> Vec<LotsOfSettings> {
        if self.numbers.is_empty() {
            return Vec::new();
        }
        let number = |setting: &Setting| {
            let source = context.file_source[setting.file as usize];
            let lot = lot_for_supplier(plan, source, setting);
            let key = || (source, context.item_of[setting.place as usize], lot);
            if self.lots.contains(lot) { self.numbers.get(&key()).copied().unwrap_or(0) } else { 0 }
        };
        filled.par_iter().map(|worker| LotsOfSettings::new(worker.settings.iter().map(number).collect())).collect()
    }

    /// Gives the findings about lots their records: those gathered, and those without a usable serial.
    pub fn cite(
        &self,
        findings: &mut FindingSink,
        gathered: Vec<Vec<(u32, Mention)>>,
        keyless: &[&[(Record, i64)]],
        plan: &Plan,
        context: &Context,
    ) {
        if self.numbers.is_empty() {
            return;
        }
        let mut gathered = gathered.concat();
        for (record, _) in keyless.iter().copied().flatten() {
            let source = context.source_of(record);
            let key = (source, context.item(record), lot_for_supplier(plan, source, &record.setting()));
            gathered.extend(self.numbers.get(&key).map(|&lot| (lot, Mention::new(record, true))));
        }
        gathered.par_sort_unstable_by_key(|&(lot, mention)| (lot, mention.reference));
        let FindingSink { findings, mentions, .. } = findings;
        mentions.reserve(gathered.len());
        for finding in findings {
            let Subject::Lot { source, item, lot } = finding.subject else { continue };
            let number = self.numbers[&(source, item, lot)];
            let start = gathered.partition_point(|&(other, _)| other < number);
            let own = gathered[start..].iter().take_while(|&&(other, _)| other == number).map(|&(_, mention)| mention);
            finding.start = mentions.len() as u64;
            mentions.extend(own);
            finding.length = (mentions.len() as u64 - finding.start) as u32;
        }
    }
}

/// The cited lots that the settings of one worker state.
struct LotsOfSettings {
    /// By setting: the number of its lot, 0 for one that is not cited.
    numbers: Vec<u32>,
    /// One bit for each setting: it states a lot that is cited. Few do, and so many bits stay in the cache where numbers would not.
    are_cited: Vec<u64>,
}

impl LotsOfSettings {
    fn new(numbers: Vec<u32>) -> Self {
        let bits = |numbers: &[u32]| numbers.iter().rev().fold(0, |bits, &number| bits << 1 | u64::from(number != 0));
        Self { are_cited: numbers.chunks(64).map(bits).collect(), numbers }
    }

    /// Lists the records of a piece that state a cited lot, with the number of the lot.
    fn gather(&self, piece: &Piece<'_>, out: &mut Vec<(u32, Mention)>) {
        for record in piece.records {
            let setting = record.setting as usize;
            if self.are_cited[setting / 64] >> (setting % 64) & 1 != 0 {
                out.push((self.numbers[setting], Mention::new(&record.with(&piece.settings[setting]), true)));
            }
        }
    }
}
