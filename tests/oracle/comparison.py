"""Compares the oracle's findings, cited records and ledger with those of a run directory, as multisets."""

import os

import duckdb
from loading import literal

# What the oracle does not compute: rejected records have no counterpart in SQL. Of findings it does not compute the ids, which are digests
# of the program's own, nor the sentences: an explanation is compared by the code and serial of the finding that explains. Of the ledger it
# does not compute the digests, nor the quantity of repeated files, which it does not load.
NOT_JUDGED = ("RUN001",)
COMPARED_QUANTITY = "if(cast(disposition as varchar) = 'out_of_scope', null, cast(quantity as decimal(38, 6)))"
SHOWN_MAX = 10


def compare_tables(database: duckdb.DuckDBPyConnection, what: str, ours: str, theirs: str, group: str) -> list[str]:
    """Compares two queries of equal columns as multisets; gives a line per difference, the first of each group and side."""
    lines = []
    for side, left, right in (("only the oracle has", ours, theirs), ("only the run has", theirs, ours)):
        database.execute(f"create or replace temp table difference as (({left}) except all ({right}))")
        groups = database.execute(f"select {group}, count(*) from difference group by all order by all").fetchall()
        for name, count in groups:
            lines.append(f"{what} {name}: {side} {count:,}")
            rows = database.execute(f"from difference where {group} is not distinct from ? order by all limit {SHOWN_MAX}", [name])
            lines.extend(f"    {row}" for row in rows.fetchall())
    return lines


def finding_query(table: str, explained_by: str, join: str = "") -> str:
    """Gives the compared columns of findings; null and empty text are the same."""
    texts = ", ".join(f"coalesce(cast(finding.{column} as varchar), '') as {column}"
                      for column in ("code", "subtype", "severity", "item", "serial", "lot", "supplier", "site"))
    skipped = ", ".join(map(literal, NOT_JUDGED))
    return (f"select {texts}, coalesce({explained_by}, '') as explained_by, array_to_string(list_sort(finding.sources), ',') as sources, "
            f"cast(finding.record_count as bigint) as record_count from {table} as finding {join} where finding.code not in ({skipped})")


def file_names(database: duckdb.DuckDBPyConnection, paths: list[str], folder: str) -> None:
    """Writes `run_file`: which file of the oracle each path of the run's outputs is."""
    own = {os.path.realpath(path): path for (path,) in database.execute("select distinct path from file").fetchall()}
    by_name = {}
    for path in own.values():
        by_name.setdefault(os.path.basename(path), []).append(path)
    database.execute("create or replace table run_file (named varchar, path varchar)")
    for named in paths:
        found = next((own[real] for base in (folder, os.getcwd()) if (real := os.path.realpath(os.path.join(base, named))) in own), None)
        rivals = by_name.get(os.path.basename(named), [])
        found = found or next((path for path in rivals if path.endswith(os.path.normpath(named))), None)
        found = found or (rivals[0] if len(rivals) == 1 else named)
        database.execute("insert into run_file values (?, ?)", [named, found])


def compare_run(database: duckdb.DuckDBPyConnection, run_dir: str, folder: str) -> list[str]:
    """Compares with a run directory; gives the differences, one line each."""
    tables = {name: f"read_parquet({literal(os.path.join(run_dir, name + '.parquet'))})" for name in ("findings", "evidence", "ledger")}
    cause = f"left join {tables['findings']} as cause on cause.finding_id = finding.explained_by"
    lines = compare_tables(database, "finding", finding_query("finding", "finding.explained_by"),
                           finding_query(tables["findings"], "cast(cause.code as varchar) || ' ' || cause.serial", cause), "code")
    paths = database.execute(f"select distinct cast(file as varchar) from {tables['ledger']} union "
                             f"select distinct cast(file as varchar) from {tables['evidence']}").fetchall()
    file_names(database, [path for (path,) in paths], folder)
    lines += compare_tables(
        database, "cited record of",
        "select citation.code, coalesce(subtype, '') as subtype, coalesce(citation.item, '') as item, coalesce(citation.serial, '') "
        "as serial, coalesce(citation.lot, '') as lot, source.name as source, file.path as file, record.record from citation "
        "join record using (record_number) join source on source.source_number = record.source_number "
        "join file on file.file_number = record.file_number",
        "select cast(finding.code as varchar) as code, coalesce(cast(finding.subtype as varchar), '') as subtype, "
        "coalesce(finding.item, '') as item, coalesce(finding.serial, '') as serial, coalesce(finding.lot, '') as lot, "
        "cast(evidence.source as varchar) as source, "
        "run_file.path as file, cast(evidence.record as bigint) as record "
        f"from {tables['evidence']} as evidence join {tables['findings']} as finding using (finding_id) "
        "join run_file on run_file.named = cast(evidence.file as varchar) where evidence.cited", "code")
    lines += compare_tables(
        database, "ledger of",
        f"select source, file, disposition, cast(records as bigint) as records, sum({COMPARED_QUANTITY}) as quantity from ledger group by all",
        "select cast(source as varchar) as source, run_file.path as file, "
        "cast(disposition as varchar) as disposition, "
        f"cast(sum(records) as bigint) as records, sum({COMPARED_QUANTITY}) as quantity "
        f"from {tables['ledger']} as ledger join run_file on run_file.named = cast(ledger.file as varchar) "
        "where records > 0 group by all", "source")
    return lines
