//! A backtest that was stopped goes on where it was, to the same bytes.

use std::collections::BTreeMap;
use std::sync::Mutex;

use domain::Ordinal;
use models::testing::SyntheticPanel;
use models::{Backtest, BacktestTable, Effort, EngineConfig, Fold, FoldKeeper, backtest};

/// Folds as the text that a file would hold.
#[derive(Default)]
struct Shelf {
    kept: Mutex<BTreeMap<Ordinal, String>>,
    taken: Mutex<usize>,
}

impl FoldKeeper for Shelf {
    fn load(&self, cutoff: Ordinal) -> Option<Fold> {
        let found = self.kept.lock().expect("no panic").get(&cutoff).map(|text| serde_json::from_str(text).expect("a fold"));
        *self.taken.lock().expect("no panic") += usize::from(found.is_some());
        found
    }

    fn keep(&self, fold: &Fold) {
        self.kept.lock().expect("no panic").insert(fold.cutoff, serde_json::to_string(fold).expect("text"));
    }
}

fn run(panel: &SyntheticPanel, config: &EngineConfig, shelf: &Shelf, windows: usize) -> BacktestTable {
    let mut backtest = Backtest::new(panel, config, &[217, 224, 231, 238], shelf).expect("a plan");
    let mut whole = backtest.empty_table();
    for _ in 0..windows {
        whole.append(backtest.next_window(&|_| {}).expect("no error").expect("a window"));
    }
    whole
}

#[test]
fn folds_that_were_kept_are_not_made_again_and_change_nothing() {
    // A missing regressor makes some model sit a fold out; short and empty series are skipped: all of it must be kept too.
    let panel = SyntheticPanel::weekly(6, 260, 31).with_series(vec![3.0; 230]).with_series(Vec::new());
    let config = EngineConfig::new(7, 7).with_effort(Effort::Fast);
    let expected = backtest(&panel, &config, &[217, 224, 231, 238], &|_| {}).expect("a backtest");

    let shelf = Shelf::default();
    run(&panel, &config, &shelf, 2);
    let made = shelf.kept.lock().expect("no panic").len();
    let resumed = run(&panel, &config, &shelf, 4);
    let total = Backtest::new(&panel, &config, &[217, 224, 231, 238], &shelf).expect("a plan").cutoffs().len();
    assert!(made >= 2 && made < total, "{made} of {total}");
    assert_eq!((*shelf.taken.lock().expect("no panic"), shelf.kept.lock().expect("no panic").len()), (made, total));
    // NaN scales are no equals of themselves; text is.
    assert_eq!(format!("{resumed:?}"), format!("{expected:?}"));
}

#[test]
fn the_windows_are_those_of_a_table_made_at_once() {
    let panel = SyntheticPanel::weekly(5, 250, 32);
    let config = EngineConfig::new(7, 7).with_effort(Effort::Fast);
    let mut backtest = Backtest::new(&panel, &config, &[231, 224], &models::Forgetful).expect("a plan");
    let cutoffs = backtest.cutoffs();
    assert!(cutoffs.is_sorted() && cutoffs.ends_with(&[231]) && cutoffs.len() > 2);
    let windows: Vec<Ordinal> =
        std::iter::from_fn(|| backtest.next_window(&|_| {}).expect("no error")).map(|table| table.windows[0].cutoff).collect();
    assert_eq!(windows, [224, 231]);
}
