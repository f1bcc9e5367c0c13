//! The command `counterfoil`.

use std::io::Write;

/// Returns freed memory to its threads fast; partitions come and go by the gigabyte.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    counterfoil::pages::keep_unused();
    let code = counterfoil::cli::main();
    // As at an ordinary end, a failure is not told; what matters was written, and its failures told, where it was printed.
    let _ = std::io::stdout().flush();
    // At an ordinary end the allocator would give page after page back to the system, which takes all of them at once anyway. Nothing else is left to do
    // at the end; a tool that writes profiles then would have to end otherwise.
    signal_hook::low_level::exit(code.into())
}
