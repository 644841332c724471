//! The same trees one step ahead, fed their own predictions for the steps between.
//!
//! One model for the whole horizon: it sees yesterday, at first the real one, then its own. Fewer rows to fit than one model
//! per step group, and errors of another kind, so that the two together are better than either (the winners of the M5
//! competition mixed them: Makridakis, Spiliotis and Assimakopoulos 2022, section 4).

use domain::{FeatureMatrix, Layout};
use serde::{Deserialize, Serialize};

use super::boosted_trees::Trees;
use crate::direct::{DirectModel, Unit, in_target_units, levels};
use crate::engine::Effort;
use crate::error::ModelError;
use crate::forecaster::{Artifact, Contributions, Fitted, Forecaster, Future, Path, Skip, TrainingSet};
use crate::step_group::StepGroup;

const NAME: &str = "boosted_recursive";
const FORMAT: u16 = 1;
/// One step ahead.
const NEXT: StepGroup = StepGroup { first: 1, last: 1, lead: 1 };

pub(super) fn forecaster() -> BoostedRecursive {
    BoostedRecursive
}

pub(super) struct BoostedRecursive;

impl Forecaster for BoostedRecursive {
    fn name(&self) -> &'static str {
        NAME
    }

    fn effort(&self) -> Effort {
        Effort::Max
    }

    fn learns_across_series(&self) -> bool {
        true
    }

    fn fit(&self, training: &TrainingSet<'_>) -> Result<Box<dyn Fitted>, ModelError> {
        let rows = training.rows(Layout::Recursive)?;
        let units = Unit::Recent.of_rows(&rows, &levels(training.histories, training.season));
        Ok(Box::new(Recursive { trees: Trees::fit(&rows, &units, training, NEXT)? }))
    }

    fn load(&self, artifact: &Artifact) -> Result<Box<dyn Fitted>, ModelError> {
        Ok(Box::new(artifact.read::<Recursive>(NAME, FORMAT)?))
    }
}

#[derive(Serialize, Deserialize)]
struct Recursive {
    trees: Trees,
}

impl Recursive {
    /// Step by step; `look` sees the rows of each step with their units.
    fn walk(
        &self,
        future: &Future<'_>,
        mut look: impl FnMut(&FeatureMatrix, &[f64]) -> Result<(), ModelError>,
    ) -> Result<Vec<Path>, ModelError> {
        let levels = levels(future.histories, future.season);
        let mut paths: Vec<Vec<f64>> = vec![Vec::new(); future.histories.len()];
        for _ in 0..future.horizon {
            let features = |source| ModelError::Features { cutoff: future.cutoff, source };
            let rows = future.features.step(future.cutoff, &paths).map_err(features)?;
            let units = Unit::Recent.of_rows(&rows, &levels);
            look(&rows, &units)?;
            let mut next = vec![f64::NAN; paths.len()];
            for (row, predicted) in self.trees.predict(&rows, &units)?.into_iter().enumerate() {
                next[rows.series[row] as usize] = (predicted * units[row]).max(0.0);
            }
            paths.iter_mut().zip(next).for_each(|(path, value)| path.push(value));
        }
        let observed = |series: usize| future.histories[series].values.iter().any(|value| value.is_finite());
        let checked = |(series, path): (usize, Vec<f64>)| match path {
            _ if !observed(series) => Err(Skip::NoHistory),
            path if path.iter().any(|value| !value.is_finite()) => Err(Skip::NotANumber),
            path => Ok(path),
        };
        Ok(paths.into_iter().enumerate().map(checked).collect())
    }
}

impl Fitted for Recursive {
    fn predict(&self, future: &Future<'_>) -> Result<Vec<Path>, ModelError> {
        self.walk(future, |_, _| Ok(()))
    }

    fn explain(&self, future: &Future<'_>) -> Result<Vec<Contributions>, ModelError> {
        let levels = levels(future.histories, future.season);
        let mut explained = vec![Vec::new(); levels.len()];
        let paths = self.walk(future, |rows, units| {
            for (row, parts) in self.trees.contributions(rows, units)?.iter().enumerate() {
                let series = rows.series[row] as usize;
                explained[series].push(in_target_units(parts, units[row], levels[series]));
            }
            Ok(())
        })?;
        Ok(paths.into_iter().zip(explained).map(|(path, parts)| path.ok().map(|_| parts)).collect())
    }

    fn artifact(&self) -> Result<Artifact, ModelError> {
        Artifact::of(NAME, FORMAT, self)
    }
}
