"""Runs counterfoil and its peers alternately on the same files and prints medians and ratios.

    python run.py SYNTH_DIR --binary PATH [--repeat 5] [--peers polars,duckdb] [--out benches/runs]

counterfoil does the whole of `reconcile`: every rule and every output. The peers do the four core checks only, from Parquet,
or delimited text,
with all threads, and print counts; they must agree with each other. `polars_lists` is the script that the documentation of Polars
leads to, one query a check, and lists what it finds; the others group once for all checks, the fastest plan found, and only count.
`polars_same` lists as well, and cleans identifiers, knows placeholders and places records without an item as counterfoil does: it
finds what counterfoil finds, so its counts are its own and are compared with no other peer's. The clocks of peers leave out the
start of Python and the imports; counterfoil's cover the whole process. Memory is the peak of the process in both cases. Raw results
are written to `<out>/<date>-<machine>/peers.json`.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import inputs

HERE = pathlib.Path(__file__).resolve().parent
PEERS = ("polars", "polars_lists", "polars_same", "duckdb", "datafusion", "chdb")
# What counts something else than the simple checks.
OWN_COUNTS = ("floor", "polars_same")
# `reconcile` ends with 1 where it found something to report.
EXIT_CODES_DONE = (0, 1)
MEASURES = ("wall_seconds", "cpu_seconds", "peak_rss_bytes")


def processor() -> str:
    """Names the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def machine() -> str:
    """Names the machine for the folder of raw results: processor and cores."""
    return re.sub(r"[^a-z0-9]+", "-", f"{processor()} {os.cpu_count()} cores".lower()).strip("-")


def run_process(command: list[str], output=subprocess.PIPE) -> tuple[int, str, dict]:
    """Runs a command to its end; gives exit code, standard output and what the process took."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=output, text=True)
    text = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    took = {"wall_seconds": round(time.perf_counter() - started, 3), "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
            "peak_rss_bytes": usage.ru_maxrss * 1024}
    return process.returncode, text, took


def run_counterfoil(binary: str, folder: str) -> dict:
    """Runs one whole reconciliation into a fresh directory, which is removed again."""
    with tempfile.TemporaryDirectory(prefix="counterfoil-") as temporary:
        command = [binary, "reconcile", "-c", os.path.join(folder, "counterfoil.toml"), "-o", os.path.join(temporary, "run")]
        code, _, took = run_process(command, subprocess.DEVNULL)
        if code not in EXIT_CODES_DONE:
            raise SystemExit(f"run: {' '.join(command)}: exit code {code}, expected 0 or 1; run it by hand to see why")
    return {"peer": "counterfoil"} | took


def run_peer(name: str, folder: str) -> dict:
    """Runs one peer; its own clocks count, those of the whole process are kept beside them."""
    script = HERE / ("floor.py" if name == "floor" else f"{name}_peer.py")
    code, text, took = run_process([sys.executable, str(script), folder])
    if code != 0:
        raise SystemExit(f"run: {script.name}: exit code {code}, expected 0; run it by hand to see why")
    return json.loads(text) | {f"process_{measure}": value for measure, value in took.items()}


def run_all(arguments: argparse.Namespace) -> list[dict]:
    """Runs everything alternately: each once, then each again."""
    results = []
    for number in range(arguments.repeat):
        if arguments.binary:
            results.append(run_counterfoil(arguments.binary, arguments.folder) | {"round": number})
        for name in ("floor", *arguments.peers.split(",")):
            results.append(run_peer(name, arguments.folder) | {"round": number})
            print(json.dumps(results[-1]), file=sys.stderr)
    return results


def check_counts(results: list[dict]) -> None:
    """Stops when two peers of the simple checks found different counts: then their times mean nothing."""
    found = {json.dumps(result["counts"], sort_keys=True): result["peer"] for result in results if result.get("counts")
             and result["peer"] not in OWN_COUNTS}
    if len(found) > 1:
        lines = "\n".join(f"    {peer}: {counts}" for counts, peer in found.items())
        raise SystemExit(f"run: the peers disagree, expected equal counts:\n{lines}")


def summarize(results: list[dict]) -> dict[str, dict[str, float]]:
    """Gives the median of each measure by peer."""
    names = dict.fromkeys(result["peer"] for result in results)
    return {name: {measure: statistics.median(result[measure] for result in results if result["peer"] == name) for measure in MEASURES}
            for name in names}


def print_table(medians: dict[str, dict[str, float]]) -> None:
    """Prints medians, and how many times counterfoil's each is."""
    own = medians.get("counterfoil")
    print(f"{'':12} {'wall s':>9} {'CPU s':>9} {'peak MB':>9}" + (f" {'wall x':>8} {'CPU x':>8} {'peak x':>8}" if own else ""))
    for name, taken in medians.items():
        line = f"{name:12} {taken['wall_seconds']:9.2f} {taken['cpu_seconds']:9.2f} {taken['peak_rss_bytes'] / 1e6:9,.0f}"
        if own:
            line += "".join(f" {taken[measure] / own[measure]:8.2f}" for measure in MEASURES)
        print(line)


def main() -> None:
    """Runs, checks, prints, and writes the raw results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="a folder as `counterfoil synth` writes it; as delimited text without unreadable lines: --defects RUN001=0")
    parser.add_argument("--binary", help="the counterfoil binary; without it only the peers run")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--out", default=str(HERE.parent / "runs"))
    arguments = parser.parse_args()
    if arguments.binary and not shutil.which(arguments.binary):
        parser.error(f"--binary {arguments.binary}: not found or not executable; build it with cargo build --release")
    results = run_all(arguments)
    check_counts(results)
    medians = summarize(results)
    print_table(medians)
    folder = pathlib.Path(arguments.out) / f"{datetime.date.today().isoformat()}-{machine()}"
    folder.mkdir(parents=True, exist_ok=True)
    name = "peers-text.json" if inputs.is_text(arguments.folder) else "peers.json"
    bytes_read = sum(path.stat().st_size for path in pathlib.Path(arguments.folder).glob("*/*.*"))
    record = {"processor": processor(), "cores": os.cpu_count(), "input_bytes": bytes_read, "repeat": arguments.repeat,
              "medians": medians, "results": results}
    (folder / name).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"raw results: {folder / name}")


if __name__ == "__main__":
    main()
