//! Which defects are planted, and how often.

use anyhow::{Result, bail};
use rand::Rng;

/// A defect that is planted in one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are those of the rules")]
pub enum Defect {
    DuplicateSerial,
    RepeatedRecord,
    SerialOnSeveralItems,
    SerialFromSeveralSuppliers,
    LotMismatch,
    LotMissing,
    LotUnknown,
    ShippedNotInErp,
    ErpNotShipped,
    ClaimForUnknownUnit,
    ClaimNotInErp,
    IdentifierMissing,
    PlaceholderIdentifier,
    NormalizationCollision,
    AmbiguousUnit,
}

impl Defect {
    /// Every defect of units, with the code it is planted under and the share of units it is planted in by default.
    pub const ALL: [(Self, &'static str, f64); 15] = [
        (Self::DuplicateSerial, "SER001", 0.0010),
        (Self::RepeatedRecord, "SER002", 0.0006),
        (Self::SerialOnSeveralItems, "SER003", 0.0004),
        (Self::SerialFromSeveralSuppliers, "SER004", 0.0002),
        (Self::LotMismatch, "LOT001", 0.0010),
        (Self::LotMissing, "LOT002", 0.0008),
        (Self::LotUnknown, "LOT003", 0.0004),
        (Self::ShippedNotInErp, "ORP001", 0.0012),
        (Self::ErpNotShipped, "ORP002", 0.0012),
        (Self::ClaimForUnknownUnit, "ORP003", 0.0008),
        (Self::ClaimNotInErp, "ORP004", 0.0004),
        (Self::IdentifierMissing, "IDN001", 0.0006),
        (Self::PlaceholderIdentifier, "IDN002", 0.0008),
        (Self::NormalizationCollision, "IDN008", 0.0002),
        (Self::AmbiguousUnit, "IDN011", 0.0002),
    ];

    /// Tells whether the defect is about lots, and so needs an item that has them.
    pub const fn needs_lots(self) -> bool {
        matches!(self, Self::LotMismatch | Self::LotMissing | Self::LotUnknown)
    }

    /// Tells whether the defect binds two units together and is planted alone.
    pub const fn is_alone(self) -> bool {
        matches!(self, Self::SerialOnSeveralItems | Self::NormalizationCollision | Self::AmbiguousUnit)
    }
}

/// The code of the rate at which the ERP misspells all records of a lot.
const MISSPELT_LOT: &str = "LOT003/lot";

/// The code of the rate of unreadable lines in delimited text.
const REJECTED_LINE: &str = "RUN001";

/// The greatest rate: beyond, guards of the program stop a run.
const RATE_MAX: f64 = 0.15;

/// How often each defect is planted.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    per_unit: [f64; Defect::ALL.len()],
    /// Per lot: the ERP misspells it in every record.
    pub misspelt_lot: f64,
    /// Per record of delimited text: an unreadable line stands before it.
    pub rejected_line: f64,
}

impl Default for Rates {
    fn default() -> Self {
        Self { per_unit: Defect::ALL.map(|(_, _, rate)| rate), misspelt_lot: 0.002, rejected_line: 0.0 }
    }
}

impl Rates {
    /// Plants nothing.
    pub const NONE: Self = Self { per_unit: [0.0; Defect::ALL.len()], misspelt_lot: 0.0, rejected_line: 0.0 };

    /// Sets rates by code: `SER001=0.002`; `all` stands for every defect of units.
    ///
    /// # Errors
    /// When a code is unknown or a rate is none.
    pub fn set<'a>(&mut self, assignments: impl IntoIterator<Item = &'a str>) -> Result<()> {
        for assignment in assignments {
            let Some((code, value)) = assignment.split_once('=') else {
                bail!("rate \"{assignment}\" has no \"=\": write CODE=rate, such as SER001=0.002");
            };
            let rate: f64 = value.trim().parse().unwrap_or(f64::NAN);
            if !(0.0..=RATE_MAX).contains(&rate) {
                bail!("rate \"{assignment}\" is outside 0 to {RATE_MAX}: give the share of units, such as 0.002");
            }
            match code.trim() {
                "all" => self.per_unit = [rate; Defect::ALL.len()],
                MISSPELT_LOT => self.misspelt_lot = rate,
                REJECTED_LINE => self.rejected_line = rate,
                code => match Defect::ALL.iter().position(|(_, known, _)| *known == code) {
                    Some(at) => self.per_unit[at] = rate,
                    None => {
                        bail!("code \"{code}\" is not planted by rate (known: all, {}, {MISSPELT_LOT}, {REJECTED_LINE})", known_codes())
                    }
                },
            }
        }
        Ok(())
    }

    /// Gives the rate of a defect of units.
    pub fn of(&self, defect: Defect) -> f64 {
        self.per_unit[defect as usize]
    }

    /// Draws the defect of a unit, mostly none.
    pub fn draw<R: Rng>(&self, rng: &mut R) -> Option<Defect> {
        let mut drawn: f64 = rng.random();
        for (at, rate) in self.per_unit.iter().enumerate() {
            if drawn < *rate {
                return Some(Defect::ALL[at].0);
            }
            drawn -= rate;
        }
        None
    }
}

fn known_codes() -> String {
    Defect::ALL.map(|(_, code, _)| code).join(", ")
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_pcg::Pcg64Mcg;

    use super::*;

    #[test]
    fn about_one_unit_in_a_hundred_is_touched_by_default() {
        let sum: f64 = Rates::default().per_unit.iter().sum();
        assert!((0.008..0.012).contains(&sum), "{sum}");
        assert!(Defect::ALL.iter().enumerate().all(|(at, (defect, _, _))| *defect as usize == at));
    }

    #[test]
    fn rates_are_honoured() {
        let mut rates = Rates::NONE;
        rates.set(["SER001=0.05", "ORP004=0.01"]).expect("both are known");
        let mut rng = Pcg64Mcg::seed_from_u64(3);
        let drawn: Vec<Defect> = (0..100_000).filter_map(|_| rates.draw(&mut rng)).collect();
        let first = drawn.iter().filter(|defect| **defect == Defect::DuplicateSerial).count();
        assert!((4_700..5_300).contains(&first), "{first}");
        assert!((800..1_200).contains(&(drawn.len() - first)), "{}", drawn.len() - first);
    }

    #[test]
    fn unknown_codes_and_rates_are_refused() {
        let refused = |text: &str| Rates::NONE.clone().set([text]).expect_err("it is refused").to_string();
        assert_eq!(refused("SER001"), "rate \"SER001\" has no \"=\": write CODE=rate, such as SER001=0.002");
        assert_eq!(refused("SER001=2"), "rate \"SER001=2\" is outside 0 to 0.15: give the share of units, such as 0.002");
        assert!(refused("SER9=0.1").starts_with("code \"SER9\" is not planted by rate (known: all, SER001,"));
    }
}
