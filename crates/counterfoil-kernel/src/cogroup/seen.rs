//! What one pass over the records of a serial or unit sees, and which of it a rule looks at.

use bytemuck::Zeroable;
use wide::u32x4;

use super::FileTraits;
use super::shape::{Brief, Shape};
use crate::key::Key;
use crate::model::{Grain, Role};
use crate::record::{Flags, Record};

/// What may be seen of several records together, one bit each.
///
/// The lowest bits are those of what records state, in the order of [`stated`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sights(u8);

impl Sights {
    /// They stand at two or more places.
    pub const PLACES_DIFFER: Self = Self(1);
    /// They may state different lots, or some supplier lot: a bit for each.
    pub const LOTS_MAY_DIFFER: Self = Self(2).or(Self::SUPPLIER_LOT);
    /// Their serials are spelt in two or more ways.
    pub const LAYOUTS_DIFFER: Self = Self(4);
    /// They name two or more suppliers, whatever their role.
    pub const SUPPLIERS_MAY_DIFFER: Self = Self(8);
    /// Some unit-grain source holds two or more of them.
    pub const REPEATED: Self = Self(16);
    /// Some record of a unit-grain source states no `lot`.
    pub const LACKS_LOT: Self = Self(32);
    /// Some record states a supplier lot.
    const SUPPLIER_LOT: Self = Self(64);

    /// Tells whether one of some things is seen.
    #[inline]
    pub const fn has(self, some: Self) -> bool {
        self.0 & some.0 != 0
    }

    /// Joins two sets of bits.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Leaves some bits out.
    const fn without(self, some: Self) -> Self {
        Self(self.0 & !some.0)
    }

    /// What may be seen of records because their source has a grain, and not otherwise.
    pub const fn of_grain(grain: Grain) -> Self {
        match grain {
            Grain::Unit => Self::REPEATED.or(Self::LACKS_LOT),
            Grain::Event | Grain::Lot => Self(0),
        }
    }

    /// Gives this where it is seen, else nothing.
    #[inline]
    const fn when(self, is_seen: bool) -> Self {
        Self(self.0 * is_seen as u8)
    }
}

/// Which units concern a rule, beside those of serials that hold several units, several spellings or digits: a rule sees no others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Concern {
    sights: Sights,
    /// One bit for each set of roles.
    holders: u8,
}

impl Concern {
    /// Nothing but such serials.
    pub const NOTHING: Self = Self { sights: Sights(0), holders: 0 };
    /// Every unit.
    pub const ALL: Self = Self { sights: Sights(u8::MAX), holders: u8::MAX };

    /// Units of which something is seen.
    pub const fn seen(sights: Sights) -> Self {
        Self { sights, ..Self::NOTHING }
    }

    /// Units that each of some roles holds, and none of some others.
    pub const fn held(by: &[Role], not_by: &[Role]) -> Self {
        let (with, without) = (bits_of(by), bits_of(not_by));
        let (mut holders, mut roles) = (0, 0);
        while roles < u8::BITS {
            if roles as u8 & with == with && roles as u8 & without == 0 {
                holders |= 1 << roles;
            }
            roles += 1;
        }
        Self { holders, ..Self::NOTHING }
    }

    /// Joins two concerns.
    pub const fn or(self, other: Self) -> Self {
        Self { sights: self.sights.or(other.sights), holders: self.holders | other.holders }
    }

    /// Tells whether a unit of which this is seen and that these roles hold is concerned.
    #[inline]
    pub const fn covers(self, sights: Sights, roles: u8) -> bool {
        self.sights.has(sights) || self.holders >> roles & 1 != 0
    }
}

/// Which units concern the rules of a run, where it is known of items what only the whole of them tells.
#[derive(Clone, Copy, Debug)]
pub struct Concerned<'a> {
    /// What the rules look at.
    concern: Concern,
    /// By place: its item is not tracked by lot, so that no rule asks for the lot of a unit there. Places beyond the end may be tracked.
    untracked: &'a [bool],
}

impl<'a> Concerned<'a> {
    /// Takes what rules look at, and the places whose items are not tracked by lot: see [`crate::settled::Settled::untracked_places`].
    pub const fn new(concern: Concern, untracked: &'a [bool]) -> Self {
        Self { concern, untracked }
    }

    /// Tells whether a unit is concerned that stands at one place.
    #[inline]
    fn covers(self, sights: Sights, roles: u8, place: u32) -> bool {
        let is_untracked = || self.untracked.get(place as usize).is_some_and(|&untracked| untracked);
        let sights = if sights.has(Sights::LACKS_LOT) && is_untracked() { sights.without(Sights::LACKS_LOT) } else { sights };
        self.concern.covers(sights, roles)
    }
}

impl From<Concern> for Concerned<'_> {
    /// Knows nothing of items.
    fn from(concern: Concern) -> Self {
        Self::new(concern, &[])
    }
}

const fn bits_of(roles: &[Role]) -> u8 {
    let (mut bits, mut index) = (0, 0);
    while index < roles.len() {
        bits |= 1 << roles[index] as u8;
        index += 1;
    }
    bits
}

/// What a record states that others may contradict: place, lot, layout, supplier.
#[inline]
const fn stated(record: &Record) -> u32x4 {
    u32x4::new([record.place, record.lot, record.layout, record.supplier])
}

/// Which of what records state may be blank in some of them, and no contradiction.
const MAY_BE_BLANK: u32x4 = u32x4::new([0, u32::MAX, 0, u32::MAX]);

/// What one pass over records of a serial, by reference, sees.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The key of the serial.
    pub key: Key,
    /// What the first record states; of lots and suppliers, what all of them state, joined.
    stated: u32x4,
    /// What is counted of the records.
    pub shape: Shape,
    /// How many they are.
    pub records: u32,
    /// Which roles hold them: bit 0 supplier, bit 1 ERP, bit 2 warranty.
    pub roles: u8,
    /// The source of the last.
    source: u8,
    /// What is seen of them together.
    pub sights: Sights,
    /// The flags of all of them.
    pub flags: Flags,
}

impl Seen {
    /// Sees a first record.
    #[inline]
    pub fn new(record: &Record, of: FileTraits) -> Self {
        let (shape, flags, sights) = (Shape::default(), Flags::default(), Sights::default());
        let mut seen = Self { key: record.key, stated: stated(record), shape, records: 0, roles: 0, source: u8::MAX, sights, flags };
        seen.add(record, of);
        seen
    }

    /// Sees one more record.
    #[inline]
    pub fn add(&mut self, record: &Record, of: FileTraits) {
        self.shape.push(Brief::new(of.mark, record));
        self.records += 1;
        self.roles |= of.role;
        self.flags.set(record.flags.0);
        let stated = stated(record);
        let is_blank = stated.simd_eq(u32x4::zeroed()) | self.stated.simd_eq(u32x4::zeroed());
        let agree = stated.simd_eq(self.stated) | is_blank & MAY_BE_BLANK;
        self.stated |= stated & MAY_BE_BLANK;
        let of_grain = Sights::REPEATED.when(of.source == self.source).or(Sights::LACKS_LOT.when(record.lot == 0));
        let supplier_lot = Sights::SUPPLIER_LOT.when(record.supplier_lot != 0);
        self.sights.0 |= (!agree).to_bitmask() as u8 | of_grain.0 & of.sights.0 | supplier_lot.0;
        self.source = of.source;
    }

    /// Sees some records.
    pub fn in_records(records: &[Record], files: &[FileTraits]) -> Self {
        let mut seen = Self::new(&records[0], files[records[0].file as usize]);
        records[1..].iter().for_each(|record| seen.add(record, files[record.file as usize]));
        seen
    }

    /// Tells whether the records are one unit whatever the scope: they agree in place and form, and none may be a placeholder.
    #[inline]
    pub const fn is_one_unit(&self) -> bool {
        !self.sights.has(Sights::PLACES_DIFFER.or(Sights::LAYOUTS_DIFFER)) && !self.flags.has(Flags::DIGITS)
    }

    /// Tells whether the records of a whole serial are one unit that no rule looks at and whose shape tells all that is counted.
    #[inline]
    pub fn is_quiet(&self, concerned: Concerned<'_>) -> bool {
        self.is_one_unit()
            && self.records as usize <= Shape::RECORDS
            && !self.sights.has(Sights::LOTS_MAY_DIFFER)
            && !concerned.covers(self.sights, self.roles, self.stated.as_array()[0])
    }
}
