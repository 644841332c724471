//! The one binary, `viralcast`.
fn main() {}
