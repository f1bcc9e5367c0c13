//! Words and values of flags and keys: each parser says what was found, what is taken, and what was probably meant.

use counterfoil_kernel::model::{Field, FieldKind, Grain, Role, Severity};
use counterfoil_kernel::parameter::{PERCENT, Parameter, Unit, WHOLE};
use jiff::civil::Date;

use super::diagnostic::{Code, ConfigError, Given};
use super::file::{LATER_FIELDS, LATER_ROLES, NumberValue, not_yet};
use super::plan::Tiers;

/// The days that a run may be judged against, from 1970-01-01: dates are kept in 16 bits.
const AS_OF_DAYS: std::ops::RangeInclusive<i32> = 1..=65_535;

/// Specifiers that a date format may have.
const DATE_SPECIFIERS: [char; 8] = ['Y', 'm', 'd', 'y', 'b', 'H', 'M', 'S'];

/// Picks one of a few words.
fn pick<T: Copy>(given: &Given<String>, what: &str, names: &[(&str, T)]) -> Result<T, ConfigError> {
    let word = given.value.as_str();
    if let Some((_, value)) = names.iter().find(|(name, _)| *name == word) {
        return Ok(*value);
    }
    let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    Err(ConfigError::new(Code::BadValue, format!("unknown {what} `{word}`")).at(&given.place, "").candidates(
        word,
        "expected one of",
        &known,
    ))
}

/// Reads a role.
pub(super) fn role(given: &Given<String>) -> Result<Role, ConfigError> {
    if LATER_ROLES.contains(&given.value.as_str()) {
        return Err(not_yet(&given.value).at(&given.place, ""));
    }
    pick(given, "role", &Role::ALL.map(|role| (role.name(), role)))
}

/// Reads a grain.
pub(super) fn grain(given: &Given<String>) -> Result<Grain, ConfigError> {
    pick(given, "grain", &Grain::ALL.map(|grain| (grain.name(), grain)))
}

/// Reads a severity.
pub(super) fn severity(given: &Given<String>) -> Result<Severity, ConfigError> {
    pick(given, "severity", &Severity::ALL.map(|severity| (severity.name(), severity)))
}

/// Reads the severity from which a run fails; `never` is none.
pub(super) fn fail_on(given: &Given<String>) -> Result<Option<Severity>, ConfigError> {
    let mut names = Severity::ALL.map(|severity| (severity.name(), Some(severity))).to_vec();
    names.push(("never", None));
    pick(given, "severity", &names)
}

/// Reads the name of a field.
pub(super) fn field(given: &Given<String>) -> Result<Field, ConfigError> {
    let word = given.value.as_str();
    if let Some(field) = Field::from_name(word) {
        return Ok(field);
    }
    if LATER_FIELDS.contains(&word) {
        return Err(not_yet(word).at(&given.place, ""));
    }
    let known = Field::ALL.map(Field::name);
    Err(ConfigError::new(Code::UnknownName, format!("unknown field `{word}`")).at(&given.place, "").candidates(word, "fields are", &known))
}

/// Reads the scope: fields that are identifiers or other text, without the serial itself.
pub(super) fn scope(names: &[Given<String>]) -> Result<Vec<Field>, ConfigError> {
    let mut scope = Vec::new();
    for given in names {
        let found = field(given)?;
        let refused =
            |why: &str| Err(ConfigError::new(Code::BadValue, format!("{found} can't be part of the scope: {why}")).at(&given.place, ""));
        if matches!(found, Field::Serial | Field::SecondarySerial) {
            return refused("a serial is unique inside its scope");
        }
        if !matches!(found.kind(), FieldKind::Identifier | FieldKind::Text) {
            return refused("a scope is made of identifiers and text");
        }
        if scope.contains(&found) {
            return refused("it is there already");
        }
        scope.push(found);
    }
    Ok(scope)
}

/// Reads the tiers that run.
pub(super) fn tiers(names: &[Given<String>]) -> Result<Tiers, ConfigError> {
    let mut tiers = Tiers { clean: false, case: false, separators: false };
    for given in names {
        match given.value.to_ascii_uppercase().as_str() {
            "T0" => {}
            "T1" => tiers.clean = true,
            "T3" => tiers.case = true,
            "T4" => tiers.separators = true,
            "T2" => return Err(not_yet("T2").at(&given.place, "")),
            "T5" => {
                let error = ConfigError::new(Code::BadValue, "T5 is no tier that can run").at(&given.place, "");
                return Err(error.note("T5 are suggestions: they never make a match"));
            }
            _ => {
                let error = ConfigError::new(Code::BadValue, format!("unknown tier `{}`", given.value)).at(&given.place, "");
                return Err(error.note("tiers are: T0, T1, T3, T4"));
            }
        }
    }
    Ok(tiers)
}

/// Reads a day as days from 1970-01-01.
pub(super) fn day(text: &str) -> Option<i32> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    let date: Date = shape.then(|| text.parse().ok()).flatten()?;
    i32::try_from(date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24).ok()
}

/// Writes days from 1970-01-01 as `YYYY-MM-DD`.
pub(super) fn iso(days: i32) -> String {
    let date = Date::constant(1970, 1, 1).checked_add(jiff::Span::new().days(days));
    date.map_or_else(|_| days.to_string(), |date| date.to_string())
}

/// Reads the day of the audit.
pub(super) fn as_of(given: &Given<String>) -> Result<i32, ConfigError> {
    let error = |what: &str| {
        Err(ConfigError::new(Code::BadValue, format!("`{}` is {what}", given.value)).at(&given.place, "expected a date such as 2026-11-22"))
    };
    match day(&given.value) {
        None => error("no date"),
        Some(day) if !AS_OF_DAYS.contains(&day) => error("outside 1970-01-02 to 2149-06-06"),
        Some(day) => Ok(day),
    }
}

/// Reads a number inside bounds.
pub(super) fn number(given: &Given<i64>, what: &str, least: i64, most: i64) -> Result<i64, ConfigError> {
    if (least..=most).contains(&given.value) {
        return Ok(given.value);
    }
    let expected = if most == i64::MAX { format!("expected {least} or more") } else { format!("expected {least} to {most}") };
    Err(ConfigError::new(Code::BadValue, format!("{what} can't be {}", given.value)).at(&given.place, expected))
}

/// Reads an amount of memory: a number with its unit, or a share of what is `available`.
pub(super) fn memory(given: &Given<String>, available: Option<u64>) -> Result<u64, ConfigError> {
    let Some(share) = given.value.strip_suffix('%') else {
        return bytes(given, "memory", "8GiB, 500MB or 50%");
    };
    match (whole_number(share), available) {
        (Some(share), _) if share > 100 => refused(given, "memory", "expected at most 100 percent"),
        (Some(_), None) => refused(given, "memory", "expected a number with its unit: how much memory there is isn't known here"),
        (Some(share), Some(available)) => Ok(available / 100 * share),
        (None, _) => refused(given, "memory", IN_FRONT),
    }
}

/// What is said of a unit with no number.
const IN_FRONT: &str = "expected a whole number of 1 or more in front of the unit";

fn whole_number(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|number| *number > 0)
}

fn refused<T>(given: &Given<String>, what: &str, expected: &str) -> Result<T, ConfigError> {
    Err(ConfigError::new(Code::BadValue, format!("{what} can't be {:?}", given.value)).at(&given.place, expected))
}

/// Reads a number of bytes with its unit.
pub(super) fn bytes(given: &Given<String>, what: &str, examples: &str) -> Result<u64, ConfigError> {
    const UNITS: [(&str, u64); 9] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("kB", 1_000),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
    ];
    let unit = UNITS.iter().find_map(|&(unit, bytes)| Some((given.value.strip_suffix(unit)?, bytes)));
    let Some((number, bytes)) = unit else { return refused(given, what, &format!("expected a number with its unit, such as {examples}")) };
    whole_number(number).map_or_else(|| refused(given, what, IN_FRONT), |number| Ok(number.saturating_mul(bytes)))
}

/// Reads a number of things or a share for a parameter, inside its range.
pub(super) fn parameter(given: &Given<NumberValue>, parameter: &Parameter) -> Result<u64, ConfigError> {
    let refused = |expected: String| {
        Err(ConfigError::new(Code::BadValue, format!("{} can't be {}", parameter.name, given.value)).at(&given.place, expected))
    };
    let value = match (parameter.unit, given.value) {
        (_, NumberValue::Whole(number)) if number < 0 => None,
        (Unit::Count(_), NumberValue::Whole(number)) => Some(number.unsigned_abs()),
        (Unit::Count(_), NumberValue::Decimal(_)) => return refused("expected a whole number".into()),
        (Unit::Percent, NumberValue::Whole(number)) => Some(number.unsigned_abs().saturating_mul(PERCENT)),
        (Unit::Percent, NumberValue::Decimal(number)) => match hundredths(number) {
            None if (0.0..=100.0).contains(&number) => return refused("expected at most two decimals".into()),
            value => value,
        },
    };
    match value.filter(|value| (parameter.least..=parameter.most).contains(value)) {
        Some(value) => Ok(value),
        None => refused(format!("expected {} ({})", parameter.range(), parameter.unit.name())),
    }
}

/// Gives a percentage in hundredths of a percent; `None` when it has more decimals, or is no percentage.
fn hundredths(number: f64) -> Option<u64> {
    let scaled = number * PERCENT as f64;
    let rounded = scaled.round();
    let is_whole = (0.0..=WHOLE as f64).contains(&rounded) && (scaled - rounded).abs() < 1e-6;
    is_whole.then_some(rounded as u64)
}

/// Checks a code, or a beginning of codes, against the catalogue, and gives it in capitals.
pub(super) fn code(given: &Given<String>, codes: &[&str], whole: bool) -> Result<String, ConfigError> {
    let word = given.value.to_ascii_uppercase();
    let known = codes.iter().any(|code| if whole { *code == word } else { !word.is_empty() && code.starts_with(&word) });
    if known {
        return Ok(word);
    }
    let what = if whole { "rule" } else { "rule or family of rules" };
    Err(ConfigError::new(Code::UnknownName, format!("unknown {what} `{}`", given.value)).at(&given.place, "").candidates(
        &word,
        "rules are",
        codes,
    ))
}

/// Checks the format of a date.
pub(super) fn date_format(given: &Given<String>) -> Result<(), ConfigError> {
    let text = given.value.as_str();
    let mut found = String::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '%' {
            continue;
        }
        match rest.next() {
            Some(specifier) if DATE_SPECIFIERS.contains(&specifier) => found.push(specifier),
            other => {
                let written: String = std::iter::once('%').chain(other).collect();
                return Err(ConfigError::new(Code::BadValue, format!("`{written}` is no part of a date format"))
                    .at(&given.place, "")
                    .note("parts are: %Y %m %d %y %b %H %M %S"));
            }
        }
    }
    let has = |wanted: &[char]| found.contains(wanted);
    if has(&['Y', 'y']) && has(&['m', 'b']) && has(&['d']) {
        return Ok(());
    }
    Err(ConfigError::new(Code::BadValue, format!("the date format `{text}` does not give a day"))
        .at(&given.place, "expected a year, a month and a day, such as %d.%m.%Y"))
}

/// Checks that a constant can be a value of its field.
pub(super) fn constant(field: Field, given: &Given<String>) -> Result<(), ConfigError> {
    let refused =
        |why: &str| Err(ConfigError::new(Code::BadValue, format!("{field} can't be the constant `{}`", given.value)).at(&given.place, why));
    match field.kind() {
        _ if matches!(field, Field::Serial | Field::SecondarySerial) => refused("every unit has a serial of its own"),
        _ if given.value.trim().is_empty() => refused("a constant is not blank"),
        FieldKind::Date if day(&given.value).is_none() => refused("expected a date such as 2026-11-22"),
        FieldKind::Number if given.value.parse::<f64>().map_or(true, |number| !number.is_finite()) => refused("expected a number"),
        _ => Ok(()),
    }
}

/// Reads the encoding of a delimited text.
pub(super) fn encoding(given: &Given<String>) -> Result<String, ConfigError> {
    const NAMES: [&str; 4] = ["utf-8", "utf-16le", "utf-16be", "latin-1"];
    let word = given.value.to_ascii_lowercase();
    let given = Given { value: word.clone(), place: given.place.clone() };
    pick(&given, "encoding", &NAMES.map(|name| (name, ())))?;
    Ok(word)
}

/// Reads the delimiter of a delimited text.
pub(super) fn delimiter(given: &Given<String>) -> Result<u8, ConfigError> {
    match given.value.as_str() {
        "," | ";" | "\t" | "|" => Ok(given.value.as_bytes()[0]),
        other => Err(ConfigError::new(Code::BadValue, format!("`{other}` is no delimiter"))
            .at(&given.place, "expected \",\", \";\", \"\\t\" or \"|\"")),
    }
}

/// Checks the name of a source: it stands in outputs and in `--map NAME.FIELD=COLUMN`.
pub(super) fn source_name(given: &Given<String>) -> Result<(), ConfigError> {
    if is_source_name(&given.value) {
        return Ok(());
    }
    Err(ConfigError::new(Code::BadValue, format!("`{}` can't be the name of a source", given.value))
        .at(&given.place, "expected letters, digits, `_` and `-`"))
}

/// Tells whether a word can name a source.
pub(super) fn is_source_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|character| character.is_alphanumeric() || character == '_' || character == '-')
}

/// Finds a source by name, else says which there are.
pub(super) fn unknown_source(given: &Given<String>, name: &str, names: &[&str]) -> ConfigError {
    let error = ConfigError::new(Code::UnknownName, format!("unknown source `{name}`")).at(&given.place, "");
    error.candidates(name, "sources are", names)
}
