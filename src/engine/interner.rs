//! Interners: one number for each distinct text of a run.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use counterfoil_kernel::map::Map;

const SHARDS: usize = 64;

/// Numbers texts from 1 in the order in which they come; 0 is the empty text.
///
/// Numbers depend on the order of arrival, so they never order or enter an output. Workers keep their own caches in front.
pub struct Interner {
    shards: Vec<Mutex<Map<Box<str>, u32>>>,
    next: AtomicU32,
    hasher: ahash::RandomState,
}

impl Default for Interner {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::new(Map::default())).collect(),
            next: AtomicU32::new(1),
            hasher: ahash::RandomState::with_seed(0),
        }
    }
}

impl Interner {
    fn shard(&self, text: &str) -> &Mutex<Map<Box<str>, u32>> {
        &self.shards[self.hasher.hash_one(text) as usize % SHARDS]
    }

    /// Gives the number of a text.
    pub fn number(&self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let mut numbers = self.shard(text).lock().expect("no worker panics while it holds an interner");
        if let Some(&number) = numbers.get(text) {
            return number;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        numbers.insert(text.into(), number);
        number
    }

    /// Ends numbering and gives the texts by number.
    pub fn freeze(self) -> Vec<Box<str>> {
        let mut texts = vec![Box::<str>::default(); self.next.into_inner() as usize];
        for shard in self.shards {
            for (text, number) in shard.into_inner().expect("no worker panics while it holds an interner") {
                texts[number as usize] = text;
            }
        }
        texts
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

impl Interners {
    /// Ends numbering and gives the texts by number.
    pub fn freeze(self) -> FrozenInterners {
        FrozenInterners {
            items: self.items.freeze(),
            lots: self.lots.freeze(),
            suppliers: self.suppliers.freeze(),
            layouts: self.layouts.freeze(),
            placeholders: self.placeholders.freeze(),
            texts: self.texts.freeze(),
            places: self.places.freeze(),
        }
    }
}

/// The texts of the interners of a run, by number.
#[expect(missing_docs, reason = "they are those of `Interners`")]
pub struct FrozenInterners {
    pub items: Vec<Box<str>>,
    pub lots: Vec<Box<str>>,
    pub suppliers: Vec<Box<str>>,
    pub layouts: Vec<Box<str>>,
    pub placeholders: Vec<Box<str>>,
    pub texts: Vec<Box<str>>,
    pub places: Vec<Box<str>>,
}

/// Gives the rank of each text among all by bytes.
pub fn ranks(texts: &[Box<str>]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..texts.len() as u32).collect();
    order.sort_unstable_by(|&left, &right| texts[left as usize].cmp(&texts[right as usize]));
    let mut ranks = vec![0; texts.len()];
    for (rank, number) in order.into_iter().enumerate() {
        ranks[number as usize] = rank as u32;
    }
    ranks
}
