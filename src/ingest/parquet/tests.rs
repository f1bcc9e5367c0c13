//! Tests of the Parquet reader on files made here.

use std::sync::{Arc, Mutex};

use arrow::array::*;
use arrow::datatypes::{Field, Int32Type, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::*;
use crate::ingest::Cells;
use crate::ingest::value::TextColumn;
use crate::ingest::{Morsel, RejectedRecord};

/// A file in a folder that goes away with it.
struct Sample {
    folder: tempfile::TempDir,
}

impl Sample {
    fn bytes(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("sample.parquet"), bytes).unwrap();
        Self { folder }
    }

    fn write(columns: Vec<(&str, ArrayRef)>, properties: WriterProperties) -> Self {
        Self::bytes(&encoded(columns, properties))
    }

    fn open(&self) -> Result<Box<dyn TableFile>> {
        (FORMAT.open)(&self.folder.path().join("sample.parquet"), &OpenOptions::default())
    }

    /// The error of opening or reading, without the folder.
    fn error(&self) -> Option<String> {
        let read = self.open().and_then(|table| read_all(table.as_ref(), Wanted::All).map(|_| ()));
        read.err().map(|error| format!("{error:#}").replace(&format!("{}/", self.folder.path().display()), ""))
    }
}

fn encoded(columns: Vec<(&str, ArrayRef)>, properties: WriterProperties) -> Vec<u8> {
    let fields: Vec<Field> = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// A row: its record number and its texts.
type Row = (u64, Vec<Option<String>>);

/// The rows and the rejected records, in order; morsels must join without gap when all is read.
fn read_all(table: &dyn TableFile, wanted: Wanted<'_>) -> Result<(Vec<Row>, Vec<RejectedRecord>)> {
    let columns: Vec<usize> = (0..table.columns().len()).collect();
    let morsels = Mutex::new(Vec::new());
    let progress = Progress::default();
    table.scan(&columns, wanted, &progress, &|morsel| {
        morsels.lock().unwrap().push(morsel);
        Ok(())
    })?;
    let mut morsels: Vec<Morsel> = morsels.into_inner().unwrap();
    morsels.sort_by_key(|morsel| morsel.first_record);
    let (mut rows, mut rejected, mut next) = (Vec::new(), Vec::new(), 0);
    for morsel in morsels {
        if matches!(wanted, Wanted::All) {
            assert_eq!(morsel.first_record, next);
            assert_eq!(morsel.row_count + morsel.rejected.len(), morsel.record_count as usize);
            next += morsel.record_count;
        }
        let texts: Vec<TextColumn> = morsel.columns.iter().map(|column| TextColumn::new(column).unwrap()).collect();
        assert!(texts.iter().all(|text| text.len() == morsel.row_count));
        for row in 0..morsel.row_count {
            let offset = morsel.record_offsets.as_ref().map_or(row as u64, |offsets| u64::from(offsets[row]));
            let cells = texts.iter().map(|text| text.get(row).map(str::to_string)).collect();
            rows.push((morsel.first_record + offset, cells));
        }
        rejected.extend(morsel.rejected);
    }
    if matches!(wanted, Wanted::All) {
        assert_eq!(table.record_count(), Some(next));
    }
    Ok((rows, rejected))
}

fn serials(count: usize) -> ArrayRef {
    Arc::new((0..count).map(|row| (row % 7 != 3).then(|| format!("SN-{row:012}"))).collect::<StringArray>())
}

fn lots(count: usize) -> ArrayRef {
    Arc::new((0..count).map(|row| Some(format!("LOT{}", row / 1_000 % 50))).collect::<StringArray>())
}

/// Properties under which serials are plain and lots have a dictionary.
fn properties(row_group: usize) -> WriterProperties {
    let builder = WriterProperties::builder().set_max_row_group_row_count(Some(row_group)).set_compression(Compression::SNAPPY);
    builder.set_column_dictionary_enabled("serial".into(), false).build()
}

#[test]
fn row_groups_and_pieces_join_without_gap_on_any_number_of_threads() {
    let count = PIECE_RECORDS_MAX * 2 + 12_345;
    let sample = Sample::write(vec![("serial", serials(count)), ("lot", lots(count))], properties(count - 1_000));
    for threads in [1, 2, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (rows, rejected) = pool.install(|| read_all(sample.open().unwrap().as_ref(), Wanted::All)).unwrap();
        assert!(rejected.is_empty());
        assert_eq!(rows.len(), count);
        for (row, (record, cells)) in rows.iter().enumerate() {
            let serial = (row % 7 != 3).then(|| format!("SN-{row:012}"));
            assert_eq!((*record, cells), (row as u64, &vec![serial, Some(format!("LOT{}", row / 1_000 % 50))]));
        }
    }
}

#[test]
fn dictionaries_are_kept_only_where_every_page_uses_them() {
    let count = 40_000;
    let falling_back = WriterProperties::builder().set_column_dictionary_page_size_limit("serial".into(), 10_000).build();
    let sample = Sample::write(vec![("serial", serials(count)), ("lot", lots(count))], falling_back);
    let table = sample.open().unwrap();
    let dictionaries = Mutex::new(Vec::new());
    table
        .scan(&[0, 1], Wanted::All, &Progress::default(), &|morsel| {
            let [Cells::Packed(_), Cells::Keys { texts: values, .. }] = morsel.columns.as_slice() else { panic!("{:?}", morsel.columns) };
            assert_eq!(values.len(), 40);
            dictionaries.lock().unwrap().push(values.to_data());
            Ok(())
        })
        .unwrap();
    // Every piece has the same one, not an equal one.
    let dictionaries = dictionaries.into_inner().unwrap();
    assert_eq!(dictionaries.len(), count.div_ceil(PIECE_RECORDS_MAX));
    assert!(dictionaries.iter().all(|other| other.ptr_eq(&dictionaries[0])));
}

#[test]
fn wanted_records_are_read_and_no_others() {
    let count = PIECE_RECORDS_MAX + 50_000;
    let sample = Sample::write(vec![("serial", serials(count)), ("lot", lots(count))], properties(PIECE_RECORDS_MAX - 17));
    let table = sample.open().unwrap();
    let sparse: Vec<u32> = (0..count as u32).filter(|record| record % 9_973 == 0 || (70_000..70_020).contains(record)).collect();
    let last = vec![count as u32 - 1];
    let every: Vec<u32> = (0..count as u32).collect();
    for wanted in [&sparse, &last, &every] {
        let (rows, _) = read_all(table.as_ref(), Wanted::Records(wanted)).unwrap();
        assert_eq!(rows.iter().map(|(record, _)| *record as u32).collect::<Vec<_>>(), *wanted);
        for (record, cells) in rows {
            assert_eq!(cells[0], (record % 7 != 3).then(|| format!("SN-{record:012}")));
        }
    }
    assert!(read_all(table.as_ref(), Wanted::Records(&[])).unwrap().0.is_empty());
}

#[test]
fn text_that_is_no_utf8_rejects_its_record_with_the_raw_bytes() {
    let cells: Vec<&[u8]> = vec![b"A1", b"caf\xe9", b"", b"B\xff2", "\u{e9}".as_bytes()];
    let binary: ArrayRef = Arc::new(BinaryArray::from(cells.clone()));
    let fixed: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter([b"xx", b"yy", b"\xffz", b"zz", b"ww"].into_iter()).unwrap());
    for has_dictionary in [false, true] {
        let written = WriterProperties::builder().set_dictionary_enabled(has_dictionary).build();
        let sample = Sample::write(vec![("serial", binary.clone()), ("site", fixed.clone())], written);
        let table = sample.open().unwrap();
        let (rows, rejected) = read_all(table.as_ref(), Wanted::All).unwrap();
        assert_eq!(rows, [(0, vec![Some("A1".into()), Some("xx".into())]), (4, vec![Some("\u{e9}".into()), Some("ww".into())])]);
        let found: Vec<_> = rejected.iter().map(|record| (record.record, record.reason, record.raw.as_slice())).collect();
        assert_eq!(found, [(1, "invalid-utf8", &b"caf\xe9"[..]), (2, "invalid-utf8", b"\xffz"), (3, "invalid-utf8", b"B\xff2")]);
        assert_eq!(rejected[0].detail, "column \"serial\" is no UTF-8 from its byte 3 on, expected text in UTF-8");
        let (rows, rejected) = read_all(table.as_ref(), Wanted::Records(&[1, 4])).unwrap();
        assert_eq!(rows[0], (1, vec![Some("caf\\xE9".into()), Some("yy".into())]));
        assert!(rejected.is_empty());
    }
}

#[test]
fn text_that_is_no_utf8_in_a_later_piece_changes_nothing_before_it() {
    let count = 3 * PIECE_RECORDS_MAX;
    let bad = (2 * PIECE_RECORDS_MAX + 5) as u32;
    let cell = |row: u32| if row == bad { b"B\xff2".to_vec() } else { format!("SN-{row:012}").into_bytes() };
    let binary: ArrayRef = Arc::new((0..count as u32).map(|row| Some(cell(row))).collect::<BinaryArray>());
    let lot = lots(count);
    let sample = Sample::write(vec![("serial", binary), ("lot", lot)], properties(count));
    let table = sample.open().unwrap();
    let (rows, rejected) = read_all(table.as_ref(), Wanted::All).unwrap();
    assert_eq!(rejected.iter().map(|record| record.record).collect::<Vec<_>>(), [u64::from(bad)]);
    assert_eq!(rows.len(), count - 1);
    // All but every 100th: more than two pieces of wanted rows, read by the decoder of flat columns up to the bad cell.
    let wanted: Vec<u32> = (0..count as u32).filter(|row| row % 100 != 99).collect();
    let (rows, rejected) = read_all(table.as_ref(), Wanted::Records(&wanted)).unwrap();
    assert!(rejected.is_empty());
    assert_eq!(rows.len(), wanted.len());
    for ((record, cells), &row) in rows.iter().zip(&wanted) {
        let serial = if row == bad { "B\\xFF2".to_string() } else { format!("SN-{row:012}") };
        assert_eq!((*record, cells), (u64::from(row), &vec![Some(serial), Some(format!("LOT{}", row / 1_000 % 50))]));
    }
}

#[test]
fn cut_files_are_refused_wherever_they_are_cut() {
    let whole = encoded(vec![("serial", serials(500)), ("lot", lots(500))], properties(200));
    let explained = ["the file is damaged or was cut short", "the file is empty", "not a Parquet file"];
    for length in (0..whole.len()).step_by(7).chain(whole.len() - 16..whole.len()) {
        let error = Sample::bytes(&whole[..length]).error().unwrap_or_else(|| panic!("cut at {length}: read"));
        assert!(error.starts_with("sample.parquet: "), "{error}");
        assert!(explained.iter().any(|text| error.contains(text)), "cut at {length}: {error}");
    }
}

#[test]
fn damaged_bytes_never_panic() {
    let whole = encoded(vec![("serial", serials(300)), ("lot", lots(300))], properties(200));
    let mut refused = 0;
    for position in 4..whole.len() {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x5a;
        refused += usize::from(Sample::bytes(&bytes).error().is_some());
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn files_that_are_no_parquet_are_told_apart() {
    let error = |bytes: &[u8]| Sample::bytes(bytes).error().unwrap();
    assert_eq!(error(b""), "sample.parquet: the file is empty, expected Parquet; write it again");
    assert_eq!(
        error(b"PAR1"),
        "sample.parquet: 4 bytes are too few for a Parquet file (at least 12); the file is damaged or was cut short: copy or write it again"
    );
    assert_eq!(
        error(b"serial,lot,item\n1,2,3\n"),
        "sample.parquet: not a Parquet file: starts with \"seri\", expected \"PAR1\"; if it is text, name it .csv"
    );
    assert_eq!(
        error(b"PAR1 and then nothing of use"),
        "sample.parquet: starts as a Parquet file and does not end as one; the file is damaged or was cut short: copy or write it again"
    );
    assert_eq!(error(b"PARE 0123456789 PARE"), "sample.parquet: the footer is encrypted; decrypt the file first");
}

#[test]
fn no_row_group_is_no_record() {
    let sample = Sample::write(vec![("serial", serials(0))], properties(10));
    let table = sample.open().unwrap();
    assert_eq!(table.record_count(), Some(0));
    assert_eq!(table.description(), "parquet, 0 row groups");
    assert!(read_all(table.as_ref(), Wanted::All).unwrap().0.is_empty());
}

#[test]
fn columns_say_what_they_hold() {
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]));
    let decimal: ArrayRef = Arc::new(Decimal128Array::from(vec![1]).with_precision_and_scale(9, 2).unwrap());
    let columns: Vec<(&str, ArrayRef)> = vec![
        (" serial", Arc::new(Int64Array::from(vec![7]))),
        ("lots", list),
        ("price", decimal),
        ("made", Arc::new(Date32Array::from(vec![1]))),
        ("note", Arc::new(StringArray::from(vec!["x"]))),
        ("small", Arc::new(UInt16Array::from(vec![1]))),
    ];
    let sample = Sample::write(columns, properties(10));
    let table = sample.open().unwrap();
    let found: Vec<_> = table.columns().iter().map(|info| (info.name.as_str(), info.type_name.as_str(), info.is_number)).collect();
    let expected = [
        ("serial", "INT64", true),
        ("lots", "LIST", false),
        ("price", "INT32 (DECIMAL(9,2))", true),
        ("made", "INT32 (DATE)", false),
        ("note", "BYTE_ARRAY (STRING)", false),
        ("small", "INT32 (UINT(16))", true),
    ];
    assert_eq!(found, expected);
    let error = table.scan(&[1], Wanted::All, &Progress::default(), &|_| Ok(())).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "column \"lots\" (LIST) can't be used: a LIST column holds several values per record; write the values as columns of their own"
        ),
        "{error}"
    );
}

#[test]
fn errors_of_the_sink_and_cancelling_end_the_scan() {
    let sample = Sample::write(vec![("serial", serials(5_000))], properties(100));
    let table = sample.open().unwrap();
    let error = table.scan(&[0], Wanted::All, &Progress::default(), &|_| bail!("sink is full")).unwrap_err();
    assert_eq!(error.to_string(), "sink is full");
    let progress = Progress::default();
    progress.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(table.scan(&[0], Wanted::All, &progress, &|_| Ok(())).unwrap_err().to_string().ends_with("reading was cancelled"));
}
