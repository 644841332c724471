//! What reconciling and joint samples are worth, on a shop of the demo world.

use std::collections::BTreeMap;

use domain::frequency::days_since_epoch;
use domain::{FeatureSource as _, Ordinal, SeriesForecast};
use jobs::nightly::facts;
use models::reconcile::{Hierarchy, reconcile, sums};
use models::{Effort, EngineConfig};
use pipeline::{FeatureConfig, PanelFeatures, Whole, summed};
use standin::world::{World, simulate};

const STORE: &str = "warung-imas";
const HORIZON: u16 = 7;
const NIGHTS: Ordinal = 8;
const APART: Ordinal = 14;

/// Squared errors of sums, by products alone, by the wholes' own history, and reconciled; how often the ranges held.
#[derive(Default)]
struct Tally {
    squared: [f64; 3],
    inside: usize,
    cells: usize,
}

#[test]
fn reconciled_sums_miss_by_less_and_their_ranges_hold() {
    let world = simulate(7, "2026-05-20".parse().expect("a date"), World::definition()).expect("the demo world");
    let (facts, calendar) = super::world::facts(&world, STORE);
    let last = world.today.pred_opt().expect("a day before");
    let panel = facts::panel(&facts, calendar, last);
    let mut parts_of: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (series, listing) in (0..).zip(&facts.listings) {
        parts_of.entry(listing.category.as_deref().unwrap_or_default()).or_default().push(series);
    }
    let mut wholes: Vec<Whole> = parts_of.into_iter().map(|(name, parts)| Whole { name: name.to_owned(), parts }).collect();
    wholes.push(Whole { name: "all".to_owned(), parts: (0..).zip(&facts.products).map(|(series, _)| series).collect() });
    let hierarchy = Hierarchy { parts: facts.products.len(), wholes: wholes.iter().map(|whole| whole.parts.clone()).collect() };
    let rows: Vec<Vec<(u32, f64)>> = wholes.iter().map(|whole| whole.parts.iter().map(|&part| (part, 1.0)).collect()).collect();

    let sum_panel = PanelFeatures::new(summed(&panel, &wholes), FeatureConfig::default()).expect("a panel of sums");
    let source = PanelFeatures::new(panel, FeatureConfig::default()).expect("a panel");
    let models = ["ets", "theta", "weekday_mean"].map(str::to_owned).to_vec();
    let config = EngineConfig::new(HORIZON, 7).with_effort(Effort::Fast).with_models(models);
    let mut tally = Tally::default();
    let mut products = [0.0; 2];
    for night in 0..NIGHTS {
        let cutoff = days_since_epoch(last) - Ordinal::from(HORIZON) - night * APART;
        let forecast = |source: &PanelFeatures| models::forecast(source, &config, cutoff, &|_| ()).expect("forecasts");
        let (parts, own) = (forecast(&source), forecast(&sum_panel));
        let reconciled = reconcile(&parts, &own, &hierarchy);
        let (before, after) = (sums(&parts.forecasts, &parts.past, &rows, 0), sums(&reconciled, &parts.past, &rows, 0));
        let actuals = sum_panel.actuals(cutoff, HORIZON).expect("actuals");
        let of_own: BTreeMap<u32, &SeriesForecast> = own.forecasts.iter().map(|forecast| (forecast.series, forecast)).collect();
        for (whole, (before, after)) in before.iter().zip(&after).enumerate() {
            for (step, (before, after)) in before.steps.iter().zip(&after.steps).enumerate() {
                let actual = actuals[whole][step];
                if after.yhat > 0.0 && actual.is_finite() {
                    let own = of_own[&(whole as u32)].steps[step].yhat;
                    let errors = [before.yhat, own, after.yhat].map(|yhat| (yhat - actual).powi(2) / wholes[whole].parts.len() as f64);
                    tally.squared.iter_mut().zip(errors).for_each(|(sum, error)| *sum += error);
                    let values = after.quantiles.values();
                    tally.inside += usize::from(values[2] <= actual && actual <= values[6]);
                    tally.cells += 1;
                }
            }
        }
        let actuals = source.actuals(cutoff, HORIZON).expect("actuals");
        for (forecasts, sum) in [&parts.forecasts, &reconciled].into_iter().zip(&mut products) {
            for forecast in forecasts {
                *sum += forecast
                    .steps
                    .iter()
                    .zip(&actuals[forecast.series as usize])
                    .filter(|(_, actual)| actual.is_finite())
                    .map(|(step, actual)| (step.yhat - actual).powi(2))
                    .sum::<f64>();
            }
        }
    }
    let [alone, own, reconciled] = tally.squared.map(f64::sqrt);
    let held = tally.inside as f64 / tally.cells as f64;
    eprintln!(
        "sums: products alone {alone:.1}, own history {own:.1}, reconciled {reconciled:.1}; 80 % ranges held {held:.3} of {}",
        tally.cells
    );
    eprintln!("products: {:.1} before, {:.1} after", products[0].sqrt(), products[1].sqrt());
    assert!(reconciled < 1.01 * alone.min(own), "{reconciled} against {alone} of products alone and {own} of their own history");
    assert!(products[1] < 1.01 * products[0], "{} against {}", products[1], products[0]);
    assert!((0.68..0.92).contains(&held), "80 % ranges held {held}");
}
