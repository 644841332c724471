//! A small kitchen: fried chicken with sambal, sambal made of chilli and oil, iced tea bought ready.

use chrono::NaiveDate;
use domain::forecast::StepForecast;
use domain::ids::{IngredientId, ProductId};
use domain::plan::{Demand, Ingredient, Item, Override, Pantry, Recipe, RecipeBook, RecipeError, RecipeLine, Sellable, Unit, plan_day};
use domain::text::{Language, plan_sentence};
use domain::{Idr, Quantiles};
use proptest::prelude::*;
use uuid::Uuid;

const CHICKEN: IngredientId = IngredientId(Uuid::from_u128(1));
const CHILLI: IngredientId = IngredientId(Uuid::from_u128(2));
const OIL: IngredientId = IngredientId(Uuid::from_u128(3));
const SAMBAL: IngredientId = IngredientId(Uuid::from_u128(4));
const GEPREK: ProductId = ProductId(Uuid::from_u128(11));

fn ingredient(id: IngredientId, name: &str, unit: Unit, pack: Option<(f64, i64)>, shelf_life_days: u16) -> Ingredient {
    Ingredient { id, name: name.into(), unit, pack_size: pack.map(|p| p.0), pack_price: pack.map(|p| Idr(p.1)), shelf_life_days }
}

fn line(ingredient: IngredientId, quantity: f64, unit: Unit) -> RecipeLine {
    RecipeLine { ingredient, quantity, unit }
}

fn pantry_goods() -> Vec<Ingredient> {
    vec![
        ingredient(CHICKEN, "Ayam", Unit::Kilogram, Some((1.0, 35_000)), 2),
        ingredient(CHILLI, "Cabai rawit", Unit::Gram, Some((250.0, 15_000)), 4),
        ingredient(OIL, "Minyak", Unit::Litre, Some((2.0, 36_000)), 90),
        ingredient(SAMBAL, "Sambal", Unit::Gram, None, 2),
    ]
}

fn recipes() -> Vec<Recipe> {
    vec![
        Recipe {
            makes: Item::Product(GEPREK),
            yields: 1.0,
            waste_share: 0.0,
            lines: vec![line(CHICKEN, 150.0, Unit::Gram), line(SAMBAL, 20.0, Unit::Gram), line(OIL, 25.0, Unit::Millilitre)],
        },
        Recipe {
            makes: Item::Ingredient(SAMBAL),
            yields: 500.0,
            waste_share: 0.2,
            lines: vec![line(CHILLI, 400.0, Unit::Gram), line(OIL, 0.1, Unit::Litre)],
        },
    ]
}

fn geprek() -> Sellable {
    Sellable { id: GEPREK, name: "Ayam Geprek".into(), unit: "porsi".into(), price: Some(Idr(15_000)), batch_size: 5.0, shelf_life_days: 1 }
}

fn forecast(values: [f64; 9]) -> StepForecast {
    StepForecast { at: 0, step: 1, yhat: values[4], quantiles: Quantiles::from_unsorted(values).expect("finite") }
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

#[test]
fn portions_become_batches_packs_and_rupiah() {
    let book = RecipeBook::new(pantry_goods(), recipes()).expect("a sound book");
    let (product, mut pantry) = (geprek(), Pantry::default());
    let demand =
        Demand { product: &product, forecast: forecast([40.0, 45.0, 50.0, 60.0, 70.0, 80.0, 90.0, 95.0, 100.0]), overridden: None };

    let today = plan_day(day("2026-11-23"), std::slice::from_ref(&demand), &book, &mut pantry);
    // Cost of a portion: 150 g chicken 5,250 + 20 g sambal (500 g chilli and 0.125 l oil make 500 g: 1,290) + 25 ml oil 450
    assert!((book.unit_cost(GEPREK).expect("priced") - 6_990.0).abs() < 1e-6);
    // Critical ratio (15,000 - 6,990) / 15,000 = 0.534: just over the median of 70, and a batch of 5 more would not pay.
    assert_eq!((today.prep[0].quantity, today.prep[0].batches), (70.0, 14));
    assert_eq!((today.kitchen[0].name.as_str(), today.kitchen[0].batches, today.kitchen[0].quantity), ("Sambal", 3, 1500.0));
    let bought: Vec<(&str, u32, i64)> = today.purchases.iter().map(|p| (p.name.as_str(), p.packs, p.cost.0)).collect();
    assert_eq!(bought, [("Ayam", 11, 385_000), ("Cabai rawit", 6, 90_000), ("Minyak", 2, 72_000)]);
    assert_eq!(today.cost(), Idr(547_000));
    assert_eq!(
        plan_sentence(&today, Language::Indonesian),
        "Masak 70 Ayam Geprek (50-90). Beli 11 kg Ayam, 1,5 kg Cabai rawit, 4 l Minyak. Total belanja Rp547.000."
    );

    // Tomorrow uses what is left of today's packs while it is good.
    let tomorrow = plan_day(day("2026-11-24"), &[demand], &book, &mut pantry);
    let bought: Vec<(&str, u32)> = tomorrow.purchases.iter().map(|p| (p.name.as_str(), p.packs)).collect();
    assert_eq!(bought, [("Ayam", 10), ("Cabai rawit", 6), ("Minyak", 1)]);
}

#[test]
fn a_portion_needs_what_its_batches_are_made_of() {
    let book = RecipeBook::new(pantry_goods(), recipes()).expect("a sound book");
    let needs = book.needs_of(GEPREK);
    // 20 g sambal is a 25th of a batch of 500 g that takes 400 g / 0.8 chilli and 0.1 l / 0.8 oil.
    let expected = [(CHICKEN, 0.15), (CHILLI, 20.0), (OIL, 0.03)];
    assert_eq!(needs.len(), 3);
    expected.iter().for_each(|(id, quantity)| assert!((needs[id] - quantity).abs() < 1e-9, "{needs:?}"));
    assert!(book.needs_of(ProductId(Uuid::from_u128(99))).is_empty());
}

/// What the kitchen earns by making `made` portions, in units of underage plus overage, by brute force.
fn earnings(values: &[f64; 9], level: f64, made: f64) -> f64 {
    let demand = Quantiles::from_unsorted(*values).expect("finite");
    let sold: f64 = (0..2_000).map(|point| demand.at((f64::from(point) + 0.5) / 2_000.0).min(made)).sum::<f64>() / 2_000.0;
    sold - (1.0 - level) * made
}

proptest! {
    #[test]
    fn no_other_number_of_batches_earns_more(values in prop::array::uniform9(0.0..60.0_f64), batch_size in 1.0..12.0_f64, price in 7_000..60_000_i64) {
        let book = RecipeBook::new(pantry_goods(), recipes()).expect("a sound book");
        let product = Sellable { batch_size: batch_size.floor(), price: Some(Idr(price)), ..geprek() };
        let demand = Demand { product: &product, forecast: forecast(values), overridden: None };
        let prep = plan_day(day("2026-11-23"), &[demand], &book, &mut Pantry::default()).prep.remove(0);
        let chosen = earnings(&values, prep.level, prep.quantity);
        for batches in 0..70 {
            let other = earnings(&values, prep.level, f64::from(batches) * product.batch_size);
            prop_assert!(other <= chosen + 0.02, "{batches} batches earn {other}, the {} chosen {chosen}", prep.batches);
        }
    }
}

#[test]
fn the_owner_may_know_better() {
    let book = RecipeBook::new(pantry_goods(), recipes()).expect("a sound book");
    let (product, owner) = (geprek(), Override { quantity: 120.0, reason: "katering".into(), trust: 1.0 });
    let demand = Demand { product: &product, forecast: forecast([70.0; 9]), overridden: Some(&owner) };
    let plan = plan_day(day("2026-11-23"), &[demand], &book, &mut Pantry::default());
    assert_eq!((plan.prep[0].quantity, plan.prep[0].overridden), (120.0, Some(120.0)));
}

#[test]
fn a_closed_day_needs_nothing() {
    let book = RecipeBook::new(pantry_goods(), recipes()).expect("a sound book");
    let product = geprek();
    let demand = Demand { product: &product, forecast: forecast([0.0; 9]), overridden: None };
    let plan = plan_day(day("2026-11-23"), &[demand], &book, &mut Pantry::default());
    assert_eq!((plan.purchases.len(), plan.kitchen.len(), plan.cost()), (0, 0, Idr(0)));
    assert_eq!(plan_sentence(&plan, Language::English), "Closed: nothing to prepare.");
}

#[test]
fn recipes_that_do_not_add_up_are_refused_by_name() {
    let mut cyclic = recipes();
    cyclic.push(Recipe { makes: Item::Ingredient(CHILLI), yields: 1.0, waste_share: 0.0, lines: vec![line(SAMBAL, 1.0, Unit::Gram)] });
    let cycle = RecipeBook::new(pantry_goods(), cyclic).expect_err("a cycle");
    assert_eq!(cycle.to_string(), "recipe cycle: Cabai rawit -> Sambal -> Cabai rawit");

    let mut mismatched = recipes();
    mismatched[0].lines[0].unit = Unit::Litre;
    let unit = RecipeBook::new(pantry_goods(), mismatched).expect_err("litres of chicken");
    assert_eq!(unit.to_string(), "`Ayam` is kept in kg, but a recipe measures it in l");

    let unknown = RecipeBook::new(vec![], recipes()).expect_err("an empty larder");
    assert!(matches!(unknown, RecipeError::UnknownIngredient { .. }));
}

proptest! {
    #[test]
    fn purchases_always_cover_the_needs(portions in 0.0..500.0_f64, on_hand in 0.0..50_000.0_f64) {
        let book = RecipeBook::new(pantry_goods(), recipes()).expect("a sound book");
        let (product, mut pantry) = (geprek(), Pantry::default());
        pantry.put(CHILLI, on_hand, day("2026-12-31"));
        let demand = Demand { product: &product, forecast: forecast([portions; 9]), overridden: None };
        let plan = plan_day(day("2026-11-23"), &[demand], &book, &mut pantry);
        prop_assert!((plan.prep[0].quantity - portions).abs() <= 5.0);
        for (id, needed) in &plan.needs {
            let bought = plan.purchases.iter().find(|item| item.ingredient == *id).map_or(0.0, |item| item.quantity());
            let had = if *id == CHILLI { on_hand } else { 0.0 };
            prop_assert!(bought + had + 1e-6 >= *needed);
        }
    }
}
