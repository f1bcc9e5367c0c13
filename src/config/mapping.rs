//! The mapping of one file: which column gives which field, by what was asked for and what is recognized.

use counterfoil_kernel::model::{Field, FieldSet, Grain};

use super::diagnostic::{Code, ConfigError, Place, list, nearest};
use super::discover::{Refusal, recognize};
use super::plan::{FilePlan, Mapped, Origin};
use super::sources::Draft;
use super::vocabulary::normalize_header;
use crate::ingest::{ColumnInfo, InputFile};

/// Maps a file by its header; what was assumed goes to `notes`.
pub(super) fn map_file(draft: &Draft, input: &InputFile, columns: &[ColumnInfo], notes: &mut Vec<String>) -> Result<FilePlan, ConfigError> {
    let file = Header { draft, path: input.path.display().to_string(), columns };
    let mut mapping = file.asked()?;
    file.add_fixed(&mut mapping)?;
    file.add_recognized(&mut mapping, notes)?;
    mapping.sort_by_key(|mapped| mapped.field);
    let carry = draft.carry.iter().map(|given| file.find(&given.value, Some(&given.place), None).map(|found| found.0));
    let filters = draft.filters.iter().map(|given| file.find(&given.value.column, Some(&given.place), None).map(|found| found.0));
    Ok(FilePlan { input: input.clone(), carry: carry.collect::<Result<_, _>>()?, filters: filters.collect::<Result<_, _>>()?, mapping })
}

struct Header<'a> {
    draft: &'a Draft,
    path: String,
    columns: &'a [ColumnInfo],
}

impl Header<'_> {
    /// Maps the columns that were asked for by name.
    fn asked(&self) -> Result<Vec<Mapped>, ConfigError> {
        let mut mapping = Vec::new();
        for (&field, asked) in &self.draft.columns {
            let (index, exact) = self.find(&asked.column, Some(&asked.place), Some(field))?;
            let name = self.columns[index].name.clone();
            let reason = if exact {
                format!("column \"{name}\" was asked for")
            } else {
                format!("column \"{name}\" is the column \"{}\" that was asked for, written another way", asked.column)
            };
            mapping.push(Mapped { field, origin: Origin::Column { index, name, date_formats: asked.formats.clone() }, reason });
        }
        Ok(mapping)
    }

    /// Adds constants and parts of the path.
    fn add_fixed(&self, mapping: &mut Vec<Mapped>) -> Result<(), ConfigError> {
        for (&field, value) in &self.draft.constants {
            mapping.push(Mapped { field, origin: Origin::Constant(value.clone()), reason: "a constant of the configuration".into() });
        }
        let Some(from_path) = &self.draft.from_path else { return Ok(()) };
        let path = self.path.replace('\\', "/");
        let Some(captures) = from_path.value.captures(&path) else {
            return Err(
                ConfigError::new(Code::PathMismatch, format!("the path {path} does not match `from_path`")).at(&from_path.place, "")
            );
        };
        for name in from_path.value.capture_names().flatten() {
            let field = Field::from_name(name).expect("names of groups were checked against the fields");
            let value = captures.name(name).map_or("", |found| found.as_str());
            mapping.push(Mapped { field, origin: Origin::Constant(value.into()), reason: "a part of the path".into() });
        }
        Ok(())
    }

    /// Recognizes the fields that nothing else gives, unless the configuration states the whole mapping.
    fn add_recognized(&self, mapping: &mut Vec<Mapped>, notes: &mut Vec<String>) -> Result<(), ConfigError> {
        if self.draft.whole {
            return Ok(());
        }
        let cleared = self.draft.cleared.iter();
        let mut settled: FieldSet = mapping.iter().map(|mapped| mapped.field).chain(cleared).collect();
        if self.draft.grain.as_ref().is_some_and(|grain| grain.value == Grain::Lot) {
            settled.insert(Field::Serial);
            settled.insert(Field::SecondarySerial);
        }
        let used: Vec<usize> = mapping
            .iter()
            .filter_map(|mapped| match mapped.origin {
                Origin::Column { index, .. } => Some(index),
                Origin::Constant(_) => None,
            })
            .collect();
        let found = recognize(self.draft.role, self.columns, settled, &used).map_err(|refusal| self.refused(&refusal))?;
        for (field, found) in found {
            if let Some(assumption) = found.assumption {
                notes.push(format!("source {}: {}: {assumption}", self.draft.name, self.path));
            }
            let name = self.columns[found.index].name.clone();
            let origin = Origin::Column { index: found.index, name, date_formats: Vec::new() };
            mapping.push(Mapped { field, origin, reason: found.reason });
        }
        Ok(())
    }

    fn refused(&self, refusal: &Refusal) -> ConfigError {
        match refusal {
            Refusal::Ambiguous { field, columns } => {
                let names: Vec<&str> = columns.iter().map(|&index| self.columns[index].name.as_str()).collect();
                if names.windows(2).any(|pair| pair[0] == pair[1]) {
                    return self.repeated(names[0], columns, None);
                }
                let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
                let message =
                    format!("{}: {} columns could be {field} of source {}: {}", self.path, names.len(), self.draft.name, quoted.join(", "));
                let mut error = ConfigError::new(Code::ColumnAmbiguous, message);
                for name in &names {
                    error = error.help(format!("settle it with {}", self.map_flag(*field, name)));
                }
                error
            }
            Refusal::Unsupported { field, column } => self.unsupported(&self.columns[*column], Some(*field), None),
        }
    }

    fn map_flag(&self, field: Field, column: &str) -> String {
        let value = format!("{}.{field}={column}", self.draft.name);
        let is_plain = value.chars().all(|character| character.is_alphanumeric() || "._-=/".contains(character));
        if is_plain { format!("--map {value}") } else { format!("--map \"{value}\"") }
    }

    /// Says how to map a field where the source gets its mapping: in the configuration or by a flag.
    fn remedy(&self, field: Field, column: &str) -> String {
        if self.draft.whole {
            return format!("[sources.{}.columns] {field} = \"{column}\"", self.draft.name);
        }
        self.map_flag(field, column)
    }

    /// Finds a column by name, else by its normalized name; tells whether it was written so.
    fn find(&self, name: &str, place: Option<&Place>, field: Option<Field>) -> Result<(usize, bool), ConfigError> {
        let matching = |is_it: &dyn Fn(&str) -> bool| -> Vec<usize> {
            self.columns.iter().enumerate().filter(|(_, column)| is_it(&column.name)).map(|(index, _)| index).collect()
        };
        let mut found = matching(&|column| column == name);
        let exact = !found.is_empty();
        if !exact {
            let wanted = normalize_header(name);
            found = matching(&|column| !wanted.is_empty() && normalize_header(column) == wanted);
        }
        match found[..] {
            [] => Err(self.missing(name, place, field)),
            [index] if self.columns[index].unsupported.is_some() => Err(self.unsupported(&self.columns[index], field, place)),
            [index] => Ok((index, exact)),
            _ => Err(self.repeated(name, &found, place)),
        }
    }

    fn repeated(&self, name: &str, found: &[usize], place: Option<&Place>) -> ConfigError {
        let numbers: Vec<String> = found.iter().map(|index| (index + 1).to_string()).collect();
        let message = format!("{}: column \"{name}\" stands there {} times (columns {})", self.path, found.len(), numbers.join(", "));
        ConfigError::new(Code::ColumnAmbiguous, message).at_some(place, "").help("rename the others in the file, so that one has this name")
    }

    fn unsupported(&self, column: &ColumnInfo, field: Option<Field>, place: Option<&Place>) -> ConfigError {
        let why = column.unsupported.as_deref().unwrap_or_default();
        let purpose = field.map_or_else(|| "used".into(), |field| format!("mapped to {field}"));
        let message = format!("{}: column \"{}\" can't be {purpose}: {why}", self.path, column.name);
        ConfigError::new(Code::ColumnUnsupported, message).at_some(place, "").help("write the values as a column of plain text")
    }

    fn missing(&self, name: &str, place: Option<&Place>, field: Option<Field>) -> ConfigError {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let message = format!("{}: column \"{name}\" of source {} not found", self.path, self.draft.name);
        let error = ConfigError::new(Code::ColumnNotFound, message).at_some(place, "").note(format!("columns there are: {}", list(&names)));
        let Some(field) = field else {
            return match nearest(name, &names) {
                Some(near) => error.help(format!("did you mean \"{near}\"?")),
                None => error,
            };
        };
        match nearest(name, &names).or_else(|| self.known_name(field)) {
            Some(near) => error.help(format!("did you mean \"{near}\"? map it with {}", self.remedy(field, near))),
            None => error.help(format!("map another column with {}", self.remedy(field, "COLUMN"))),
        }
    }

    /// Gives the column that recognition would take for a field.
    fn known_name(&self, field: Field) -> Option<&str> {
        let found = recognize(self.draft.role, self.columns, FieldSet::default(), &[]).ok()?;
        found.get(&field).map(|found| self.columns[found.index].name.as_str())
    }
}

/// An error for a source in which neither a serial nor a lot was recognized.
pub(super) fn nothing_recognized(draft: &Draft, path: &str, columns: &[ColumnInfo]) -> ConfigError {
    ConfigError::new(Code::NothingRecognized, format!("{path}: no column of source {} is recognized as a serial or a lot", draft.name))
        .note(format!("columns there are: {}", list(&names_of(columns))))
        .help(format!("say which it is with --map {0}.serial=COLUMN or --map {0}.lot=COLUMN", draft.name))
}

/// Refuses a source without serials; `why` says what speaks for serials.
pub(super) fn no_serial_recognized(draft: &Draft, path: &str, columns: &[ColumnInfo], why: &str) -> ConfigError {
    let name = &draft.name;
    ConfigError::new(Code::NothingRecognized, format!("{path}: no column of source {name} is recognized as a serial, and {why}"))
        .note(format!("columns there are: {}", list(&names_of(columns))))
        .help(format!("say which it is with --map {name}.serial=COLUMN"))
        .help(format!("or, if its records are quantities of lots, say so with --map {name}.serial="))
}

fn names_of(columns: &[ColumnInfo]) -> Vec<String> {
    let name = |column: &ColumnInfo| match column.unsupported {
        Some(_) => format!("{} ({})", column.name, column.type_name),
        None => column.name.clone(),
    };
    columns.iter().map(name).collect()
}
