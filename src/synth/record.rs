//! Records as the generator holds them: what a file will say, with the meaning of every identifier beside its spelling.

use std::sync::Arc;

use counterfoil_kernel::model::Role;

use super::spelling::{Cell, Spelling};

/// The sources of a data set. The last two exist only with foreign lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Feed {
    /// What suppliers shipped.
    Supplier,
    /// What the ERP holds.
    Erp,
    /// Claims.
    Warranty,
    /// Shipments of a supplier that numbers lots its own way.
    SupplierForeign,
    /// ERP units of that supplier, with internal lots.
    ErpForeign,
}

impl Feed {
    /// Every source.
    pub const ALL: [Self; 5] = [Self::Supplier, Self::Erp, Self::Warranty, Self::SupplierForeign, Self::ErpForeign];

    /// Gives the name in the configuration, which is also the folder's.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Supplier => "supplier",
            Self::Erp => "erp",
            Self::Warranty => "warranty",
            Self::SupplierForeign => "supplier_foreign",
            Self::ErpForeign => "erp_foreign",
        }
    }

    /// Gives the role.
    pub const fn role(self) -> Role {
        match self {
            Self::Supplier | Self::SupplierForeign => Role::Supplier,
            Self::Erp | Self::ErpForeign => Role::Erp,
            Self::Warranty => Role::Warranty,
        }
    }
}

/// A record. Fields that a source doesn't have stay at their defaults there.
#[derive(Clone, Debug)]
pub struct Record {
    /// The source it goes to.
    pub feed: Feed,
    /// The item's cell.
    pub item: Cell,
    /// Which item the cell names; none when it is blank or a placeholder.
    pub item_number: Option<u32>,
    /// The serial's cell.
    pub serial: Cell,
    /// The lot's cell.
    pub lot: Cell,
    /// The supplier named; none: blank.
    pub supplier: Option<u32>,
    /// The document; of a claim its number.
    pub document: Arc<str>,
    /// The line in the document.
    pub line: u32,
    /// Day shipped, received or claimed; none: blank.
    pub date: Option<i32>,
    /// The quantity.
    pub quantity: u32,
    /// Site, status and failure, as indices of the world's lists; a claim's kind.
    pub codes: [u8; 3],
    /// The customer, from 1.
    pub customer: u32,
    /// The country.
    pub country: &'static str,
    /// Which text fields carry outer blanks: bit 0 document, 1 supplier, 2 country, 3 site, 4 customer.
    pub noise: u8,
    /// Its place among the records of one day.
    pub order: u32,
}

impl Record {
    /// Gives the usable serial.
    pub fn usable_serial(&self) -> Option<&Arc<Spelling>> {
        self.serial.value()
    }

    /// Gives the role of the source.
    pub const fn role(&self) -> Role {
        self.feed.role()
    }

    /// Tells whether two records of one source say the same in every mapped field: identifiers by form, the others by value.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.item.same_form(&other.item)
            && self.serial.same_form(&other.serial)
            && self.lot.same_form(&other.lot)
            && self.supplier == other.supplier
            && self.document == other.document
            && self.line == other.line
            && self.date == other.date
            && self.quantity == other.quantity
            && self.codes == other.codes
            && self.customer == other.customer
            && self.country == other.country
    }
}
