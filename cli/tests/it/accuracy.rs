//! `make bench-accuracy`: the script that runs panels through the real binary.

use std::path::Path;
use std::process::Command;

use crate::desk::Desk;
use crate::panels::{csv_with, daily};

fn bench(panels: Option<&Path>) -> String {
    let script = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where")).join("../scripts/bench-accuracy");
    let mut command = Command::new(script);
    command.arg(env!("CARGO_BIN_EXE_viralcast")).env("VIRALCAST_EFFORT", "fast").env_remove("VIRALCAST_PANELS");
    if let Some(panels) = panels {
        command.env("VIRALCAST_PANELS", panels);
    }
    let output = command.output().expect("bash");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn without_panels_it_says_so() {
    assert_eq!(bench(None), "real panels: not present (make bench-accuracy VIRALCAST_PANELS=DIR)\n");
}

#[test]
fn a_missing_panel_is_named_and_one_that_is_there_is_scored() {
    let desk = Desk::with(
        "yaz.csv",
        csv_with("is_holiday,is_closed,wind,clouds,rain,sunshine,temperature", &daily(2, 150), |_| "0,0,1,1,1,1,1".into()),
    );
    let told = bench(desk.path("yaz.csv").parent());
    for missing in ["bakery", "m3", "m4_weekly", "carparts"] {
        assert!(told.contains(&format!("\n{missing}: not present\n")), "{told}");
    }
    let row = |start: &str| told.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no {start} in {told}")).to_owned();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let (ours, versus) = (cells(&row("| viralcast | 0")), cells(&row("| mase | 0")));
    assert_eq!(ours.len(), 11, "{ours:?}");
    assert_eq!(ours[2], versus[2], "the choice's MASE in both tables");
    assert!(versus[3].starts_with("0.7702 (") && ["ahead", "behind"].iter().any(|word| versus[5].starts_with(word)), "{versus:?}");
    // The median has about half of the actuals below it.
    let below: f64 = cells(&row("| 0.5 |"))[2].parse().expect("a share");
    assert!((0.2..0.8).contains(&below), "{below}");
}
