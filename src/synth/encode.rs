//! Records as rows of files: Arrow batches and delimited text.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::{ArrayRef, Date32Array, Int32Array, Int64Array, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef};

use super::calendar::Day;
use super::record::{Feed, Record};
use super::world::{FAILURES, SITES, STATUSES, World};

/// A column of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The item.
    Item,
    /// The serial.
    Serial,
    /// The lot.
    Lot,
    /// The supplier's name.
    Supplier,
    /// The document, or the claim's number.
    Document,
    /// The line of the document.
    Line,
    /// The day shipped, received or claimed.
    Date,
    /// The quantity.
    Quantity,
    /// The country.
    Country,
    /// The site.
    Site,
    /// The status.
    Status,
    /// The customer.
    Customer,
    /// The failure.
    Failure,
    /// Claim or registration.
    ClaimKind,
}

/// Lists the columns of a source by name; the names are those of the fields they hold.
pub const fn columns(feed: Feed) -> &'static [(&'static str, Column)] {
    match feed {
        Feed::Supplier | Feed::SupplierForeign => &[
            ("supplier", Column::Supplier),
            ("item", Column::Item),
            ("serial", Column::Serial),
            ("lot", Column::Lot),
            ("document", Column::Document),
            ("line", Column::Line),
            ("shipped", Column::Date),
            ("quantity", Column::Quantity),
            ("country", Column::Country),
        ],
        Feed::Erp | Feed::ErpForeign => &[
            ("item", Column::Item),
            ("serial", Column::Serial),
            ("lot", Column::Lot),
            ("supplier", Column::Supplier),
            ("received", Column::Date),
            ("site", Column::Site),
            ("status", Column::Status),
            ("document", Column::Document),
        ],
        Feed::Warranty => &[
            ("claim", Column::Document),
            ("item", Column::Item),
            ("serial", Column::Serial),
            ("lot", Column::Lot),
            ("claimed", Column::Date),
            ("customer", Column::Customer),
            ("country", Column::Country),
            ("failure", Column::Failure),
            ("claim_kind", Column::ClaimKind),
        ],
    }
}

/// Gives the schema of a source's Parquet files.
pub fn schema(feed: Feed, numeric_serial: bool) -> SchemaRef {
    let fields = columns(feed).iter().map(|(name, column)| {
        let data_type = match column {
            Column::Date => DataType::Date32,
            Column::Quantity => DataType::Int32,
            Column::Serial if numeric_serial => DataType::Int64,
            _ => DataType::Utf8,
        };
        ArrowField::new(*name, data_type, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Makes a batch of records of one source.
///
/// # Errors
/// When a serial that is to be stored as a number is none.
pub fn batch(feed: Feed, records: &[&Record], world: &World, numeric_serial: bool) -> Result<RecordBatch> {
    let arrays = columns(feed).iter().map(|(_, column)| match column {
        Column::Date => Ok(Arc::new(Date32Array::from_iter(records.iter().map(|record| record.date))) as ArrayRef),
        Column::Quantity => Ok(Arc::new(Int32Array::from_iter_values(records.iter().map(|record| record.quantity as i32))) as ArrayRef),
        Column::Serial if numeric_serial => numbers(records),
        column => Ok(texts(*column, records, world)),
    });
    Ok(RecordBatch::try_new(schema(feed, numeric_serial), arrays.collect::<Result<Vec<_>>>()?)?)
}

fn numbers(records: &[&Record]) -> Result<ArrayRef> {
    let parsed = records.iter().map(|record| record.serial.raw().parse::<i64>().context("a serial in a numeric column must be a number"));
    Ok(Arc::new(Int64Array::from(parsed.collect::<Result<Vec<_>>>()?)))
}

/// Makes a text column; an empty text is null.
fn texts(column: Column, records: &[&Record], world: &World) -> ArrayRef {
    let mut builder = StringBuilder::with_capacity(records.len(), records.len() * 12);
    let mut text = String::new();
    for record in records {
        text.clear();
        write_cell(column, record, world, &mut text);
        if text.is_empty() { builder.append_null() } else { builder.append_value(&text) }
    }
    Arc::new(builder.finish())
}

/// Writes the cell of a column as text.
fn write_cell(column: Column, record: &Record, world: &World, out: &mut String) {
    match column {
        Column::Item => out.push_str(record.item.raw()),
        Column::Serial => out.push_str(record.serial.raw()),
        Column::Lot => out.push_str(record.lot.raw()),
        Column::Supplier => padded(record.supplier.map_or("", |supplier| &world.suppliers[supplier as usize].name), record.noise & 2, out),
        Column::Document => padded(&record.document, record.noise & 1, out),
        Column::Line => number(record.line, out),
        Column::Date => {
            if let Some(date) = record.date {
                out.push_str(&Day::of(date).iso());
            }
        }
        Column::Quantity => number(record.quantity, out),
        Column::Country => padded(record.country, record.noise & 4, out),
        Column::Site => padded(SITES[record.codes[0] as usize], record.noise & 8, out),
        Column::Status => out.push_str(STATUSES[record.codes[1] as usize]),
        Column::Customer => {
            out.push_str(if record.noise & 16 == 0 { "K" } else { " K" });
            number(100_000 + record.customer, out);
        }
        Column::Failure => out.push_str(FAILURES[record.codes[2] as usize]),
        Column::ClaimKind => out.push_str(if record.codes[1] == 0 { "claim" } else { "registration" }),
    }
}

fn number(value: u32, out: &mut String) {
    write!(out, "{value}").expect("writing to a string does not fail");
}

/// Writes a text, with outer blanks if asked; a blank stays blank.
fn padded(text: &str, is_padded: u8, out: &mut String) {
    let is_padded = is_padded != 0 && !text.is_empty();
    if is_padded {
        out.push(' ');
    }
    out.push_str(text);
    if is_padded {
        out.push('\u{a0}');
    }
}

/// Writes the header line of a source's delimited files.
pub fn header(feed: Feed) -> String {
    let names: Vec<&str> = columns(feed).iter().map(|(name, _)| *name).collect();
    names.join(",") + "\n"
}

/// Writes records of one source as delimited text.
pub fn delimited(record: &Record, world: &World, cell: &mut String, out: &mut Vec<u8>) {
    for (at, (_, column)) in columns(record.feed).iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        cell.clear();
        write_cell(*column, record, world, cell);
        if cell.contains([',', '"', '\n', '\r']) {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.push(b'\n');
}

/// Unreadable lines: the reason a reader gives, and the kind of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Fields are missing at the end.
    Ragged,
    /// Text stands behind a closing quote.
    BadQuote,
    /// A byte is no UTF-8.
    InvalidUtf8,
}

impl Damage {
    /// Every damage.
    pub const ALL: [Self; 3] = [Self::Ragged, Self::BadQuote, Self::InvalidUtf8];

    /// Gives the reason that readers report.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Ragged => "ragged",
            Self::BadQuote => "bad-quote",
            Self::InvalidUtf8 => "invalid-utf8",
        }
    }

    /// Writes an unreadable line for a source.
    pub fn write(self, feed: Feed, out: &mut Vec<u8>) {
        let width = columns(feed).len();
        match self {
            Self::Ragged => out.extend_from_slice(b"torn,line"),
            Self::BadQuote => {
                out.extend_from_slice(b"\"quoted\"tail");
                out.extend(std::iter::repeat_n(b',', width - 1));
            }
            Self::InvalidUtf8 => {
                out.extend_from_slice(b"caf\xe9");
                out.extend(std::iter::repeat_n(b',', width - 1));
            }
        }
        out.push(b'\n');
    }
}
