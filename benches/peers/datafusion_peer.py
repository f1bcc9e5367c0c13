"""The four core checks in DataFusion: the units cached in memory."""

import os

import datafusion
import inputs
import pyarrow as pa
import units
from datafusion import SessionConfig, SessionContext
from measure import measured


def key(column: str) -> str:
    """Gives the key of a serial or lot: trimmed, upper case, without separators, null where blank."""
    return f"nullif(translate(upper(trim({column})), ' -_./', ''), '')"


def checks(folder: str) -> dict[str, int]:
    """Counts the findings of the four checks."""
    context = SessionContext(SessionConfig().with_target_partitions(os.cpu_count()))
    for source in ("supplier", "erp", "warranty"):
        if inputs.is_text(folder):
            schema = pa.schema([(column, pa.string()) for column in inputs.columns(folder, source)])
            context.register_csv(f"{source}_file", f"{folder}/{source}/", schema=schema, has_header=True)
        else:
            context.register_parquet(f"{source}_file", f"{folder}/{source}/")
    records = units.records("trim(item)", key, lambda source: f"{source}_file")
    context.register_table("unit", context.sql(units.UNIT.format(records=records)).cache())
    counts = {}
    for query in (units.BY_UNIT, units.BY_SERIAL):
        (batch,) = [batch for batch in context.sql(query).collect() if batch.num_rows]
        counts |= batch.to_pylist()[0]
    return counts


if __name__ == "__main__":
    measured("datafusion", datafusion.__version__, checks)
