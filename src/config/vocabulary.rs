//! The words that headers use, by field and system: one table.
//!
//! Names stand here as the systems write them; [`normalize_header`] makes them comparable. Not in the table on purpose, because
//! they look like an identifier and are something else: SAP `PRUEFLOS` (inspection lot), `SERNP` (serial profile), `OBKNR` (object list),
//! `GWLEN` (end of warranty), manufacturers (a distributor is another supplier than the maker), ends of serial ranges.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use counterfoil_kernel::model::{Field, Role};

/// The system that a name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Plain English.
    Generic,
    /// SAP ECC and S/4HANA.
    Sap,
    /// SAP Business One.
    BusinessOne,
    /// Oracle EBS and Fusion.
    Oracle,
    /// Dynamics 365 Finance and Operations.
    Dynamics,
    /// Dynamics 365 Business Central and NAV.
    BusinessCentral,
    /// NetSuite.
    NetSuite,
    /// Infor LN and M3.
    Infor,
    /// Odoo.
    Odoo,
    /// ERPNext.
    ErpNext,
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Generic => "a common",
            Self::Sap => "a SAP",
            Self::BusinessOne => "a SAP Business One",
            Self::Oracle => "an Oracle",
            Self::Dynamics => "a Dynamics 365",
            Self::BusinessCentral => "a Business Central",
            Self::NetSuite => "a NetSuite",
            Self::Infor => "an Infor",
            Self::Odoo => "an Odoo",
            Self::ErpNext => "an ERPNext",
        })
    }
}

/// What a header means in one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The field.
    pub field: Field,
    /// How good the name is for the field: lower is better, equal is ambiguous.
    pub rank: u8,
    /// Whose name it is.
    pub system: System,
    /// The roles in which it means this.
    pub roles: &'static [Role],
}

const ALL: &[Role] = &Role::ALL;
const SUPPLIER: &[Role] = &[Role::Supplier];
const ERP: &[Role] = &[Role::Erp];
const WARRANTY: &[Role] = &[Role::Warranty];
const OWN: &[Role] = &[Role::Erp, Role::Warranty];
const GOODS: &[Role] = &[Role::Supplier, Role::Erp];

/// Columns that hold a serial or a lot, whichever the item is tracked by.
const COMBINED: [(System, &str); 3] = [
    (
        System::NetSuite,
        "inventoryNumber|issueInventoryNumber|receiptInventoryNumber|Lot/Serial Number|Serial/Lot Number|Serial/Lot Numbers",
    ),
    (System::BusinessOne, "DistNumber|SysNumber"),
    (System::Odoo, "stock.lot.name|Lot/Serial|Lot/Serial Number/Name|Serial/Lot"),
];

/// Columns that hold a serial or a lot when the file comes from Odoo, which [`ODOO_MARKS`] show; else they are lots.
pub static COMBINED_ODOO: LazyLock<BTreeSet<String>> = LazyLock::new(|| normalized_names("lot_id|lot_name|lot_id/name"));

/// Columns that only Odoo has.
pub static ODOO_MARKS: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| normalized_names("picking_id|qty_done|default_code|location_dest_id|product_uom_id"));

/// Secondary identifiers of a device that are its serial where there is no other.
pub static DEVICE_IDENTIFIERS: LazyLock<BTreeSet<String>> = LazyLock::new(|| normalized_names("imei|imei no|meid|esn|mac|mac address|uii"));

fn normalized_names(names: &str) -> BTreeSet<String> {
    names.split('|').map(normalize_header).collect()
}

type Row = (Field, u8, System, &'static [Role], &'static str);

/// Field, rank, system, roles, names. Within one field and role, names of one rank are equally good.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Serial.
    (Field::Serial, 1, System::Generic, ALL, "serial no|serial|serial id|serial code|serials|ser no|sn|s/n|unit serial no|product serial no|item serial no|part serial no|serien no"),
    (Field::Serial, 1, System::Sap, ALL, "SERNR"),
    (Field::Serial, 1, System::Dynamics, ALL, "inventSerialId|InventSerial"),
    (Field::Serial, 1, System::Infor, ALL, "serl|SERN"),
    (Field::Serial, 2, System::Generic, ALL, "device serial no|equipment serial no|asset serial no|module serial no|unit id|unit no|device id|asset tag|vin|chassis no"),
    (Field::Serial, 2, System::Sap, ALL, "GERNR"),
    (Field::Serial, 2, System::BusinessOne, ALL, "IntrSerial"),
    (Field::Serial, 2, System::BusinessCentral, ALL, "Exp. Serial No."),
    (Field::Serial, 3, System::Sap, ALL, "SERGE"),
    (Field::Serial, 3, System::Oracle, ALL, "VENDOR_SERIAL_NUMBER|SUPPLIER_SERIAL_NUMBER"),
    (Field::Serial, 3, System::BusinessOne, ALL, "MnfSerial|SuppSerial"),
    (Field::Serial, 3, System::Generic, ALL, "manufacturer serial no|mfr serial no|mfg serial no"),
    (Field::Serial, 4, System::Sap, ALL, "EQUNR"),
    (Field::Serial, 4, System::Oracle, ALL, "INSTANCE_NUMBER"),
    // Secondary serial.
    (Field::SecondarySerial, 1, System::Generic, ALL, "secondary serial|secondary serial no|second serial no"),
    (Field::SecondarySerial, 2, System::Generic, ALL, "imei|imei no"),
    (Field::SecondarySerial, 3, System::Generic, ALL, "meid"),
    (Field::SecondarySerial, 4, System::Generic, ALL, "esn"),
    (Field::SecondarySerial, 5, System::Generic, ALL, "mac|mac address"),
    (Field::SecondarySerial, 6, System::Sap, ALL, "UII"),
    // Lot.
    (Field::Lot, 1, System::Generic, ALL, "lot no|lot|lot id|lot code|lot name|batch no|batch|batch id|batch code|chargen no"),
    (Field::Lot, 1, System::Sap, ALL, "CHARG|CHARGE"),
    (Field::Lot, 1, System::Dynamics, ALL, "inventBatchId"),
    (Field::Lot, 1, System::BusinessOne, ALL, "BatchNum"),
    (Field::Lot, 1, System::Infor, ALL, "clot|BANO"),
    (Field::Lot, 2, System::Generic, ALL, "mfg lot|mfg lot no|manufacturing lot|manufacturer lot no|production lot|heat no|internal lot|internal lot no"),
    (Field::Lot, 3, System::Generic, ALL, "control no|date code"),
    (Field::Lot, 4, System::Generic, ALL, "dc"),
    (Field::Lot, 4, System::BusinessCentral, ALL, "Package No."),
    // The supplier's lot, as another party writes it down.
    (Field::SupplierLot, 1, System::Generic, ALL, "supplier lot|supplier lot no|supplier batch|supplier batch no|vendor lot|vendor lot no|vendor batch|vendor batch no"),
    (Field::SupplierLot, 1, System::Sap, ALL, "LICHA|LICHN"),
    (Field::SupplierLot, 1, System::Dynamics, ALL, "PdsVendBatchId"),
    // Item. A supplier's file that states its customer's part number states our item.
    (Field::Item, 1, System::Generic, SUPPLIER, "customer part no|customer part|customer item|customer item no|customer material|customer material no|buyer part no|buyer item no"),
    (Field::Item, 1, System::Sap, SUPPLIER, "KDMAT"),
    (Field::Item, 2, System::Generic, ALL, "item no|item|item code|item id|part no|p/n|pn|part id|material no"),
    (Field::Item, 2, System::Sap, ALL, "MATNR"),
    (Field::Item, 2, System::Infor, ALL, "ITNO"),
    (Field::Item, 2, System::Odoo, ALL, "default_code"),
    (Field::Item, 3, System::Generic, ALL, "part|sku|sku no|material|material code|product code|product no|product id|article no|article"),
    (Field::Item, 3, System::Oracle, ALL, "SEGMENT1"),
    (Field::Item, 4, System::Generic, ALL, "product|model no|model code|model id|catalog no|catalogue no"),
    (Field::Item, 5, System::Generic, ALL, "model|mpn"),
    (Field::Item, 5, System::Oracle, ALL, "INVENTORY_ITEM_ID"),
    (Field::Item, 6, System::Generic, ALL, "gtin|ean|upc|ndc|barcode"),
    (Field::Item, 6, System::Sap, ALL, "EAN11"),
    (Field::Item, 6, System::NetSuite, ALL, "upccode"),
    (Field::Item, 7, System::Sap, ALL, "MFRPN"),
    // Supplier.
    (Field::Supplier, 1, System::Generic, ALL, "supplier no|supplier code|supplier id|vendor no|vendor code|vendor id"),
    (Field::Supplier, 1, System::Sap, ALL, "LIFNR"),
    (Field::Supplier, 1, System::Dynamics, ALL, "VendAccount|VendorAccountNumber"),
    (Field::Supplier, 2, System::Generic, ALL, "supplier|vendor"),
    (Field::Supplier, 2, System::Sap, ALL, "LIEFERANT"),
    (Field::Supplier, 3, System::Generic, ALL, "supplier name|vendor name"),
    (Field::Supplier, 4, System::Generic, ALL, "cage|cage code|duns|duns no"),
    (Field::Supplier, 5, System::Odoo, SUPPLIER, "partner_id"),
    (Field::Supplier, 5, System::NetSuite, SUPPLIER, "entity"),
    (Field::Supplier, 5, System::BusinessOne, SUPPLIER, "CardCode"),
    // Quantity.
    (Field::Quantity, 1, System::Generic, SUPPLIER, "qty shipped|quantity shipped|ship qty|shipped qty|shipped quantity"),
    (Field::Quantity, 1, System::Sap, SUPPLIER, "LFIMG"),
    (Field::Quantity, 2, System::Generic, ALL, "quantity|qty"),
    (Field::Quantity, 2, System::Sap, ALL, "MENGE"),
    (Field::Quantity, 2, System::Oracle, ALL, "TRANSACTION_QUANTITY"),
    (Field::Quantity, 2, System::Odoo, ALL, "qty_done"),
    (Field::Quantity, 2, System::ErpNext, ALL, "batch_qty"),
    (Field::Quantity, 2, System::Infor, ALL, "qoro|ORQA"),
    (Field::Quantity, 3, System::Generic, ALL, "qty received|quantity received|received qty|on hand|qty on hand|quantity on hand"),
    (Field::Quantity, 3, System::Sap, ALL, "ERFMG|LABST"),
    (Field::Quantity, 3, System::Oracle, ALL, "PRIMARY_QUANTITY"),
    (Field::Quantity, 3, System::Dynamics, ALL, "AvailPhysical"),
    (Field::Quantity, 3, System::BusinessCentral, ALL, "Qty. (Base)|Quantity (Base)"),
    (Field::Quantity, 4, System::Generic, ALL, "pcs|units|count"),
    (Field::Quantity, 5, System::Sap, ALL, "ANZSN"),
    // Document.
    (Field::Document, 1, System::Generic, SUPPLIER, "asn|asn no|asn id|delivery no|delivery note|delivery note no|delivery id|dn no"),
    (Field::Document, 1, System::Sap, SUPPLIER, "VBELN|LIEF_NR"),
    (Field::Document, 1, System::Generic, ERP, "receipt no|receipt id|grn|grn no|goods receipt no"),
    (Field::Document, 1, System::Oracle, ERP, "RECEIPT_NUM"),
    (Field::Document, 1, System::Sap, ERP, "MBLNR"),
    (Field::Document, 2, System::Generic, GOODS, "packing slip|packing slip no|packing slip id|packing list no"),
    (Field::Document, 2, System::Odoo, GOODS, "picking_id"),
    (Field::Document, 2, System::ErpNext, GOODS, "delivery_document_no|purchase_document_no"),
    (Field::Document, 3, System::Generic, GOODS, "shipment no|shipment id|shipment"),
    (Field::Document, 4, System::Generic, ALL, "document no|document|document id|doc no"),
    (Field::Document, 4, System::NetSuite, ALL, "tranid"),
    (Field::Document, 4, System::Sap, OWN, "VBELN"),
    (Field::Document, 5, System::Generic, GOODS, "bol|bol no|bill of lading"),
    (Field::Document, 5, System::Sap, GOODS, "BOLNR"),
    (Field::Document, 6, System::Generic, ALL, "invoice|invoice no|invoice id"),
    (Field::Document, 7, System::Generic, ALL, "po|po no|purchase order|purchase order no"),
    (Field::Document, 7, System::Sap, ALL, "EBELN"),
    // Line of a document.
    (Field::Line, 1, System::Generic, ALL, "line|line no|line id|document line|position|item position"),
    (Field::Line, 1, System::Sap, SUPPLIER, "POSNR"),
    (Field::Line, 1, System::Sap, ERP, "ZEILE"),
    (Field::Line, 2, System::Generic, ALL, "po line|po line no|order line|order line no"),
    (Field::Line, 2, System::Sap, ALL, "EBELP"),
    (Field::Line, 3, System::Sap, OWN, "POSNR"),
    // Site.
    (Field::Site, 1, System::Generic, ALL, "site|site id|site code|plant|plant code|facility"),
    (Field::Site, 1, System::Sap, ALL, "WERKS|WERK"),
    (Field::Site, 1, System::Dynamics, ALL, "inventSiteId"),
    (Field::Site, 1, System::Oracle, ALL, "ORGANIZATION_CODE"),
    (Field::Site, 2, System::Generic, ALL, "warehouse|warehouse code|warehouse id|warehouse no|whse"),
    (Field::Site, 2, System::Dynamics, ALL, "inventLocationId"),
    (Field::Site, 2, System::Oracle, ALL, "ORGANIZATION_ID"),
    (Field::Site, 2, System::BusinessOne, ALL, "WhsCode"),
    (Field::Site, 2, System::Infor, ALL, "cwar|WHLO"),
    (Field::Site, 3, System::Generic, ALL, "location|location code|location id|location name|loc"),
    (Field::Site, 3, System::Sap, ALL, "LGORT|LAGERORT"),
    (Field::Site, 4, System::Oracle, ALL, "CURRENT_SUBINVENTORY_CODE|SUBINVENTORY_CODE"),
    (Field::Site, 5, System::Sap, ALL, "STANDORT"),
    (Field::Site, 6, System::Sap, ALL, "TPLNR"),
    // Status.
    (Field::Status, 1, System::Generic, ALL, "status|unit status|stock status|status code"),
    (Field::Status, 1, System::Sap, ALL, "STTXT"),
    (Field::Status, 1, System::Oracle, ALL, "CURRENT_STATUS"),
    (Field::Status, 2, System::Sap, ALL, "TXT04"),
    (Field::Status, 2, System::Oracle, ALL, "STATUS_ID"),
    (Field::Status, 3, System::Generic, ALL, "disposition"),
    (Field::Status, 3, System::Sap, ALL, "INSMK"),
    (Field::Status, 4, System::Generic, ALL, "condition"),
    // Customer.
    (Field::Customer, 1, System::Generic, ALL, "customer no|customer id|customer code"),
    (Field::Customer, 1, System::Sap, ALL, "KUNNR"),
    (Field::Customer, 1, System::Dynamics, ALL, "CustAccount"),
    (Field::Customer, 2, System::Generic, ALL, "customer|sold to"),
    (Field::Customer, 2, System::Sap, ALL, "KUNAG|KUNDE"),
    (Field::Customer, 2, System::Oracle, ALL, "CUST_ACCOUNT_ID"),
    (Field::Customer, 3, System::Generic, ALL, "ship to|consignee"),
    (Field::Customer, 3, System::Sap, ALL, "KUNWE"),
    (Field::Customer, 4, System::Generic, ALL, "customer name"),
    (Field::Customer, 5, System::Generic, ALL, "account|dealer|dealer code|dealer id|owner"),
    (Field::Customer, 5, System::Oracle, ALL, "PARTY_ID"),
    (Field::Customer, 6, System::Odoo, WARRANTY, "partner_id"),
    (Field::Customer, 6, System::NetSuite, WARRANTY, "entity"),
    // Country.
    (Field::Country, 1, System::Generic, ALL, "country|country code|ship to country|customer country"),
    (Field::Country, 1, System::Sap, ALL, "LAND1"),
    // Dates that say themselves what they are.
    (Field::Made, 1, System::Generic, ALL, "made|made on|mfg date|manufacture date|manufacturing date|manufactured|manufactured on|date of manufacture|production date|produced|build date|dom"),
    (Field::Made, 1, System::Sap, ALL, "HSDAT"),
    (Field::Made, 1, System::Oracle, ALL, "ORIGINATION_DATE"),
    (Field::Made, 1, System::Dynamics, ALL, "prodDate"),
    (Field::Made, 1, System::BusinessOne, ALL, "PrdDate|MnfDate"),
    (Field::Shipped, 1, System::Generic, ALL, "ship date|shipped|shipped on|shipped at|shipped date|date shipped|shipping date|shipment date|dispatch date|dispatched"),
    (Field::Shipped, 1, System::Sap, ALL, "WADAT|WADAT_IST"),
    (Field::Shipped, 2, System::Generic, SUPPLIER, "delivery date|asn date"),
    (Field::Shipped, 2, System::Sap, SUPPLIER, "LFDAT"),
    (Field::Received, 1, System::Generic, ALL, "received|received on|received at|received date|date received|receipt date|receiving date|goods receipt date|gr date"),
    (Field::Received, 1, System::Sap, ERP, "LWEDT"),
    (Field::Received, 2, System::Sap, ERP, "BUDAT"),
    (Field::Received, 2, System::BusinessOne, ERP, "InDate"),
    (Field::Received, 2, System::ErpNext, ERP, "purchase_date"),
    (Field::Sold, 1, System::Generic, ALL, "sold|sold on|sold at|sold date|date sold|sale date|sales date|date of sale"),
    (Field::Sold, 2, System::Generic, WARRANTY, "purchase date|date of purchase|purchased|purchased on"),
    (Field::Sold, 2, System::Sap, OWN, "AULDT"),
    (Field::Sold, 3, System::ErpNext, OWN, "delivery_date"),
    (Field::Sold, 4, System::Generic, WARRANTY, "invoice date"),
    (Field::Claimed, 1, System::Generic, WARRANTY, "claimed|claimed on|claimed at|claim date|date claimed|date of claim|claim opened"),
    (Field::Claimed, 1, System::Sap, WARRANTY, "QMDAT"),
    (Field::Claimed, 1, System::ErpNext, WARRANTY, "complaint_date"),
    (Field::Claimed, 2, System::Generic, WARRANTY, "opened|opened at|opened on|open date|date opened|reported|reported on|report date|incident date|case date"),
    (Field::Claimed, 3, System::Generic, WARRANTY, "failure date|failed on|date of failure"),
    (Field::Expires, 1, System::Generic, ALL, "expires|expires on|exp date|expiry|expiry date|expiration|expiration date|date of expiry"),
    (Field::Expires, 1, System::Sap, ALL, "VFDAT"),
    (Field::Expires, 2, System::Generic, ALL, "best before|best before date|use by date"),
    (Field::Expires, 2, System::Odoo, ALL, "use_date"),
    (Field::Expires, 3, System::Odoo, ALL, "removal_date"),
    // Dates whose meaning is the role's.
    (Field::Shipped, 5, System::Generic, SUPPLIER, "posting date|transaction date"),
    (Field::Shipped, 5, System::Sap, SUPPLIER, "BUDAT"),
    (Field::Shipped, 5, System::NetSuite, SUPPLIER, "trandate"),
    (Field::Shipped, 6, System::Sap, SUPPLIER, "ERDAT"),
    (Field::Shipped, 6, System::Generic, SUPPLIER, "created|created at|created on|creation date"),
    (Field::Shipped, 7, System::Generic, SUPPLIER, "date|document date"),
    (Field::Received, 5, System::Generic, ERP, "posting date|transaction date"),
    (Field::Received, 5, System::NetSuite, ERP, "trandate"),
    (Field::Received, 6, System::Sap, ERP, "ERDAT"),
    (Field::Received, 6, System::Generic, ERP, "created|created at|created on|creation date"),
    (Field::Received, 7, System::Generic, ERP, "date|document date"),
    (Field::Claimed, 5, System::Generic, WARRANTY, "posting date|transaction date"),
    (Field::Claimed, 5, System::NetSuite, WARRANTY, "trandate"),
    (Field::Claimed, 6, System::Sap, WARRANTY, "ERDAT"),
    (Field::Claimed, 6, System::Generic, WARRANTY, "created|created at|created on|creation date"),
    (Field::Claimed, 7, System::Generic, WARRANTY, "date|document date"),
    // Happenings and claims.
    (Field::Event, 1, System::Generic, ALL, "event|event type|event kind|movement|movement type|biz step"),
    (Field::Event, 1, System::Sap, ALL, "BWART"),
    (Field::Event, 2, System::BusinessCentral, ALL, "Entry Type"),
    (Field::Event, 2, System::Generic, ALL, "transaction type"),
    (Field::Claim, 1, System::Generic, WARRANTY, "claim|claim no|claim id|warranty claim|warranty claim no|warranty claim id"),
    (Field::Claim, 1, System::Sap, WARRANTY, "CLMNO"),
    (Field::Claim, 2, System::Sap, WARRANTY, "QMNUM"),
    (Field::Claim, 2, System::Oracle, WARRANTY, "INCIDENT_NUMBER|SR_NUMBER"),
    (Field::Claim, 3, System::Generic, WARRANTY, "rma|rma no|rma id"),
    (Field::Claim, 4, System::Generic, WARRANTY, "case|case no|case id|ticket|ticket no|ticket id|complaint no|complaint id"),
    (Field::Claim, 4, System::BusinessCentral, WARRANTY, "Service Order No."),
    (Field::ClaimKind, 1, System::Generic, WARRANTY, "claim kind|claim type|record type"),
    (Field::ClaimKind, 1, System::Sap, WARRANTY, "QMART"),
    (Field::Failure, 1, System::Generic, WARRANTY, "failure code|failure|fault code|fault|defect code"),
    (Field::Failure, 1, System::Sap, WARRANTY, "FECOD"),
    (Field::Failure, 1, System::Oracle, WARRANTY, "PROBLEM_CODE"),
    (Field::Failure, 2, System::Generic, WARRANTY, "defect|failure mode|problem|complaint"),
    (Field::Failure, 3, System::Generic, WARRANTY, "symptom|symptom code"),
    (Field::CapturedAt, 1, System::Generic, ALL, "captured at|captured|capture time|capture date|scanned at|scan time|scan date"),
];

/// Units that stand in brackets behind a name and say nothing about the field.
const UNITS: &[&str] = &[
    "kg",
    "g",
    "mg",
    "t",
    "lb",
    "lbs",
    "oz",
    "pc",
    "pcs",
    "ea",
    "each",
    "st",
    "mm",
    "cm",
    "m",
    "in",
    "ft",
    "l",
    "ml",
    "gal",
    "d",
    "days",
    "h",
    "hours",
    "%",
    "usd",
    "eur",
    "gbp",
    "utc",
    "gmt",
    "iso",
    "yyyy-mm-dd",
    "yyyymmdd",
    "dd.mm.yyyy",
    "mm/dd/yyyy",
    "dd/mm/yyyy",
];

/// Makes headers comparable: lower case, words apart, `number` and its short forms as `no`, units in brackets removed.
///
/// `SERIAL_NUMBER`, `serialNumber`, `Serial No.` and `Serial #` all give `serial no`.
pub fn normalize_header(header: &str) -> String {
    let plain: String = header.chars().filter_map(plain_character).collect();
    let mut text = String::with_capacity(plain.len() + 8);
    let characters: Vec<char> = plain.chars().collect();
    let mut index = 0;
    while index < characters.len() {
        let character = characters[index];
        if let Some(length) = unit_length(&characters[index..]) {
            text.push(' ');
            index += length;
            continue;
        }
        let before = index.checked_sub(1).map(|at| characters[at]);
        let after = characters.get(index + 1);
        let starts_word = character.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if starts_word {
            text.push(' ');
        }
        match character {
            '#' => text.push_str(" no "),
            _ if character.is_alphanumeric() => text.extend(character.to_lowercase()),
            _ => text.push(' '),
        }
        index += 1;
    }
    text.split(' ').filter(|word| !word.is_empty()).map(number_word).collect::<Vec<_>>().join(" ")
}

/// Folds full-width ASCII and drops what can't be seen.
fn plain_character(character: char) -> Option<char> {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0),
        '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}' => None,
        _ if character.is_whitespace() => Some(' '),
        _ => Some(character),
    }
}

fn number_word(word: &str) -> &str {
    if matches!(word, "nr" | "nbr" | "num" | "number" | "numbers" | "nummer") { "no" } else { word }
}

/// Gives the length of a unit in brackets at the start of a text.
fn unit_length(text: &[char]) -> Option<usize> {
    let close = match text.first()? {
        '(' => ')',
        '[' => ']',
        _ => return None,
    };
    let end = text.iter().position(|&character| character == close)?;
    let inner: String = text[1..end].iter().collect::<String>().trim().to_lowercase();
    UNITS.contains(&inner.as_str()).then_some(end + 1)
}

/// Joins the words of a normalized header, so that `serialnumber` meets `serial no`.
fn joined(normalized: &str) -> String {
    let mut text = normalized.replace(' ', "");
    for ending in ["number", "nummer", "num", "nbr", "nr"] {
        if let Some(stem) = text.strip_suffix(ending).filter(|stem| !stem.is_empty()) {
            text = format!("{stem}no");
            break;
        }
    }
    text
}

struct Words {
    exact: BTreeMap<String, Vec<Meaning>>,
    joined: BTreeMap<String, Vec<Meaning>>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let mut words = Words { exact: BTreeMap::new(), joined: BTreeMap::new() };
    for &(field, rank, system, roles, names) in ROWS {
        for name in names.split('|') {
            let meaning = Meaning { field, rank, system, roles };
            let normalized = normalize_header(name);
            words.joined.entry(joined(&normalized)).or_default().push(meaning);
            words.exact.entry(normalized).or_default().push(meaning);
        }
    }
    words
});

/// Finds what a normalized header means in a source of a role.
pub fn lookup(normalized: &str, role: Role) -> Option<Meaning> {
    let in_role = |meanings: Option<&Vec<Meaning>>| {
        meanings.into_iter().flatten().filter(|meaning| meaning.roles.contains(&role)).min_by_key(|meaning| meaning.rank).copied()
    };
    in_role(WORDS.exact.get(normalized)).or_else(|| in_role(WORDS.joined.get(&joined(normalized))))
}

/// Tells whether a normalized header speaks of serials, whatever it says of them; a series is none.
pub fn speaks_of_serials(normalized: &str) -> bool {
    ["serial", "serien"].iter().any(|word| normalized.contains(word))
}

/// Finds the system in which a normalized header holds serials and lots alike.
pub fn combined_system(normalized: &str) -> Option<System> {
    static NAMES: LazyLock<BTreeMap<String, System>> = LazyLock::new(|| {
        COMBINED.iter().flat_map(|&(system, names)| normalized_names(names).into_iter().map(move |name| (name, system))).collect()
    });
    NAMES.get(normalized).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_comparable() {
        for (header, expected) in [
            ("SERIAL_NUMBER", "serial no"),
            ("serialNumber", "serial no"),
            ("Serial No.", "serial no"),
            ("\u{feff}Serial #", "serial no"),
            ("serial-nr", "serial no"),
            ("Item#", "item no"),
            ("S/N", "s n"),
            ("WMSLocationId", "wms location id"),
            ("inventSerialId", "invent serial id"),
            ("Net Weight (kg)", "net weight"),
            ("Qty. (Base)", "qty base"),
            ("Ship Date [YYYY-MM-DD]", "ship date"),
            ("ＬＯＴ　ＮＯ", "lot no"),
            ("lot\u{a0}no", "lot no"),
            ("EAN11", "ean11"),
            ("\"Lot\"", "lot"),
            ("", ""),
        ] {
            assert_eq!(normalize_header(header), expected, "{header:?}");
            assert_eq!(normalize_header(expected), expected, "normalizing twice changes nothing");
        }
    }

    #[test]
    fn joined_words_are_found() {
        for header in
            ["SERIALNO", "serialnumber", "SerialNr", "SERNO", "Serial Nbr", "SERIAL_NBR", "Serialnummer", "Seriennummer", "Serien-Nr."]
        {
            let meaning = lookup(&normalize_header(header), Role::Erp);
            assert_eq!(meaning.map(|meaning| meaning.field), Some(Field::Serial), "{header}");
        }
        assert_eq!(lookup("lotnumber", Role::Erp).map(|meaning| meaning.field), Some(Field::Lot));
    }

    #[test]
    fn look_alikes_of_identifiers_are_no_identifiers() {
        for header in [
            "PRUEFLOS",
            "SERNP",
            "OBKNR",
            "GWLEN",
            "GWLDT",
            "FM_SERIAL_NUMBER",
            "TO_SERIAL_NUMBER",
            "PARENT_LOT_NUMBER",
            "parent_batch",
            "Manufacturer",
            "description",
            "warranty_expiry_date",
            "maintenance_status",
        ] {
            for role in Role::ALL {
                assert_eq!(lookup(&normalize_header(header), role), None, "{header} in a {role} source");
            }
        }
    }

    /// A name that meant two fields in one role would be decided by the order of the table.
    #[test]
    fn every_name_means_one_field_in_one_role() {
        for (words, kind) in [(&WORDS.exact, "exact"), (&WORDS.joined, "joined")] {
            for (name, meanings) in words {
                for role in Role::ALL {
                    let mut fields: Vec<Field> =
                        meanings.iter().filter(|meaning| meaning.roles.contains(&role)).map(|meaning| meaning.field).collect();
                    fields.dedup();
                    assert!(fields.len() <= 1, "{kind} name {name:?} means {fields:?} in a {role} source");
                }
            }
        }
    }
}
