//! Parameters of rules and guards: from the configuration to the values of a run, checked against what rules and guards say of them.

use counterfoil_kernel::guards::{self, PARAMETERS};
use counterfoil_kernel::parameter::{Home, PERCENT, Parameter, Thresholds, Unit, WHOLE};
use counterfoil_kernel::rules::CATALOGUE;
use serde_json::Value;

use super::diagnostic::{Code, ConfigError};
use super::file::{ConfigFile, NumberTable};
use super::settings;

/// How much of a date or quantity column may be unreadable: a column of which more is wrong is mapped wrong.
pub const UNREADABLE_PERCENT_MAX: Parameter = Parameter {
    name: "unreadable_percent_max",
    unit: Unit::Percent,
    default: 50 * PERCENT,
    least: 0,
    most: WHOLE,
    about: "a date or quantity column of which more than this can't be read stops the run",
    home: Home::Key("limits.unreadable_percent_max"),
};

/// Gives the values that the configuration sets, and the defaults of all others.
pub(super) fn thresholds(file: Option<&ConfigFile>, codes: &[&str]) -> Result<Thresholds, ConfigError> {
    let mut thresholds = Thresholds::default();
    let Some(file) = file else { return Ok(thresholds) };
    for (code, table) in &file.table.rules.parameters {
        let code = settings::code(&file.given(code), codes, true)?;
        let known = CATALOGUE.iter().find(|rule| rule.code == code).map_or(&[][..], |rule| rule.parameters);
        set(&mut thresholds, file, table, known, &code)?;
    }
    set(&mut thresholds, file, &file.table.guards, &PARAMETERS, "guards")?;
    Ok(thresholds)
}

fn set(thresholds: &mut Thresholds, file: &ConfigFile, table: &NumberTable, known: &[Parameter], of: &str) -> Result<(), ConfigError> {
    for (name, value) in table {
        let name = file.given(name);
        match known.iter().find(|parameter| parameter.name == name.value) {
            Some(parameter) => match parameter.home {
                Home::Table(field) => *field(thresholds) = settings::parameter(&file.given(value), parameter)?,
                Home::Key(key) => {
                    return Err(ConfigError::new(Code::Contradiction, format!("`{}` is not set for {of} alone", name.value))
                        .at(&name.place, "")
                        .help(format!("set it for the whole run: {key} = {}", value.get_ref())));
                }
            },
            None => {
                let names: Vec<&str> = known.iter().map(|parameter| parameter.name).collect();
                let error = ConfigError::new(Code::UnknownKey, format!("unknown parameter `{}` of {of}", name.value)).at(&name.place, "");
                return Err(if names.is_empty() {
                    error.note(format!("{of} has no parameters"))
                } else {
                    error.candidates(&name.value, "parameters are", &names)
                });
            }
        }
    }
    Ok(())
}

/// Gives how much of a date or quantity column may be unreadable, in hundredths of a percent.
pub(super) fn unreadable_share_max(file: Option<&ConfigFile>) -> Result<u64, ConfigError> {
    let given = file.and_then(|file| file.table.limits.unreadable_percent_max.as_ref().map(|value| file.given(value)));
    given.map_or(Ok(UNREADABLE_PERCENT_MAX.default), |given| settings::parameter(&given, &UNREADABLE_PERCENT_MAX))
}

/// Writes a value as the configuration has it: a whole number where it is one.
pub(super) fn value(parameter: &Parameter, value: u64) -> Value {
    let shown = parameter.unit.show(value);
    serde_json::from_str(&shown).expect("a shown value is a number")
}

/// Writes the values of one table, `rules.CODE` or `guards`.
pub(super) fn values(thresholds: &Thresholds, table: &str) -> Value {
    let mut thresholds = thresholds.clone();
    let of_table = guards::parameters().filter(|(of, _)| of == table);
    let written = of_table.filter_map(|(_, parameter)| match parameter.home {
        Home::Table(field) => Some((parameter.name.to_owned(), value(parameter, *field(&mut thresholds)))),
        Home::Key(_) => None,
    });
    let sorted: std::collections::BTreeMap<String, Value> = written.collect();
    Value::Object(sorted.into_iter().collect())
}
