"""Counts the instructions of each kernel under valgrind and compares them with the recorded counts.

    python gate.py [--record] [--binary PATH]

Counts are the same on every run of one binary, whatever else the machine does and whichever processor it has; they differ a little between
compilers. A kernel that takes
over 5 % more than recorded ends this with exit code 1, and so does a case that is not recorded; `--record` writes the counts anew.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
RECORDED = HERE / "instructions.json"
# What a change may cost before it has to be looked at: half of the least slowdown that must be noticed.
TOLERANCE = 0.05
# glibc copies long blocks by one instruction that repeats itself where the processor is quick at that, and valgrind counts each repetition.
SAME_COPIES = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-ERMS"}


def build() -> str:
    """Builds the kernels and gives the path of the program."""
    command = ["cargo", "bench", "--bench", "kernels", "--no-run", "--message-format=json"]
    lines = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = [message["executable"] for message in map(json.loads, lines) if message.get("target", {}).get("name") == "kernels"]
    if not built or not built[-1]:
        raise SystemExit("gate: cargo built no program for the bench \"kernels\"; run cargo bench --bench kernels --no-run to see why")
    return built[-1]


def cases(program: str) -> list[str]:
    """Lists the cases."""
    listed = subprocess.run([program, "--bench", "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [line.removesuffix(": benchmark") for line in listed.splitlines() if line.endswith(": benchmark")]


def count(program: str, case: str) -> int:
    """Counts the instructions of one pass over a case, inside the function that is measured."""
    command = ["valgrind", "--tool=callgrind", "--toggle-collect=*measured_*", "--callgrind-out-file=/dev/null",
               program, "--test", "--exact", case]
    # A process that the program starts, to ask the system, has a count of its own: none.
    done = subprocess.run(command, env=os.environ | SAME_COPIES, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    counts = re.findall(r"Collected : (\d+)", done.stderr)
    counted = max(map(int, counts), default=0)
    if counted == 0:
        raise SystemExit(f"gate: nothing was counted for \"{case}\"; run by hand: {' '.join(command)}")
    return counted


def main() -> int:
    """Counts, and records or compares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="write the counts instead of comparing them")
    parser.add_argument("--binary", help="the program of the bench; without it cargo builds it")
    arguments = parser.parse_args()
    program = arguments.binary or build()
    counted = {case: count(program, case) for case in cases(program)}
    if arguments.record:
        RECORDED.write_text(json.dumps(counted, indent=1) + "\n", encoding="utf-8")
        print(f"recorded {len(counted)} counts in {RECORDED}")
        return 0
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    worse = 0
    for case in sorted(counted.keys() | recorded.keys()):
        now, then = counted.get(case), recorded.get(case)
        change = now / then - 1 if now and then else None
        is_worse = change is None or change > TOLERANCE
        worse += is_worse
        print(f"{case:44} {then or 0:14,} {now or 0:14,} {'' if change is None else f'{change:+7.1%}'}{'  <- look' if is_worse else ''}")
    if worse:
        print(f"gate: {worse} cases take over {TOLERANCE:.0%} more instructions than recorded, or are new or gone; mend them, or record why with --record",
              file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
