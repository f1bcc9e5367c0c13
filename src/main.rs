//! The command `counterfoil`.

use std::io::Write;

/// Returns freed memory to its threads fast; partitions come and go by the gigabyte.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let code = counterfoil::cli::main();
    // What could not be written was said where it was printed; what is left here is nothing but a closed pipe.
    let _ = std::io::stdout().flush();
    // At an ordinary end the allocator would give page after page back to the system, which takes all of them at once anyway.
    signal_hook::low_level::exit(code.into())
}
