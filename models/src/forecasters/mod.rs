//! Every forecaster, one file each. A new one is a file and its two lines here.

mod adida;
mod analogue;
mod boosted_recursive;
mod boosted_trees;
mod complex_smoothing;
mod croston_sba;
mod elastic_net;
mod ets;
mod imapa;
mod least_squares;
mod mstl;
mod poisson_glm;
mod seasonal_naive;
mod theta;
mod tsb;
mod weekday_mean;
mod window_mean;

use crate::engine::Effort;
use crate::error::ModelError;
use crate::forecaster::{Artifact, Fitted, Forecaster};

/// Name of the baseline that every table carries and that no choice may lose to.
pub const BASELINE: &str = "seasonal_naive";

/// All forecasters, the baseline first. The order breaks ties, so the simpler ones stand before the costly ones.
#[must_use]
pub fn all() -> Forecasters {
    Forecasters::default()
        .add(seasonal_naive::forecaster())
        .add(weekday_mean::forecaster())
        .add(ets::forecaster())
        .add(theta::forecaster())
        .add(complex_smoothing::forecaster())
        .add(least_squares::forecaster())
        .add(analogue::forecaster())
        .add(window_mean::forecaster())
        .add(croston_sba::forecaster())
        .add(tsb::forecaster())
        .add(adida::forecaster())
        .add(imapa::forecaster())
        .add(mstl::forecaster())
        .add(elastic_net::forecaster())
        .add(poisson_glm::forecaster())
        .add(boosted_trees::forecaster())
        .add(boosted_recursive::forecaster())
}

/// A registry of forecasters.
#[derive(Default)]
pub struct Forecasters {
    entries: Vec<Box<dyn Forecaster>>,
}

impl Forecasters {
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "the verb of a registry")]
    pub fn add(mut self, forecaster: impl Forecaster + 'static) -> Self {
        self.entries.push(Box::new(forecaster));
        self
    }

    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.iter().map(Forecaster::name).collect()
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &dyn Forecaster> {
        self.entries.iter().map(AsRef::as_ref)
    }

    /// The baseline and the named ones; without names all that an effort pays for.
    ///
    /// # Errors
    /// [`ModelError::UnknownForecaster`] if a name is not registered.
    pub fn entering(self, names: &[String], effort: Effort) -> Result<Self, ModelError> {
        if let Some(name) = names.iter().find(|name| !self.names().contains(&name.as_str())) {
            return Err(ModelError::UnknownForecaster { name: name.clone(), known: self.names().join(", ") });
        }
        let wanted = |forecaster: &dyn Forecaster| match names {
            _ if forecaster.name() == BASELINE => true,
            [] => forecaster.effort() <= effort,
            names => names.iter().any(|name| name == forecaster.name()),
        };
        Ok(Self { entries: self.entries.into_iter().filter(|forecaster| wanted(forecaster.as_ref())).collect() })
    }

    /// Restores a fitted model of any registered forecaster.
    ///
    /// # Errors
    /// [`ModelError::UnknownForecaster`] for an artifact of none of them, [`ModelError::Artifact`] if it cannot be read.
    pub fn load(&self, artifact: &Artifact) -> Result<Box<dyn Fitted>, ModelError> {
        let of = self.iter().find(|forecaster| forecaster.name() == artifact.model);
        let unknown = || ModelError::UnknownForecaster { name: artifact.model.clone(), known: self.names().join(", ") };
        of.ok_or_else(unknown)?.load(artifact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_registered() {
        let folder = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where") + "/src/forecasters";
        let files = std::fs::read_dir(folder).expect("the folder exists").map(|entry| entry.expect("readable").path());
        let mut names: Vec<String> =
            files.filter_map(|path| path.file_stem()?.to_str().map(str::to_owned)).filter(|name| name != "mod").collect();
        names.sort();
        let mut registered = all().names();
        registered.sort_unstable();
        assert_eq!(registered, names, "a file of src/forecasters is not in forecasters::all(), or has another name there");
    }

    #[test]
    fn names_and_effort_say_who_enters_and_strangers_are_refused() {
        let entering = |names: &[&str], effort| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            all().entering(&names, effort).map(|entering| entering.names())
        };
        assert_eq!(entering(&["poisson_glm"], Effort::Fast).expect("known"), [BASELINE, "poisson_glm"]);
        let [fast, normal, max] = [Effort::Fast, Effort::Normal, Effort::Max].map(|effort| entering(&[], effort).expect("known"));
        assert!(fast.contains(&"ets") && !fast.contains(&"boosted_trees") && normal.contains(&"boosted_trees"));
        assert!(fast.len() < normal.len() && normal.len() < max.len());
        assert_eq!(max, all().names());
        let error = entering(&["prophet"], Effort::Normal).expect_err("a stranger").to_string();
        assert!(error.starts_with("no forecaster is called `prophet`; there are seasonal_naive, weekday_mean"), "{error}");
    }
}
