# `just` lists the recipes. Everything builds in release: the engine is what is tested, and it is slow otherwise.

set shell := ["bash", "-euo", "pipefail", "-c"]

# The Python of the benches: that of the virtual environment with benches/peers/requirements.txt.
PYTHON := env("PYTHON", "python3")

[private]
default:
    @just --list

# Format, lints and the tests of what you are at: what every commit passes.
check:
    cargo fmt --check
    cargo clippy --release --workspace --all-targets -- -D warnings
    cargo test --release --workspace

# All tests; `just test tidy` runs those whose name contains a word.
test *WORDS:
    cargo test --release --workspace {{WORDS}}

# Write the generated pages and the expected findings again. Read the difference before you commit it.
docs:
    UPDATE=1 cargo test --release --test it docs::
    UPDATE=1 cargo test --release --test it cases::
    git --no-pager diff --stat -- docs tests/cases data/tiny

# The same checks in counterfoil and in other engines on the same files: `just bench 10000000`.
bench UNITS="1000000":
    cargo build --release
    test -d target/bench-{{UNITS}} || cargo run --release -- synth --units {{UNITS}} --out target/bench-{{UNITS}}
    {{PYTHON}} benches/peers/run.py target/bench-{{UNITS}} --binary "${CARGO_TARGET_DIR:-target}/release/counterfoil"

# Count the instructions of the kernels under valgrind and compare them with those recorded; `just bench-gate --record` writes them anew.
bench-gate *FLAGS:
    {{PYTHON}} benches/gate.py {{FLAGS}}

# Reconcile the demo.
demo:
    cargo run --release -- reconcile --exit-zero -c data/demo/counterfoil.toml

# Synthetic sources with planted defects and their truth: `just synth 1000000 7`.
synth UNITS="100000" SEED="1" OUT="target/synth":
    cargo run --release -- synth --units {{UNITS}} --seed {{SEED}} --out {{OUT}}

# What the continuous integration runs.
ci:
    .ci/run
