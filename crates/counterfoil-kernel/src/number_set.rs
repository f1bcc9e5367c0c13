//! Sets of numbers that interners gave.

/// A set of numbers: one bit for each number up to the greatest, because numbers of a run are dense and a hash set would lie in no cache.
#[derive(Clone, Debug, Default)]
pub struct NumberSet {
    words: Vec<u64>,
}

impl NumberSet {
    /// Adds a number.
    #[inline]
    pub fn insert(&mut self, number: u32) {
        let (word, bit) = place(number);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= bit;
    }

    /// Tells whether it holds a number.
    #[inline]
    pub fn contains(&self, number: u32) -> bool {
        let (word, bit) = place(number);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Adds all numbers of another.
    pub fn extend(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(own, other)| *own |= other);
    }

    /// Tells whether some number is in both.
    pub fn meets(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).any(|(own, other)| own & other != 0)
    }
}

const fn place(number: u32) -> (usize, u64) {
    ((number / u64::BITS) as usize, 1 << (number % u64::BITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_held_as_they_were_added() {
        let of = |numbers: &[u32]| numbers.iter().fold(NumberSet::default(), |mut set, &number| (set.insert(number), set).1);
        let (mut some, others) = (of(&[0, 63, 64, 1_000]), of(&[1, 65, 5_000]));
        assert!([0, 63, 64, 1_000].into_iter().all(|number| some.contains(number)));
        assert!([1, 62, 65, 999, 1_001, 9_999, u32::MAX].into_iter().all(|number| !some.contains(number)));
        assert!(!some.meets(&others) && !NumberSet::default().meets(&some));
        some.extend(&others);
        assert!((0..6_000).filter(|&number| some.contains(number)).eq([0, 1, 63, 64, 65, 1_000, 5_000]));
        assert!(some.meets(&others) && others.meets(&some));
    }
}
