//! A backtest that was stopped goes on where it was, given the same command again.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::desk::Desk;
use crate::panels::{csv, daily};

const LINE: &str = "backtest sales.csv --horizon 7 --windows 3 --effort fast --models ets,weekday_mean --output cv";

fn sales() -> String {
    csv(&daily(12, 300))
}

/// Finished folds in `cv`.
fn folds(desk: &Desk) -> Vec<String> {
    let Ok(entries) = fs::read_dir(desk.path("cv/folds")) else { return Vec::new() };
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<String> = names.filter(|name| name.starts_with("fold-") && name.ends_with(".json")).collect();
    names.sort();
    names
}

fn results(desk: &Desk) -> (Vec<u8>, String) {
    (desk.bytes("cv/cv.parquet"), desk.text("cv/metrics.json"))
}

#[test]
fn killed_and_called_again_it_ends_with_the_same_bytes() {
    let whole = Desk::with("sales.csv", sales());
    let told = whole.done(LINE);
    assert!(!told.stderr.contains("going on"), "{}", told.stderr);
    let all = folds(&whole).len();

    let stopped = Desk::with("sales.csv", sales());
    let mut child = stopped.start(LINE);
    while folds(&stopped).is_empty() && child.try_wait().expect("a child").is_none() {
        sleep(Duration::from_millis(1));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    let kept = folds(&stopped).len();
    assert!(kept >= 1);
    let ran = stopped.done(LINE);
    assert!(ran.stderr.contains(&format!("going on: {kept} of {all} cutoffs were kept in cv/folds")), "{}", ran.stderr);
    assert_eq!(results(&stopped), results(&whole));
    assert_eq!(ran.stdout, told.stdout);
    let left: Vec<_> = fs::read_dir(stopped.path("cv")).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(left.len(), 3, "nothing half-written stays: {left:?}");
}

#[test]
fn what_was_kept_is_used_and_what_cannot_be_read_is_made_again() {
    let desk = Desk::with("sales.csv", sales());
    desk.done(LINE);
    let expected = results(&desk);
    let names = folds(&desk);
    fs::remove_file(desk.path("cv/cv.parquet")).expect("removed");
    fs::remove_file(desk.path(&format!("cv/folds/{}", names[1]))).expect("removed");
    desk.put(&format!("cv/folds/{}", names[0]), "half a fi");
    desk.put("cv/folds/fold-1.part", "left by a kill");
    desk.done(LINE);
    assert_eq!(results(&desk), expected);
    assert_eq!(folds(&desk), names);
    assert!(!desk.path("cv/folds/fold-1.part").exists());

    // A kept fold is believed: one that lies changes the result, until --fresh.
    let one = format!("cv/folds/{}", names[names.len() - 1]);
    let text = desk.text(&one).replace("\"hits\":[]", "\"hits\":[{\"model\":\"ets\",\"series\":0,\"step\":1,\"kind\":\"capped\"}]");
    desk.put(&one, text);
    assert!(desk.done(LINE).stderr.contains("guards, in all models' windows: 1 value of ets capped"));
    let fresh = desk.done(&format!("{LINE} --fresh")).stderr;
    assert!(!fresh.contains("guards") && !fresh.contains("going on") && !fresh.contains("starting anew"), "{fresh}");
    assert_eq!(desk.bytes("cv/cv.parquet"), expected.0);
}

#[test]
fn another_input_or_option_starts_anew_and_says_so() {
    let desk = Desk::with("sales.csv", sales());
    desk.done(LINE);
    let first = folds(&desk);
    let anew = |line: &str, what: &str| {
        let told = desk.done(line).stderr;
        let said = format!("{what} changed since the windows in cv/folds were kept: starting anew");
        assert!(told.contains(&said) && !told.contains("going on"), "{told}");
    };
    anew(&LINE.replace("--horizon 7", "--horizon 5"), "the options have");
    desk.put("sales.csv", csv(&daily(12, 301)));
    anew(&LINE.replace("--horizon 7", "--horizon 5"), "the input has");
    assert!(folds(&desk).iter().all(|name| !first.contains(name)) || folds(&desk).len() <= first.len());
    // What only changes how a result is told is no other question.
    let told = desk.done(&format!("{} --format csv --report page.html --json", LINE.replace("--horizon 7", "--horizon 5"))).stderr;
    assert!(told.contains("going on: "), "{told}");
    assert!(desk.refused(&format!("{} --fresh", LINE.replace(" --output cv", "")), 2).contains("--output"));
}
