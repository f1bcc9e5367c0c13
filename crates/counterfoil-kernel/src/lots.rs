//! Which lots of a unit are compared, and whether they differ.

use crate::cogroup::Context;
use crate::model::{Field, Role, Source};
use crate::record::Record;

/// The lots that one source states for one unit: the least and greatest number of each kind, 0 for none.
///
/// Two values are enough: there are several lots exactly when least and greatest differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatedLots {
    /// The source.
    pub source: u8,
    /// `lot`.
    pub lot: Span,
    /// `supplier_lot`.
    pub supplier_lot: Span,
}

impl StatedLots {
    /// Makes what a source states that has one and the same lot in all records, and no supplier lot.
    pub(crate) const fn plain(source: u8) -> Self {
        Self { source, lot: Span { least: 1, greatest: 1 }, supplier_lot: Span { least: 0, greatest: 0 } }
    }
}

/// The least and greatest of some lot numbers; both 0 when there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    least: u32,
    greatest: u32,
}

impl Span {
    fn add(&mut self, lot: u32) {
        if lot != 0 {
            self.least = if self.least == 0 { lot } else { self.least.min(lot) };
            self.greatest = self.greatest.max(lot);
        }
    }

    /// Tells whether there is no lot.
    pub const fn is_none(self) -> bool {
        self.greatest == 0
    }

    /// Tells whether there are two or more lots.
    pub const fn is_several(self) -> bool {
        self.least != self.greatest
    }

    /// Gives the lot when there is exactly one.
    pub const fn only(self) -> Option<u32> {
        if self.greatest != 0 && self.least == self.greatest { Some(self.least) } else { None }
    }

    fn union_differs(self, other: Self) -> bool {
        self.least.min(other.least) != self.greatest.max(other.greatest)
    }
}

/// Gathers the lots that each source states, in source order.
pub fn stated_lots(records: &[Record], context: &Context, out: &mut Vec<StatedLots>) {
    out.clear();
    for record in records {
        if record.lot | record.supplier_lot == 0 {
            continue;
        }
        let source = context.source_of(record);
        if out.last().is_none_or(|last| last.source != source) {
            out.push(StatedLots { source, ..StatedLots::default() });
        }
        let last = out.last_mut().expect("one was pushed");
        last.lot.add(record.lot);
        last.supplier_lot.add(record.supplier_lot);
    }
}

/// Whether the lots of two sources were compared, and whether they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// One side states nothing that can be compared.
    None,
    /// All compared values are equal.
    Equal,
    /// Two or more values.
    Differs,
}

/// Gives the lots of two different sources that are compared: pairs of which both sides state something.
pub fn compared(left: &StatedLots, right: &StatedLots, context: &Context) -> impl Iterator<Item = (Span, Span)> {
    let (left_source, right_source) = (&context.sources[usize::from(left.source)], &context.sources[usize::from(right.source)]);
    let pairs: [(Span, Span); 2] = match (left_source.role, right_source.role) {
        (Role::Supplier, Role::Supplier) => [(left.lot, right.lot), Default::default()],
        (Role::Supplier, _) => [(left.lot, against_supplier(right, right_source)), Default::default()],
        (_, Role::Supplier) => [(against_supplier(left, left_source), right.lot), Default::default()],
        _ => [(left.lot, right.lot), (left.supplier_lot, right.supplier_lot)],
    };
    pairs.into_iter().filter(|(left, right)| !left.is_none() && !right.is_none())
}

/// Compares the lots that two different sources state for a unit.
pub fn compare(left: &StatedLots, right: &StatedLots, context: &Context) -> Comparison {
    let mut result = Comparison::None;
    for (left, right) in compared(left, right, context) {
        if left.union_differs(right) {
            return Comparison::Differs;
        }
        result = Comparison::Equal;
    }
    result
}

/// What a source that is no supplier states against a supplier's lot: its supplier lot where mapped, else its lot.
pub fn against_supplier(stated: &StatedLots, source: &Source) -> Span {
    if source.maps(Field::SupplierLot) { stated.supplier_lot } else { stated.lot }
}

/// Tells whether two different sources map lots that are compared.
pub fn are_compared(left: &Source, right: &Source) -> bool {
    let for_supplier = |source: &Source| source.maps(Field::SupplierLot) || source.maps(Field::Lot);
    match (left.role, right.role) {
        (Role::Supplier, Role::Supplier) => left.maps(Field::Lot) && right.maps(Field::Lot),
        (Role::Supplier, _) => left.maps(Field::Lot) && for_supplier(right),
        (_, Role::Supplier) => for_supplier(left) && right.maps(Field::Lot),
        _ => [Field::Lot, Field::SupplierLot].into_iter().any(|field| left.maps(field) && right.maps(field)),
    }
}

/// The index of an unordered pair of sources in a square table.
pub fn pair_index(left: u8, right: u8, sources: usize) -> usize {
    usize::from(left.min(right)) * sources + usize::from(left.max(right))
}
