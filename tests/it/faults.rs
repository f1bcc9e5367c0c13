//! What bad input gets: the exit code, the whole message, and nothing left that looks like a run.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, ListBuilder, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::UInt64Type;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::{ParquetMetaDataReader, ParquetMetaDataWriter};
use parquet::file::properties::WriterProperties;

use super::truth::{batches, call, texts};

const SUPPLIER: &str = "item,serial,lot,supplier,document,shipped\nA1,S0001,L1,ACME,D1,2024-01-01\nA1,S0002,L1,ACME,D1,2024-01-01\n";
const ERP: &str = "item,serial,lot,received\nA1,S0001,L1,2024-01-03\nA1,S0002,L1,2024-01-03\n";

/// The sources of most cases.
const BOTH: &str = "--supplier s.csv --erp e.csv";

/// A folder with a good supplier file and a good ERP file, in which the program runs.
struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        scene.with("s.csv", SUPPLIER).with("e.csv", ERP)
    }

    /// Adds a file.
    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), content).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &str) -> Command {
        self.command_behind(&[], arguments)
    }

    /// The same, with words before the program that take rights from it.
    fn command_behind(&self, prefix: &[&str], arguments: &str) -> Command {
        let words = [prefix, &[env!("CARGO_BIN_EXE_counterfoil")]].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command.current_dir(self.folder.path()).args(["reconcile", "--as-of", "2024-06-30"]).args(arguments.split_whitespace());
        command
    }

    /// Runs quietly; gives the exit code, standard output and standard error.
    fn run(&self, arguments: &str) -> (i32, String, String) {
        self.run_behind(&[], arguments)
    }

    fn run_behind(&self, prefix: &[&str], arguments: &str) -> (i32, String, String) {
        let output = self.command_behind(prefix, arguments).arg("-q").output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    /// Checks that a run is refused with this message, and that the folder is as before.
    #[track_caller]
    fn refused(&self, arguments: &str, exit_code: i32, message: &str) {
        self.refused_behind(&[], arguments, exit_code, message);
    }

    #[track_caller]
    fn refused_behind(&self, prefix: &[&str], arguments: &str, exit_code: i32, message: &str) {
        let before = self.names();
        let (code, stdout, stderr) = self.run_behind(prefix, &format!("{arguments} -o out"));
        assert_eq!(stderr, format!("{message}\n"), "{arguments}");
        assert_eq!((code, stdout.as_str()), (exit_code, ""), "{arguments}");
        assert_eq!(self.names(), before, "{arguments}: something was left");
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// Numbers records of one column layout, one line each.
fn numbered(header: &str, count: usize, line: impl Fn(usize) -> String) -> String {
    std::iter::once(header.to_owned()).chain((0..count).map(line)).map(|line| line + "\n").collect()
}

#[test]
fn files_that_are_missing_or_hold_nothing() {
    let scene = Scene::new().with("head.csv", "item,serial,lot\n").with("zero.csv", "").with("zero.parquet", "");
    fs::create_dir(scene.path("empty")).unwrap();
    fs::create_dir(scene.path("folder.csv")).unwrap();
    std::os::unix::fs::symlink("nowhere.csv", scene.path("link.csv")).unwrap();
    let cause = |path: &str, text: &str, rest: &str| {
        let marks = "^".repeat(path.len());
        format!("error[I001]: source erp: {text}\n --> command line:1:7\n  |\n1 | --erp {path}\n  |       {marks}\n  |\n  = note: {rest}")
    };
    let no_file = "looked for a file or folder of this name";
    let endings = "looked for files ending in .parquet, .pq, .parq, .csv, .tsv, .txt, .tab, .psv, .dat, also with .gz or .zst behind";
    scene.refused("--supplier s.csv --erp missing.csv", 3, &cause("missing.csv", "missing.csv does not exist", no_file));
    let nowhere = format!("{no_file}\n  = note: it is a link to nowhere.csv, which does not exist");
    scene.refused("--supplier s.csv --erp link.csv", 3, &cause("link.csv", "link.csv does not exist", &nowhere));
    for folder in ["empty", "folder.csv"] {
        let text = format!("the folder {folder} holds no file that can be read");
        scene.refused(&format!("--supplier s.csv --erp {folder}"), 3, &cause(folder, &text, endings));
    }
    let no_records =
        "counterfoil: source erp: no records in head.csv; expected at least one: write the file again, or leave the source out";
    scene.refused("--supplier s.csv --erp head.csv", 3, no_records);
    let empty = "error[I002]: source erp: cannot open zero.csv: the file is empty; expected a header line";
    scene.refused("--supplier s.csv --erp zero.csv", 3, empty);
    let empty = "error[I002]: source erp: cannot open zero.parquet: the file is empty, expected Parquet; write it again";
    scene.refused("--supplier s.csv --erp zero.parquet", 3, empty);
}

/// Tells whether a program behind such a prefix reads what permissions forbid, as root does; a prefix that can't run counts as such.
fn reads_everything(folder: &Path, prefix: &[&str]) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let (open, locked) = (folder.join("open"), folder.join("locked"));
    let reads = |path: &Path| {
        let words: Vec<&OsStr> = prefix.iter().map(OsStr::new).chain([OsStr::new("cat"), path.as_os_str()]).collect();
        Command::new(words[0]).args(&words[1..]).output().is_ok_and(|output| output.status.success())
    };
    fs::write(&open, "x").unwrap();
    fs::write(&locked, "x").unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let everything = !reads(&open) || reads(&locked);
    fs::remove_file(&open).unwrap();
    fs::remove_file(&locked).unwrap();
    everything
}

#[test]
fn files_and_folders_that_permissions_close() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new().with("closed.csv", ERP).with("closed.parquet", "PAR1");
    // What root may, a child without two of its rights may not.
    let mut prefix: &[&str] = &[];
    if reads_everything(scene.folder.path(), prefix) {
        prefix = &["setpriv", "--bounding-set", "-dac_override,-dac_read_search"];
    }
    if reads_everything(scene.folder.path(), prefix) {
        println!("skipped: files_and_folders_that_permissions_close: this user reads every file, so none is closed to it");
        return;
    }
    fs::create_dir(scene.path("closed")).unwrap();
    for name in ["closed.csv", "closed.parquet", "closed"] {
        fs::set_permissions(scene.path(name), fs::Permissions::from_mode(0o000)).unwrap();
    }
    for name in ["closed.csv", "closed.parquet"] {
        let message = format!(
            "error[I002]: source erp: cannot open {name}: Permission denied (os error 13)\n |\n = help: let the user that runs counterfoil read the file"
        );
        scene.refused_behind(prefix, &format!("--supplier s.csv --erp {name}"), 3, &message);
    }
    let message =
        "error[I002]: cannot read closed: Permission denied (os error 13)\n --> command line:1:7\n  |\n1 | --erp closed\n  |       ^^^^^^";
    scene.refused_behind(prefix, "--supplier s.csv --erp closed", 3, message);
    fs::set_permissions(scene.path("closed"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn columns_that_are_not_found_or_ambiguous() {
    let scene = Scene::new().with("two.csv", "item,serial,serial_number,lot\nA,1,1,2\n").with("none.csv", "foo,bar\n1,2\n");
    scene.refused(
        "--supplier s.csv --erp e.csv --map erp.serial=serail",
        3,
        "error[I003]: e.csv: column \"serail\" of source erp not found
 --> command line:1:7
  |
1 | --map erp.serial=serail
  |       ^^^^^^^^^^^^^^^^^
  |
  = note: columns there are: item, serial, lot, received
  = help: did you mean \"serial\"? map it with --map erp.serial=serial",
    );
    scene.refused(
        "--supplier s.csv --erp two.csv",
        3,
        "error[I004]: two.csv: 2 columns could be serial of source erp: \"serial\", \"serial_number\"
 |
 = help: settle it with --map erp.serial=serial
 = help: settle it with --map erp.serial=serial_number",
    );
    scene.refused(
        "--supplier s.csv --erp none.csv",
        3,
        "error[I005]: none.csv: no column of source erp is recognized as a serial or a lot
 |
 = note: columns there are: foo, bar
 = help: say which it is with --map erp.serial=COLUMN or --map erp.lot=COLUMN",
    );
}

#[test]
fn parquet_that_is_cut_short_corrupt_or_something_else() {
    let scene = Scene::new().with("magic.parquet", "this is no table");
    let data = scene.path("data");
    call(&["synth", "--seed", "1", "--units", "3000", "--format", "parquet", "--out", data.to_str().unwrap()]);
    let mut bytes = fs::read(data.join("erp/erp-00.parquet")).unwrap();
    let scene = scene.with("short.parquet", &bytes[..5_000]);
    bytes[60..400].fill(0xff);
    let scene = scene.with("corrupt.parquet", &bytes);
    let damaged = "the file is damaged or was cut short: copy or write it again";
    scene.refused(
        "--supplier s.csv --erp magic.parquet",
        3,
        "error[I002]: source erp: cannot open magic.parquet: not a Parquet file: starts with \"this\", expected \"PAR1\"; if it is text, name it .csv",
    );
    scene.refused(
        "--supplier s.csv --erp short.parquet",
        3,
        &format!("error[I002]: source erp: cannot open short.parquet: starts as a Parquet file and does not end as one; {damaged}"),
    );
    scene.refused(
        "--supplier s.csv --erp corrupt.parquet",
        3,
        &format!("counterfoil: source erp: corrupt.parquet: row group 0, column \"item\": Data corruption detected; {damaged}"),
    );
}

/// Writes a good file of two row groups whose footer says that the second one's column `serial` is compressed with LZO.
///
/// LZO has a number in the format, and no reader here has it.
fn with_lzo() -> Vec<u8> {
    let values =
        |prefix: &str| -> ArrayRef { Arc::new(StringArray::from_iter_values((1..=4).map(|number| format!("{prefix}{number:04}")))) };
    let batch = RecordBatch::try_from_iter([("item", values("A")), ("serial", values("S")), ("lot", values("L"))]).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(2)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&bytes::Bytes::from(bytes.clone())).unwrap();
    let footer_bytes = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap()) as usize;
    bytes.truncate(bytes.len() - 8 - footer_bytes);
    let mut builder = metadata.into_builder();
    let mut groups = builder.take_row_groups();
    let mut group = groups.pop().unwrap().into_builder();
    let mut columns = group.take_columns();
    columns[1] = columns[1].clone().into_builder().set_compression(Compression::LZO).build().unwrap();
    groups.push(group.set_column_metadata(columns).build().unwrap());
    let metadata = builder.set_row_groups(groups).build();
    ParquetMetaDataWriter::new(&mut bytes, &metadata).finish().unwrap();
    bytes
}

#[test]
fn parquet_with_a_codec_that_no_reader_has() {
    let lzo = with_lzo();
    // The same with a number that the format does not know: codec is the field after the path, an integer before another.
    let mut unknown = lzo.clone();
    let place = unknown.windows(9).rposition(|bytes| bytes == b"serial\x15\x06\x16").expect("the footer names the column and LZO");
    unknown[place + 7] = 2 * 20;
    let scene = Scene::new().with("lzo.parquet", &lzo).with("unknown.parquet", &unknown);
    scene.refused(
        "--supplier s.csv --erp lzo.parquet",
        3,
        "counterfoil: source erp: lzo.parquet: row group 1, column \"serial\": not supported: The codec type LZO is not supported yet; \
         write the file again with another codec or encoding, such as zstd and the writer's defaults",
    );
    scene.refused(
        "--supplier s.csv --erp unknown.parquet",
        3,
        "error[I002]: source erp: cannot open unknown.parquet: the footer can't be read: Unexpected CompressionCodec 20; \
         the file is damaged or was cut short: copy or write it again",
    );
    // A column that is not mapped is not decoded: its codec does no harm.
    let (code, _, stderr) =
        scene.run("--supplier s.csv --erp lzo.parquet --map erp.serial=lot --map erp.lot= --allow-disjoint --exit-zero -o out");
    assert_eq!((code, stderr.as_str()), (0, ""));
}

#[test]
fn a_list_is_no_serial() {
    let scene = Scene::new();
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.values().append_value("S0001");
    lists.append(true);
    let item = Arc::new(StringArray::from(vec!["A1"]));
    let batch =
        RecordBatch::try_from_iter([("item", item.clone() as _), ("serial", Arc::new(lists.finish()) as _), ("lot", item as _)]).unwrap();
    let mut writer = ArrowWriter::try_new(fs::File::create(scene.path("list.parquet")).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    scene.refused(
        "--supplier s.csv --erp list.parquet",
        3,
        "error[I006]: list.parquet: column \"serial\" can't be mapped to serial: a LIST column holds several values per record; write the values as columns of their own
 |
 = help: write the values as a column of plain text",
    );
}

/// Over the tolerance the run stops with the first line; within it the record is kept as it was.
#[test]
fn records_that_can_not_be_read() {
    let long = format!("A1,{},L1\n", "x".repeat(2_000_000));
    let cases: [(&[u8], &str, &str); 6] = [
        (b"A1,S0002\n", "ragged", "found 2 fields, expected 3 as in the header"),
        (
            b"A1,\"S0002\"x,L1\n",
            "bad-quote",
            "text after the closing quote of field 2, at byte 11 of the record; expected a delimiter or the line end: double the quotes inside a field",
        ),
        (
            b"A1,\"S0002,L1\n",
            "unclosed-quote",
            "the quote that opens field 2 is not closed before the end of the file; read on from line 4",
        ),
        (
            b"A1,S\xff0002,L1\n",
            "invalid-utf8",
            "byte 0xFF at byte 5 of the record is not valid UTF-8; if the file has another encoding, declare it in the configuration: csv = { encoding = \"latin-1\" }",
        ),
        (b"A1,S\x000002,L1\n", "nul", "NUL character at byte 5 of the record; text has none: is the file binary or damaged?"),
        (long.as_bytes(), "too-long", "field 2 has 2000000 bytes, the most is 1048576"),
    ];
    for (line, reason, detail) in cases {
        let scene = Scene::new().with("bad.csv", [b"item,serial,lot\nA1,S0001,L1\n", line].concat());
        scene.refused(
            "--supplier s.csv --erp bad.csv",
            3,
            &format!(
                "counterfoil: bad.csv: record 2 at line 3 (byte 28) can't be read: {reason}: {detail}; records rejected: 1 of source erp, allowed: 0; mend the file, or allow them with --rejected-max 1"
            ),
        );
        let (code, _, stderr) = scene.run("--supplier s.csv --erp bad.csv --rejected-max 1 -o out");
        assert_eq!((code, stderr.as_str()), (1, ""), "{reason}");
        let [batch] = &batches(&scene.path("out/rejected.parquet"))[..] else { panic!("{reason}: one batch") };
        let number = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<UInt64Type>().value(0);
        let text = |name: &str| texts(batch, name)[0].clone();
        assert_eq!([number("record"), number("line"), number("byte_offset"), batch.num_rows() as u64], [2, 3, 28, 1], "{reason}");
        assert_eq!([text("source"), text("file"), text("reason"), text("detail")], ["erp", "bad.csv", reason, detail]);
        let raw = batch.column_by_name("raw").unwrap().as_binary::<i32>().value(0);
        let line = line.strip_suffix(b"\n").unwrap();
        assert_eq!(raw.strip_suffix(b"\n").unwrap_or(raw), &line[..line.len().min(64 * 1024)], "{reason}");
        assert_eq!(ledger_count(&scene, "erp", "rejected"), 1, "{reason}");
        assert_eq!(findings(&scene, "RUN001"), 1, "{reason}");
    }
}

/// Adds up the records of a disposition.
fn ledger_count(scene: &Scene, source: &str, disposition: &str) -> u64 {
    let mut sum = 0;
    for batch in batches(&scene.path("out/ledger.parquet")) {
        let (sources, dispositions) = (texts(&batch, "source"), texts(&batch, "disposition"));
        let records = batch.column_by_name("records").unwrap().as_primitive::<UInt64Type>();
        sum += (0..batch.num_rows())
            .filter(|&row| sources[row] == source && dispositions[row] == disposition)
            .map(|row| records.value(row))
            .sum::<u64>();
    }
    sum
}

fn findings(scene: &Scene, code: &str) -> usize {
    batches(&scene.path("out/findings.parquet"))
        .iter()
        .map(|batch| texts(batch, "code").iter().filter(|other| *other == code).count())
        .sum()
}

#[test]
fn configurations_with_unknown_keys_or_wrong_types() {
    let scene = Scene::new().with("key.toml", "version = 1\nscop = []\n").with("type.toml", "version = 1\ngrace_days = \"two\"\n");
    scene.refused(
        &format!("{BOTH} -c key.toml"),
        2,
        "error[C002]: unknown key `scop`
 --> key.toml:2:1
  |
2 | scop = []
  | ^^^^
  |
  = note: keys here are: version, name, as_of, grace_days, scope, tiers, fail_on, out, sources, rules, guards, limits
  = help: did you mean `scope`?",
    );
    scene.refused(
        &format!("{BOTH} -c type.toml"),
        2,
        "error[C001]: invalid type: string \"two\", expected a whole number
 --> type.toml:2:14
  |
2 | grace_days = \"two\"
  |              ^^^^^",
    );
    let (code, _, stderr) = scene.run(&format!("{BOTH} --select LOT9 -o out"));
    let unknown = "error[C005]: unknown rule or family of rules `LOT9`\n --> command line:1:10\n  |\n1 | --select LOT9\n  |          ^^^^\n  |\n  = note: rules are: IDN001, ";
    assert!(code == 2 && stderr.starts_with(unknown), "{code}: {stderr}");
    assert!(!scene.path("out").exists());
}

#[test]
fn places_that_can_not_be_written() {
    let scene = Scene::new().with("file", "x");
    let (code, _, stderr) = scene.run(&format!("{BOTH} -o file/out"));
    let message = "counterfoil: file: the folder can't be made; name another place with --out: File exists (os error 17)\n";
    assert_eq!((code, stderr.as_str()), (3, message));
    fs::create_dir(scene.path("out")).unwrap();
    scene.refused(BOTH, 3, "counterfoil: out: exists already; name another folder with --out, or remove it");
    assert_eq!(fs::read_dir(scene.path("out")).unwrap().count(), 0);
}

#[test]
fn each_manifest_holds_the_digest_of_the_one_before() {
    let scene = Scene::new();
    let mut before = serde_json::Value::Null;
    // Names in an order that is not that of time, and the folder that is the current one.
    for out in ["b", "c", "a", "d"] {
        let (code, _, stderr) = scene.run(&format!("{BOTH} -o {out}"));
        assert_eq!((code, stderr.as_str()), (0, ""));
        let manifest: serde_json::Value = serde_json::from_slice(&fs::read(scene.path(out).join("manifest.json")).unwrap()).unwrap();
        assert_eq!(manifest["execution"]["previous_manifest_sha256"], before, "{out}");
        let digests = fs::read_to_string(scene.path(out).join("manifest.sha256")).unwrap();
        before = digests.split(' ').next().unwrap().into();
    }
}

#[test]
fn runs_into_one_folder_at_once_give_one_whole_run() {
    let scene = Scene::new();
    let children: Vec<_> = (0..4).map(|_| scene.command(&format!("{BOTH} -q -o out")).stderr(Stdio::piped()).spawn().unwrap()).collect();
    let mut published = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            published += 1;
        } else {
            assert_eq!(output.status.code(), Some(3), "{stderr}");
            assert!(
                stderr.starts_with("counterfoil: out: exists already; ") || stderr.starts_with("counterfoil: out: has appeared "),
                "{stderr}"
            );
        }
    }
    assert_eq!(published, 1);
    let check = Command::new("sha256sum").args(["--check", "--quiet", "manifest.sha256"]).current_dir(scene.path("out")).status().unwrap();
    assert!(check.success());
    assert_eq!(scene.names().iter().filter(|name| name.contains("partial")).count(), 0);
}

/// A small file system, gone when dropped.
struct Mount(PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        Command::new("umount").arg(&self.0).status().unwrap();
    }
}

#[test]
fn a_full_disk() {
    let own = regex::Regex::new(r"-out-\d+-\d+/").unwrap();
    for (size, file) in [("4k", "ledger.parquet"), ("16k", "summary.json")] {
        let scene = Scene::new();
        let place = scene.path("small");
        fs::create_dir(&place).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(&place).output();
        if !mount.is_ok_and(|output| output.status.success()) {
            println!("skipped: a file system can't be mounted here, so no disk was full");
            return;
        }
        let mount = Mount(place);
        let (code, _, stderr) = scene.run(&format!("{BOTH} -o small/out"));
        let message =
            format!("counterfoil: small/.partial-out-PROCESS-TIME/{file}: can't be written: No space left on device (os error 28)\n");
        assert_eq!((code, own.replace(&stderr, "-out-PROCESS-TIME/").into_owned()), (4, message), "{size}");
        assert_eq!(fs::read_dir(&mount.0).unwrap().count(), 0, "{size}");
    }
}

#[test]
fn sources_that_share_almost_nothing_or_have_the_wrong_grain() {
    let unit = |item: &'static str, prefix: &'static str| move |number: usize| format!("{item},{prefix}{number:05},L1");
    let header = "item,serial,lot";
    let twice = |number: usize| format!("A1,S{:05},L{}", number % 200, number / 200);
    let slashes = |number: usize| format!("A1,S{number:05},L1,3/{}/24", number % 28 + 1);
    let scene = Scene::new()
        .with("own.csv", numbered(header, 200, unit("A1", "S")))
        .with("other-serial.csv", numbered(header, 200, unit("A1", "T")))
        .with("other-item.csv", numbered(header, 200, unit("B1", "S")))
        .with("log.csv", numbered(header, 260, twice))
        .with("dates.csv", numbered("item,serial,lot,received", 200, slashes));
    for (file, share) in [("other-serial.csv", "0.0"), ("other-item.csv", "100.0")] {
        let message = format!(
            "counterfoil: 2 sources share almost no unit with the other roles (under 1 % of the smaller side): the key is probably wrong
source supplier: 0 of its 200 units are among the 200 of the other roles
  with scope = [] about {share} % of its serials would match
  no other column of own.csv would match as serial
source erp: 0 of its 200 units are among the 200 of the other roles
  with scope = [] about {share} % of its serials would match
  no other column of {file} would match as serial
remedies: map another column as serial or item, set scope = [] if serials are unique across items, or say --allow-disjoint if the sources really share nothing"
        );
        scene.refused(&format!("--supplier own.csv --erp {file}"), 3, &message);
    }
    scene.refused(
        "--supplier own.csv --erp log.csv",
        3,
        "counterfoil: source erp has grain unit, and 60 of its 200 units recur, more than 20 %: it looks like a log of movements or several snapshots
remedies: set grain = \"event\" for a log, keep one snapshot with paths or where, or say --allow-recurring if the units really recur",
    );
    scene.refused(
        "--supplier own.csv --erp dates.csv",
        3,
        "counterfoil: dates.csv: 200 of 200 values of received are not a date, first \"3/1/24\" in record 1; state the format, such as --map erp.received=\"received@%d.%m.%Y\" for 31.12.2025",
    );
}

/// The mistake is in the second source, and its second file has other columns: the estimate looks at every source that shares nothing.
#[test]
fn what_would_match_is_looked_for_in_every_source() {
    let scene = Scene::new()
        .with("own.csv", numbered("item,serial,lot", 200, |number| format!("A1,S{number:05},L1")))
        .with("a.csv", numbered("item,serial,label no,lot", 100, |number| format!("A1,X{number:05},s-{number:05},L1")))
        .with("b.csv", numbered("item,serial,lot", 100, |number| format!("A1,Y{number:05},L1")))
        .with("loose.toml", "version = 1\n[guards]\noverlap_percent_min = 0\n")
        .with("large.toml", "version = 1\n[guards]\nunits_min = 201\n")
        .with("half.toml", "version = 1\n[guards]\noverlap_percent_min = 0.5\nestimate_keys = 1000\n");
    let message = |least: &str| {
        format!(
            "counterfoil: 2 sources share almost no unit with the other roles (under {least} % of the smaller side): the key is probably wrong
source supplier: 0 of its 200 units are among the 200 of the other roles
  with scope = [] about 0.0 % of its serials would match
  no other column of own.csv would match as serial
source erp: 0 of its 200 units are among the 200 of the other roles
  with scope = [] about 0.0 % of its serials would match
  with serial = \"label no\" about 100.0 % of the values in a.csv, the first of 2 files would match: --map \"erp.serial=label no\"
remedies: map another column as serial or item, set scope = [] if serials are unique across items, or say --allow-disjoint if the sources really share nothing"
        )
    };
    scene.refused("--supplier own.csv --erp a.csv b.csv", 3, &message("1"));
    scene.refused("--supplier own.csv --erp a.csv b.csv -c half.toml", 3, &message("0.5"));
    for configuration in ["loose.toml", "large.toml"] {
        let (code, _, stderr) =
            scene.run(&format!("--supplier own.csv --erp a.csv b.csv -c {configuration} --exit-zero -o {configuration}.run"));
        assert_eq!((code, stderr.as_str()), (0, ""), "{configuration}");
    }
}

/// The records that the estimate reads again are those that could be read.
#[test]
fn what_would_match_is_found_beside_a_rejected_record() {
    let labels = numbered("item,serial,label,lot", 200, |number| match number {
        7 => "A1,X00007,S00007,L1,one too many".to_owned(),
        _ => format!("A1,X{number:05},S{number:05},L1"),
    });
    let scene =
        Scene::new().with("own.csv", numbered("item,serial,lot", 200, |number| format!("A1,S{number:05},L1"))).with("a.csv", labels);
    let (code, _, stderr) = scene.run("--supplier own.csv --erp a.csv --rejected-max 1 -o out");
    assert_eq!(code, 3, "{stderr}");
    let line = "  with serial = \"label\" about 100.0 % of the values in a.csv would match: --map \"erp.serial=label\"\n";
    assert!(stderr.contains(line), "{stderr}");
}

/// An item number that is a serial as well is no sign that the item is the serial.
#[test]
fn one_value_that_would_match_is_chance() {
    let scene = Scene::new()
        .with("own.csv", numbered("item,serial,lot", 200, |number| format!("100,{},L1", 100 + number)))
        .with("a.csv", numbered("item,serial,lot", 200, |number| format!("100,X{number:05},L1")));
    let (code, _, stderr) = scene.run("--supplier own.csv --erp a.csv -o out");
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("  no other column of a.csv would match as serial\n"), "{stderr}");
}

#[test]
fn what_synth_can_not_make_is_a_usage_error() {
    let scene = Scene::new();
    for arguments in ["-n 0", "--as-of 2026-13-40", "--defects LOT01=0.1", "--files-per-source 0"] {
        let out = Command::new(env!("CARGO_BIN_EXE_counterfoil"))
            .args(["synth", "-o"])
            .arg(scene.path("made"))
            .args(arguments.split(' '))
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(2), "{arguments}: {}", String::from_utf8_lossy(&out.stderr));
    }
}

#[test]
fn runs_of_one_second_have_folders_of_their_own() {
    let scene = Scene::new();
    for _ in 0..4 {
        let (code, _, stderr) = scene.run(BOTH);
        assert_eq!(code, 0, "{stderr}");
    }
    assert_eq!(fs::read_dir(scene.path("runs")).unwrap().count(), 4);
}

#[test]
fn a_run_that_compares_nothing_says_so() {
    let scene = Scene::new();
    for (index, (arguments, why)) in [
        ("--supplier s.csv", "only supplier sources were given"),
        ("--supplier s.csv --erp e.csv --select RUN", "no rule that compares sources was evaluated"),
    ]
    .into_iter()
    .enumerate()
    {
        let output = scene.command(&format!("{arguments} -o {index}")).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        let end = format!(" nothing was reconciled: {why}\nNOT RECONCILED: no finding at or above error\n");
        assert!(stderr.ends_with(&end), "{stderr}");
    }
}

#[test]
fn files_without_records_repeat_nothing() {
    let empty = SUPPLIER.lines().next().unwrap();
    let scene = Scene::new().with("empty.csv", empty).with("nothing.csv", empty).with("t.csv", SUPPLIER);
    let (code, _, stderr) = scene.run("--supplier s.csv empty.csv nothing.csv --erp e.csv -o out");
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(findings(&scene, "RUN003"), 0);
    fs::remove_dir_all(scene.path("out")).unwrap();
    let (code, _, stderr) = scene.run("--supplier s.csv empty.csv nothing.csv t.csv --erp e.csv -o out");
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(findings(&scene, "RUN003"), 1);
}

#[test]
fn the_same_file_twice_counts_once() {
    let scene = Scene::new().with("copy.csv", SUPPLIER);
    let (code, _, stderr) = scene.run("--supplier s.csv copy.csv --erp e.csv -o out");
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(findings(&scene, "RUN003"), 1);
    let counts = ["matched", "unmatched", "out_of_scope"].map(|disposition| ledger_count(&scene, "supplier", disposition));
    assert_eq!(counts, [2, 0, 2]);
    fs::remove_dir_all(scene.path("out")).unwrap();
    let output = scene.command("--supplier s.csv s.csv --erp e.csv -o out").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && stderr.contains("\nnote: source supplier: s.csv was given more than once; it is read once\n"),
        "{stderr}"
    );
    assert_eq!(findings(&scene, "RUN003"), 0);
    assert_eq!(ledger_count(&scene, "supplier", "matched"), 2);
}

#[test]
fn a_closed_pipe_is_no_error_and_a_full_one_is() {
    let scene = Scene::new();
    let mut child =
        scene.command(&format!("{BOTH} -q -o out --format json")).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Closed before the program can have written.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    assert!(scene.path("out/manifest.json").is_file());
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = scene.command(&format!("{BOTH} -q -o other --format json")).stdout(full).output().unwrap();
    let message = "counterfoil: the run is complete in other, but its summary was not printed: standard output can't be written: \
                   No space left on device (os error 28)\n";
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(4), message));
    // The run itself is whole: every file has the digest that the manifest's list names.
    let check = Command::new("sha256sum").args(["--check", "--quiet", "manifest.sha256"]).current_dir(scene.path("other")).status();
    assert!(check.unwrap().success());
}

#[test]
fn an_interrupt_leaves_nothing() {
    // So many records that reading them outlasts the way of the signal by far.
    let scene = Scene::new().with("many.csv", numbered("item,serial,lot", 3_000_000, |number| format!("A1,S{number:07},L1")));
    let before = scene.names();
    let arguments = "--supplier many.csv --erp e.csv -o out --threads 1 --progress plain";
    let mut child = scene.command(arguments).stderr(Stdio::piped()).spawn().unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("1/4 read") {
        line.clear();
        assert!(talk.read_line(&mut line).unwrap() > 0, "the run ended before it read");
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    talk.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.ends_with("counterfoil: stopped by a signal; nothing was written\n"), "{rest}");
    assert_eq!(scene.names(), before, "something was left");
}
