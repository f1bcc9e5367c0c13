//! A hash table of texts, which stand in one buffer: a text costs no allocation and is hashed once.

/// Texts with a number each.
#[derive(Default)]
pub struct TextTable {
    /// Their count is a power of two, or there is none; at most half of them are taken.
    slots: Vec<Slot>,
    taken: usize,
    text: String,
}

/// A text in the table.
#[derive(Clone, Copy)]
pub struct Slot {
    /// The hash of the text.
    hash: u32,
    /// Its number, from 1; 0 where the slot is free.
    pub number: u32,
    /// Where it begins in the buffer.
    pub start: u32,
    /// How many bytes it has.
    pub length: u32,
}

impl Slot {
    /// A slot that is not taken.
    pub const FREE: Self = Self { hash: 0, number: 0, start: 0, length: 0 };
}

/// Slots of a table with its first text.
const SLOTS_LEAST: usize = 16;

impl TextTable {
    /// Gives what stands in the slot where a text of this hash is looked for first: to be asked for some texts before any is looked up.
    #[inline]
    pub fn first_slot(&self, hash: u32) -> Slot {
        self.slots.get(self.place(hash)).copied().unwrap_or(Slot::FREE)
    }

    #[inline]
    const fn place(&self, hash: u32) -> usize {
        hash as usize & self.slots.len().wrapping_sub(1)
    }

    /// Gives the number of a text, given its first slot; one that is not known gets `next`.
    ///
    /// # Panics
    /// When there are more than 4 GiB of texts.
    #[inline]
    pub fn look_up(&mut self, first: Slot, hash: u32, text: &str, next: impl FnOnce() -> u32) -> u32 {
        // What stood in the first slot when it was asked may have moved since: the text stays where it is.
        if first.number != 0 && self.is(first, hash, text) { first.number } else { self.look_further(hash, text, next) }
    }

    #[inline]
    fn is(&self, slot: Slot, hash: u32, text: &str) -> bool {
        slot.hash == hash
            && slot.length as usize == text.len()
            && self.text.as_bytes()[slot.start as usize..][..text.len()] == *text.as_bytes()
    }

    fn look_further(&mut self, hash: u32, text: &str, next: impl FnOnce() -> u32) -> u32 {
        if 2 * self.taken >= self.slots.len() {
            self.grow();
        }
        let mut place = self.place(hash);
        while self.slots[place].number != 0 {
            if self.is(self.slots[place], hash, text) {
                return self.slots[place].number;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
        let number = next();
        let start = u32::try_from(self.text.len()).expect("texts of a table are fewer than 4 GiB");
        self.slots[place] = Slot { hash, number, start, length: text.len() as u32 };
        self.text.push_str(text);
        self.taken += 1;
        number
    }

    #[cold]
    fn grow(&mut self) {
        let count = (2 * self.slots.len()).max(SLOTS_LEAST);
        for slot in std::mem::replace(&mut self.slots, vec![Slot::FREE; count]).into_iter().filter(|slot| slot.number != 0) {
            let mut place = self.place(slot.hash);
            while self.slots[place].number != 0 {
                place = (place + 1) & (count - 1);
            }
            self.slots[place] = slot;
        }
    }

    /// Counts the texts.
    pub const fn count(&self) -> usize {
        self.taken
    }

    /// Counts the bytes of all texts.
    pub const fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Gives the slots that are taken, in no order.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.slots.iter().copied().filter(|slot| slot.number != 0)
    }

    /// Gives the buffer of the texts.
    pub fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_one_hash_are_told_apart() {
        let mut table = TextTable::default();
        let mut next = 0;
        let mut ask = |table: &mut TextTable, hash: u32, text: &str| {
            let first = table.first_slot(hash);
            table.look_up(first, hash, text, || {
                next += 1;
                next
            })
        };
        for round in 0..2 {
            for number in 0..1_000 {
                // Ten texts to a hash, and a run of slots for neighbours.
                assert_eq!(ask(&mut table, number / 10, &format!("T{number}")), number + 1, "round {round}");
            }
        }
        assert_eq!((table.count(), ask(&mut table, 5, "")), (1_000, 1_001));
        let known: Vec<Slot> = table.slots().collect();
        let text = table.into_text();
        assert_eq!(known.len(), 1_001);
        for Slot { number, start, length, .. } in known.into_iter().filter(|slot| slot.number < 1_001) {
            assert_eq!(text[start as usize..][..length as usize], format!("T{}", number - 1));
        }
    }

    #[test]
    fn a_slot_that_was_asked_for_before_the_table_grew_is_no_lie() {
        let mut table = TextTable::default();
        table.look_up(Slot::FREE, 7, "A", || 1);
        let (of_a, of_b) = (table.first_slot(7), table.first_slot(8));
        for number in 2..100 {
            table.look_up(Slot::FREE, number * 16 + 7, &number.to_string(), || number);
        }
        assert_eq!(table.look_up(of_a, 7, "A", || unreachable!()), 1);
        assert_eq!(table.look_up(of_b, 8, "B", || 200), 200);
        assert_eq!(table.look_up(of_b, 8, "B", || unreachable!()), 200);
    }
}
