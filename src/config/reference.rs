//! The reference of `counterfoil.toml`, made from the tables that parse it.

use std::fmt::Write as _;

use counterfoil_kernel::guards::PARAMETERS;
use counterfoil_kernel::model::{Field, FieldKind};
use counterfoil_kernel::parameter::{Home, MARKDOWN_HEAD, markdown_rows};
use counterfoil_kernel::rules::CATALOGUE;

use super::diagnostic::{Code, ErrorKind};
use super::file::{COLUMN_KEYS, CSV_KEYS, FILE_NAME, FILTER_KEYS, Key, LIMITS_KEYS, RULES_KEYS, SOURCE_KEYS, TOP_KEYS};

/// A whole configuration with comments; a test parses it.
pub const EXAMPLE: &str = include_str!("example.toml");

/// The tables of the format: heading, keys.
pub(super) const TABLES: [(&str, &[Key]); 7] = [
    ("Top level", TOP_KEYS),
    ("`[sources.NAME]`", SOURCE_KEYS),
    ("Entries of `columns`", COLUMN_KEYS),
    ("Entries of `where`", FILTER_KEYS),
    ("`[sources.NAME.csv]`", CSV_KEYS),
    ("`[rules]`", RULES_KEYS),
    ("`[limits]`", LIMITS_KEYS),
];

/// Writes the reference page of the configuration as Markdown.
pub fn reference_markdown() -> String {
    let mut page = format!(
        "# Configuration\n\n`counterfoil reconcile` takes its settings from flags, then from `{FILE_NAME}`, then from defaults. Without `-c` and without a source on the \
         command line the nearest `{FILE_NAME}` is taken, from the current folder upward to the root of the repository. Paths in the file are relative to the file. \
         A path flag beside `-c` replaces the paths of the configured source: `--erp PATH` where there is one of the role, else `--erp NAME=PATH`.\n\n\
         ## Example\n\n```toml\n{EXAMPLE}```\n"
    );
    for (heading, keys) in TABLES {
        write!(page, "\n## {heading}\n\n| key | value | default | meaning | example |\n|---|---|---|---|---|\n")
            .expect("a string takes all text");
        for key in keys {
            let meaning = key.meaning.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
            writeln!(
                page,
                "| `{}` | {} | {} | {} | `{}` |",
                key.plain_name(),
                cell(key.kind),
                cell(key.default),
                cell(&meaning),
                cell(key.example)
            )
            .expect("a string takes all text");
        }
    }
    page.push_str(&parameters());
    page.push_str(&fields());
    page.push_str(MAPPING);
    page.push_str(&errors());
    page
}

/// What mapping does where a reader could doubt it.
const MAPPING: &str = "
## Mapping

- Where `columns` is given, it is the whole mapping. Where it is left out, headers are recognized by the role of the source, and the reasons are printed.
- `--map SOURCE.FIELD=COLUMN` settles one field, `--map SOURCE.FIELD=COLUMN@FORMAT` a date with its format, `--map SOURCE.FIELD=` leaves a field unmapped.
- A column is found by its name, else by its name without regard to case, punctuation and the spelling of \"number\".
- Two equally good columns for a field are refused (exit 3) with the flags that settle it.
- Every file of a source is mapped by its own header. With `columns`, each file must have each column. With recognized headers, all files must have the same of
  item, serial, lot and supplier_lot; another field is blank in a file that has no column for it, and a note says so.
- A device identifier such as an IMEI is the serial where there is no other. In a supplier's file its own \"supplier lot\" is the lot where there is no other.
  A column that a system uses for serials and lots alike is taken as the serial, else as the lot, and a note says so.
- A generic date (`date`, `ERDAT`) is `shipped` in a supplier's source, `received` in an ERP's, `claimed` in a warranty's, where no better column exists.
- A folder gives the files with known endings at any depth; names that begin with `.` or `_` are passed over. A file that is given twice is read once.
- A list given by a flag (`--select`, `--ignore`, `--scope`) replaces the list of the file; `--severity CODE=LEVEL` replaces one severity.
";

/// Lists the parameters of rules and guards, each with its whole key.
fn parameters() -> String {
    let mut text = format!(
        "\n## Parameters of rules and guards\n\nA key such as `rules.LOT006.units_min` is `units_min` in the table `[rules.LOT006]`. Percent may have two decimals. \
         The values of a run stand in `summary.json`, `manifest.json` and the report.\n\n{MARKDOWN_HEAD}"
    );
    let rules = CATALOGUE.iter().map(|rule| (format!("rules.{}", rule.code), rule.parameters));
    for (table, parameters) in rules.chain([("guards".to_owned(), &PARAMETERS[..])]) {
        // What stands under a key of its own is in the tables above.
        for parameter in parameters.iter().filter(|parameter| matches!(parameter.home, Home::Table(_))) {
            text.push_str(&markdown_rows(std::slice::from_ref(parameter), &table));
        }
    }
    text
}

fn fields() -> String {
    let mut text = String::from("\n## Fields\n\n| field | read as |\n|---|---|\n");
    for field in Field::ALL {
        let kind = match field.kind() {
            FieldKind::Identifier => "identifier: text always",
            FieldKind::Date => "date",
            FieldKind::Number => "number",
            FieldKind::Text => "text",
        };
        writeln!(text, "| `{field}` | {kind} |").expect("a string takes all text");
    }
    text
}

fn errors() -> String {
    let mut text = String::from("\n## Errors\n\n| code | meaning | exit |\n|---|---|---|\n");
    for code in Code::ALL {
        let exit = if code.kind() == ErrorKind::Configuration { 2 } else { 3 };
        writeln!(text, "| {} | {} | {exit} |", code.id(), code.meaning()).expect("a string takes all text");
    }
    text
}

/// A vertical bar would end a cell of the table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
