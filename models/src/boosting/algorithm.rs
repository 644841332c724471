//! linfa's own traits: checked parameters fit a dataset, the result predicts.

use linfa::dataset::AsSingleTargets;
use linfa::traits::{Fit, PredictInplace};
use linfa::{DatasetBase, Float};
use ndarray::{Array1, ArrayBase, Data, Ix2};
use serde::{Deserialize, Serialize};

use super::booster::Booster;
use super::columns::Columns;
use super::error::BoostingError;
use super::hyperparams::GradientBoostingValidParams;

/// A [`Booster`] as linfa's users know fitted models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GradientBoosting(Booster);

impl GradientBoosting {
    #[must_use]
    pub fn booster(&self) -> &Booster {
        &self.0
    }
}

impl<F: Float, D: Data<Elem = F>, T: AsSingleTargets<Elem = F>> Fit<ArrayBase<D, Ix2>, T, BoostingError> for GradientBoostingValidParams {
    type Object = GradientBoosting;

    /// Fits to records of shape (rows, columns), numbers only, and one target per row; the dataset's weights count if it
    /// has any. Values are read in single precision, NaN is missing.
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<GradientBoosting, BoostingError> {
        let records = dataset.records();
        let data = column_major(records);
        let target: Vec<f32> = dataset.as_single_targets().iter().map(|&target| single(target)).collect();
        let weight = match dataset.weights() {
            Some(weight) => weight.to_vec(),
            None => vec![1.0; records.nrows()],
        };
        let columns = Columns::from_column_major(records.nrows(), &data)?;
        self.fit_columns(&columns, &target, &weight).map(GradientBoosting)
    }
}

impl<F: Float, D: Data<Elem = F>> PredictInplace<ArrayBase<D, Ix2>, Array1<F>> for GradientBoosting {
    /// # Panics
    /// If the records have other columns than those fitted on, or the target another length, as linfa's models do.
    fn predict_inplace(&self, records: &ArrayBase<D, Ix2>, target: &mut Array1<F>) {
        assert_eq!(records.nrows(), target.len(), "The number of data points must match the number of output targets.");
        assert_eq!(records.ncols(), self.0.width, "The number of columns must match the number fitted on.");
        let data = column_major(records);
        let predicted = Columns::from_column_major(records.nrows(), &data).and_then(|columns| self.0.predict(&columns));
        for (target, predicted) in target.iter_mut().zip(predicted.unwrap_or_default()) {
            *target = F::cast(predicted);
        }
    }

    fn default_target(&self, records: &ArrayBase<D, Ix2>) -> Array1<F> {
        Array1::zeros(records.nrows())
    }
}

fn column_major<F: Float, D: Data<Elem = F>>(records: &ArrayBase<D, Ix2>) -> Vec<f32> {
    records.columns().into_iter().flat_map(|column| column.into_iter().map(|&value| single(value)).collect::<Vec<_>>()).collect()
}

fn single<F: Float>(value: F) -> f32 {
    value.to_f32().unwrap_or(f32::NAN)
}
