"""Writes a small stand-in for `counterfoil synth`, to try the peers without the binary.

    python generate.py FOLDER --units 300000 [--seed 1]
"""

import argparse
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CONFIG = """version = 1
as_of = "2026-06-30"

[sources.supplier]
role = "supplier"
paths = ["supplier/*.parquet"]
[sources.supplier.columns]
supplier = "supplier"
item = "item"
serial = "serial"
lot = "lot"
document = "document"
line = "line"
shipped = "shipped"
quantity = "quantity"
country = "country"

[sources.erp]
role = "erp"
paths = ["erp/*.parquet"]
[sources.erp.columns]
item = "item"
serial = "serial"
lot = "lot"
supplier = "supplier"
received = "received"
site = "site"
status = "status"
document = "document"

[sources.warranty]
role = "warranty"
paths = ["warranty/*.parquet"]
[sources.warranty.columns]
claim = "claim"
item = "item"
serial = "serial"
lot = "lot"
claimed = "claimed"
customer = "customer"
country = "country"
failure = "failure"
claim_kind = "claim_kind"
"""
FILES = 4
ITEMS = 200


def texts(prefix: str, numbers: np.ndarray, width: int) -> np.ndarray:
    """Gives a prefix and zero-padded numbers."""
    return np.char.add(prefix, np.char.zfill(numbers.astype(f"U{width}"), width))


def noisy(serials: np.ndarray, random: np.random.Generator, share: float) -> np.ndarray:
    """Changes spelling, not identity: lower case, a separator or an outer blank."""
    kind = random.choice(4, len(serials), p=[1 - share, share / 3, share / 3, share / 3])
    changed = np.where(kind == 1, np.char.lower(serials), serials)
    changed = np.where(kind == 2, np.char.replace(changed, "N", "N-"), changed)
    return np.where(kind == 3, np.char.add(changed, " "), changed)


def write(folder: str, columns: dict[str, np.ndarray]) -> None:
    """Writes one source as several files."""
    os.makedirs(folder, exist_ok=True)
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    size = -(-table.num_rows // FILES)
    for number in range(FILES):
        pq.write_table(table.slice(number * size, size), os.path.join(folder, f"part-{number}.parquet"), compression="zstd")


def main() -> None:
    """Writes the three sources and the configuration."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--units", type=int, default=300_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random = np.random.default_rng(arguments.seed)
    count = arguments.units
    number = np.arange(count)
    item = texts("ITEM-", random.integers(0, ITEMS, count), 5)
    # One serial in 500 is another item's as well.
    serial = texts("SN", np.where(random.random(count) < 0.002, random.integers(0, count, count), number), 9)
    lot = texts("L", number // 500, 6)
    days = np.datetime64("2025-01-01") + random.integers(0, 400, count)
    supplier = texts("SUP", number % 7, 2)

    shipped = np.concatenate([random.permutation(number[random.random(count) >= 0.003]), random.integers(0, count, count // 1000)])
    stocked = np.concatenate([random.permutation(number[random.random(count) >= 0.005]), random.integers(0, count, count // 1000)])
    claimed = random.integers(0, count, int(count * 0.32))
    erp_lot = np.where(random.random(len(stocked)) < 0.004, texts("L", random.integers(0, count // 500, len(stocked)), 6), lot[stocked])
    strange = random.random(len(claimed)) < 0.005
    write(os.path.join(arguments.folder, "supplier"), {
        "supplier": supplier[shipped], "item": item[shipped], "serial": noisy(serial[shipped], random, 0.03), "lot": lot[shipped],
        "document": texts("ASN", shipped // 1000, 7), "line": (shipped % 1000).astype("U4"), "shipped": days[shipped],
        "quantity": np.ones(len(shipped), np.int64), "country": texts("C", shipped % 30, 2)})
    write(os.path.join(arguments.folder, "erp"), {
        "item": item[stocked], "serial": noisy(serial[stocked], random, 0.02), "lot": erp_lot, "supplier": supplier[stocked],
        "received": days[stocked] + 5, "site": texts("P", stocked % 12, 2), "status": np.where(stocked % 3 == 0, "stock", "sold"),
        "document": texts("GR", stocked // 800, 7)})
    write(os.path.join(arguments.folder, "warranty"), {
        "claim": texts("W", np.arange(len(claimed)), 8), "item": item[claimed],
        "serial": noisy(np.where(strange, texts("SX", claimed, 9), serial[claimed]), random, 0.05), "lot": lot[claimed],
        "claimed": days[claimed] + 100, "customer": texts("CU", claimed % 5000, 5), "country": texts("C", claimed % 30, 2),
        "failure": texts("F", claimed % 40, 2), "claim_kind": np.where(claimed % 4 == 0, "registration", "claim")})
    with open(os.path.join(arguments.folder, "counterfoil.toml"), "w", encoding="utf-8") as file:
        file.write(CONFIG)


if __name__ == "__main__":
    main()
