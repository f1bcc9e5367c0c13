//! The format of `counterfoil.toml`: what may stand in it, with the place of every value.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use toml::Spanned;

use super::diagnostic::{Code, ConfigError, Given, Place};

/// The name of the file that is searched for.
pub const FILE_NAME: &str = "counterfoil.toml";

/// The version of the format.
pub const FORMAT_VERSION: i64 = 1;

/// A key of the format, for the documentation.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the table that is parsed.
    pub name: &'static str,
    /// What its value is, in words.
    pub kind: &'static str,
    /// What holds when it is left out.
    pub default: &'static str,
    /// A value that parses.
    pub example: &'static str,
    /// What it means.
    pub meaning: &'static [&'static str],
}

impl Key {
    /// Gives the name as it stands in the file: `where` and `in` are words of Rust too.
    pub(super) fn plain_name(&self) -> &'static str {
        self.name.strip_prefix("r#").unwrap_or(self.name)
    }
}

/// Roles, fields and keys that a later version reads: refused with a reason of their own.
pub(super) const LATER_ROLES: [&str; 4] = ["items", "lots", "components", "issued"];
/// See [`LATER_ROLES`].
pub(super) const LATER_FIELDS: [&str; 2] = ["serial_to", "label"];
const LATER_KEYS: [&str; 3] = ["advisory", "snapshot", "compare"];

/// Makes a table of the format from its fields: the struct that is parsed and the keys that are documented are one thing.
macro_rules! format_table {
    ($(#[doc = $about:literal])+ $keys:ident $table:ident {
        $($(#[doc = $meaning:literal])+ $name:ident: $type:ty = $kind:literal, $default:literal, $example:literal;)+
    }) => {
        $(#[doc = $about])+
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct $table {
            $($(#[doc = $meaning])+ pub(super) $name: $type,)+
        }

        /// The keys of the table, in the order of the documentation.
        pub(super) const $keys: &[Key] = &[
            $(Key { name: stringify!($name), kind: $kind, default: $default, example: $example, meaning: &[$($meaning),+] },)+
        ];
    };
}

format_table! {
    /// The top level.
    TOP_KEYS ConfigTable {
        /// The version of this format; it must be there.
        version: Option<Spanned<i64>> = "number", "required", "1";
        /// A name for reports.
        name: Option<Spanned<String>> = "text", "`\"reconciliation\"`", "\"monthly audit\"";
        /// The date against which grace, warranty and future dates are judged.
        as_of: Option<Spanned<DateText>> = "date", "today in UTC", "2026-11-22";
        /// Days after shipping before a unit counts as missing.
        grace_days: Option<Spanned<i64>> = "number", "`14`", "14";
        /// Fields inside which a serial is unique; `[]` makes serials unique everywhere.
        scope: Option<Spanned<Vec<Spanned<String>>>> = "list of fields", "`[\"item\"]` when every unit-grain supplier and erp source has an item, else `[]`", "[\"item\"]";
        /// Tiers of normalization that run: T0 raw, T1 cleaning, T3 case, T4 separators.
        tiers: Option<Spanned<Vec<Spanned<String>>>> = "list of tiers", "`[\"T0\", \"T1\", \"T3\", \"T4\"]`", "[\"T0\", \"T1\"]";
        /// The severity from which findings make the exit code 1: critical, error, warning, info or never.
        fail_on: Option<Spanned<String>> = "text", "`\"error\"`", "\"critical\"";
        /// Where the run directory goes.
        out: Option<Spanned<String>> = "path", "`runs/<UTC time>-<digest>`", "\"../audits/2026-11\"";
        /// The feeds, by name.
        sources: BTreeMap<Spanned<String>, Spanned<SourceTable>> = "tables", "none", "{}";
        /// Which rules run, how severe they are, and their parameters.
        rules: RulesTable = "table", "all rules", "{}";
        /// When a run stops because its configuration is plainly wrong.
        guards: NumberTable = "table", "see below", "{ units_min = 50 }";
        /// How much a run takes, and how much damage it bears.
        limits: LimitsTable = "table", "see below", "{ threads = 2 }";
    }
}

format_table! {
    /// A source: `[sources.NAME]`.
    SOURCE_KEYS SourceTable {
        /// What the source is in the comparison: supplier, erp or warranty.
        role: Option<Spanned<String>> = "text", "required", "\"erp\"";
        /// Files, folders (all files in them with a known ending, at any depth) and patterns (`*`, `?`, `[a-z]`, `{a,b}`, `**`).
        paths: Option<Spanned<Vec<Spanned<String>>>> = "list of paths", "required", "[\"exports/*.parquet\"]";
        /// What one record stands for: unit (each unit is listed once), event (a unit may recur) or lot (a quantity of a lot).
        grain: Option<Spanned<String>> = "text", "unit for supplier and erp, event for warranty, lot where no serial is mapped", "\"event\"";
        /// Trust: the lower number is believed first; ties go by name.
        rank: Option<Spanned<i64>> = "number", "erp 1, supplier 2, warranty 3", "1";
        /// The column of each field: a name, or `{ name = .., format = [..] }` for dates. Where it is given, it is the whole mapping;
        /// where it is left out, headers are recognized.
        columns: Option<BTreeMap<Spanned<String>, Spanned<ColumnValue>>> = "table", "recognized from the headers", "{ serial = \"SERNR\", shipped = { name = \"Ship Date\", format = [\"%d.%m.%Y\"] } }";
        /// Fields with one value for the whole source.
        constants: BTreeMap<Spanned<String>, Spanned<String>> = "table", "none", "{ supplier = \"ACME\" }";
        /// A regular expression that is searched in each path; its named groups are fields.
        from_path: Option<Spanned<String>> = "text", "none", "'inbox/(?<supplier>[a-z]+)_'";
        /// Columns that travel to the evidence untouched.
        carry: Vec<Spanned<String>> = "list of columns", "none", "[\"PO\", \"Plant\"]";
        /// Filters: a record is in scope when all of them hold.
        r#where: Vec<Spanned<FilterTable>> = "list of filters", "none", "[{ column = \"STATUS\", in = [\"A\"] }]";
        /// The most records that may be unreadable before the run stops.
        rejected_max: Option<Spanned<i64>> = "number", "that of `[limits]`", "10";
        /// How delimited text is read.
        csv: CsvTable = "table", "found out from the file", "{ delimiter = \";\" }";
    }
}

format_table! {
    /// How delimited text of a source is read: `[sources.NAME.csv]`.
    CSV_KEYS CsvTable {
        /// What stands between fields: a comma, semicolon, tab or vertical bar.
        delimiter: Option<Spanned<String>> = "text", "found out", "\"\\t\"";
        /// How the text is encoded: utf-8, utf-16le, utf-16be or latin-1.
        encoding: Option<Spanned<String>> = "text", "found out", "\"latin-1\"";
        /// The line of the header, from 1.
        header_line: Option<Spanned<i64>> = "number", "`1`", "3";
    }
}

format_table! {
    /// A filter: an entry of `where`, with one of `in` and `not_in`.
    FILTER_KEYS FilterTable {
        /// The column it looks at; it must be there.
        column: Option<Spanned<String>> = "text", "required", "\"STATUS\"";
        /// Keep records whose cleaned value is one of these.
        r#in: Option<Vec<String>> = "list of text", "none", "[\"A\", \"B\"]";
        /// Keep records whose cleaned value is none of these.
        not_in: Option<Vec<String>> = "list of text", "none", "[\"X\"]";
    }
}

format_table! {
    /// Limits of a run: `[limits]`.
    LIMITS_KEYS LimitsTable {
        /// Threads that work.
        threads: Option<Spanned<i64>> = "number", "one per processor", "2";
        /// The most memory, with its unit or in percent of what there is. Records that do not fit are kept on the disk meanwhile.
        memory: Option<Spanned<String>> = "text", "`60%`", "\"8GiB\"";
        /// The folder for records that do not fit into memory, relative to this file; it must be there. Nothing stays in it.
        spill_dir: Option<Spanned<String>> = "text", "beside the outputs", "\"/scratch\"";
        /// The most that may be kept there, with its unit.
        spill: Option<Spanned<String>> = "text", "no limit", "\"100GiB\"";
        /// The most records of a source that may be unreadable before the run stops, unless the source says another number.
        rejected_max: Option<Spanned<i64>> = "number", "`0`", "10";
        /// The most values of a date or quantity column that may be unreadable before the run stops, in percent.
        unreadable_percent_max: Option<Spanned<NumberValue>> = "number", "`50`", "5.5";
    }
}

format_table! {
    /// A column with more than a name: an entry of `columns`.
    COLUMN_KEYS ColumnTable {
        /// The name of the column; it must be there.
        name: Option<Spanned<String>> = "text", "required", "\"Ship Date\"";
        /// Formats of a date, tried in order (`%Y %m %d %y %b %H %M %S`).
        format: Vec<Spanned<String>> = "list of formats", "`YYYY-MM-DD` or `YYYYMMDD`, with or without a time", "[\"%d.%m.%Y\"]";
    }
}

/// A name of a column, or a table that says more.
#[derive(Debug, Default)]
pub(super) struct ColumnValue {
    /// The name, without a place of its own where the value is just a name.
    pub(super) name: Option<String>,
    /// Formats of a date.
    pub(super) formats: Vec<Spanned<String>>,
}

impl<'de> Deserialize<'de> for ColumnValue {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTable;
        impl<'de> Visitor<'de> for NameOrTable {
            type Value = ColumnValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column name or { name = .., format = [..] }")
            }

            fn visit_str<E>(self, name: &str) -> Result<ColumnValue, E> {
                Ok(ColumnValue { name: Some(name.into()), formats: Vec::new() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ColumnValue, A::Error> {
                let table = ColumnTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ColumnValue { name: table.name.map(Spanned::into_inner), formats: table.format })
            }
        }
        deserializer.deserialize_any(NameOrTable)
    }
}

/// The keys of `[rules]`, in the order of the documentation.
pub(super) const RULES_KEYS: &[Key] = &[
    Key {
        name: "select",
        kind: "list of codes",
        default: "all",
        example: "[\"SER\", \"LOT001\"]",
        meaning: &["Codes, or beginnings of codes, that run."],
    },
    Key {
        name: "ignore",
        kind: "list of codes",
        default: "none",
        example: "[\"SER003\"]",
        meaning: &["Codes, or beginnings of codes, that do not run."],
    },
    Key {
        name: "severity",
        kind: "table",
        default: "the catalogue's",
        example: "{ SER001 = \"warning\" }",
        meaning: &[
            "Severities that differ from the catalogue: critical, error, warning or info. Findings of a subtype that has a severity of its own keep it:",
            "ORP001 `in-transit`, ORP002 `item-not-shipped`, ORP003 `other-item`, SER003 `widespread`.",
        ],
    },
    Key {
        name: "CODE",
        kind: "table",
        default: "see below",
        example: "{ units_min = 500 }",
        meaning: &["Parameters of a rule, as `[rules.LOT006]` or `LOT006.units_min = 500`."],
    },
];

/// The names in [`RULES_KEYS`], for the error about an unknown one.
const RULES_NAMES: &[&str] = &["select", "ignore", "severity", "CODE"];

/// Numbers by name, each with its place.
pub(super) type NumberTable = BTreeMap<Spanned<String>, Spanned<NumberValue>>;

/// The rules: `[rules]`, with a table for each rule that has parameters set.
#[derive(Debug, Default)]
pub(super) struct RulesTable {
    pub(super) select: Option<Vec<Spanned<String>>>,
    pub(super) ignore: Option<Vec<Spanned<String>>>,
    pub(super) severity: BTreeMap<Spanned<String>, Spanned<String>>,
    pub(super) parameters: Vec<(Spanned<String>, NumberTable)>,
}

/// A key of `[rules]`: one of the named ones, or what looks like a code.
struct RulesKey(String);

impl<'de> Deserialize<'de> for RulesKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        // A code has capitals and digits; whether the rule exists is checked where the catalogue is known.
        let is_code = key.contains(|character: char| character.is_ascii_digit() || character.is_ascii_uppercase());
        let is_known = is_code || (RULES_NAMES.contains(&key.as_str()));
        if is_known { Ok(Self(key)) } else { Err(serde::de::Error::unknown_field(&key, RULES_NAMES)) }
    }
}

impl<'de> Deserialize<'de> for RulesTable {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = RulesTable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of rules")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RulesTable, A::Error> {
                let mut table = RulesTable::default();
                while let Some(key) = map.next_key::<Spanned<RulesKey>>()? {
                    match key.get_ref().0.as_str() {
                        "select" => table.select = Some(map.next_value()?),
                        "ignore" => table.ignore = Some(map.next_value()?),
                        "severity" => table.severity = map.next_value()?,
                        _ => {
                            let code = Spanned::new(key.span(), key.into_inner().0);
                            table.parameters.push((code, map.next_value()?));
                        }
                    }
                }
                Ok(table)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// A number, whole or with decimals.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected a number")]
pub(super) enum NumberValue {
    /// A whole number.
    Whole(i64),
    /// A number with decimals.
    Decimal(f64),
}

impl fmt::Display for NumberValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Decimal(number) => number.fmt(f),
        }
    }
}

/// A date, with or without quotes.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a date such as 2026-11-22")]
pub(super) enum DateText {
    /// In quotes.
    Text(String),
    /// A date of TOML.
    Date(toml::value::Datetime),
}

impl fmt::Display for DateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Date(date) => date.fmt(f),
        }
    }
}

/// A parsed file: its tables, and its text for errors that point into it.
#[derive(Debug)]
pub(super) struct ConfigFile {
    pub(super) path: Arc<str>,
    text: Arc<str>,
    pub(super) table: ConfigTable,
}

impl ConfigFile {
    /// Reads and parses a file.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            ConfigError::new(Code::ConfigurationUnreadable, format!("cannot read the configuration {}: {error}", path.display()))
                .help(format!("give the path of a {FILE_NAME} with -c, or name the files with --supplier, --erp and --warranty"))
        })?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Parses a text that stands in `path`.
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, ConfigError> {
        let path: Arc<str> = path.into();
        let shared: Arc<str> = text.into();
        let table: ConfigTable = toml::from_str(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            from_toml(error.message(), &Place::new(path.clone(), shared.clone(), span))
        })?;
        let file = Self { path, text: shared, table };
        file.check_version()?;
        Ok(file)
    }

    /// Gives the place of a value.
    pub(super) fn place<T>(&self, value: &Spanned<T>) -> Place {
        Place::new(self.path.clone(), self.text.clone(), value.span())
    }

    /// Gives a value with its place.
    pub(super) fn given<T: Clone>(&self, value: &Spanned<T>) -> Given<T> {
        Given { value: value.get_ref().clone(), place: self.place(value) }
    }

    fn check_version(&self) -> Result<(), ConfigError> {
        match &self.table.version {
            None => Err(ConfigError::new(Code::Contradiction, format!("{} does not say its `version`", self.path))
                .help(format!("add `version = {FORMAT_VERSION}` as the first line"))),
            Some(version) if *version.get_ref() != FORMAT_VERSION => {
                Err(ConfigError::new(Code::BadValue, format!("version {} of the configuration is not known", version.get_ref()))
                    .at(&self.place(version), format!("this program reads version {FORMAT_VERSION}")))
            }
            Some(_) => Ok(()),
        }
    }
}

/// Turns an error of the TOML reader into ours: an unknown key gets the nearest known one.
fn from_toml(message: &str, place: &Place) -> ConfigError {
    if let Some((word, names)) = unknown_field(message) {
        if LATER_KEYS.contains(&word) {
            return not_yet(word).at(place, "");
        }
        let error =
            ConfigError::new(Code::UnknownKey, format!("unknown key `{word}`")).at(place, "").candidates(word, "keys here are", &names);
        let tables =
            [("[sources.NAME]", SOURCE_KEYS), ("[sources.NAME.csv]", CSV_KEYS), ("[rules]", RULES_KEYS), ("[limits]", LIMITS_KEYS)];
        let elsewhere =
            tables.iter().chain([&("the top level", TOP_KEYS)]).find(|(_, keys)| keys.iter().any(|key| key.plain_name() == word));
        return match elsewhere {
            Some((table, _)) => error.help(format!("`{word}` is a key of {table}")),
            None => error,
        };
    }
    let message = message.lines().collect::<Vec<_>>().join(": ").replace("expected i64", "expected a whole number");
    ConfigError::new(Code::Syntax, message).at(place, "")
}

/// An error for a word of a later version.
pub(super) fn not_yet(word: &str) -> ConfigError {
    ConfigError::new(Code::NotYet, format!("`{word}` is not read by this version of counterfoil"))
        .note("it is a word of a later version: leaving it out of the comparison in silence would give wrong findings")
        .help("take it out")
}

/// Takes apart serde's sentence about an unknown field: the field and the known ones.
fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (word, rest) = rest.split_once('`')?;
    Some((word, rest.split('`').skip(1).step_by(2).collect()))
}

/// Lists the keys that the parser of a table knows, by asking for one that it does not.
#[cfg(test)]
pub(super) fn parsed_keys(table: &str) -> Vec<String> {
    let text = format!("{table}\nno_such_key = 1\n");
    let error = toml::from_str::<ConfigTable>(&text).expect_err("the key does not exist");
    let (_, names) = unknown_field(error.message()).expect("an unknown field");
    names.into_iter().map(str::to_owned).collect()
}
