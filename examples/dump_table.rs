//! Writes what a reader makes of a file, as text: the other side of `tests/oracle/parquet_conformance.py`.
//!
//! One line per supported column: `column`, index, name, Parquet type, whether it is a number; then per row a line `v` and the text, or `n`
//! for null; unsupported columns as `unsupported`. Rejected records as `r`, their reason and raw bytes in hexadecimal. A refusal as `refused`.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use counterfoil::ingest::value::TextColumn;
use counterfoil::ingest::{OpenOptions, Progress, TableFile, Wanted, parquet};

fn main() -> Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for path in std::env::args().skip(1) {
        writeln!(out, "file\t{path}")?;
        if let Err(error) = dump(Path::new(&path), &mut out) {
            writeln!(out, "refused\t{}", format!("{error:#}").replace(['\n', '\t'], " "))?;
        }
    }
    Ok(out.flush()?)
}

fn dump(path: &Path, out: &mut impl Write) -> Result<()> {
    let table = (parquet::FORMAT.open)(path, &OpenOptions::default())?;
    writeln!(out, "records\t{}", table.record_count().unwrap_or_default())?;
    for (index, info) in table.columns().iter().enumerate() {
        match &info.unsupported {
            Some(reason) => writeln!(out, "unsupported\t{index}\t{}\t{}\t{reason}", info.name, info.type_name)?,
            None => {
                writeln!(out, "column\t{index}\t{}\t{}\t{}", info.name, info.type_name, info.is_number)?;
                match column(table.as_ref(), index) {
                    Ok(lines) => lines.iter().try_for_each(|(_, line)| writeln!(out, "{line}"))?,
                    Err(error) => writeln!(out, "refused\t{}", format!("{error:#}").replace(['\n', '\t'], " "))?,
                }
            }
        }
    }
    Ok(())
}

/// Reads one column by itself, so that one that can't be read hides no other.
fn column(table: &dyn TableFile, index: usize) -> Result<Vec<(u64, String)>> {
    let lines = std::sync::Mutex::new(Vec::new());
    table.scan(&[index], Wanted::All, &Progress::default(), &|morsel| {
        let text = TextColumn::new(&morsel.columns[0])?;
        let mut lines = lines.lock().expect("no thread panics while it holds the lines");
        for (row, value) in text.iter().enumerate() {
            let offset = morsel.record_offsets.as_ref().map_or(row as u64, |offsets| u64::from(offsets[row]));
            let line = value.map_or("n".to_string(), |value| format!("v\t{}", escaped(value)));
            lines.push((morsel.first_record + offset, line));
        }
        for rejected in &morsel.rejected {
            let raw: String = rejected.raw.iter().map(|byte| format!("{byte:02x}")).collect();
            lines.push((rejected.record, format!("r\t{}\t{raw}", rejected.reason)));
        }
        Ok(())
    })?;
    let mut lines = lines.into_inner().expect("no thread panics while it holds the lines");
    lines.sort();
    Ok(lines)
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}
