//! The project's own fixed mixer: the same bits on every machine, in every version.

const SEED_LOW: u64 = 0x9e37_79b9_7f4a_7c15;
const SEED_HIGH: u64 = 0xc2b2_ae3d_27d4_eb4f;
const LANE_LOW: u64 = 0xff51_afd7_ed55_8ccd;
const LANE_HIGH: u64 = 0xc4ce_b9fe_1a85_ec53;

/// Folds the 128-bit product of two words.
#[inline]
const fn fold(left: u64, right: u64) -> u64 {
    let product = left as u128 * right as u128;
    product as u64 ^ (product >> 64) as u64
}

/// Mixes a 128-bit key to 64 bits, for partitions and buckets.
///
/// # Source
/// Multiply-and-fold of wide products, with the golden ratio and the fractional parts of prime roots as constants; quality is held by a test. The second factor is
/// never zero, because no tag of a key has the top bits of `SEED_HIGH`. The first is for one low word, `SEED_LOW`, of which the characters
/// include a separator and punctuation: such keys would meet, which costs time and is told apart by the keys themselves.
#[inline]
pub const fn mix(key: u128) -> u64 {
    let product = fold(key as u64 ^ SEED_LOW, (key >> 64) as u64 ^ SEED_HIGH);
    fold(product ^ LANE_LOW, LANE_HIGH)
}

/// Digests a record of a file, given its mixed key and the digest of the file: 128 bits whose sums tell sets of records apart.
///
/// A product: where two records of a file exchange their numbers, the sum changes by the product of two differences, which is not zero; any other
/// set of records has the same sum by chance alone.
#[inline]
pub const fn digest(mixed: u64, file_digest: u64, record: u32) -> u128 {
    let number = (record as u64) << 32 | record as u64;
    (mixed ^ file_digest) as u128 * (LANE_HIGH ^ number) as u128
}

/// Hashes a text to 128 bits in two lanes with different constants.
pub fn hash_text(text: &[u8]) -> u128 {
    let mut low = SEED_LOW ^ text.len() as u64;
    let mut high = SEED_HIGH.wrapping_add(text.len() as u64);
    for chunk in text.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        let word = u64::from_le_bytes(word);
        low = fold(low ^ word, LANE_LOW).wrapping_add(word.rotate_left(31));
        high = fold(high.wrapping_add(word), LANE_HIGH) ^ word.rotate_left(17);
    }
    let low_end = fold(low ^ high.rotate_left(23), SEED_LOW | 1);
    let high_end = fold(high ^ low.rotate_left(41), SEED_HIGH | 1);
    u128::from(low_end ^ high) << 64 | u128::from(high_end ^ low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::Set;

    #[test]
    fn pinned_values() {
        assert_eq!(
            (mix(0), mix(1 << 126 | 33), hash_text(b"SN-1")),
            (16_553_128_629_813_769_553, 3_980_567_612_165_142_056, 46_573_457_987_987_220_280_949_167_009_118_920_691)
        );
        assert_ne!(hash_text(b"A"), hash_text(b"A\0"));
        assert_ne!(hash_text(b""), hash_text(b"\0"));
    }

    #[test]
    fn sums_of_digests_tell_sets_of_records_apart() {
        let mixed = |serial: &str| mix(super::super::key_of(serial.as_bytes()));
        let sum = |records: &[(&str, u64, u32)]| {
            records.iter().fold(0_u128, |sum, &(serial, file, record)| sum.wrapping_add(digest(mixed(serial), file, record)))
        };
        let whole = sum(&[("S1", 7, 0), ("S2", 7, 1), ("S3", 8, 0)]);
        assert_eq!(whole, sum(&[("S3", 8, 0), ("S1", 7, 0), ("S2", 7, 1)]));
        let others = [
            sum(&[("S1", 7, 0), ("S2", 7, 1)]),
            sum(&[("S1", 7, 0), ("S1", 7, 0), ("S3", 8, 0)]),
            sum(&[("S2", 7, 0), ("S1", 7, 1), ("S3", 8, 0)]),
            sum(&[("S1", 8, 0), ("S2", 7, 1), ("S3", 7, 0)]),
            sum(&[("S1", 7, 0), ("S2", 7, 2), ("S3", 8, 0)]),
        ];
        assert!(!others.contains(&whole));
    }

    #[test]
    fn numbered_serials_spread_over_partitions_and_do_not_collide() {
        let mut counts = vec![0_u32; 1024];
        let mut seen = Set::default();
        for n in 0..200_000 {
            let serial = format!("SN{n:08}");
            let mixed = mix(super::super::key_of(serial.as_bytes()));
            counts[(mixed >> 54) as usize] += 1;
            assert!(seen.insert(mixed), "{serial}");
            assert!(seen.insert(hash_text(serial.as_bytes()) as u64), "{serial}");
        }
        // 195 are expected; six standard deviations are 84.
        assert!(counts.iter().all(|&count| (111..=279).contains(&count)));
    }
}
