//! The world of a synthetic data set: suppliers, items, customers and sites, drawn from the seed alone.

use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::calendar::Day;
use super::spelling::{Spelling, letters, symbol_width, symbols};

/// A supplier and how it numbers what it makes.
#[derive(Clone, Debug)]
pub struct Supplier {
    /// The name in records.
    pub name: String,
    /// Its first characters of every serial, its own.
    prefix: String,
    /// Which of the serial formats it uses.
    serial_style: u32,
    /// Which of the lot formats it uses.
    lot_style: u32,
    /// The country it ships from.
    pub country: &'static str,
}

/// How an item is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracking {
    /// Serials and lots.
    SerialAndLot,
    /// Serials, no lots.
    SerialOnly,
    /// Lots, no serials.
    LotOnly,
    /// Serials and lots, made in house: no supplier ships it.
    NeverShipped,
}

/// An item.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its number as records spell it when they spell it well.
    pub code: Arc<Spelling>,
    /// Who supplies it, main supplier first.
    pub suppliers: Vec<u32>,
    /// How it is kept.
    pub tracking: Tracking,
}

/// Everything that blocks of units share.
#[derive(Clone, Debug)]
pub struct World {
    /// The seed.
    pub seed: u64,
    /// How many units there are.
    pub units: u64,
    /// The day of the run, in days from 1970-01-01.
    pub as_of: i32,
    /// The first day of shipment.
    pub start: i32,
    /// Suppliers; those from `suppliers_off_book` on never ship in a supplier file.
    pub suppliers: Vec<Supplier>,
    /// The number of the first supplier that is absent from the supplier files.
    pub suppliers_off_book: u32,
    /// Items, most frequent first.
    pub items: Vec<Item>,
    /// Running sums of the items' weights.
    item_weights: Vec<u64>,
    /// How many symbols a unit's number takes.
    unit_width: usize,
    /// How many digits it takes in the shorter decimal formats.
    unit_digits: usize,
}

/// How many days of shipments there are: three years.
pub const SHIPPING_DAYS: i32 = 1_095;

/// How many suppliers the ERP names that no supplier file does.
const OFF_BOOK_SUPPLIERS: u32 = 3;

/// The most suppliers: each has three letters of its own.
pub const SUPPLIERS_MAX: u32 = 4_900;

/// The most items.
pub const ITEMS_MAX: u32 = 80_000;

/// Sites of the ERP.
pub const SITES: [&str; 12] = ["HAM1", "RTM2", "LYO1", "GDN1", "BRN3", "OPO1", "MEM1", "RNO2", "QRO1", "CWB1", "PNQ1", "SZX2"];

/// States of a unit in the ERP.
pub const STATUSES: [&str; 4] = ["in stock", "in transit", "sold", "scrapped"];

/// Countries of customers.
pub const COUNTRIES: [&str; 14] = ["DE", "US", "FR", "NL", "PL", "GB", "IT", "ES", "MX", "BR", "IN", "CN", "JP", "SE"];

/// Failures that claims name.
pub const FAILURES: [&str; 10] =
    ["no power", "noise", "leak", "overheats", "E-07", "cracked housing", "intermittent", "display", "seized", "calibration"];

const NAME_HEADS: [&str; 24] = [
    "Norvik", "Halden", "Castelo", "Brennero", "Tamsin", "Orlice", "Kestrel", "Vantaa", "Meridian", "Pellworm", "Sabine", "Ardmore",
    "Quillon", "Ostrava", "Lumen", "Fenwick", "Granada", "Ilmen", "Juniper", "Karst", "Zephyr", "Umber", "Wexford", "Yarrow",
];
const NAME_TAILS: [&str; 12] = [
    "Castings",
    "Electronics",
    "Drives GmbH",
    "Bearings, Inc.",
    "Precision",
    "Polymers",
    "Motors S.p.A.",
    "Sensors",
    "Hydraulics",
    "Optics Ltd",
    "Fasteners & Co.",
    "Power",
];

impl World {
    /// Draws the world.
    pub fn new(seed: u64, units: u64, as_of: i32, suppliers: u32, items: u32) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed ^ 0x5eed_0f57_0c4b_10c5);
        let offset = rng.random_range(0..4_913_u64);
        let all = suppliers + OFF_BOOK_SUPPLIERS;
        let suppliers_drawn = (0..all).map(|number| draw_supplier(number, offset, &mut rng)).collect();
        let supplier_weights = running_sums((0..u64::from(suppliers)).map(|rank| 1_000_000 / (rank + 2)));
        let items_drawn = (0..items).map(|number| draw_item(number, &supplier_weights, &mut rng)).collect();
        Self {
            seed,
            units,
            as_of,
            start: as_of - SHIPPING_DAYS,
            suppliers: suppliers_drawn,
            suppliers_off_book: suppliers,
            items: items_drawn,
            item_weights: running_sums((0..u64::from(items)).map(|rank| 1_000_000 / (rank + 4))),
            // Ghost serials number from `units` on, and the special block stands behind the last unit.
            unit_width: symbol_width(2 * units + 200_000, 5),
            unit_digits: if 2 * units + 200_000 < 100_000_000 { 8 } else { 9 },
        }
    }

    /// Draws an item by its weight.
    pub fn draw_item<R: Rng>(&self, rng: &mut R) -> u32 {
        draw_weighted(&self.item_weights, rng)
    }

    /// Lists the items of a tracking, most frequent first.
    pub fn items_tracked(&self, tracking: Tracking) -> impl Iterator<Item = u32> + '_ {
        (0..self.items.len() as u32).filter(move |&item| self.items[item as usize].tracking == tracking)
    }

    /// Gives the day around which a unit ships.
    pub fn ship_day(&self, unit: u64) -> i32 {
        let done = (unit.min(self.units) * SHIPPING_DAYS as u64).checked_div(self.units).unwrap_or(0);
        self.start + done as i32
    }

    /// Composes the serial that a supplier gives to a unit: no two units share a key form.
    pub fn serial(&self, supplier: u32, unit: u64, shipped: i32) -> Arc<Spelling> {
        let maker = &self.suppliers[supplier as usize];
        let prefix = maker.prefix.as_str();
        let day = Day::of(shipped);
        let sequence = symbols(unit, self.unit_width);
        let (year, week, digits) = (day.short_year(), day.week(), self.unit_digits);
        match maker.serial_style {
            0 => Spelling::compose(&[prefix, &sequence], "", false),
            1 => Spelling::compose(&[prefix, &format!("{year:02}{week:02}"), &format!("{unit:0digits$}")], "", false),
            2 => Spelling::compose(&[prefix, &format!("{year:02}{week:02}"), &format!("{unit:0digits$}")], "-", false),
            3 => Spelling::compose(&[&format!("{prefix}K"), &sequence], "-", false),
            4 => Spelling::compose(&[prefix, &format!("{year:02}W{week:02}{sequence}")], "", false),
            5 => Spelling::compose(&[prefix, &format!("{}{:03}{unit:09}", year % 10, day.day_of_year)], "", false),
            6 => Spelling::compose(&[prefix, &format!("{unit:09}")], "/", false),
            7 => Spelling::compose(&[prefix, &sequence], "-", true),
            _ => {
                Spelling::compose(&[prefix, &format!("7{year:02}{:02}{:02}{unit:09}", day.month, day.day)], "", supplier.is_multiple_of(3))
            }
        }
    }

    /// Composes the code of a lot: no two lots share a key form.
    pub fn lot(&self, supplier: u32, number: u64, made: i32) -> Arc<Spelling> {
        let day = Day::of(made);
        let width = symbol_width(self.units * 4 + 100_000, 4);
        let sequence = symbols(number, width);
        let year = day.short_year();
        match self.suppliers[supplier as usize].lot_style {
            0 => Spelling::compose(&[&format!("{year:02}W{:02}", day.week()), &sequence], "-", false),
            1 => Spelling::compose(&[&format!("L{year:02}{:02}{:02}{sequence}", day.month, day.day)], "", false),
            2 => Spelling::compose(&[&format!("{year:02}{:03}", day.day_of_year), &sequence, "AP"], "/", false),
            _ => Spelling::compose(&[&format!("{}{year:02}", letters(u64::from(day.month), 1)), &format!("{sequence}X")], "", false),
        }
    }

    /// Composes the code of a lot that nobody made; one for each unit.
    pub fn stray_lot(&self, unit: u64) -> Arc<Spelling> {
        Spelling::compose(&["XR", &format!("{unit:010}")], if unit.is_multiple_of(2) { "-" } else { "" }, false)
    }

    /// Composes a serial that nobody issued; one for each unit.
    pub fn ghost_serial(&self, supplier: u32, unit: u64, claimed: i32) -> Arc<Spelling> {
        self.serial(supplier, self.units + 100_000 + unit, claimed)
    }
}

/// Draws a number by running sums of weights.
pub fn draw_weighted<R: Rng>(sums: &[u64], rng: &mut R) -> u32 {
    let total = *sums.last().expect("weights are given for at least one thing");
    let drawn = rng.random_range(0..total);
    sums.partition_point(|&sum| sum <= drawn) as u32
}

fn running_sums(weights: impl Iterator<Item = u64>) -> Vec<u64> {
    weights
        .scan(0, |sum, weight| {
            *sum += weight.max(1);
            Some(*sum)
        })
        .collect()
}

fn draw_supplier<R: Rng>(number: u32, offset: u64, rng: &mut R) -> Supplier {
    let head = NAME_HEADS[number as usize % NAME_HEADS.len()];
    let tail = NAME_TAILS[(number as usize / NAME_HEADS.len() + number as usize) % NAME_TAILS.len()];
    let round = number as usize / (NAME_HEADS.len() * NAME_TAILS.len());
    let name = if round == 0 { format!("{head} {tail}") } else { format!("{head} {tail} {}", round + 1) };
    Supplier {
        name,
        // 613 has no factor in common with 17^3: no two suppliers share a prefix.
        prefix: letters((u64::from(number) * 613 + offset) % 4_913, 3),
        serial_style: if number < 9 { number } else { rng.random_range(0..9) },
        lot_style: rng.random_range(0..4),
        country: COUNTRIES[rng.random_range(0..COUNTRIES.len())],
    }
}

fn draw_item<R: Rng>(number: u32, supplier_weights: &[u64], rng: &mut R) -> Item {
    let suffix = rng.random_range(10..99_u32);
    let code = match number % 4 {
        0 => format!("{}-{}", letters(u64::from(suffix), 2), 10_000 + number),
        1 => format!("{}-{suffix}{}", 70_000 + number, suffix % 10),
        2 => format!("PX{number:05}B"),
        _ => format!("Kx.{number:05}"),
    };
    let main = draw_weighted(supplier_weights, rng);
    let other = draw_weighted(supplier_weights, rng);
    let suppliers = if other != main && rng.random_bool(0.25) { vec![main, other] } else { vec![main] };
    let tracking = match number {
        _ if number % 40 == 19 => Tracking::LotOnly,
        _ if number % 40 == 18 => Tracking::NeverShipped,
        _ if number % 12 == 5 => Tracking::SerialOnly,
        _ => Tracking::SerialAndLot,
    };
    Item { code: Spelling::item(code), suppliers, tracking }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_numbers_and_serials_are_distinct() {
        let world = World::new(7, 40_000, 20_634, 600, 3_000);
        let names: BTreeSet<String> = world.suppliers.iter().map(|supplier| supplier.name.to_uppercase()).collect();
        assert_eq!(names.len(), 603);
        let items: BTreeSet<&str> = world.items.iter().map(|item| &*item.code.form).collect();
        assert_eq!(items.len(), 3_000);
        let mut serials = BTreeSet::new();
        for unit in 0..20_000 {
            assert!(serials.insert(world.serial(unit as u32 % 603, unit, 20_000).key.to_string()));
            assert!(serials.insert(world.ghost_serial(unit as u32 % 603, unit, 20_000).key.to_string()));
        }
        assert!(serials.iter().all(|serial| (8..=20).contains(&serial.len())), "lengths are 8 to 20");
    }

    #[test]
    fn the_last_units_of_the_largest_world_have_serials_of_their_own_and_of_one_length() {
        let world = World::new(7, super::super::UNITS_MAX, 20_634, 9, 100);
        for supplier in 0..9 {
            let ends = [0, 1, world.units - 2, world.units - 1];
            let own = ends.map(|unit| world.serial(supplier, unit, 20_000));
            let ghosts = ends.map(|unit| world.ghost_serial(supplier, unit, 20_000));
            let keys: BTreeSet<&str> = own.iter().chain(&ghosts).map(|serial| &*serial.key).collect();
            assert_eq!(keys.len(), 8);
            assert_eq!(keys.iter().map(|key| key.len()).collect::<BTreeSet<_>>().len(), 1, "{keys:?}");
        }
    }

    #[test]
    fn lots_are_distinct_whatever_their_makers() {
        let world = World::new(7, 40_000, 20_634, 60, 100);
        let mut lots = BTreeSet::new();
        assert!((0..8_000).all(|number| lots.insert(world.lot(number as u32 % 60, number, 20_000 + number as i32 % 300).key.to_string())));
    }
}
