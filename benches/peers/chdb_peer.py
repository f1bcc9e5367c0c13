"""The four core checks in ClickHouse, embedded: the units in a memory table."""

import json
import tempfile

import chdb
import inputs
import units
from chdb import session
from measure import measured


def key(column: str) -> str:
    """Gives the key of a serial or lot: trimmed, upper case, without separators, null where blank."""
    return f"nullIf(replaceRegexpAll(upperUTF8(trimBoth(source.{column})), '[ _./-]', ''), '')"


def checks(folder: str) -> dict[str, int]:
    """Counts the findings of the four checks."""
    with tempfile.TemporaryDirectory() as store:
        clickhouse = session.Session(store)
        # As the others do: blanks of a cell belong to it.
        clickhouse.query("set input_format_csv_trim_whitespaces = 0")

        def file(source: str) -> str:
            if not inputs.is_text(folder):
                return f"file('{inputs.pattern(folder, source)}', Parquet) as source"
            structure = ", ".join(f"{column} Nullable(String)" for column in inputs.columns(folder, source))
            return f"file('{inputs.pattern(folder, source)}', CSVWithNames, '{structure}') as source"

        records = units.records("trimBoth(source.item)", key, file)
        clickhouse.query(f"create table unit engine = Memory as {units.UNIT.format(records=records)}")
        counts = {}
        for query in (units.BY_UNIT, units.BY_SERIAL):
            counts |= json.loads(str(clickhouse.query(query, "JSONEachRow")))
        clickhouse.close()
    return counts


if __name__ == "__main__":
    measured("clickhouse", chdb.__version__, checks)
