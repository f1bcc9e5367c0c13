//! Resolution at its boundary: files on disk, headers from a reader that is not there, whole plans and whole error texts.

use std::path::Path;

use anyhow::Context as _;
use counterfoil_kernel::guards;
use counterfoil_kernel::model::{Field, Grain, Role, Severity};
use counterfoil_kernel::parameter::{Home, Thresholds};
use counterfoil_kernel::rules::{GRACE_DAYS, REJECTED_MAX};

use super::file::{ConfigFile, parsed_keys};
use super::parameters::UNREADABLE_PERCENT_MAX;
use super::plan::{Origin, Plan};
use super::reference::{EXAMPLE, TABLES, reference_markdown};
use super::{ConfigError, ErrorKind, Request, resolve};
use crate::ingest::{ColumnInfo, MorselSink, OpenOptions, Progress, TableFile, Wanted};

const CODES: [&str; 9] = ["IDN001", "IDN002", "LOT001", "LOT002", "LOT006", "ORP001", "SER001", "SER002", "SER003"];
const TODAY: i32 = 20_000;

/// A file that has a header and no reader: the first line, split at commas; `name:type` is a column that can't be mapped.
struct HeaderOnly(Vec<ColumnInfo>);

impl TableFile for HeaderOnly {
    fn columns(&self) -> &[ColumnInfo] {
        &self.0
    }

    fn record_count(&self) -> Option<u64> {
        None
    }

    fn description(&self) -> String {
        "header".into()
    }

    fn scan(&self, _: &[usize], _: Wanted<'_>, _: &Progress, _: &MorselSink<'_>) -> anyhow::Result<()> {
        anyhow::bail!("the configuration reads no records")
    }
}

fn open(path: &Path, _: &OpenOptions) -> anyhow::Result<Box<dyn TableFile>> {
    let text = std::fs::read_to_string(path).context("not a table")?;
    anyhow::ensure!(!text.is_empty(), "the file is empty, expected a header");
    let columns = text.lines().next().unwrap_or_default().split(',').map(|name| {
        let (name, kind) = name.split_once(':').unwrap_or((name, "text"));
        let unsupported = (kind != "text").then(|| format!("a {kind} has no single value"));
        ColumnInfo { name: name.into(), type_name: kind.into(), is_number: false, unsupported }
    });
    Ok(Box::new(HeaderOnly(columns.collect())))
}

/// A folder with files, each given by its first line.
struct Case(tempfile::TempDir);

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn plain(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.0.path().display()), "")
    }

    fn run(&self, request: Request) -> Result<Plan, ConfigError> {
        let request = Request { directory: self.0.path().into(), today: TODAY, endings: vec!["csv", "parquet"], ..request };
        resolve(&request, &CODES, &open)
    }

    #[track_caller]
    fn refused(&self, request: Request, kind: ErrorKind, expected: &str) {
        let error = self.run(request).expect_err("refused");
        assert_eq!(self.plain(&error.to_string()), expected);
        assert_eq!(error.kind(), kind);
        assert_eq!(error.exit_code(), if kind == ErrorKind::Configuration { 2 } else { 3 });
    }
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).into()).collect()
}

fn flags(supplier: &[&str], erp: &[&str], warranty: &[&str]) -> Request {
    Request { supplier: words(supplier), erp: words(erp), warranty: words(warranty), ..Request::default() }
}

/// Shows `source/field=column` of the first file of each source.
fn mapping(plan: &Plan) -> String {
    let mut shown = Vec::new();
    for source in &plan.sources {
        for mapped in &source.files[0].mapping {
            let origin = match &mapped.origin {
                Origin::Column { name, .. } => name.clone(),
                Origin::Constant(value) => format!("'{value}'"),
            };
            shown.push(format!("{}/{}={origin}", source.source.name, mapped.field));
        }
    }
    shown.join(" ")
}

#[test]
fn three_flags_are_a_whole_configuration() {
    let case = Case::new(&[("s.csv", "Serial No,Part No,Lot"), ("e.csv", "SERNR,MATNR,CHARG,ERDAT"), ("w.csv", "sn,claim_id,date")]);
    let plan = case.run(flags(&["s.csv"], &["e.csv"], &["w.csv"])).unwrap();
    assert_eq!(
        mapping(&plan),
        "supplier/item=Part No supplier/serial=Serial No supplier/lot=Lot erp/item=MATNR erp/serial=SERNR erp/lot=CHARG erp/received=ERDAT \
         warranty/serial=sn warranty/claimed=date warranty/claim=claim_id"
    );
    assert_eq!(plan.scope, [Field::Item]);
    assert_eq!(plan.scope_reason, "every unit-grain supplier and erp source has an item: a serial is unique within its item");
    let sources: Vec<_> = plan.sources.iter().map(|plan| (plan.source.role, plan.source.grain, plan.source.rank)).collect();
    assert_eq!(sources, [(Role::Supplier, Grain::Unit, 2), (Role::Erp, Grain::Unit, 1), (Role::Warranty, Grain::Event, 3)]);
    assert_eq!((plan.as_of, plan.grace_days, plan.fail_on), (TODAY, 14, Some(Severity::Error)));
    let reasons: Vec<&str> = plan.sources[1].files[0].mapping.iter().map(|mapped| mapped.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "header \"MATNR\" is a SAP name for item",
            "header \"SERNR\" is a SAP name for serial",
            "header \"CHARG\" is a SAP name for lot",
            "header \"ERDAT\" is a SAP name for received in erp sources",
        ]
    );
    assert!(plan.notes.is_empty(), "{:?}", plan.notes);
}

#[test]
fn the_example_resolves() {
    let case = Case::new(&[
        ("counterfoil.toml", EXAMPLE),
        ("inbox/acme_1.csv", "Serial No.,Batch,Part,Ship Date,PO"),
        ("inbox/acme_2.csv", "PO,PART,BATCH,SERIAL_NO,Ship Date"),
        ("exports/erp/a.parquet", "SERNR,MATNR,CHARG,STTXT"),
        ("crm/claims.csv", "case,sn,opened_at"),
    ]);
    let plan = case.run(Request::default()).unwrap();
    assert_eq!(
        mapping(&plan),
        "acme/item=Part acme/serial=Serial No. acme/lot=Batch acme/supplier='acme' acme/shipped=Ship Date erp/item=MATNR erp/serial=SERNR erp/lot=CHARG \
         erp/status=STTXT claims/serial=sn claims/country='DE' claims/claimed=opened_at claims/claim=case"
    );
    let second = &plan.sources[0].files[1];
    assert_eq!(second.carry, [0]);
    assert_eq!(second.mapping[1].reason, "column \"SERIAL_NO\" is the column \"Serial No.\" that was asked for, written another way");
    assert_eq!(plan.sources[1].files[0].filters, [3]);
    assert_eq!(plan.sources[0].open.csv.delimiter, Some(b';'));
    assert_eq!(plan.sources[2].rejected_max, 10);
    assert_eq!(plan.rules.severity, [("LOT001".to_owned(), Severity::Warning)]);
    assert_eq!(plan.out, None);
    assert_eq!(plan.notes.iter().map(|note| case.plain(note)).collect::<Vec<_>>(), ["configuration counterfoil.toml"]);
}

#[test]
fn resolved_json_is_canonical() {
    let case = Case::new(&[("e.csv", "SERNR,ERDAT")]);
    let request = |threads| Request { threads: Some(threads), out: Some(format!("run{threads}").into()), ..flags(&[], &["e.csv"], &[]) };
    let text = |threads| case.plain(&case.run(request(threads)).unwrap().resolved.to_string());
    assert_eq!(text(1), text(2), "threads and output path are no part of it");
    assert_eq!(
        text(1),
        "{\"allow_disjoint\":false,\"allow_recurring\":false,\"as_of\":\"2024-10-04\",\"fail_on\":\"error\",\"grace_days\":14,\"guards\":{\"estimate_keys\":100000,\
         \"overlap_percent_min\":1,\"recurring_percent_max\":20,\"units_min\":100},\"limits\":{\"unreadable_percent_max\":50},\"name\":\"reconciliation\",\
         \"rules\":{\"IDN001\":{\"lot_only_percent\":99},\"IDN002\":{\"digits_repeats\":3},\"LOT002\":{\"tracked_percent\":50},\
         \"LOT006\":{\"differing_percent\":50,\"units_min\":1000},\"SER003\":{\"serials_min\":1000,\"widespread_percent\":1},\
         \"ignore\":[],\"select\":[],\"severity\":{}},\"scope\":[],\"sources\":{\"erp\":{\"carry\":[],\"csv\":{\"delimiter\":null,\"encoding\":null,\
         \"header_line\":null},\"files\":[{\"columns\":{\"received\":{\"column\":\"ERDAT\"},\"serial\":{\"column\":\"SERNR\"}},\"path\":\"e.csv\"}],\
         \"grain\":\"unit\",\"rank\":1,\"rejected_max\":0,\"role\":\"erp\",\"where\":[]}},\"tiers\":[\"T0\",\"T1\",\"T3\",\"T4\"],\"version\":1}"
    );
}

#[test]
fn the_nearest_configuration_upward_is_found_unless_flags_name_sources() {
    let case = Case::new(&[
        ("counterfoil.toml", "version = 1\n[sources.own]\nrole = \"erp\"\npaths = [\"e.csv\"]\n"),
        ("e.csv", "serial"),
        ("inner/deep/e.csv", "serial"),
    ]);
    let resolve_in = |folder: &str, request: Request| {
        let request = Request { directory: case.0.path().join(folder), endings: vec!["csv"], ..request };
        resolve(&request, &CODES, &open).map(|plan| plan.sources[0].source.name.clone())
    };
    assert_eq!(resolve_in("inner/deep", Request::default()).unwrap(), "own");
    assert_eq!(resolve_in("inner/deep", flags(&[], &["e.csv"], &[])).unwrap(), "erp");
    std::fs::create_dir(case.0.path().join("inner/.git")).unwrap();
    let error = resolve_in("inner/deep", Request::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error[C007]: nothing to reconcile: no --supplier, --erp or --warranty is given
 |
 = note: looked for counterfoil.toml in this folder and those above it
 = help: run: counterfoil reconcile --supplier shipments.csv --erp units.csv --warranty claims.csv"
    );
}

#[test]
fn flags_go_before_the_configuration() {
    let text = "version = 1\nas_of = \"2020-01-02\"\ngrace_days = 3\n[sources.own]\nrole = \"erp\"\npaths = [\"gone.csv\"]\ncolumns = { serial = \"x\" }\n[rules]\nselect = [\"ORP\"]\n";
    let case = Case::new(&[("c.toml", text), ("e.csv", "x,y,item")]);
    let request = Request {
        config: Some("c.toml".into()),
        as_of: Some("2021-02-03".into()),
        map: words(&["own.lot=y"]),
        select: words(&["ser,LOT001"]),
        severity: words(&["SER001=info"]),
        scope: Some(vec![]),
        tiers: Some("T0,T1".into()),
        rejected_max: Some(7),
        ..flags(&[], &["e.csv"], &[])
    };
    let plan = case.run(request).unwrap();
    assert_eq!(mapping(&plan), "own/serial=x own/lot=y", "the path is another, the mapping is the configured one");
    assert_eq!((super::settings::iso(plan.as_of), plan.grace_days), ("2021-02-03".into(), 3));
    assert_eq!(plan.rules.select, ["SER", "LOT001"]);
    assert_eq!(plan.rules.severity, [("SER001".to_owned(), Severity::Info)]);
    assert!(plan.tiers.clean && !plan.tiers.case && !plan.tiers.separators);
    assert_eq!((plan.scope_reason.as_str(), plan.sources[0].rejected_max), ("given by --scope", 7));
}

#[test]
fn several_named_sources_of_one_role() {
    let case = Case::new(&[("a.csv", "serial"), ("b.csv", "serial"), ("year=1/c.csv", "serial")]);
    let plan = case.run(flags(&["beta=b.csv", "acme=a.csv", "year=1/*.csv"], &[], &[])).unwrap();
    let names: Vec<&str> = plan.sources.iter().map(|plan| plan.source.name.as_str()).collect();
    assert_eq!(names, ["acme", "beta", "supplier"]);
}

#[test]
fn a_source_without_serials_has_lot_grain() {
    let case = Case::new(&[("e.csv", "lot,item,qty")]);
    let plan = case.run(flags(&[], &["e.csv"], &[])).unwrap();
    assert_eq!(plan.sources[0].source.grain, Grain::Lot);
    assert_eq!(plan.notes, ["source erp: no serial is mapped, so each record is a quantity of a lot (grain lot)"]);
}

/// No other source needs to have serials: a header says enough.
#[test]
fn a_source_without_serials_whose_header_speaks_of_them_must_be_meant() {
    let case = Case::new(&[("s.csv", "Serial Text,lot,item"), ("e.csv", "Seriencode,lot,item"), ("l.csv", "lot,item,qty,Model Series")]);
    let error = case.run(flags(&["s.csv"], &["l.csv"], &[])).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    let text = error.render(false);
    for part in [
        "s.csv: no column of source supplier is recognized as a serial, and column \"Serial Text\" may be one",
        "--map supplier.serial=COLUMN",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let text = case.run(flags(&["l.csv"], &["e.csv"], &[])).unwrap_err().render(false);
    assert!(text.contains("column \"Seriencode\" may be one"), "{text}");
    let meant = Request { map: words(&["supplier.serial="]), ..flags(&["s.csv"], &["l.csv"], &[]) };
    assert_eq!(case.run(meant).unwrap().sources[0].source.grain, Grain::Lot);
    // As another field it is used.
    let used = Request { map: words(&["supplier.document=Serial Text"]), ..flags(&["s.csv"], &["l.csv"], &[]) };
    assert_eq!(case.run(used).unwrap().sources[0].source.grain, Grain::Lot);
}

#[test]
fn a_source_without_serials_beside_one_with_them_must_be_meant() {
    let case = Case::new(&[("s.csv", "Kennung,lot,item"), ("e.csv", "serial,lot,item")]);
    let error = case.run(flags(&["s.csv"], &["e.csv"], &[])).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    let text = error.render(false);
    for part in [
        "s.csv: no column of source supplier is recognized as a serial, and source erp has serials",
        "columns there are: Kennung, lot, item",
        "--map supplier.serial=COLUMN",
        "quantities of lots, say so with --map supplier.serial=",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let meant = Request { map: words(&["supplier.serial="]), ..flags(&["s.csv"], &["e.csv"], &[]) };
    assert_eq!(case.run(meant).unwrap().sources[0].source.grain, Grain::Lot);
    let mapped = Request { map: words(&["supplier.serial=Kennung"]), ..flags(&["s.csv"], &["e.csv"], &[]) };
    assert_eq!(case.run(mapped).unwrap().sources[0].source.grain, Grain::Unit);
}

#[test]
fn map_settles_a_field_with_a_format_or_leaves_it_out() {
    let case = Case::new(&[("s.csv", "SN,serial,Lot,when,qty")]);
    let request = Request {
        map: words(&["supplier.serial=SN", "supplier.shipped=when@%d.%m.%Y", "supplier.quantity="]),
        ..flags(&["s.csv"], &[], &[])
    };
    let plan = case.run(request);
    // The other serial column is no rival once the field is settled.
    let plan = plan.unwrap();
    assert_eq!(mapping(&plan), "supplier/serial=SN supplier/lot=Lot supplier/shipped=when");
    let Origin::Column { date_formats, .. } = &plan.sources[0].files[0].mapping[2].origin else { panic!("a column") };
    assert_eq!(date_formats, &["%d.%m.%Y"]);
}

#[test]
fn files_of_one_source_differ() {
    let case = Case::new(&[("a.csv", "serial,lot,ship date"), ("b.csv", "serial,lot"), ("c.csv", "serial")]);
    let plan = case.run(flags(&["a.csv", "b.csv"], &[], &[])).unwrap();
    assert_eq!(plan.sources[0].files[1].mapping[2].origin, Origin::Constant(String::new()));
    assert_eq!(case.plain(&plan.notes[0]), "source supplier: shipped is blank in 1 of 2 files, which have no column for it, such as b.csv");
    case.refused(
        flags(&["a.csv", "c.csv"], &[], &[]),
        ErrorKind::Input,
        "error[I007]: c.csv: no column is recognized as lot of source supplier, but a.csv has one
 |
 = note: there it is \"lot\"
 = help: make the files two sources, such as --supplier other=c.csv
 = help: or leave the field unmapped with --map supplier.lot=",
    );
}

#[test]
fn headers_that_do_not_say_enough_are_refused() {
    let case = Case::new(&[
        ("two.csv", "Serial No,SN,Lot"),
        ("same.csv", "lot,serial,lot"),
        ("none.csv", "colour,PRUEFLOS,tags:list"),
        ("nested.csv", "serial:list,item"),
        ("empty.csv", ""),
    ]);
    let refused = |name: &str, expected: &str| case.refused(flags(&[name], &[], &[]), ErrorKind::Input, expected);
    refused(
        "two.csv",
        "error[I004]: two.csv: 2 columns could be serial of source supplier: \"Serial No\", \"SN\"
 |
 = help: settle it with --map \"supplier.serial=Serial No\"
 = help: settle it with --map supplier.serial=SN",
    );
    refused(
        "same.csv",
        "error[I004]: same.csv: column \"lot\" stands there 2 times (columns 1, 3)
 |
 = help: rename the others in the file, so that one has this name",
    );
    refused(
        "none.csv",
        "error[I005]: none.csv: no column of source supplier is recognized as a serial or a lot
 |
 = note: columns there are: colour, PRUEFLOS, tags (list)
 = help: say which it is with --map supplier.serial=COLUMN or --map supplier.lot=COLUMN",
    );
    refused(
        "nested.csv",
        "error[I006]: nested.csv: column \"serial\" can't be mapped to serial: a list has no single value
 |
 = help: write the values as a column of plain text",
    );
    refused("empty.csv", "error[I002]: source supplier: cannot open empty.csv: the file is empty, expected a header");
}

/// Reads a command line of `--flag value` pairs.
fn request(line: &str) -> Request {
    let mut request = Request::default();
    let parts: Vec<&str> = line.split(' ').collect();
    for pair in parts.chunks(2) {
        let value = pair[1].to_owned();
        match pair[0] {
            "--config" => request.config = Some(value.into()),
            "--supplier" => request.supplier.push(value),
            "--erp" => request.erp.push(value),
            "--map" => request.map.push(value),
            "--scope" => request.scope = Some(vec![value]),
            "--as-of" => request.as_of = Some(value),
            "--grace-days" => request.grace_days = value.parse().ok(),
            "--threads" => request.threads = value.parse().ok(),
            "--memory-limit" => request.memory_limit = Some(value),
            "--spill-dir" => request.spill_dir = Some(value.into()),
            "--spill-limit" => request.spill_limit = Some(value),
            "--tiers" => request.tiers = Some(value),
            "--select" => request.select.push(value),
            "--ignore" => request.ignore.push(value),
            "--severity" => request.severity.push(value),
            "--fail-on" => request.fail_on = Some(value),
            other => panic!("no such flag: {other}"),
        }
    }
    request
}

/// Columns of the ERP file of the refusals.
const HEADER: &str = "SERNR,MATNR,CHARG,WERKS,MAP:list,DUP,DUP";
const ERP: &str = "[sources.erp]\nrole = \"erp\"\npaths = [\"erp.csv\"]\n";
const SUPPLIERS: &str =
    "[sources.a]\nrole = \"supplier\"\npaths = [\"erp.csv\"]\n[sources.b]\nrole = \"supplier\"\npaths = [\"erp.csv\"]\n";

/// Every refusal that a configuration or a flag can cause, whole: code, place, caret, notes and help are what a user sees first.
#[test]
fn refusals() {
    let expected = include_str!("refusals.txt");
    let mut actual: String = expected.lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    for case in expected.split("=== ").skip(1) {
        let (kind, rest) = case.split_once('\n').unwrap();
        let input = rest.split_once("\n--- ").unwrap().0;
        let (config, asked) = match kind {
            "top" => (format!("version = 1\n{input}"), Request::default()),
            "source" => (format!("version = 1\n{ERP}{input}"), Request::default()),
            "flags" => (format!("version = 1\n{ERP}{SUPPLIERS}"), request(input)),
            other => panic!("no such kind of case: {other}"),
        };
        let project = Case::new(&[("counterfoil.toml", &config), ("erp.csv", HEADER)]);
        let error = project.run(asked).expect_err(input);
        actual.push_str(&format!("=== {kind}\n{input}\n--- exit {}\n{}\n", error.exit_code(), project.plain(&error.to_string())));
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("src/config/refusals.txt"), &actual).unwrap();
        return;
    }
    assert_eq!(actual, expected);
}

#[test]
fn a_version_is_there_and_known() {
    let case = Case::new(&[("counterfoil.toml", "name = \"x\"\n")]);
    let lacks = "error[C006]: counterfoil.toml does not say its `version`\n |\n = help: add `version = 1` as the first line";
    case.refused(Request::default(), ErrorKind::Configuration, lacks);
    let case = Case::new(&[("counterfoil.toml", "version = 2\n")]);
    let unknown = "error[C004]: version 2 of the configuration is not known\n --> counterfoil.toml:1:11\n  |\n1 | version = 2\n  |           ^ this program reads version 1";
    case.refused(Request::default(), ErrorKind::Configuration, unknown);
}

/// A key is parsed, documented and exemplified, or none of these.
#[test]
fn every_key_is_documented_and_every_documented_key_parses() {
    let headers = ["", "[sources.s]", "[sources.s.columns.made]", "[[sources.s.where]]", "[sources.s.csv]", "[rules]", "[limits]"];
    for ((heading, keys), table) in TABLES.iter().zip(headers) {
        let documented: Vec<&str> = keys.iter().map(|key| key.plain_name()).collect();
        assert_eq!(parsed_keys(table), documented, "{heading}");
        for key in *keys {
            let version = if key.plain_name() == "version" { "" } else { "version = 1\n" };
            let text = format!("{version}{table}\n{} = {}\n", key.plain_name(), key.example);
            ConfigFile::parse("counterfoil.toml", &text).unwrap_or_else(|error| panic!("{heading}: {error}"));
            assert!(!key.meaning.concat().trim().is_empty());
        }
    }
}

/// The documented defaults are those that rules and limits have.
#[test]
fn documented_defaults_are_the_real_ones() {
    let documented = |table: usize, name: &str| {
        let key = TABLES[table].1.iter().find(|key| key.name == name).expect("the key is documented");
        key.default.trim_matches('`').to_owned()
    };
    assert_eq!(documented(0, "grace_days"), GRACE_DAYS.default_shown());
    assert_eq!(documented(6, "rejected_max"), REJECTED_MAX.default_shown());
    assert_eq!(documented(6, "unreadable_percent_max"), UNREADABLE_PERCENT_MAX.default_shown());
}

#[test]
fn parameters_and_limits_are_read() {
    let text = "version = 1\n[sources.own]\nrole = \"erp\"\npaths = [\"e.csv\"]\n[sources.strict]\nrole = \"erp\"\npaths = [\"e.csv\"]\n\
                rejected_max = 0\n[rules]\nignore = [\"ORP\"]\nLOT006.units_min = 3\n[rules.ser003]\nwidespread_percent = 0.5\n[guards]\nunits_min = 7\noverlap_percent_min = 0\n\
                [limits]\nthreads = 3\nrejected_max = 9\nunreadable_percent_max = 12.34\n";
    let case = Case::new(&[("counterfoil.toml", text), ("e.csv", "serial")]);
    let plan = case.run(Request::default()).unwrap();
    let expected =
        Thresholds { lot_pair_units_min: 3, widespread_percent: 50, guard_units_min: 7, guard_overlap_percent: 0, ..Thresholds::default() };
    assert_eq!(plan.thresholds, expected);
    assert_eq!((plan.threads, plan.unreadable_share_max), (3, 1_234));
    assert_eq!(plan.sources.iter().map(|source| source.rejected_max).collect::<Vec<_>>(), [9, 0]);
    assert_eq!(plan.resolved["rules"]["SER003"]["widespread_percent"], 0.5);
    assert_eq!(plan.resolved["rules"]["LOT006"], serde_json::json!({ "units_min": 3, "differing_percent": 50 }));
}

#[test]
fn memory_is_read_with_its_unit() {
    let bytes = |flag: Option<&str>, key: &str| {
        let text = format!("version = 1\n[sources.own]\nrole = \"erp\"\npaths = [\"e.csv\"]\n[limits]\n{key}\n");
        let request = Request { memory_limit: flag.map(str::to_owned), ..Request::default() };
        Case::new(&[("counterfoil.toml", &text), ("e.csv", "serial")]).run(request).unwrap().memory_limit
    };
    assert_eq!(bytes(Some("3GiB"), "memory = \"1MiB\""), 3 << 30, "the flag goes before the key");
    assert_eq!(bytes(None, "memory = \"500 MB\""), 500_000_000);
    let whole = bytes(None, "memory = \"100%\"");
    assert!(bytes(None, "memory = \"50%\"").abs_diff(whole / 2) <= 100, "{whole}");
    assert!(bytes(None, "").abs_diff(whole / 10 * 6) <= 100, "{whole}");
}

/// Every parameter can be set to the ends of its range, and not beyond.
#[test]
fn every_parameter_is_settable_inside_its_range() {
    let run = |table: &str, name: &str, value: &str| {
        let text = format!("version = 1\n[sources.own]\nrole = \"erp\"\npaths = [\"e.csv\"]\n[{table}]\n{name} = {value}\n");
        Case::new(&[("counterfoil.toml", &text), ("e.csv", "serial")]).run(Request::default())
    };
    let mut settable = 0;
    for (table, parameter) in guards::parameters() {
        let Home::Table(field) = parameter.home else { continue };
        settable += 1;
        for value in [parameter.least, parameter.most.min(i64::MAX as u64)] {
            let mut plan = run(&table, parameter.name, &parameter.unit.show(value)).unwrap();
            assert_eq!(*field(&mut plan.thresholds), value, "{}", parameter.key(&table));
        }
        assert_eq!(run(&table, parameter.name, "-1").unwrap_err().exit_code(), 2);
        if parameter.least > 0 {
            run(&table, parameter.name, "0").unwrap_err();
        }
        if parameter.most < i64::MAX as u64 {
            run(&table, parameter.name, &parameter.unit.show(parameter.most + 1)).unwrap_err();
        }
    }
    assert_eq!(settable, 11);
}

#[test]
fn the_reference_names_every_key_field_and_error() {
    let page = reference_markdown();
    let keys = TABLES.iter().flat_map(|(_, keys)| keys.iter().map(|key| format!("| `{}` | ", key.plain_name())));
    let fields = Field::ALL.map(|field| format!("| `{field}` | "));
    let codes = super::Code::ALL.map(|code| format!("| {} | {} | ", code.id(), code.meaning()));
    for row in keys.chain(fields).chain(codes) {
        assert!(page.contains(&row), "{row}");
    }
    for line in page.lines().filter(|line| line.starts_with('|')) {
        assert!(line.ends_with(" |") || line.ends_with("-|"), "a cell breaks the table: {line}");
    }
}
