"""Loads the files of a run into DuckDB: one row per record, every mapped field as cleaned text."""

import csv
import hashlib
import io

import cleaning
import duckdb
import pyarrow as pa
from configuration import DATES, FIELDS, IDENTIFIERS, Run, Source

NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


def quoted(name: str) -> str:
    """Quotes a column name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quotes a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def digest(path: str) -> str:
    """Gives the digest of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rendered(column: str, type_name: str) -> str:
    """Renders a column as text: dates as ISO days, numbers without exponent."""
    name = quoted(column)
    if type_name == "DATE" or type_name.startswith("TIMESTAMP"):
        return f"cast(cast({name} as date) as varchar)"
    if type_name in ("DOUBLE", "FLOAT"):
        return f"case when {name} = trunc({name}) then cast(cast({name} as hugeint) as varchar) else cast({name} as varchar) end"
    if type_name == "BLOB":
        return f"decode({name})"
    return f"cast({name} as varchar)"


def field_expression(source: Source, field: str, types: dict[str, str]) -> str:
    """Gives the SQL of one field: cleaned text, null where blank or unmapped."""
    if field in source.constants:
        return f"nullif(clean_text({literal(source.constants[field])}), '')"
    if field not in source.columns:
        return "cast(null as varchar)"
    column = source.columns[field]
    if column.name not in types:
        raise SystemExit(f"oracle: source {source.name!r}: column {column.name!r} not found (have: {', '.join(types)})")
    text = f"nullif(clean_text({rendered(column.name, types[column.name])}), '')"
    if field == "quantity" and types[column.name] in ("DOUBLE", "FLOAT"):
        return f"cast(try_cast({quoted(column.name)} as decimal(24, 6)) as varchar)"
    if field in DATES and column.formats and types[column.name] == "VARCHAR":
        days = ", ".join(f"try_strptime({text}, {literal(form)})" for form in column.formats)
        return f"coalesce(cast(cast(coalesce({days}) as date) as varchar), {text})"
    return text


def open_text(path: str, encoding: str | None) -> io.StringIO:
    """Opens a delimited text file, compressed or not."""
    with pa.input_stream(path, compression="detect") as file:
        data = file.read()
    if encoding is None:
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    # A byte that is no text becomes a lone surrogate, so that only its record is rejected.
    return io.StringIO(data.decode(encoding, "surrogateescape").removeprefix("\ufeff"), newline="")


def is_readable(row: list[str], width: int) -> bool:
    """Tells whether a record has the header's width and holds text alone."""
    return len(row) == width and not any(character == "\0" or "\ud800" <= character <= "\udfff"
                                         for value in row if not value.isascii() or "\0" in value for character in value)


def read_records(text: io.StringIO, delimiter: str):
    """Gives the records of delimited text; `None` for one whose quotes can't be read. A record ends where its quotes are even."""
    record = ""
    for line in text:
        record += line
        if record.count('"') % 2 == 0:
            try:
                row = next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter, strict=True), [])
            except csv.Error:
                row = None
            record = ""
            if row != []:
                yield row
    if record:
        yield None


def read_csv(path: str, source: Source) -> tuple[pa.Table, int]:
    """Reads a delimited text file; gives its records, numbered, and how many can't be read."""
    with open_text(path, source.encoding) as text:
        first = text.readline()
        text.seek(0)
        rows = read_records(text, source.delimiter or max(",;\t|", key=first.count))
        header = [name.strip() for name in next(rows)]
        numbers, records, rejected = [], [], 0
        for number, row in enumerate(rows, start=1):
            if row is None or not is_readable(row, len(header)):
                rejected += 1
                continue
            numbers.append(number)
            records.append(row)
    columns = list(zip(*records)) or [[] for _ in header]
    arrays = [pa.array(values, pa.string()) for values in columns]
    return pa.table([*arrays, pa.array(numbers, pa.int64())], names=[*header, "file_row_number"]), rejected


def connect(threads: int) -> duckdb.DuckDBPyConnection:
    """Opens a database in memory with the three text functions of the semantics."""
    database = duckdb.connect(config={"threads": threads})
    database.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
    for name, function in (("clean_text", cleaning.clean_array), ("upper_text", cleaning.upper_array), ("name_text", cleaning.name_array)):
        database.create_function(name, function, ["VARCHAR"], "VARCHAR", type="arrow")
    database.execute("create table placeholder (value varchar)")
    database.executemany("insert into placeholder values (?)", [[value] for value in cleaning.PLACEHOLDERS])
    return database


def describe_run(database: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Writes the tables `run` and `source`, and the empty `loaded` and `file`."""
    parameters = ", ".join(f"?::decimal(18, 2) as {name}" for name in run.parameters)
    database.execute("create table run as select ?::date as as_of, ?::integer as grace_days, ?::boolean as scope_is_global, "
                     f"?::boolean as scope_has_item, {parameters}",
                     [run.as_of, run.grace_days, not run.scope, "item" in run.scope, *run.parameters.values()])
    maps = ", ".join(f"maps_{field} boolean" for field in FIELDS)
    database.execute(f"create table source (source_number integer, name varchar, role varchar, grain varchar, rank integer, {maps})")
    for number, source in enumerate(run.sources):
        values = [number, source.name, source.role, source.grain, source.rank, *(source.maps(field) for field in FIELDS)]
        database.execute(f"insert into source values ({', '.join('?' * len(values))})", values)
    database.execute("create table file (file_number integer, source_number integer, path varchar, digest varchar, kept boolean, "
                     "records bigint, rejected bigint)")
    database.execute("create table numeric_column (source_number integer, file_number integer, field varchar)")
    columns = ", ".join(f"{field} varchar" for field in FIELDS)
    database.execute(f"create table loaded (record_number bigint, source_number integer, file_number integer, record bigint, {columns})")


def load_file(database: duckdb.DuckDBPyConnection, source: Source, path: str, place: tuple[int, int, int]) -> tuple[int, int]:
    """Loads one file behind the records before it; gives the numbers of records and of rejected ones."""
    source_number, file_number, before = place
    rejected = 0
    if path.endswith(".parquet"):
        relation = f"read_parquet({literal(path)}, file_row_number = true)"
        first = 1
    else:
        table, rejected = read_csv(path, source)
        database.register("delimited", table)
        relation, first = "delimited", 0
    described = database.execute(f"describe select * from {relation}").fetchall()
    types = {name: type_name for name, type_name, *_ in described if name != "file_row_number"}
    for field in IDENTIFIERS:
        if field in source.columns:
            type_name = types.get(source.columns[field].name, "")
            if type_name in (*NUMBERS, "DOUBLE", "FLOAT") or type_name.startswith("DECIMAL"):
                database.execute("insert into numeric_column values (?, ?, ?)", [source_number, file_number, field])
    fields = ", ".join(field_expression(source, field, types) for field in FIELDS)
    record = f"file_row_number + {first}"
    loaded = database.execute(f"insert into loaded select {before} + {record}, {source_number}, {file_number}, {record}, {fields} "
                              f"from {relation}").fetchone()[0]
    if not path.endswith(".parquet"):
        database.unregister("delimited")
    return loaded + rejected, rejected


def count_records(path: str, source: Source) -> int:
    """Counts the records of a file that is not loaded."""
    if path.endswith(".parquet"):
        import pyarrow.parquet

        return pyarrow.parquet.read_metadata(path).num_rows
    table, rejected = read_csv(path, source)
    return table.num_rows + rejected


def load(database: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Loads every file of every source; of files with equal bytes in one source only the least path."""
    describe_run(database, run)
    before = 0
    file_number = 0
    for source_number, source in enumerate(run.sources):
        seen = set()
        for path in source.files:
            content = digest(path)
            kept = content not in seen
            seen.add(content)
            if kept:
                records, rejected = load_file(database, source, path, (source_number, file_number, before))
                before += records + 1
            else:
                records, rejected = count_records(path, source), 0
            database.execute("insert into file values (?, ?, ?, ?, ?, ?, ?)",
                             [file_number, source_number, path, content, kept, records, rejected])
            file_number += 1
