//! Interners: one number for each distinct text of a run.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::columns::PLACEHOLDER_BIT;
use super::text_table::{Slot, TextTable};
use super::texts::Texts;

const SHARDS: usize = 64;

/// Numbers end below the bit that marks placeholders; so many texts take over 60 GB.
const NUMBERS_MAX: u32 = PLACEHOLDER_BIT;

/// Texts of one shard that are looked up together: where there are very many, each lies in no cache, and many look-ups are then on their way at once.
const TOGETHER: usize = 16;

/// Numbers texts from 1 in the order in which they come; 0 is the empty text.
///
/// Numbers depend on the order of arrival, so they never order or enter an output. Workers keep their own caches in front.
pub struct Interner {
    shards: Vec<Mutex<TextTable>>,
    next: AtomicU32,
    hasher: ahash::RandomState,
}

impl Default for Interner {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(TextTable::default())).collect(),
            next: AtomicU32::new(1),
            hasher: ahash::RandomState::with_seed(0),
        }
    }
}

impl Interner {
    /// The shard takes the upper bits, because tables take the lower ones.
    const fn shard_of(hash: u64) -> usize {
        (hash >> (u64::BITS - SHARDS.ilog2())) as usize
    }

    fn next(&self) -> u32 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // The bit behind them marks placeholders.
        assert!(number < NUMBERS_MAX, "more than {NUMBERS_MAX} distinct texts of one kind");
        number
    }

    /// Gives the number of a text.
    pub fn number(&self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let hash = self.hasher.hash_one(text);
        let mut table = self.shards[Self::shard_of(hash)].lock().expect("no worker panics while it holds an interner");
        let first = table.first_slot(hash as u32);
        table.look_up(first, hash as u32, text, || self.next())
    }

    /// Gives the numbers of texts of which none is empty: to take those of a shard together costs one lock, and one wait for memory for some of them.
    pub fn number_all(&self, texts: &Texts) -> Vec<u32> {
        let hashes: Vec<u64> = (0..texts.count()).map(|at| self.hasher.hash_one(texts.get(at))).collect();
        let mut ends = [0; SHARDS];
        hashes.iter().for_each(|&hash| ends[Self::shard_of(hash)] += 1);
        let mut filled = 0;
        for end in &mut ends {
            filled += std::mem::replace(end, filled);
        }
        let mut order = vec![0; hashes.len()];
        for (at, &hash) in (0_u32..).zip(&hashes) {
            let end = &mut ends[Self::shard_of(hash)];
            order[*end] = at;
            *end += 1;
        }
        let mut numbers = vec![0; hashes.len()];
        for own in order.chunk_by(|&left, &right| Self::shard_of(hashes[left as usize]) == Self::shard_of(hashes[right as usize])) {
            let shard = Self::shard_of(hashes[own[0] as usize]);
            let mut table = self.shards[shard].lock().expect("no worker panics while it holds an interner");
            for some in own.chunks(TOGETHER) {
                let mut slots = [Slot::FREE; TOGETHER];
                for (slot, &at) in slots.iter_mut().zip(some) {
                    *slot = table.first_slot(hashes[at as usize] as u32);
                }
                for (slot, &at) in slots.into_iter().zip(some) {
                    let at = at as usize;
                    numbers[at] = table.look_up(slot, hashes[at] as u32, texts.get(at), || self.next());
                }
            }
        }
        numbers
    }

    /// Ends numbering and gives the texts by number.
    pub fn freeze(self) -> InternedTexts {
        let mut places = vec![Place::default(); self.next.into_inner() as usize];
        let mut texts = Vec::with_capacity(SHARDS);
        for (shard, table) in (0..).zip(self.shards) {
            let table = table.into_inner().expect("no worker panics while it holds an interner");
            table.slots().for_each(|Slot { number, start, length, .. }| places[number as usize] = Place { shard, start, length });
            texts.push(table.into_text());
        }
        InternedTexts { texts, places }
    }
}

/// The texts of an interner, by number.
pub struct InternedTexts {
    texts: Vec<String>,
    places: Vec<Place>,
}

/// Where a text stands; the default is the empty text.
#[derive(Clone, Copy, Default)]
struct Place {
    shard: u32,
    start: u32,
    length: u32,
}

impl InternedTexts {
    /// Gives the text of a number.
    ///
    /// # Panics
    /// When no text has it.
    pub fn get(&self, number: u32) -> &str {
        let Place { shard, start, length } = self.places[number as usize];
        &self.texts[shard as usize][start as usize..][..length as usize]
    }

    /// Counts the texts, with the empty one.
    pub const fn count(&self) -> usize {
        self.places.len()
    }

    /// Gives the texts by number.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.places.len() as u32).map(|number| self.get(number))
    }

    /// Gives the rank of each text among all by bytes.
    pub fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.places.len() as u32).collect();
        order.sort_unstable_by(|&left, &right| self.get(left).cmp(self.get(right)));
        let mut ranks = vec![0; order.len()];
        for (rank, number) in (0..).zip(order) {
            ranks[number as usize] = rank;
        }
        ranks
    }
}

/// The interners of a run.
#[derive(Default)]
pub struct Interners {
    /// Item forms.
    pub items: Interner,
    /// Lot key forms, of lots and supplier lots.
    pub lots: Interner,
    /// Supplier names in upper case.
    pub suppliers: Interner,
    /// Layouts of separators that have no code.
    pub layouts: Interner,
    /// Values of placeholders.
    pub placeholders: Interner,
    /// Forms of other scope columns.
    pub texts: Interner,
    /// Scope values and items, as numbers joined.
    pub places: Interner,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_one_number_whoever_asks() {
        let interner = Interner::default();
        let text = |number: usize| format!("LOT-{}", number * number % 70_001);
        let ask = |part: usize| {
            let own = (0..60_000).map(|at| at * 7 + part).collect::<Vec<_>>();
            let mut numbers = Vec::new();
            for some in own.chunks(5_000) {
                let mut texts = Texts::default();
                some.iter().for_each(|&number| texts.push(&text(number)));
                numbers.extend(interner.number_all(&texts));
                numbers.push(interner.number(&text(part)));
                assert_eq!(interner.number(""), 0);
            }
            (own, numbers)
        };
        let asked: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|part| scope.spawn(move || ask(part))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let frozen = interner.freeze();
        let mut distinct = std::collections::BTreeSet::new();
        for (part, (own, numbers)) in asked.iter().enumerate() {
            let mut numbers = numbers.iter();
            for some in own.chunks(5_000) {
                for &number in some {
                    assert_eq!(frozen.get(*numbers.next().unwrap()), text(number));
                    distinct.insert(text(number));
                }
                assert_eq!(frozen.get(*numbers.next().unwrap()), text(part));
            }
        }
        assert_eq!(frozen.count(), distinct.len() + 1, "no text has two numbers");
        assert_eq!(frozen.get(0), "");
        let ranks = frozen.ranks();
        let mut by_rank: Vec<&str> = vec![""; frozen.count()];
        frozen.iter().zip(ranks).for_each(|(text, rank)| by_rank[rank as usize] = text);
        assert!(by_rank[1..].iter().eq(distinct.iter()), "ranks are by bytes");
    }
}
