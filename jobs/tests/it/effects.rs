//! What a night says moved demand, against what did: the demo world's true effects.

use std::collections::BTreeMap;

use chrono::Days;
use domain::frequency::{date_from_epoch, days_since_epoch};
use domain::{Driver, Ordinal};
use jobs::nightly::{HORIZON, Settings, facts};
use models::EngineConfig;
use pipeline::{FeatureConfig, PanelFeatures};
use standin::world::{EffectRow, World, simulate};

const STORE: &str = "warung-imas";
/// Nights after the one whose models are kept, so many days apart: one fit, a season of explanations.
const NIGHTS: Ordinal = 40;
const APART: Ordinal = 3;
/// Steps for which rain is forecast rather than usual.
const FORESEEN: u16 = 3;

/// Units that the true factors of some kinds add to a day's demand, as logarithms share it.
fn true_units(row: &EffectRow, names: &[&str]) -> f64 {
    let factors = names.iter().filter_map(|name| row.factor(name)).product::<f64>();
    row.expected - row.expected / factors
}

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    days: usize,
    truth: f64,
    told: f64,
}

#[test]
fn explanations_agree_with_the_true_effects() {
    let today = "2026-11-24".parse().expect("a date");
    let started = std::time::Instant::now();
    let world = simulate(7, today, World::definition()).expect("the demo world");
    eprintln!("world {:?}", started.elapsed());
    let (facts, calendar) = crate::world::facts(&world, STORE);
    let panel = facts::panel(&facts, calendar, today - Days::new(1));
    eprintln!("panel {:?}", started.elapsed());
    let source = PanelFeatures::new(panel, FeatureConfig::default()).expect("features");
    let last = days_since_epoch(today) - 1;
    let cutoff = last - NIGHTS * APART - Ordinal::from(HORIZON);
    let engine: EngineConfig = Settings::default().engine;
    let artifact = models::forecast(&source, &engine, cutoff, &|_| {}).expect("a forecast");
    eprintln!("fit {:?}", started.elapsed());
    for one in &artifact.selection.candidates {
        eprintln!("{:?} {:?} {}", one.candidate.name, one.panel_ratio, one.chosen);
        if one.candidate.name == "blend" {
            eprintln!("{:?}", one.candidate);
        }
    }
    let artifact = artifact.artifact;

    let store = world.definition.stores.iter().position(|store| store.slug == STORE).expect("the shop");
    let products = &world.definition.stores[store].products;
    let truth: BTreeMap<(u16, Ordinal), &EffectRow> = world
        .truth
        .rows
        .iter()
        .filter(|row| usize::from(row.store) == store)
        .map(|row| ((row.product, days_since_epoch(row.business_day)), row))
        .collect();
    let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
    for night in 0..NIGHTS {
        let cutoff = cutoff + night * APART;
        let t = std::time::Instant::now();
        let forecasts = artifact.forecast(&source, cutoff).expect("a forecast");
        let t1 = t.elapsed();
        let explained = artifact.explain(&source, cutoff, &forecasts).expect("explanations");
        if night < 3 {
            eprintln!("forecast {:?} explain {:?}", t1, t.elapsed() - t1);
        }
        for (forecast, steps) in forecasts.iter().zip(&explained) {
            for (step, explanation) in forecast.steps.iter().zip(steps) {
                let sum = explanation.total();
                assert!(
                    (sum - step.yhat).abs() <= 1e-9 * step.yhat.max(explanation.base.abs()).max(1.0),
                    "{explanation:?} is not {}",
                    step.yhat
                );
                let Some(row) = truth.get(&(forecast.series as u16, step.at)).filter(|row| row.open) else { continue };
                if night == 0 && step.step <= 2 && forecast.series < 6 {
                    let day = date_from_epoch(step.at).expect("a date");
                    let told = domain::text::forecast_sentence(
                        domain::text::When::On(day),
                        step.yhat,
                        "porsi",
                        explanation,
                        domain::text::Language::Indonesian,
                    );
                    eprintln!("{} {told} | {:?}", products[forecast.series as usize].name, row.factors);
                }
                let family = products[forecast.series as usize].family.as_str();
                let mut note = |what: String, truth: f64, told: f64| {
                    let sums = sums.entry(what).or_default();
                    *sums = Sums { days: sums.days + 1, truth: sums.truth + truth, told: sums.told + told };
                };
                let mut compare = |name: &str, names: &[&str], drivers: &[Driver]| {
                    let truth = true_units(row, names);
                    let told: f64 = drivers.iter().map(|&driver| explanation.units(driver)).sum();
                    if truth != 0.0 {
                        note(name.to_owned(), truth, told);
                        note(format!("{name} {family}"), truth, told);
                    }
                };
                compare("payday", &["payday"], &[Driver::Payday]);
                compare("promo", &["promo"], &[Driver::Promo]);
                compare("holiday", &["holiday", "feast", "ramadan"], &[Driver::Holiday]);
                if step.step <= FORESEEN {
                    compare("rain", &["rain"], &[Driver::Rain]);
                }
            }
        }
    }
    eprintln!("explained {:?}", started.elapsed());
    for (name, sums) in &sums {
        eprintln!("{name:20} days {:5} truth {:9.2} told {:9.2} ratio {:.2}", sums.days, sums.truth, sums.told, sums.told / sums.truth);
    }
}
