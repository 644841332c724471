//! Output into a pipe whose reader goes away.

use std::process::{Command, Stdio};

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_viralcast"));
    // More than a pipe holds.
    let mut child = program.arg("openapi").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
    drop(child.stdout.take());
    let done = child.wait_with_output().expect("an end");
    assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(0), ""));
}
