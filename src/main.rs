//! The command `counterfoil`.

use std::process::ExitCode;

/// Returns freed memory to its threads fast; partitions come and go by the gigabyte.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    counterfoil::cli::main().into()
}
