//! `sqlx::migrate!` reads the folder at compile time; a new migration must make cargo compile this crate again.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
