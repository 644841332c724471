//! What a night says moved demand, against what did: the demo world's true effects.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::frequency::days_since_epoch;
use domain::{Driver, FeatureSource as _, Ordinal};
use jobs::nightly::facts::StoreFacts;
use jobs::nightly::{HORIZON, Settings, facts};
use pipeline::{FeatureConfig, PanelFeatures};
use standin::world::{EffectRow, SimulatedWorld, World, simulate};

const STORE: &str = "warung-imas";
/// The morning the world is seen from: the rains have begun.
const TODAY: &str = "2026-01-28";
/// Families that are looked at: half the menu, so that the test is quick, with cold drinks and soups, whom rain moves in
/// opposite directions.
const FAMILIES: [&str; 4] = ["es", "kuah", "lauk", "hangat"];
/// Units a day on a plain day: below this, noise hides any effect.
const SMALLEST_BASE: f64 = 4.0;
/// Nights that are explained by models fitted once, so many days apart.
const NIGHTS: Ordinal = 10;
const APART: Ordinal = 9;

/// Steps for which rain is foreseen.
const FORESEEN: u16 = 3;

/// Units told over true units, summed over products and days: sign and size must agree within these.
const UNITS: [(&str, f64, f64); 3] = [("payday", 0.7, 1.3), ("promo", 0.6, 1.4), ("holiday", 0.4, 1.6)];
/// The same of rain, as the difference between the days that are foreseen as rainy and those that are not: rain that nobody
/// foresaw is in no explanation. Little evidence is told as little: of what is cooked for lunch, which rain takes a tenth from,
/// three years of days tell nothing.
const RAIN: [(&str, f64, f64); 3] = [("es", 0.35, 1.3), ("kuah", 0.35, 1.3), ("hangat", 0.35, 1.3)];

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    cells: usize,
    truth: f64,
    told: f64,
}

/// Mean effects of rain as shares of a day without it, on days that are foreseen as rainy and on those that are not.
#[derive(Debug, Default, Clone, Copy)]
struct Rain {
    cells: [usize; 2],
    truth: [f64; 2],
    told: [f64; 2],
}

impl Rain {
    fn add(&mut self, is_rainy: bool, truth: f64, told: f64) {
        let which = usize::from(is_rainy);
        self.cells[which] += 1;
        self.truth[which] += truth;
        self.told[which] += told;
    }

    /// Rainy days less others: true, told.
    fn contrast(&self) -> [f64; 2] {
        let mean = |sums: &[f64; 2], which: usize| sums[which] / self.cells[which] as f64;
        [&self.truth, &self.told].map(|sums| mean(sums, 1) - mean(sums, 0))
    }
}

/// Units that some true factors add to a day's demand.
fn true_units(row: &EffectRow, names: &[&str]) -> f64 {
    let factors = names.iter().filter_map(|name| row.factor(name)).product::<f64>();
    row.expected - row.expected / factors
}

/// The part of the shop that the test looks at.
fn part(facts: &mut StoreFacts, world: &SimulatedWorld, store: usize) {
    let products = &world.definition.stores[store].products;
    let is_kept = |index: &usize| {
        let product = &products[*index];
        FAMILIES.contains(&product.family.as_str())
            && product.base >= SMALLEST_BASE
            && product.every_days.is_none()
            && product.ended_days_ago.is_none()
    };
    let kept: Vec<usize> = (0..products.len()).filter(is_kept).collect();
    facts.products = kept.iter().map(|&index| facts.products[index].clone()).collect();
    facts.listings = kept.iter().map(|&index| facts.listings[index].clone()).collect();
}

#[test]
fn explanations_agree_with_the_true_effects_and_add_up() {
    let today = TODAY.parse().expect("a date");
    let world = simulate(7, today, World::definition()).expect("the demo world");
    let store = world.definition.stores.iter().position(|store| store.slug == STORE).expect("the shop");
    let (mut facts, calendar) = crate::world::facts(&world, STORE);
    part(&mut facts, &world, store);
    let panel = facts::panel(&facts, calendar, world.last_day);
    let mut source = PanelFeatures::new(panel, FeatureConfig::default()).expect("features");
    let first = days_since_epoch(world.last_day) - (NIGHTS - 1) * APART - Ordinal::from(HORIZON);
    let output = models::forecast(&source, &Settings::default().engine, first, &|_| {}).expect("a forecast");
    let artifact = output.artifact().expect("kept");

    let products = &world.definition.stores[store].products;
    let numbers: HashMap<&str, u16> = products.iter().zip(0..).map(|(product, number)| (product.name.as_str(), number)).collect();
    let of_store = world.truth.rows.iter().filter(|row| usize::from(row.store) == store);
    let truth: HashMap<(u16, Ordinal), &EffectRow> = of_store.map(|row| ((row.product, days_since_epoch(row.business_day)), row)).collect();
    let (mut sums, mut rain): (BTreeMap<String, Sums>, BTreeMap<String, Rain>) = Default::default();
    for cutoff in (0..NIGHTS).map(|night| first + night * APART) {
        let events = source.events(cutoff, HORIZON).expect("events");
        let rainy = events.iter().find(|track| track.name == "rainy").expect("rain is known ahead");
        let rainy: HashSet<Ordinal> = rainy.of(0).iter().copied().collect();
        for (forecast, steps) in artifact.forecast_explained(&source, cutoff).expect("a forecast") {
            let number = numbers[source.series()[forecast.series as usize].as_str()];
            let family = &products[usize::from(number)].family;
            for (step, explanation) in forecast.steps.iter().zip(&steps) {
                let off = (explanation.total() - step.yhat).abs();
                assert!(off <= 1e-9 * step.yhat.max(1.0), "{explanation:?} is not {}", step.yhat);
                let Some(row) = truth.get(&(number, step.at)).filter(|row| row.open) else { continue };
                let mut compare = |name: &str, factors: &[&str], driver: Driver| {
                    let units = true_units(row, factors);
                    for name in [name.to_owned(), format!("{name} {family}")].into_iter().filter(|_| units != 0.0) {
                        let sums = sums.entry(name).or_default();
                        *sums = Sums { cells: sums.cells + 1, truth: sums.truth + units, told: sums.told + explanation.units(driver) };
                    }
                };
                compare("payday", &["payday"], Driver::Payday);
                compare("promo", &["promo"], Driver::Promo);
                compare("holiday", &["holiday", "feast", "ramadan"], Driver::Holiday);
                if step.step <= FORESEEN {
                    let (truth, told) = (row.factor("rain").expect("a factor") - 1.0, explanation.units(Driver::Rain));
                    rain.entry(family.clone()).or_default().add(rainy.contains(&step.at), truth, told / (step.yhat - told));
                }
            }
        }
    }
    for (name, Sums { cells, truth, told }) in &sums {
        eprintln!("{name:16} cells {cells:5}, true {truth:8.1}, told {told:8.1}, ratio {:5.2}", told / truth);
    }
    for (family, rain) in &rain {
        eprintln!(
            "rain {family:10} cells {:?} contrast {:.3?} truth {:.1?} told {:.1?}",
            rain.cells,
            rain.contrast(),
            rain.truth,
            rain.told
        );
    }
    for (family, least, most) in RAIN {
        let rain = rain.get(family).copied().unwrap_or_default();
        assert!(rain.cells.iter().all(|&cells| cells >= 20), "{family}: {rain:?} tells nothing");
        let [truth, told] = rain.contrast();
        assert!((least..=most).contains(&(told / truth)), "{family}: rain moves {truth:.3}, told {told:.3}");
    }
    for (name, least, most) in UNITS {
        let Sums { cells, truth, told } = sums.get(name).copied().unwrap_or_default();
        assert!(cells >= 20, "{name}: {cells} cells tell nothing");
        assert!((least..=most).contains(&(told / truth)), "{name}: {told:.1} units told, {truth:.1} true");
    }
    supposed_rain_and_promotions_move_forecasts(&mut source, &artifact, first);
}

/// What if: from the kept models, without a fit.
fn supposed_rain_and_promotions_move_forecasts(source: &mut PanelFeatures, artifact: &models::EngineArtifact, cutoff: Ordinal) {
    let series = source.series().iter().position(|name| name == "Es Teh Manis").expect("iced tea");
    let tomorrow = |source: &PanelFeatures| {
        let answers = artifact.forecast_explained(source, cutoff).expect("a forecast");
        let (forecast, steps) = answers.into_iter().find(|(forecast, _)| forecast.series as usize == series).expect("iced tea");
        (forecast.steps[0].yhat, steps[0].clone())
    };
    let suppose = |source: &mut PanelFeatures, rain_mm: f64, discount: f64| {
        // As long as promotions are: how a single day would go, nobody has seen.
        let at = cutoff + 1..=cutoff + 5;
        let flag = |amount: f64| f64::from(u8::from(amount > 0.0));
        for (name, series, value) in [
            ("rain_mm", None, rain_mm),
            ("rainy", None, flag(rain_mm)),
            ("promo_discount", Some(series as u32), discount),
            ("promo", Some(series as u32), flag(discount)),
        ] {
            source.suppose(name, series, at.clone(), value, cutoff).expect("a supposition");
        }
    };
    suppose(source, 0.0, 0.0);
    let (dry, why_dry) = tomorrow(source);
    suppose(source, 20.0, 0.0);
    let (wet, why_wet) = tomorrow(source);
    suppose(source, 0.0, 0.2);
    let (cheap, why_cheap) = tomorrow(source);
    assert_eq!((why_dry.units(Driver::Rain), why_dry.units(Driver::Promo)), (0.0, 0.0), "{why_dry:?}");
    assert!(wet < 0.95 * dry && why_wet.units(Driver::Rain) < -0.05 * dry, "{dry} {why_dry:?} {wet} {why_wet:?}");
    assert!(cheap > 1.05 * dry && why_cheap.units(Driver::Promo) > 0.05 * dry, "{dry} {why_dry:?} {cheap} {why_cheap:?}");
    source.suppose_closed(None, cutoff + 1..=cutoff + 1, true, cutoff).expect("a closing");
    let (closed, why_closed) = tomorrow(source);
    assert_eq!(closed, 0.0);
    assert!(why_closed.units(Driver::Closed) < 0.0 && why_closed.total().abs() < 1e-9, "{why_closed:?}");
}
