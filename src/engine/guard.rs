//! Guards: what stops a run whose configuration is plainly wrong, with what would match instead.

use std::sync::Mutex;

use anyhow::Result;
use counterfoil_kernel::cogroup::Context;
use counterfoil_kernel::guards::{Guard, guards};
use counterfoil_kernel::key::{Key, mix};
use counterfoil_kernel::map::Set;
use counterfoil_kernel::model::Field;
use counterfoil_kernel::normalize::{Scratch, Tiers, serial_key};
use counterfoil_kernel::parameter::Unit;
use counterfoil_kernel::tally::Survey;

use super::partitions::{Loaded, Partitions};
use crate::config::plan::Plan;
use crate::fault::Fault;
use crate::ingest::value::TextColumn;
use crate::ingest::{Cells, Morsel, Progress, RejectedRecord, TableFile, Wanted};

/// Sources that the message describes; the rest is counted.
const SOURCES_SHOWN: usize = 8;

/// The files of a run, for estimates.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The opened files, in the order of the plan.
    pub opened: &'a [Box<dyn TableFile>],
    /// Records that could not be read, by file.
    pub rejected: &'a [(u32, RejectedRecord)],
}

impl Inputs<'_> {
    /// Gives the first records of a file that could be read; a narrow read refuses the others.
    fn first_records(&self, file: usize, records_max: usize) -> Vec<u32> {
        let of_file = self.rejected.iter().filter(|(of, _)| *of as usize == file);
        let rejected: Set<u64> = of_file.map(|(_, record)| record.record).collect();
        let count = self.opened[file].record_count().unwrap_or(u64::from(u32::MAX));
        (0..count).filter(|number| !rejected.contains(number)).take(records_max).map(|number| number as u32).collect()
    }
}

/// Tells whether a guard fires that is not switched off.
pub fn fires(plan: &Plan, context: &Context, survey: &Survey) -> bool {
    guards(context, survey).iter().any(|guard| match guard {
        Guard::NoOverlap { .. } => !plan.allow_disjoint,
        Guard::WrongGrain { .. } => !plan.allow_recurring,
    })
}

/// Gives the error that stops the run, if a guard fires that is not switched off.
pub fn stop(
    plan: &Plan,
    context: &Context,
    survey: &Survey,
    partitions: &Partitions,
    bits: u32,
    inputs: Inputs<'_>,
) -> Option<anyhow::Error> {
    let fired = guards(context, survey);
    let disjoint: Vec<Disjoint> = fired.iter().filter_map(Disjoint::of).filter(|_| !plan.allow_disjoint).collect();
    if !disjoint.is_empty() {
        let instead = |source| match Estimate::new(context, partitions, bits, source) {
            Ok(estimate) => estimate.lines(plan, inputs),
            Err(error) => not_estimated(&error),
        };
        return Some(Fault::input(no_overlap(&disjoint, instead, context)));
    }
    fired.into_iter().find_map(|guard| match guard {
        Guard::WrongGrain { source, units, recurring } if !plan.allow_recurring => {
            let name = &context.sources[usize::from(source)].name;
            let most = percent(context.thresholds.guard_recurring_percent);
            Some(Fault::input(format!(
                "source {name} has grain unit, and {recurring} of its {units} units recur, more than {most}: it looks like a log of movements or several snapshots\n\
                 remedies: set grain = \"event\" for a log, keep one snapshot with paths or where, or say --allow-recurring if the units really recur"
            )))
        }
        _ => None,
    })
}

/// A source that shares almost no unit with the other roles.
struct Disjoint {
    source: u8,
    units: u64,
    others: u64,
    shared: u64,
}

impl Disjoint {
    fn of(guard: &Guard) -> Option<Self> {
        match *guard {
            Guard::NoOverlap { source, units, others, shared } => Some(Self { source, units, others, shared }),
            Guard::WrongGrain { .. } => None,
        }
    }
}

/// Describes every source that shares almost nothing, each with what would match instead.
fn no_overlap(disjoint: &[Disjoint], instead: impl Fn(u8) -> String, context: &Context) -> String {
    let least = percent(context.thresholds.guard_overlap_percent);
    let mut text = match disjoint {
        [_] => "1 source shares".to_owned(),
        several => format!("{} sources share", several.len()),
    };
    text += &format!(" almost no unit with the other roles (under {least} of the smaller side): the key is probably wrong\n");
    for of in disjoint.iter().take(SOURCES_SHOWN) {
        let name = &context.sources[usize::from(of.source)].name;
        text += &format!("source {name}: {} of its {} units are among the {} of the other roles\n", of.shared, of.units, of.others);
        text += &instead(of.source);
    }
    if disjoint.len() > SOURCES_SHOWN {
        text += &format!("and {} more sources\n", disjoint.len() - SOURCES_SHOWN);
    }
    text + "remedies: map another column as serial or item, set scope = [] if serials are unique across items, or say --allow-disjoint if the sources really share nothing"
}

/// Says that there is no estimate: it is a courtesy on the way to an error, and where it fails, that is said, and no more.
fn not_estimated(error: &anyhow::Error) -> String {
    format!("  what would match was not estimated: {error:#}\n")
}

fn percent(share: u64) -> String {
    format!("{} %", Unit::Percent.show(share))
}

/// Serial keys of the other roles, sampled by key so that both sides sample the same ones.
struct Estimate<'a> {
    context: &'a Context,
    source: u8,
    bits: u32,
    partitions_looked_at: usize,
    others: Set<Key>,
    own: Set<Key>,
}

/// The keys of a column's values.
#[derive(Clone, Default)]
struct Seen {
    looked_at: Set<Key>,
    /// Those that other roles have as serials.
    matched: Set<Key>,
}

impl<'a> Estimate<'a> {
    fn new(context: &'a Context, partitions: &Partitions, bits: u32, source: u8) -> Result<Self> {
        let mut estimate = Self { context, source, bits, partitions_looked_at: 0, others: Set::default(), own: Set::default() };
        let role = context.sources[usize::from(source)].role;
        let mut loaded = Loaded::default();
        for held in partitions.held(partitions.count()) {
            estimate.partitions_looked_at += 1;
            partitions.show(&held, &mut loaded, |partition| {
                for record in partition.records() {
                    if context.source_of(&record) == source {
                        estimate.own.insert(record.key);
                    } else if context.source(&record).role != role {
                        estimate.others.insert(record.key);
                    }
                }
            })?;
            if estimate.own.len().min(estimate.others.len()) >= estimate.keys_max() {
                break;
            }
        }
        Ok(estimate)
    }

    /// Gives how many keys an estimate looks at.
    fn keys_max(&self) -> usize {
        usize::try_from(self.context.thresholds.guard_estimate_keys).unwrap_or(usize::MAX)
    }

    /// Says what would match instead, a line each, and where that was looked for.
    fn lines(&self, plan: &Plan, inputs: Inputs<'_>) -> String {
        let mut lines = String::new();
        if !plan.scope.is_empty() {
            let shared = self.own.iter().filter(|key| self.others.contains(*key)).count();
            lines += &format!("  with scope = [] about {} of its serials would match\n", share(shared, self.own.len()));
        }
        let source = &plan.sources[usize::from(self.source)];
        let Some(first) = source.files.first() else { return lines };
        let looked_in = match source.files.len() {
            1 => first.input.path.display().to_string(),
            files => format!("{}, the first of {files} files", first.input.path.display()),
        };
        let mut columns = match self.columns(plan, inputs) {
            Ok(columns) => columns,
            Err(error) => return lines + &not_estimated(&error.context(looked_in)),
        };
        columns.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(&right.0)));
        // One value that serials have, too, is chance: an item number, say.
        columns.retain(|(_, matched, looked_at)| *matched > 1 && matched * 100 >= *looked_at);
        if columns.is_empty() {
            lines += &format!("  no other column of {looked_in} would match as serial\n");
        }
        for (column, matched, looked_at) in columns.into_iter().take(3) {
            lines += &format!(
                "  with serial = \"{column}\" about {} of the values in {looked_in} would match: --map \"{}.serial={column}\"\n",
                share(matched, looked_at),
                source.source.name
            );
        }
        lines
    }

    /// Tries every other column of the source's first file as the serial: matches and values looked at.
    fn columns(&self, plan: &Plan, inputs: Inputs<'_>) -> Result<Vec<(String, usize, usize)>> {
        let file = self.context.file_source.iter().position(|&source| source == self.source);
        let (Some(file), Some(file_plan)) = (file, plan.sources[usize::from(self.source)].files.first()) else { return Ok(Vec::new()) };
        let opened = &inputs.opened[file];
        let serial = file_plan.mapping.iter().find_map(|mapped| match (&mapped.origin, mapped.field) {
            (crate::config::plan::Origin::Column { index, .. }, Field::Serial) => Some(*index),
            _ => None,
        });
        let candidates: Vec<usize> =
            (0..opened.columns().len()).filter(|&index| Some(index) != serial && opened.columns()[index].unsupported.is_none()).collect();
        let wanted = inputs.first_records(file, self.keys_max());
        let counts = Mutex::new(vec![Seen::default(); candidates.len()]);
        let sink = |morsel: Morsel| {
            let mut counts = counts.lock().expect("no worker panics while it counts");
            for (count, cells) in counts.iter_mut().zip(&morsel.columns) {
                self.count(cells, count);
            }
            Ok(())
        };
        opened.scan(&candidates, Wanted::Records(&wanted), &Progress::default(), &sink)?;
        let counts = counts.into_inner().expect("no worker panics while it counts");
        let named = |(&index, seen): (&usize, Seen)| (opened.columns()[index].name.clone(), seen.matched.len(), seen.looked_at.len());
        Ok(candidates.iter().zip(counts).map(named).collect())
    }

    fn count(&self, cells: &Cells, seen: &mut Seen) {
        let Ok(column) = TextColumn::new(cells) else { return };
        let mut scratch = Scratch::default();
        for raw in column.iter().flatten() {
            let key = serial_key(raw, Tiers::ALL, &mut scratch).key;
            if key != 0 && ((mix(key) >> (64 - self.bits)) as usize) < self.partitions_looked_at {
                seen.looked_at.insert(key);
                if self.others.contains(&key) {
                    seen.matched.insert(key);
                }
            }
        }
    }
}

fn share(part: usize, whole: usize) -> String {
    format!("{:.1} %", 100.0 * part as f64 / whole.max(1) as f64)
}
