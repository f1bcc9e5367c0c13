"""Where the records of a source stand: Parquet, or delimited text whose values are all read as text."""

import csv
import glob


def is_text(folder: str) -> bool:
    """Tells whether a data set is delimited text."""
    return bool(glob.glob(f"{folder}/supplier/*.csv"))


def pattern(folder: str, source: str) -> str:
    """Gives the pattern of a source's files."""
    return f"{folder}/{source}/*.{'csv' if is_text(folder) else 'parquet'}"


def columns(folder: str, source: str) -> list[str]:
    """Gives the header of a source that is delimited text."""
    with open(sorted(glob.glob(pattern(folder, source)))[0], encoding="utf-8", newline="") as file:
        return next(csv.reader(file))
