//! The columns of a Parquet file: what they are called, what they hold, and how each is decoded.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels, parquet_to_arrow_schema};
use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit as ParquetTimeUnit, Type as PhysicalType};
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::{BasicTypeInfo, SchemaDescriptor, Type, TypePtr};

use super::guard::guarded;
use crate::ingest::ColumnInfo;

/// A top-level column.
pub(super) struct Column {
    /// What callers see.
    pub(super) info: ColumnInfo,
    /// The index of its column chunk in a row group.
    pub(super) leaf: usize,
    /// How to decode it; `None` when `info.unsupported` says why not.
    pub(super) decoding: Option<Decoding>,
}

/// How a column is decoded.
pub(super) enum Decoding {
    /// Bytes that are to be text.
    Text(Box<TextDecoding>),
    /// Bytes of one length that are to be text.
    FixedText(FieldLevels),
    /// UUIDs of 16 bytes.
    Uuid(FieldLevels),
    /// Anything else: handed over as it is, as this type.
    Native(FieldLevels, DataType),
}

/// The three ways to read a text column. The row group decides between the first two, the content between these and the third.
pub(super) struct TextDecoding {
    /// As `Utf8View`, checked by whole pages.
    pub(super) view: FieldLevels,
    /// As `Dictionary(Int32, Utf8)`, checked once per dictionary.
    pub(super) dictionary: FieldLevels,
    /// As `BinaryView`, unchecked.
    pub(super) raw: FieldLevels,
}

/// Lists the top-level columns of `schema`.
pub(super) fn list(schema: &SchemaDescriptor) -> Vec<Column> {
    let mut leaf = 0;
    let mut columns = Vec::new();
    for field in schema.root_schema().get_fields() {
        columns.push(column(field, leaf));
        leaf += leaf_count(field);
    }
    columns
}

fn leaf_count(field: &Type) -> usize {
    if field.is_primitive() { 1 } else { field.get_fields().iter().map(|child| leaf_count(child)).sum() }
}

fn column(field: &TypePtr, leaf: usize) -> Column {
    let info = |type_name: String, is_number: bool, unsupported: Option<String>| ColumnInfo {
        name: clean_name(field.name()),
        type_name,
        is_number,
        unsupported,
    };
    let refused = |type_name: String, reason: String| Column { info: info(type_name, false, Some(reason)), leaf, decoding: None };
    if field.is_group() {
        let kind = group_word(field.get_basic_info());
        return refused(
            kind.to_string(),
            format!("a {kind} column holds several values per record; write the values as columns of their own"),
        );
    }
    let type_name = type_name(field);
    if field.get_basic_info().has_repetition() && field.get_basic_info().repetition() == Repetition::REPEATED {
        let reason = "a repeated column holds several values per record; write the values as columns of their own";
        return refused(type_name, reason.to_string());
    }
    if let Some(reason) = unusable(field) {
        return refused(type_name, reason);
    }
    match guarded(|| decoding(field)) {
        Ok(decoding) => Column { info: info(type_name, is_number(field), None), leaf, decoding: Some(decoding) },
        Err(cause) => refused(type_name, format!("its type can't be decoded ({cause}); write the column as text")),
    }
}

fn clean_name(name: &str) -> String {
    name.trim_start_matches('\u{feff}').trim().to_string()
}

fn group_word(info: &BasicTypeInfo) -> &'static str {
    match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::List), _) | (None, ConvertedType::LIST) => "LIST",
        (Some(LogicalType::Map), _) | (None, ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE) => "MAP",
        (Some(LogicalType::Variant(_)), _) => "VARIANT",
        _ if info.has_repetition() && info.repetition() == Repetition::REPEATED => "repeated group",
        _ => "group",
    }
}

/// Says why a column of a primitive type can hold no text, number or date.
fn unusable(field: &Type) -> Option<String> {
    let info = field.get_basic_info();
    let kind = match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::Bson), _) | (None, ConvertedType::BSON) => "BSON documents",
        (Some(LogicalType::Geometry(_)), _) => "geometries",
        (Some(LogicalType::Geography(_)), _) => "geographies",
        (None, ConvertedType::INTERVAL) => "intervals",
        _ => return None,
    };
    Some(format!("it holds {kind}, which are no text, number or date"))
}

fn decoding(field: &TypePtr) -> Result<Decoding> {
    let info = field.get_basic_info();
    let is_decimal = matches!(info.logical_type_ref(), Some(LogicalType::Decimal(_))) || info.converted_type() == ConvertedType::DECIMAL;
    let is_null = matches!(info.logical_type_ref(), Some(LogicalType::Unknown));
    Ok(match field.get_physical_type() {
        _ if is_decimal || is_null => native(field, None)?,
        PhysicalType::BYTE_ARRAY => Decoding::Text(Box::new(text_decoding(field)?)),
        PhysicalType::FIXED_LEN_BYTE_ARRAY => match info.logical_type_ref() {
            Some(LogicalType::Uuid) => Decoding::Uuid(levels(field, None)?),
            Some(LogicalType::Float16) => native(field, None)?,
            _ => Decoding::FixedText(levels(field, None)?),
        },
        // To the microsecond: nanoseconds reach from 1677 to 2262 only, and 9999-12-31 would come out as another day.
        PhysicalType::INT96 => native(field, Some(DataType::Timestamp(TimeUnit::Microsecond, None)))?,
        _ => native(field, None)?,
    })
}

/// Prepares the ways to read text, whatever the file says the bytes are: `STRING`, `JSON`, `ENUM` or nothing.
///
/// The annotation is ours, because the decoder checks UTF-8 for columns annotated `STRING` and for no others.
fn text_decoding(field: &TypePtr) -> Result<TextDecoding> {
    let annotated = |logical: Option<LogicalType>| -> Result<TypePtr> {
        let builder = Type::primitive_type_builder(field.name(), PhysicalType::BYTE_ARRAY);
        Ok(Arc::new(builder.with_repetition(field.get_basic_info().repetition()).with_logical_type(logical).build()?))
    };
    let text = annotated(Some(LogicalType::String))?;
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    Ok(TextDecoding {
        view: levels(&text, Some(DataType::Utf8View))?,
        dictionary: levels(&text, Some(dictionary))?,
        raw: levels(&annotated(None)?, Some(DataType::BinaryView))?,
    })
}

fn native(field: &TypePtr, hint: Option<DataType>) -> Result<Decoding> {
    let levels = levels(field, hint.clone())?;
    let data_type = match hint {
        Some(hint) => hint,
        None => parquet_to_arrow_schema(&schema_of(field)?, None)?.field(0).data_type().clone(),
    };
    Ok(Decoding::Native(levels, data_type))
}

/// Describes a schema of this one column to the decoder, so that columns that nobody asked for can't get in the way.
fn levels(field: &TypePtr, hint: Option<DataType>) -> Result<FieldLevels> {
    let schema = schema_of(field)?;
    let wanted = hint.clone().map(|hint| Fields::from(vec![Field::new(field.name(), hint, field.is_optional())]));
    let levels = parquet_to_arrow_field_levels(&schema, ProjectionMask::all(), wanted.as_ref())?;
    Ok(levels)
}

fn schema_of(field: &TypePtr) -> Result<SchemaDescriptor> {
    let root = Type::group_type_builder("schema").with_fields(vec![field.clone()]).build()?;
    Ok(SchemaDescriptor::new(Arc::new(root)))
}

fn is_number(field: &Type) -> bool {
    let info = field.get_basic_info();
    match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::Decimal(_) | LogicalType::Integer(_) | LogicalType::Float16), _) => true,
        (None, ConvertedType::DECIMAL) => true,
        (None, converted) => {
            let kind = field.get_physical_type();
            let annotated_otherwise = !matches!(
                converted,
                ConvertedType::NONE
                    | ConvertedType::INT_8
                    | ConvertedType::INT_16
                    | ConvertedType::INT_32
                    | ConvertedType::INT_64
                    | ConvertedType::UINT_8
                    | ConvertedType::UINT_16
                    | ConvertedType::UINT_32
                    | ConvertedType::UINT_64
            );
            !annotated_otherwise && matches!(kind, PhysicalType::INT32 | PhysicalType::INT64 | PhysicalType::FLOAT | PhysicalType::DOUBLE)
        }
        _ => false,
    }
}

/// Names the type as Parquet does, such as `INT64`, `BYTE_ARRAY (STRING)` or `INT32 (DECIMAL(9,2))`.
fn type_name(field: &Type) -> String {
    let physical = match field {
        Type::PrimitiveType { physical_type: PhysicalType::FIXED_LEN_BYTE_ARRAY, type_length, .. } => {
            format!("FIXED_LEN_BYTE_ARRAY({type_length})")
        }
        _ => field.get_physical_type().to_string(),
    };
    let info = field.get_basic_info();
    let annotation = match info.logical_type_ref() {
        Some(logical) => logical_name(logical),
        None => match info.converted_type() {
            ConvertedType::NONE => return physical,
            ConvertedType::DECIMAL => format!("DECIMAL({},{})", field.get_precision(), field.get_scale()),
            converted => converted.to_string(),
        },
    };
    format!("{physical} ({annotation})")
}

fn logical_name(logical: &LogicalType) -> String {
    match logical {
        LogicalType::String => "STRING".to_string(),
        LogicalType::Enum => "ENUM".to_string(),
        LogicalType::Decimal(decimal) => format!("DECIMAL({},{})", decimal.precision, decimal.scale),
        LogicalType::Date => "DATE".to_string(),
        LogicalType::Time(time) => format!("TIME({})", unit_name(&time.unit)),
        LogicalType::Timestamp(timestamp) => format!("TIMESTAMP({})", unit_name(&timestamp.unit)),
        LogicalType::Integer(integer) => format!("{}INT({})", if integer.is_signed { "" } else { "U" }, integer.bit_width),
        LogicalType::Unknown => "UNKNOWN".to_string(),
        LogicalType::Json => "JSON".to_string(),
        LogicalType::Bson => "BSON".to_string(),
        LogicalType::Uuid => "UUID".to_string(),
        LogicalType::Float16 => "FLOAT16".to_string(),
        LogicalType::Geometry(_) => "GEOMETRY".to_string(),
        LogicalType::Geography(_) => "GEOGRAPHY".to_string(),
        _ => "an annotation newer than this program".to_string(),
    }
}

fn unit_name(unit: &ParquetTimeUnit) -> &'static str {
    match unit {
        ParquetTimeUnit::MILLIS => "MILLIS",
        ParquetTimeUnit::MICROS => "MICROS",
        ParquetTimeUnit::NANOS => "NANOS",
    }
}

/// Turns a missing decoding into an error; asked-for columns have been checked before.
pub(super) fn decodable(column: &Column) -> Result<&Decoding> {
    column.decoding.as_ref().ok_or_else(|| ParquetError::General("the column can't be read".to_string()))
}
