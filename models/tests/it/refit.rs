//! Models that are fitted at every n-th cutoff and forecast from the others.

use std::sync::{Arc, Mutex};

use domain::Ordinal;
use models::testing::SyntheticPanel;
use models::{
    Artifact, Backtest, BacktestTable, CHOICE, Effort, EngineConfig, Fitted, Forecaster, Forgetful, Future, ModelError, Path, TrainingSet,
    forecasters,
};

/// Says 5 and notes where it was fitted and from where it was asked.
#[derive(Clone, Default)]
struct Noting {
    asked: Arc<Mutex<Vec<(Ordinal, Ordinal)>>>,
}

struct Fit {
    at: Ordinal,
    asked: Arc<Mutex<Vec<(Ordinal, Ordinal)>>>,
}

impl Forecaster for Noting {
    fn name(&self) -> &'static str {
        "noting"
    }

    fn effort(&self) -> Effort {
        Effort::Fast
    }

    fn fit(&self, training: &TrainingSet<'_>) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(Fit { at: training.cutoff, asked: Arc::clone(&self.asked) }))
    }

    fn load(&self, _: &Artifact) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(Fit { at: 0, asked: Arc::clone(&self.asked) }))
    }
}

impl Fitted for Fit {
    fn predict(&self, future: &Future<'_>) -> Result<Vec<Path>, ModelError> {
        self.asked.lock().expect("no panic").push((self.at, future.cutoff));
        Ok(future.histories.iter().map(|_| Ok(vec![5.0; usize::from(future.horizon)])).collect())
    }

    fn artifact(&self) -> Result<Artifact, ModelError> {
        Ok(Artifact { model: "noting".to_owned(), format: 1, body: serde_json::Value::Null })
    }
}

const WINDOWS: [Ordinal; 4] = [217, 224, 231, 238];

/// The whole table, cutoffs in all, and where models were fitted for which cutoff.
fn backtest(panel: &SyntheticPanel, refit_every: usize) -> (BacktestTable, Vec<Ordinal>, Vec<(Ordinal, Ordinal)>) {
    let config = EngineConfig::new(7, 7);
    let noting = Noting::default();
    let registry = forecasters::all().entering(&["weekday_mean".to_owned(), "boosted_trees".to_owned()], Effort::Normal).expect("known");
    let backtest = Backtest::new(panel, &config, &WINDOWS, &Forgetful).expect("a plan").refit_every(refit_every);
    let mut backtest = backtest.by(registry.add(noting.clone())).expect("known");
    let (cutoffs, mut whole) = (backtest.cutoffs(), backtest.empty_table());
    while let Some(window) = backtest.next_window(&|_| {}).expect("no error") {
        whole.append(window);
    }
    let mut asked = noting.asked.lock().expect("no panic").clone();
    asked.sort_unstable_by_key(|&(_, cutoff)| cutoff);
    (whole, cutoffs, asked)
}

#[test]
fn models_are_fitted_at_every_second_cutoff_and_see_the_data_of_each() {
    let panel = SyntheticPanel::weekly(6, 260, 31);
    let (each, cutoffs, asked) = backtest(&panel, 1);
    assert_eq!(asked, cutoffs.iter().map(|&cutoff| (cutoff, cutoff)).collect::<Vec<_>>());

    let (second, same_cutoffs, asked) = backtest(&panel, 2);
    assert_eq!(cutoffs, same_cutoffs);
    assert_eq!(asked.iter().map(|&(_, cutoff)| cutoff).collect::<Vec<_>>(), cutoffs, "every cutoff is forecast from once");
    let windows: Vec<_> = asked.iter().filter(|(_, cutoff)| WINDOWS.contains(cutoff)).copied().collect();
    assert_eq!(windows, [(217, 217), (217, 224), (231, 231), (231, 238)]);
    assert!(asked.iter().all(|(fitted, cutoff)| fitted <= cutoff), "{asked:?}");

    // The seasonal naive forecaster learns nothing: it repeats what it sees at each cutoff, fitted there or not.
    let of = |table: &BacktestTable, model: &str, cutoff: Ordinal| {
        let model = table.models.iter().position(|name| name == model).expect("a model") as u16;
        let rows = table.rows.iter().filter(|row| row.model == model && row.cutoff == cutoff);
        rows.map(|row| (row.series, row.step, row.yhat)).collect::<Vec<_>>()
    };
    for cutoff in WINDOWS {
        assert_eq!(of(&each, "seasonal_naive", cutoff), of(&second, "seasonal_naive", cutoff), "{cutoff}");
        assert_eq!(of(&each, CHOICE, cutoff).len(), of(&second, CHOICE, cutoff).len());
    }
    assert_eq!(of(&each, "boosted_trees", 217), of(&second, "boosted_trees", 217));
    assert_ne!(of(&each, "boosted_trees", 224), of(&second, "boosted_trees", 224), "trees of 217");
}
