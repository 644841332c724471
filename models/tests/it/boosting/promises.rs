//! Determinism, weights, odd tables, artifacts, attributions, linfa's traits.

use linfa::ParamGuard as _;
use linfa::traits::{Fit as _, Predict as _};
use linfa::{Dataset, DatasetBase};
use models::boosting::{Booster, BoostingError, Column, Columns, GradientBoosting, GradientBoostingParams, Loss};
use ndarray::{Array1, Array2};

use super::data::{Table, WIDTH, uniform};

/// Numbers with gaps, a category column, random rows and columns, weights: everything that could go another way.
fn everything(table: &mut Table) -> (GradientBoostingParams, Vec<f32>) {
    table.data.iter_mut().step_by(11).for_each(|cell| *cell = f32::NAN);
    table.weight = (0..table.rows as u64).map(|row| 0.5 + uniform(row * 3)).collect();
    let codes = (0..table.rows as u64).map(|row| (uniform(row * 5) * 30.0).floor()).collect();
    (GradientBoostingParams::new().trees(15).row_share(0.7).column_share(0.6).seed(9), codes)
}

fn columns<'a>(table: &'a Table, codes: &'a [f32]) -> Columns<'a> {
    let numbers = table.data.chunks(table.rows).map(Column::numbers);
    Columns::new(table.rows, numbers.chain([Column::categories(codes, 30)]).collect()).expect("sound")
}

fn fit_everything(table: &Table, codes: &[f32], params: &GradientBoostingParams) -> Booster {
    let valid = params.check_ref().expect("sound");
    valid.fit_columns(&columns(table, codes), &table.counts, &table.weight).expect("fits")
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let mut table = Table::new(0, 40_000);
    let (params, codes) = everything(&mut table);
    let params = params.trees(4);
    for loss in [Loss::Tweedie(1.4), Loss::Quantile(0.9)] {
        let params = params.clone().loss(loss);
        let [one, many] = [1, 7].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| fit_everything(&table, &codes, &params))
        });
        assert!(one == many, "{loss:?}");
        assert!(one != fit_everything(&table, &codes, &params.seed(10)), "another seed, other trees");
    }
}

#[test]
fn an_artifact_predicts_the_same_bits() {
    let mut table = Table::new(0, 1_500);
    let (params, codes) = everything(&mut table);
    for loss in [Loss::Squared, Loss::Poisson, Loss::Quantile(0.3)] {
        let booster = fit_everything(&table, &codes, &params.clone().loss(loss));
        let text = serde_json::to_string(&booster).expect("written");
        let again: Booster = serde_json::from_str(&text).expect("read");
        assert_eq!(booster, again);
        let predict = |booster: &Booster| booster.predict(&columns(&table, &codes)).expect("predicts");
        assert!(predict(&booster).iter().zip(predict(&again)).all(|(one, other)| one.to_bits() == other.to_bits()));
        let nodes = 15 * 61;
        assert!(text.len() < nodes * 24 + 2_000, "{} bytes for {} trees", text.len(), booster.trees());
    }
}

#[test]
fn a_broken_artifact_is_refused() {
    let table = Table::new(0, 300);
    let booster = table.fit(GradientBoostingParams::new().trees(2), &table.target);
    let whole = serde_json::to_value(&booster).expect("written");
    let broken = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = whole.clone();
        change(&mut value);
        serde_json::from_value::<Booster>(value).expect_err("refused").to_string()
    };
    let trees = whole["trees"].as_str().expect("text").to_owned();
    assert_eq!(broken(&|value| value["trees"] = trees[..trees.len() / 8 * 4].into()), "broken tree");
    assert_eq!(broken(&|value| value["columns"] = serde_json::json!([])), "broken tree");
    assert_eq!(broken(&|value| value["width"] = 2.into()), "a column beyond the table's");
    assert!(broken(&|value| value["trees"] = "no base64!".into()).contains("Invalid"));
}

#[test]
fn contributions_sum_to_the_raw_score() {
    let mut table = Table::new(0, 1_000);
    let (params, codes) = everything(&mut table);
    for loss in [Loss::Squared, Loss::Poisson] {
        let booster = fit_everything(&table, &codes, &params.clone().loss(loss).trees(30));
        let contributions = booster.contributions(&columns(&table, &codes)).expect("attributed");
        let scores = booster.raw_scores(&columns(&table, &codes)).expect("scores");
        for (row, score) in scores.iter().enumerate() {
            let sum = contributions.base + contributions.row(row).iter().sum::<f64>();
            assert!((sum - score).abs() < 1e-6 * score.abs().max(1e-3), "row {row}: {sum} instead of {score}");
        }
    }
}

#[test]
fn a_weight_of_two_is_a_row_twice_and_none_is_no_row() {
    let once = Table::new(0, 900);
    let copies = |row: usize| row % 3;
    let rows: Vec<usize> = (0..900).flat_map(|row| std::iter::repeat_n(row, copies(row))).collect();
    let data: Vec<f32> = once.data.chunks(900).flat_map(|column| rows.iter().map(|&row| column[row])).collect();
    let weight: Vec<f32> = (0..900).map(|row| copies(row) as f32).collect();
    for loss in [Loss::Squared, Loss::Poisson, Loss::Quantile(0.25)] {
        // Rows of a leaf are counted as rows, so that only its weight may decide here.
        let params = GradientBoostingParams::new().loss(loss).trees(20).max_leaves(6).min_leaf_rows(1).min_leaf_weight(30.0);
        let params = params.check().expect("sound");
        let repeated: Vec<f32> = rows.iter().map(|&row| once.counts[row]).collect();
        let repeated = params
            .fit_columns(&Columns::from_column_major(rows.len(), &data).expect("sound"), &repeated, &vec![1.0; rows.len()])
            .expect("fits");
        let weighted = params.fit_columns(&once.columns(), &once.counts, &weight).expect("fits");
        for (one, other) in once.predict(&repeated).into_iter().zip(once.predict(&weighted)) {
            assert!((one - other).abs() < 1e-4 * one.abs().max(0.1), "{loss:?}: {one} and {other}");
        }
    }
}

#[test]
fn odd_tables_are_fitted_or_refused_and_never_panic() {
    let fit = |rows: usize, data: &[f32], target: &[f32], weight: &[f32], loss: Loss| {
        let params = GradientBoostingParams::new().loss(loss).trees(5).min_leaf_rows(1).check().expect("sound");
        params.fit_columns(&Columns::from_column_major(rows, data)?, target, weight)
    };
    let of = |result: Result<Booster, BoostingError>| result.expect_err("refused").to_string();
    let squared = Loss::Squared;
    assert_eq!(of(fit(0, &[], &[], &[], squared)), "there is no row to learn from");
    assert_eq!(of(fit(2, &[1.0, 2.0], &[1.0, 2.0], &[0.0, 0.0], squared)), "no row has a weight above zero");
    assert_eq!(of(fit(2, &[1.0, 2.0], &[1.0, f32::NAN], &[1.0, 1.0], squared)), "the target of row 1 is not a finite number");
    assert_eq!(of(fit(2, &[1.0, 2.0], &[1.0], &[1.0, 1.0], squared)), "target: 1 values for 2 rows");
    assert_eq!(
        of(fit(2, &[1.0, 2.0], &[1.0, 2.0], &[1.0, -1.0], squared)),
        "the weight of row 1 is -1; weights are finite and zero or more"
    );
    let negative = of(fit(2, &[1.0, 2.0], &[1.0, -2.0], &[1.0, 1.0], Loss::Poisson));
    assert_eq!(negative, "the target of row 1 is -2; this loss needs targets of zero or more");

    let rising: Vec<f32> = (0..50).map(|row| row as f32).collect();
    let ones = vec![1.0; 50];
    for loss in [squared, Loss::Quantile(0.9), Loss::Poisson, Loss::Tweedie(1.5)] {
        let single = fit(1, &[3.0], &[7.0], &[1.0], loss).expect("one row");
        let predicted = single.predict(&Columns::from_column_major(1, &[8.0]).expect("sound")).expect("predicts");
        assert!((predicted[0] - 7.0).abs() < 1e-4, "{loss:?}: {predicted:?}");
        for constant in [0.0, 0.1, 4.0] {
            let booster = fit(50, &rising, &[constant; 50], &ones, loss).expect("a constant target");
            let predicted = booster.predict(&Columns::from_column_major(50, &rising).expect("sound")).expect("predicts");
            assert!(predicted.iter().all(|value| (value - f64::from(constant)).abs() < 1e-6), "{loss:?}: {predicted:?}");
        }
        for huge in [1e-30, 1e10, 3e38] {
            let target: Vec<f32> = rising.iter().map(|value| value / 50.0 * huge).collect();
            let columns = Columns::from_column_major(50, &rising).expect("sound");
            let predicted = fit(50, &rising, &target, &ones, loss).expect("fits").predict(&columns).expect("predicts");
            assert!(predicted.iter().all(|value| value.is_finite()), "{loss:?} at {huge}: {predicted:?}");
        }
    }
}

#[test]
fn another_table_is_refused() {
    let table = Table::new(0, 100);
    let booster = table.fit(GradientBoostingParams::new(), &table.target);
    let error = booster.predict(&Columns::from_column_major(100, &table.data[..200]).expect("sound")).expect_err("refused");
    assert_eq!(error.to_string(), "the table has 2 columns, the model was fitted on 6");
}

#[test]
fn linfa_users_fit_and_predict_as_ever() {
    let table = Table::new(0, 600);
    let records = Array2::from_shape_fn((600, WIDTH), |(row, column)| f64::from(table.data[column * 600 + row]));
    let targets: Array1<f64> = table.target.iter().map(|&target| f64::from(target)).collect();
    let params = GradientBoostingParams::new().trees(20);
    let plain = table.predict(&table.fit(params.clone(), &table.target));

    let dataset = Dataset::new(records.clone(), targets.clone());
    let model: GradientBoosting = params.fit(&dataset).expect("fits");
    assert_eq!(model.predict(&records).to_vec(), plain);
    assert_eq!(model.predict(&dataset).to_vec(), plain);
    assert_eq!(model.booster().trees(), 20);

    let weighted = DatasetBase::new(records, targets).with_weights((0..600).map(|row| (row % 2) as f32).collect());
    let model: GradientBoosting = params.fit(&weighted).expect("fits");
    assert!(model.predict(weighted.records()).to_vec() != plain, "weights count");
    let refused = GradientBoostingParams::new().trees(0).fit(&dataset).expect_err("refused");
    assert_eq!(refused.to_string(), "`trees` is 0; it must be in [1, inf)");
}

#[test]
fn the_example_of_the_parameters_holds() {
    let records = Array2::from_shape_fn((200, 2), |(row, column)| ((row * (column + 3)) % 50) as f64);
    let targets: Array1<f64> = records.rows().into_iter().map(|row| row[0] + 3.0 * f64::from(row[1] > 25.0)).collect();
    let dataset = Dataset::new(records, targets);
    let model = GradientBoostingParams::new().loss(Loss::Squared).trees(50).fit(&dataset).expect("fits");
    assert!((model.predict(&dataset)[7] - dataset.targets()[7]).abs() < 1.0);
}
