//! The same row has the same values, whoever asks and whatever else is asked for.

use domain::panel::{Beyond, Cells, Panel, Regressor, RegressorKind, Scope};
use domain::{FeatureMatrix, FeatureSource, Frequency, Layout, Ordinal};
use pipeline::{FeatureConfig, PanelFeatures};
use proptest::prelude::*;

use crate::panels::{open, panel, regressor};

const FREQUENCIES: [Frequency; 4] = [
    Frequency::Daily,
    Frequency::Weekly { weekday: 2 },
    Frequency::Monthly { months: 1, phase: 0, day: 1 },
    Frequency::Minutes { minutes: 60 },
];

/// Columns by name with the values of the rows that pass, NaN made comparable; rows are named by series and period.
#[expect(clippy::type_complexity, reason = "rows, then columns by name")]
fn rows_where(matrix: &FeatureMatrix, keep: impl Fn(u32, Ordinal) -> bool) -> (Vec<(u32, Ordinal)>, Vec<(String, Vec<u32>)>) {
    let rows: Vec<usize> = (0..matrix.rows).filter(|&row| keep(matrix.series[row], matrix.at[row])).collect();
    let bits = |value: f32| if value.is_nan() { u32::MAX } else { value.to_bits() };
    let columns = matrix.columns.iter().enumerate().map(|(j, column)| {
        let values = matrix.column(j);
        (column.name.clone(), rows.iter().map(|&row| bits(values[row])).collect())
    });
    (rows.iter().map(|&row| (matrix.series[row], matrix.at[row])).collect(), columns.collect())
}

fn series() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![6 => (0..400_u32).prop_map(|v| f64::from(v) / 7.0), 1 => Just(0.0), 1 => Just(f64::NAN)];
    prop::collection::vec(value, 40..160).prop_map(|mut values| {
        values[0] = 3.0;
        values.push(4.0);
        values
    })
}

/// Series with weather forecasts issued 1..=9 days ahead, holidays and their eves, prices, closed days known long before,
/// delayed news, two towns, and days on which much was sold out.
fn shop(series: &[Vec<f64>]) -> Panel {
    let mut shop = panel(Frequency::Daily, series);
    let days = 0..200_i64;
    let issued: Vec<_> = days.clone().flat_map(|at| (1..10).map(move |ahead| (at, (at * 13 % 31 + ahead) as f64, at - ahead))).collect();
    let holidays: Vec<_> = days.clone().filter(|at| at % 23 < 2).map(|at| (at, 1.0, at - 90)).collect();
    let prices: Vec<_> = days.clone().map(|at| (at, if at % 9 < 2 { 8.0 } else { 10.0 }, Ordinal::MIN)).collect();
    let closed: Vec<_> = days.clone().step_by(31).map(|at| (at, 1.0, at - 400)).collect();
    let news: Vec<_> = days.clone().step_by(3).map(|at| (at, (at % 11) as f64, at + 2)).collect();
    shop.regressors = vec![
        regressor("rain", RegressorKind::KnownFuture, Beyond::Climatology, &issued),
        regressor("holiday", RegressorKind::KnownFuture, Beyond::Zero, &holidays),
        regressor("price", RegressorKind::KnownFuture, Beyond::Required, &prices),
        regressor("news", RegressorKind::ObservedPast, Beyond::Required, &news),
        towns(series),
    ];
    for (censored, (at, value)) in shop.observations.censored.iter_mut().zip(shop.observations.at.iter().zip(&shop.observations.value)) {
        *censored = *at == 0 || *value > 50.0;
    }
    shop.closed = Some(regressor("closed", RegressorKind::KnownFuture, Beyond::Zero, &closed));
    shop
}

/// A town for each series, whatever its number.
fn towns(series: &[Vec<f64>]) -> Regressor {
    let mut cells = Cells { levels: vec!["Padang".to_owned(), "Ambon".to_owned()], ..Cells::default() };
    let town = |values: &Vec<f64>| f64::from(values.len() as u32 % 2);
    series.iter().enumerate().for_each(|(number, values)| cells.push(number as u32, 0, town(values), Ordinal::MIN));
    Regressor { name: "town".to_owned(), kind: RegressorKind::Static, scope: Scope::Series, beyond: Beyond::Required, cells }
}

/// Columns that are made of several series on purpose.
fn is_pooled(name: &str) -> bool {
    name == "series_code" || name.ends_with("_level") || name.ends_with("_effect")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_future_row_is_what_the_training_row_will_be(series in prop::collection::vec(series(), 1..4), lead in 1..15_u16, back in 0..20_usize) {
        let shortest = series.iter().map(Vec::len).min().unwrap_or(0);
        let target = (shortest - 1 - back) as Ordinal;
        let cutoff = target - Ordinal::from(lead);
        let source = open(shop(&series));
        let layout = Layout::Direct { lead };
        let future = source.future(cutoff, layout, lead..=lead).expect("future");
        let training = source.training(1_000, layout, usize::MAX).expect("training");
        let at_target = rows_where(&training, |_, at| at == target);
        prop_assert_eq!(at_target.0.len(), series.len());
        prop_assert_eq!(rows_where(&future, |series, _| at_target.0.contains(&(series, target))), at_target);
    }

    #[test]
    fn a_step_fed_with_what_happened_is_the_training_row(series in prop::collection::vec(series(), 1..4), done in 0..9_usize) {
        let mut without_news = shop(&series);
        without_news.regressors.retain(|regressor| ["holiday", "price", "town"].contains(&regressor.name.as_str()));
        // A prediction is of demand: it is never sold out.
        without_news.observations.censored.fill(false);
        let source = open(without_news);
        let cutoff = 25;
        let happened = source.actuals(cutoff, done as u16).expect("actuals");
        let target = cutoff + 1 + done as Ordinal;
        let step = source.step(cutoff, &happened).expect("a step");
        let training = source.training(target, Layout::Recursive, usize::MAX).expect("training");
        let at_target = rows_where(&training, |_, at| at == target);
        prop_assert_eq!(rows_where(&step, |series, _| at_target.0.contains(&(series, target))), at_target);
    }

    #[test]
    fn a_series_does_not_see_its_neighbours(series in prop::collection::vec(series(), 2..5), lead in 1..10_u16) {
        let together = open(shop(&series)).training(300, Layout::Direct { lead }, usize::MAX).expect("all");
        let mut total = 0;
        for (number, values) in series.iter().enumerate() {
            let alone = open(shop(std::slice::from_ref(values))).training(300, Layout::Direct { lead }, usize::MAX).expect("one");
            let (_, mut of_one) = rows_where(&alone, |_, _| true);
            let (rows, mut of_all) = rows_where(&together, |series, _| series == number as u32);
            of_one.retain(|(name, _)| !is_pooled(name));
            of_all.retain(|(name, _)| !is_pooled(name));
            prop_assert_eq!(rows.len(), alone.rows);
            prop_assert_eq!(of_one, of_all);
            total += rows.len();
        }
        prop_assert_eq!(total, together.rows, "no row is lost or made up");
    }

    #[test]
    fn a_family_alone_gives_the_columns_it_gives_among_all(
        series in prop::collection::vec(series(), 2..4), lead in 1..10_u16, frequency in prop::sample::select(FREQUENCIES.to_vec()),
    ) {
        let shop = Panel { frequency, ..shop(&series) };
        let read = |source: &PanelFeatures| rows_where(&source.training(300, Layout::Direct { lead }, usize::MAX).expect("rows"), |_, _| true);
        let (rows, among_all) = read(&open(shop.clone()));
        let mut one_by_one = Vec::new();
        for family in pipeline::families() {
            let exclude = pipeline::families().into_iter().filter(|other| *other != family).map(str::to_owned).collect();
            let alone = PanelFeatures::new(shop.clone(), FeatureConfig { season: None, exclude }).expect("known families");
            let (rows_alone, columns) = read(&alone);
            prop_assert_eq!(&rows_alone, &rows);
            one_by_one.extend(columns);
        }
        prop_assert_eq!(one_by_one, among_all);
    }

    #[test]
    fn the_youngest_rows_are_the_same_as_among_all(series in prop::collection::vec(series(), 1..5), limit in 1..200_usize) {
        let source = open(shop(&series));
        let all = source.training(150, Layout::Direct { lead: 3 }, usize::MAX).expect("all");
        let some = source.training(150, Layout::Direct { lead: 3 }, limit).expect("some");
        prop_assert_eq!(some.rows, limit.min(all.rows));
        let kept: Vec<_> = some.series.iter().copied().zip(some.at.iter().copied()).collect();
        prop_assert_eq!(rows_where(&some, |_, _| true), rows_where(&all, |series, at| kept.contains(&(series, at))));
    }
}

#[test]
fn many_series_are_computed_in_parts_that_fit_together() {
    // 700 series of 100 rows and their warm-up fill more than one part.
    let series: Vec<Vec<f64>> = (0..700).map(|s| (0..101).map(|day| f64::from((day * 31 + s * 17) % 53)).collect()).collect();
    let source = open(panel(Frequency::Daily, &series));
    let matrix = source.training(100, Layout::Recursive, usize::MAX).expect("rows");
    assert_eq!(matrix.rows, 70_000);
    let lag = matrix.column(matrix.position("lag_7").expect("a lag"));
    for (row, &found) in lag.iter().enumerate() {
        let (series_number, at) = (matrix.series[row] as usize, matrix.at[row] as usize);
        let expected = at.checked_sub(7).map(|day| series[series_number][day] as f32);
        assert!(expected == Some(found) || (expected.is_none() && found.is_nan()), "series {series_number} at {at}");
    }
}
