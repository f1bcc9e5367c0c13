"""Runs one peer's checks in this process and prints one JSON line: what was found, and what it took.

The clocks start after the imports, so that a peer is not charged for Python.
"""

import argparse
import json
import resource
import time

# What every peer counts. A key is blank when nothing is left of it; records with a blank serial take no part.
CHECKS = ("duplicates_supplier", "duplicates_erp", "lot_mismatches", "shipped_not_in_erp", "claims_for_unknown_units",
          "serials_on_several_items")


def cpu_seconds() -> float:
    """Gives the processor time of this process, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measured(peer: str, version: str, checks) -> None:
    """Runs `checks` on the folder of the command line and prints the result."""
    parser = argparse.ArgumentParser(description=f"the four core checks in {peer}")
    parser.add_argument("folder", help="a folder with supplier/*.parquet, erp/*.parquet and warranty/*.parquet")
    folder = parser.parse_args().folder
    wall, cpu = time.perf_counter(), cpu_seconds()
    counts = checks(folder)
    result = {
        "peer": peer, "version": version,
        "counts": {check: int(counts[check]) for check in CHECKS} if counts.keys() == set(CHECKS) else counts,
        "wall_seconds": round(time.perf_counter() - wall, 3),
        "cpu_seconds": round(cpu_seconds() - cpu, 3),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(result))
