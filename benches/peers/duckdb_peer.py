"""The four core checks in DuckDB: the units as a temporary table, insertion order not preserved."""

import os

import duckdb
import inputs
import units
from measure import measured


def key(column: str) -> str:
    """Gives the key of a serial or lot: trimmed, upper case, without separators, null where blank."""
    # Without the character, `trim` takes no-break spaces as well, which the others keep.
    return f"nullif(translate(upper(trim({column}, ' ')), ' -_./', ''), '')"


def checks(folder: str) -> dict[str, int]:
    """Counts the findings of the four checks."""
    database = duckdb.connect(config={"threads": os.cpu_count(), "preserve_insertion_order": False})
    reader = "read_csv('{}', header = true, all_varchar = true)" if inputs.is_text(folder) else "read_parquet('{}')"
    records = units.records("trim(item, ' ')", key, lambda source: reader.format(inputs.pattern(folder, source)))
    database.execute(f"create temp table unit as {units.UNIT.format(records=records)}")
    counts = {}
    for query in (units.BY_UNIT, units.BY_SERIAL):
        result = database.execute(query)
        counts |= zip([column[0] for column in result.description], result.fetchone())
    return counts


if __name__ == "__main__":
    measured("duckdb", duckdb.__version__, checks)
