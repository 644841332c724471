//! The generalised linear model against scikit-learn's numbers, and against what cannot be fitted.

use linfa::traits::{Fit, FitWith, Predict};
use linfa::{Dataset, ParamGuard};
use models::glm::{Glm, GlmError, GlmParams};
use ndarray::{Array1, Array2, Ix1, ShapeBuilder, array};

/// 60 rows in closed form: a wave, a saw, an indicator; counts with many zeros.
fn table() -> (Array2<f64>, Array1<f64>) {
    let records = Array2::from_shape_fn((60, 3), |(row, column)| match column {
        0 => (0.7 * row as f64).sin(),
        1 => (row * 7 % 11) as f64 / 5.0 - 1.0,
        _ => f64::from(u8::from(row % 3 == 0)),
    });
    let targets = (0..60).map(|row| if row % 5 == 0 { 0.0 } else { ((row * row * 5 + 3 * row) % 13) as f64 }).collect();
    (records, targets)
}

fn dataset() -> Dataset<f64, f64, Ix1> {
    let (records, targets) = table();
    Dataset::new(records, targets)
}

fn weights() -> Array1<f32> {
    (0..60).map(|row| (1 + row % 4) as f32).collect()
}

#[track_caller]
fn assert_close(model: &Glm<f64>, coefficients: [f64; 3], intercept: f64) {
    let found: Vec<f64> = model.coefficients().iter().copied().chain([model.intercept()]).collect();
    for (found, expected) in found.iter().zip(coefficients.iter().chain([&intercept])) {
        assert!((found - expected).abs() < 1e-7, "{found:?}, not {expected}: {model:?}");
    }
}

/// Numbers of scikit-learn 1.9.1, `TweedieRegressor(link="log", solver="newton-cholesky", tol=1e-12)` on [`table`].
#[test]
fn coefficients_are_those_of_scikit_learn() {
    let cases = [
        (1.0, 0.0, false, [-0.0878386967, 0.1141328404, 0.0821134178], 1.1334339497),
        (1.0, 0.0, true, [-0.0542716992, 0.2272617209, -0.0960924932], 1.2168505920),
        (1.0, 0.1, false, [-0.0824580674, 0.1063332871, 0.0728135773], 1.1371102642),
        (1.0, 0.1, true, [-0.0523964984, 0.2107588177, -0.0826090593], 1.2143544362),
        (1.5, 0.0, false, [-0.1042303055, 0.1169118126, 0.0980886401], 1.1278309575),
        (1.5, 0.1, true, [-0.0614566721, 0.1994980389, -0.0421634819], 1.2011677096),
        (1.9, 0.0, true, [-0.0815980646, 0.2335537607, -0.0121498125], 1.1893547369),
        (1.9, 0.1, false, [-0.0960057713, 0.0984025686, 0.0783943132], 1.1343065859),
    ];
    for (power, penalty, weighted, coefficients, intercept) in cases {
        let dataset = if weighted { dataset().with_weights(weights()) } else { dataset() };
        let model = Glm::params().power(power).penalty(penalty).fit(&dataset).expect("fits");
        assert_close(&model, coefficients, intercept);
    }
}

/// Numbers of scikit-learn 1.9.1, `PoissonRegressor`; an exposure is there a target per exposure, weighted by it.
#[test]
fn without_intercept_and_with_offset_too() {
    let model = Glm::params().penalty(0.05).with_intercept(false).fit(&dataset()).expect("fits");
    assert_close(&model, [-0.0942190927, 0.1505722775, 1.1588160270], 0.0);

    let exposure: Array1<f64> = (0..60).map(|row| 1.0 + f64::from(row % 5) / 2.0).collect();
    let model = Glm::params().offset(exposure.mapv(f64::ln)).fit(&dataset()).expect("fits");
    assert_close(&model, [-0.0873509700, 0.0890212908, 0.0857351218], 0.4389708616);
    let means = model.predict(&table().0) * &exposure;
    for (found, expected) in means.iter().zip([1.54602125, 2.27907907, 2.7467806]) {
        assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
    }
}

#[test]
fn a_row_of_weight_three_is_three_rows() {
    let (records, targets) = table();
    let picked: Vec<usize> = (0..60).flat_map(|row| std::iter::repeat_n(row, 1 + row % 4)).collect();
    let repeated = Dataset::new(records.select(ndarray::Axis(0), &picked), targets.select(ndarray::Axis(0), &picked));
    let long = Glm::params().penalty(0.02).fit(&repeated).expect("fits");
    let weighted = Glm::params().penalty(0.02).fit(&dataset().with_weights(weights())).expect("fits");
    assert_close(&weighted, [0, 1, 2].map(|index| long.coefficients()[index]), long.intercept());
    assert!((weighted.deviance() - long.deviance()).abs() < 1e-9);
}

#[test]
fn an_exact_law_is_found_however_its_columns_lie() {
    // Far from zero, on unlike scales; nothing left to explain once the law is found.
    let records = Array2::from_shape_fn((300, 2).f(), |(row, column)| match column {
        0 => 2_000.0 + (row % 17) as f64,
        _ => 1e-4 * (row % 7) as f64,
    });
    let targets = records.rows().into_iter().map(|row| f64::exp(0.1 * (row[0] - 2_008.0) + 2_000.0 * row[1])).collect();
    let model = Glm::params().fit(&Dataset::new(records, targets)).expect("fits");
    assert!((model.coefficients()[0] - 0.1).abs() < 1e-8 && (model.coefficients()[1] - 2_000.0).abs() < 1e-4, "{model:?}");
    assert!(model.deviance() < 1e-6);
}

#[test]
fn dependent_columns_share_or_drop_out() {
    let (records, targets) = table();
    let doubled = ndarray::concatenate![ndarray::Axis(1), records, records.column(0).insert_axis(ndarray::Axis(1))];
    let doubled = Dataset::new(doubled, targets);
    let single = Glm::params().fit(&dataset()).expect("fits");
    let free = Glm::params().fit(&doubled).expect("fits");
    assert_eq!(free.coefficients()[3], 0.0);
    assert!((free.coefficients()[0] - single.coefficients()[0]).abs() < 1e-9);
    let penalised = Glm::params().penalty(0.1).fit(&doubled).expect("fits");
    assert!((penalised.coefficients()[0] - penalised.coefficients()[3]).abs() < 1e-9);
}

#[test]
fn a_former_model_is_a_head_start() {
    let dataset = dataset();
    let params = Glm::params().power(1.5).penalty(0.01).check().expect("valid");
    let cold = params.fit(&dataset).expect("fits");
    let warm = params.fit_with(Some(&cold), &dataset).expect("fits");
    assert!(warm.iterations() < cold.iterations() && warm.iterations() == 1, "{warm:?} {cold:?}");
    assert_close(&warm, [0, 1, 2].map(|index| cold.coefficients()[index]), cold.intercept());
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let records = Array2::from_shape_fn((20_000, 5), |(row, column)| ((row * (column + 3) * 7919) % 101) as f64 / 50.0 - 1.0);
    let targets = (0..20_000).map(|row| (row * 31 % 7) as f64).collect();
    let dataset = Dataset::new(records, targets);
    let fit = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| Glm::params().power(1.4).penalty(1e-3).fit(&dataset).expect("fits"))
    };
    assert_eq!(fit(1), fit(3));
}

#[test]
fn an_effect_without_end_ends() {
    // Where the indicator is set nothing is ever sold: its coefficient would go to minus infinity.
    let records = Array2::from_shape_fn((40, 1), |(row, _)| f64::from(u8::from(row % 4 == 0)));
    let targets = (0..40).map(|row| if row % 4 == 0 { 0.0 } else { 3.0 }).collect();
    let model = Glm::params().fit(&Dataset::new(records, targets)).expect("fits");
    let means = model.predict(&array![[0.0], [1.0]]);
    assert!((means[0] - 3.0).abs() < 1e-6 && means[1] < 1e-6, "{means}");
}

#[test]
fn single_precision_is_enough_to_predict_with() {
    let (records, targets) = table();
    let single = Dataset::new(records.mapv(|value| value as f32), targets.mapv(|value| value as f32));
    let model = Glm::<f32>::params().penalty(0.1).fit(&single).expect("fits");
    assert!((f64::from(model.coefficients()[1]) - 0.1063332871).abs() < 1e-6);
}

#[test]
fn what_cannot_be_fitted_is_refused_by_name() {
    let said = |params: &GlmParams<f64>, dataset: &Dataset<f64, f64, Ix1>| params.fit(dataset).expect_err("refused").to_string();
    let of = |records: Array2<f64>, targets: Array1<f64>| said(&Glm::params(), &Dataset::new(records, targets));
    let two = array![[0.0], [1.0]];
    assert_eq!(of(two.clone(), array![1.0, -1.0]), "row 1: the target is negative");
    assert_eq!(of(two.clone(), array![1.0, f64::NAN]), "row 1: the target is not a finite number");
    assert_eq!(of(array![[f64::INFINITY], [1.0]], array![1.0, 1.0]), "row 0: a column is not a finite number");
    assert_eq!(of(Array2::zeros((0, 1)), Array1::zeros(0)), "no row has a weight above zero");
    assert!(of(two.clone(), array![0.0, 0.0]).starts_with("no target is above zero"));

    let dataset = Dataset::new(two, array![1.0, 2.0]);
    let weighted = |weights| said(&Glm::params(), &dataset.clone().with_weights(weights));
    assert_eq!(weighted(array![1.0, -1.0]), "row 1: the weight is negative or not a finite number");
    assert_eq!(weighted(array![0.0, 0.0]), "no row has a weight above zero");
    assert_eq!(weighted(array![1.0]), "the table has 2 rows, but 1 weights");
    assert_eq!(said(&Glm::params().offset(array![0.0]), &dataset), "the table has 2 rows, but 1 offset entries");
    assert_eq!(said(&Glm::params().power(2.5), &dataset), "the variance power must be at least 1 and less than 2, not 2.5");
    let hasty = Glm::params().power(1.5).max_iterations(1).fit(&dataset).expect_err("not converged");
    assert!(matches!(hasty, GlmError::NotConverged { iterations: 1, .. }));
    let other = Glm::params().fit(&self::dataset()).expect("fits");
    assert!(matches!(Glm::params().fit_with(Some(&other), &dataset), Err(GlmError::OtherTable { expected: 1, found: 3 })));
}
