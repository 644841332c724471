//! `--help` of the program and of every command.

use crate::desk::{Desk, see};

/// Commands that `--help` lists.
fn commands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    list.filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != "help")
        .collect()
}

#[test]
fn every_command_explains_itself() {
    let desk = Desk::with("empty", "");
    let help = desk.done("--help");
    see("help", &help.stdout);
    let commands = commands(&help.stdout);
    assert!(commands.len() >= 10 && commands[..2] == ["forecast", "backtest"], "{commands:?}");
    for command in commands {
        let own = desk.done(&format!("{command} --help"));
        assert_eq!(own.stderr, "");
        assert!(own.stdout.contains("Example"), "`viralcast {command} --help` has no example");
        see(&format!("help_{command}"), &own.stdout);
    }
}

#[test]
fn the_short_help_and_the_version_work() {
    let desk = Desk::with("empty", "");
    assert_eq!(desk.done("--version").stdout, format!("viralcast {}\n", env!("CARGO_PKG_VERSION")));
    assert!(desk.done("forecast -h").stdout.contains("Usage: viralcast forecast [OPTIONS] --horizon <STEPS> <FILE>"));
    let told = desk.refused("", 2);
    assert!(told.contains("Usage: viralcast"), "{told}");
}
