//! The command `counterfoil`.

fn main() {}
