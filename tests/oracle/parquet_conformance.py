"""Compares what the Parquet reader makes of files with what pyarrow makes of them.

Usage: parquet_conformance.py DUMP_TABLE FOLDER [OUTCOMES]

DUMP_TABLE is the built example `dump_table`, FOLDER a checkout of the format's test files (`data`, `bad_data`), OUTCOMES the committed
table `tests/it/parquet_outcomes.txt`, whose digests are then checked too. Needs pyarrow; installs nothing. Exit 0: every supported column
reads equal, and every difference in what is refused is listed in KNOWN.
"""

import hashlib
import re
import struct
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

# Where the reader and pyarrow do not agree on what can be read, and why. `file column`, or `file` for all of it.
KNOWN = {
    "bad_data/ARROW-GH-41317.parquet": "its footer holds a list of the wrong element type; pyarrow reads on, and its columns come out with different lengths",
    "bad_data/ARROW-RS-GH-6229-DICTHEADER.parquet": "a column chunk reaches beyond the end of the file; pyarrow opens the file and refuses every column",
    "data/dict-page-offset-zero.parquet": "its footer uses a field number that the format gave to another field since; the decoder refuses, pyarrow skips it",
    "data/incorrect_map_schema.parquet": "its only column is a map without required keys: refused as nested here, as a file by pyarrow",
    "data/int96_from_spark.parquet a": "year 290000 is right here; pyarrow passes through nanoseconds and overflows",
    "data/nation.dict-malformed.parquet name": "the chunk's size leaves out the dictionary's header; pyarrow reads 100 bytes more for such old writers",
    "data/nation.dict-malformed.parquet comment_col": "as the column name",
    "data/repeated_no_annotation.parquet": "the footer states 0 records and the row groups 6; record numbers would be wrong, pyarrow does not compare",
}

# Of these, the columns whose values differ.
VALUES_DIFFER = {"data/int96_from_spark.parquet a"}


def civil(days):
    """Year, month, day of a day number, counted year by year in blocks of 400 years."""
    blocks, rest = divmod(days + 719162, 146097)
    year = 1 + 400 * blocks
    leap = lambda y: y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)
    while rest >= (366 if leap(year) else 365):
        rest -= 366 if leap(year) else 365
        year += 1
    month = 1
    for length in [31, 29 if leap(year) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]:
        if rest < length:
            break
        rest -= length
        month += 1
    return year, month, rest + 1


def date_text(days):
    year, month, day = civil(days)
    shown = f"{year:04d}" if 0 <= year <= 9999 else f"{year:+06d}"
    return f"{shown}-{month:02d}-{day:02d}"


def time_text(value, per_second):
    seconds, part = divmod(value, per_second)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if part:
        text += "." + str(part).zfill(len(str(per_second)) - 1).rstrip("0")
    return text


def decimal_text(value):
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def float_text(value, single):
    if value != value or value in (float("inf"), float("-inf")):
        return None
    if not single:
        return decimal_text(Decimal(repr(value)))
    for digits in range(1, 10):
        text = f"{value:.{digits - 1}e}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == value:
            return decimal_text(Decimal(text))
    raise AssertionError(value)


PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def is_uuid(column):
    return "UUID" in str(column.logical_type).upper()


def lines_of(chunked, column):
    """The lines that the dump must hold for a column."""
    if isinstance(chunked.type, pa.BaseExtensionType):
        chunked = pa.chunked_array([chunk.storage for chunk in chunked.chunks], type=chunked.type.storage_type)
    kind = chunked.type
    if pa.types.is_dictionary(kind):
        chunked = pa.chunked_array([chunk.dictionary_decode() for chunk in chunked.chunks], type=kind.value_type)
        kind = chunked.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        # As bytes: pyarrow does not check that text is UTF-8.
        chunked = chunked.cast(pa.large_binary())
        kind = chunked.type
    if pa.types.is_temporal(kind):
        stored = pa.int32() if kind.bit_width == 32 else pa.int64()
        chunked = pa.chunked_array([chunk.view(stored) for chunk in chunked.chunks], type=stored)
    lines = []
    for value in chunked.to_pylist():
        lines.append(line_of(value, kind, column))
    return lines


def line_of(value, kind, column):
    text = None
    if value is None or pa.types.is_null(kind):
        return "n"
    if pa.types.is_boolean(kind):
        text = "true" if value else "false"
    elif pa.types.is_integer(kind) or pa.types.is_duration(kind):
        text = str(value)
    elif pa.types.is_floating(kind):
        text = float_text(value, not pa.types.is_float64(kind))
    elif pa.types.is_decimal(kind):
        text = decimal_text(value)
    elif pa.types.is_date32(kind):
        text = date_text(value)
    elif pa.types.is_date64(kind):
        text = date_text(value // 86_400_000)
    elif pa.types.is_timestamp(kind):
        per_second = PER_SECOND[kind.unit]
        days, rest = divmod(value, 86_400 * per_second)
        text = f"{date_text(days)}T{time_text(rest, per_second)}" + ("Z" if kind.tz else "")
    elif pa.types.is_time(kind):
        text = time_text(value, PER_SECOND[kind.unit])
    elif isinstance(value, bytes) and is_uuid(column):
        digits = value.hex()
        text = "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])
    elif isinstance(value, bytes):
        # Zero bytes that fill up a fixed length are no text; any other makes a cell that is none.
        text = value.rstrip(b"\0") if pa.types.is_fixed_size_binary(kind) else value
        if b"\0" in text:
            return f"r\tnul\t{text.hex()}"
        value = text
        try:
            text = value.decode("utf-8")
        except UnicodeDecodeError:
            return f"r\tinvalid-utf8\t{value.hex()}"
    else:
        raise AssertionError(f"no rule for {kind}")
    if text is None:
        return "n"
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    return f"v\t{text}"


def dumped(program, files):
    """The output of the dump: file -> (refusal, [(name, lines or refusal or None)])."""
    output = subprocess.run([program, *map(str, files)], capture_output=True, check=True)
    if output.stderr:
        raise SystemExit(f"the dump wrote to stderr: {output.stderr[:2000]!r}")
    tables, current = {}, None
    for line in output.stdout.decode("utf-8").split("\n")[:-1]:
        fields = line.split("\t")
        if fields[0] == "file":
            current = tables.setdefault(fields[1], {"refused": None, "columns": []})
        elif fields[0] == "refused":
            if current["columns"] and current["columns"][-1]["lines"] == []:
                current["columns"][-1]["refused"] = fields[1]
            else:
                current["refused"] = fields[1]
        elif fields[0] in ("column", "unsupported"):
            current["columns"].append({"name": fields[2], "kind": fields[0], "index": int(fields[1]), "lines": [], "refused": None})
        elif fields[0] != "records":
            current["columns"][-1]["lines"].append(line)
    return tables


def expected(path):
    """pyarrow's side: refusal, or name -> lines or refusal."""
    try:
        file = pq.ParquetFile(path, coerce_int96_timestamp_unit="us", page_checksum_verification=True)
    except Exception as error:
        return str(error), {}
    columns = {}
    for index in range(len(file.schema)):
        column = file.schema.column(index)
        if column.max_repetition_level > 0 or column.path != column.name:
            continue
        try:
            columns[column.name] = lines_of(file.read(columns=[column.name]).column(0), column)
        except Exception as error:
            columns[column.name] = f"refused: {str(error).splitlines()[0][:160]}"
    return None, columns


def digest(lines):
    return hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()[:16]


def compare(shown, table, path, outcomes):
    """Yields (place, what differs) for a file, and counts what is equal."""
    refusal, columns = expected(path)
    if table["refused"] or refusal:
        if bool(table["refused"]) != bool(refusal):
            yield shown, f"reader: {table['refused'] or 'reads'} | pyarrow: {refusal or 'reads'}"
        return
    for column in table["columns"]:
        place = f"{shown} {column['name']}"
        if column["kind"] == "unsupported":
            continue
        theirs = columns.get(column["name"], "refused: not listed")
        ours = f"refused: {column['refused']}" if column["refused"] else column["lines"]
        if isinstance(ours, str) or isinstance(theirs, str):
            if isinstance(ours, str) != isinstance(theirs, str):
                name = lambda side: side if isinstance(side, str) else "reads"
                yield place, f"reader: {name(ours)} | pyarrow: {name(theirs)}"
        elif ours != theirs:
            row = next((i for i, pair in enumerate(zip(ours, theirs)) if pair[0] != pair[1]), min(len(ours), len(theirs)))
            yield place, f"VALUES DIFFER from row {row}: reader {ours[row:row + 1]} of {len(ours)}, pyarrow {theirs[row:row + 1]} of {len(theirs)}"
        else:
            compare.equal += 1
            if outcomes is not None and digest(theirs) not in outcomes.get((shown, column["index"]), ""):
                yield place, f"DIGEST {digest(theirs)} is not in the committed table: {outcomes.get((shown, column['index']))}"


compare.equal = 0


def read_outcomes(path):
    """The committed table: (file, column index) -> its line."""
    outcomes, file = {}, None
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith((" ", "#")):
            file = line.split(": ")[0]
        elif match := re.match(r"  (\d+) (.*)", line):
            outcomes[file, int(match[1])] = match[2]
    return outcomes


def main():
    program, folder = sys.argv[1], Path(sys.argv[2])
    outcomes = read_outcomes(sys.argv[3]) if len(sys.argv) > 3 else None
    files = sorted(path for pattern in ("data/**/*", "bad_data/*") for path in folder.glob(pattern) if re.search(r"\.parquet(\.encrypted)?$", path.name))
    tables = dumped(program, files)
    wrong, known = 0, set()
    for path in files:
        shown = path.relative_to(folder).as_posix()
        for place, difference in compare(shown, tables[str(path)], path, outcomes):
            reason = KNOWN.get(place) or KNOWN.get(shown)
            if reason and "DIGEST" not in difference and ("DIFFER" not in difference or place in VALUES_DIFFER):
                known.add(place if place in KNOWN else shown)
                print(f"known: {place}: {reason}")
            else:
                wrong += 1
                print(f"DIFFERENT: {place}: {difference}")
    for place in sorted(set(KNOWN) - known):
        wrong += 1
        print(f"STALE: {place} agrees now; take it out of KNOWN")
    print(f"{len(files)} files, {compare.equal} columns equal to pyarrow {pa.__version__}, {len(known)} known differences, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
