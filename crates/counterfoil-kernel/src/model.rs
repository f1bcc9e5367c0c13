//! Sources, roles, grains and fields: the words that configuration, engine, rules and reports share.

use std::fmt;

/// What a source is in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// What a supplier says it shipped.
    Supplier,
    /// What the own system holds.
    Erp,
    /// Claims and registrations.
    Warranty,
}

impl Role {
    /// Every role, in the order of outputs.
    pub const ALL: [Self; 3] = [Self::Supplier, Self::Erp, Self::Warranty];

    /// Gives the name that configuration and outputs use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Supplier => "supplier",
            Self::Erp => "erp",
            Self::Warranty => "warranty",
        }
    }

    /// Gives the rank a source of this role has unless configured: lower is trusted more.
    pub const fn rank_default(self) -> u32 {
        match self {
            Self::Erp => 1,
            Self::Supplier => 2,
            Self::Warranty => 3,
        }
    }

    /// Gives the grain a source of this role has unless configured.
    pub const fn grain_default(self) -> Grain {
        match self {
            Self::Supplier | Self::Erp => Grain::Unit,
            Self::Warranty => Grain::Event,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What one record of a source stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// The source lists each unit once.
    Unit,
    /// The source logs happenings: a unit may recur lawfully.
    Event,
    /// A record is a quantity of a lot without serials.
    Lot,
}

impl Grain {
    /// Every grain.
    pub const ALL: [Self; 3] = [Self::Unit, Self::Event, Self::Lot];

    /// Gives the name that configuration and outputs use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Event => "event",
            Self::Lot => "lot",
        }
    }
}

impl fmt::Display for Grain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the values of a field are read and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldKind {
    /// An identifier: text always, compared by its form.
    Identifier,
    /// A calendar day.
    Date,
    /// A decimal number.
    Number,
    /// Other text, compared after cleaning (T1).
    Text,
}

/// A field that a source may map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the words of the configuration")]
pub enum Field {
    Item,
    Serial,
    SecondarySerial,
    Lot,
    SupplierLot,
    Supplier,
    Quantity,
    Document,
    Line,
    Site,
    Status,
    Customer,
    Country,
    Made,
    Shipped,
    Received,
    Sold,
    Claimed,
    Expires,
    Event,
    Claim,
    ClaimKind,
    Failure,
    CapturedAt,
}

impl Field {
    /// Every field, in the order of outputs.
    pub const ALL: [Self; 24] = [
        Self::Item,
        Self::Serial,
        Self::SecondarySerial,
        Self::Lot,
        Self::SupplierLot,
        Self::Supplier,
        Self::Quantity,
        Self::Document,
        Self::Line,
        Self::Site,
        Self::Status,
        Self::Customer,
        Self::Country,
        Self::Made,
        Self::Shipped,
        Self::Received,
        Self::Sold,
        Self::Claimed,
        Self::Expires,
        Self::Event,
        Self::Claim,
        Self::ClaimKind,
        Self::Failure,
        Self::CapturedAt,
    ];

    /// Gives the name that configuration and outputs use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Item => "item",
            Self::Serial => "serial",
            Self::SecondarySerial => "secondary_serial",
            Self::Lot => "lot",
            Self::SupplierLot => "supplier_lot",
            Self::Supplier => "supplier",
            Self::Quantity => "quantity",
            Self::Document => "document",
            Self::Line => "line",
            Self::Site => "site",
            Self::Status => "status",
            Self::Customer => "customer",
            Self::Country => "country",
            Self::Made => "made",
            Self::Shipped => "shipped",
            Self::Received => "received",
            Self::Sold => "sold",
            Self::Claimed => "claimed",
            Self::Expires => "expires",
            Self::Event => "event",
            Self::Claim => "claim",
            Self::ClaimKind => "claim_kind",
            Self::Failure => "failure",
            Self::CapturedAt => "captured_at",
        }
    }

    /// Finds a field by the name that configuration uses.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Gives how the values of the field are read and compared.
    pub const fn kind(self) -> FieldKind {
        match self {
            Self::Item | Self::Serial | Self::SecondarySerial | Self::Lot | Self::SupplierLot => FieldKind::Identifier,
            Self::Made | Self::Shipped | Self::Received | Self::Sold | Self::Claimed | Self::Expires | Self::CapturedAt => FieldKind::Date,
            Self::Quantity => FieldKind::Number,
            _ => FieldKind::Text,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldSet(u32);

impl FieldSet {
    /// Adds a field.
    pub const fn insert(&mut self, field: Field) {
        self.0 |= 1 << field as u8;
    }

    /// Tells whether a field is in the set.
    pub const fn contains(self, field: Field) -> bool {
        self.0 & (1 << field as u8) != 0
    }

    /// Lists the fields in the order of outputs.
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.into_iter().filter(move |&field| self.contains(field))
    }
}

impl FromIterator<Field> for FieldSet {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        let mut set = Self::default();
        fields.into_iter().for_each(|field| set.insert(field));
        set
    }
}

/// What the rules know of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name in the configuration; unique in a run.
    pub name: String,
    /// What the source is in the comparison.
    pub role: Role,
    /// What one record of it stands for.
    pub grain: Grain,
    /// Trust: lower is better; ties go by name.
    pub rank: u32,
    /// The fields it maps, constants and fields from the path included.
    pub fields: FieldSet,
}

impl Source {
    /// Tells whether the source maps a field.
    pub const fn maps(&self, field: Field) -> bool {
        self.fields.contains(field)
    }
}

/// How much a finding matters, most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Act now: counterfeit, clone or safety suspects, and totals that can't be trusted.
    Critical,
    /// The data contradicts itself.
    Error,
    /// The data is doubtful.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// Every severity, most severe first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::Error, Self::Warning, Self::Info];

    /// Gives the name that configuration and outputs use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a record ends: every record read has exactly one disposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disposition {
    /// Could not be read.
    Rejected,
    /// Excluded by a filter, or in a repeated file.
    OutOfScope,
    /// Blank or placeholder serial (or lot, for lot grain).
    UnusableKey,
    /// Its unit, or its lot key, has a record of another role.
    Matched,
    /// It has none, or is ambiguous.
    Unmatched,
}

impl Disposition {
    /// Every disposition, in the order of outputs.
    pub const ALL: [Self; 5] = [Self::Rejected, Self::OutOfScope, Self::UnusableKey, Self::Matched, Self::Unmatched];

    /// Gives the name that outputs use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::OutOfScope => "out_of_scope",
            Self::UnusableKey => "unusable_key",
            Self::Matched => "matched",
            Self::Unmatched => "unmatched",
        }
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
