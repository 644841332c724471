//! The one binary, `viralcast`: composition root, one file per command.
//!
//! stdout is data only; logs, progress and errors go to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the terminal")]

/// As the standard one, but a reader who has seen enough (`| head`) is no panic.
macro_rules! println {
    ($($text:tt)+) => { $crate::table::say(format_args!($($text)+)) };
}

mod commands;
mod context;
mod failure;
mod kept_folds;
mod panel_file;
mod progress;
mod reasons;
mod remarks;
mod report;
mod table;
mod world;

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = commands::Arguments::parse();
    match commands::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            failure::print(&error);
            ExitCode::FAILURE
        }
    }
}
