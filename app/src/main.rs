//! spyhop
fn main() {}
