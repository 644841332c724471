//! From a store's forecasts and recipes to its days' plans.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use domain::frequency::days_since_epoch;
use domain::ids::ProductId;
use domain::plan::{DayPlan, Demand, Override, Pantry, RecipeBook, Sellable, plan_day};
use domain::{SeriesForecast, StepForecast};

/// What planning knows of a store besides its forecasts.
#[derive(Debug, Default)]
pub struct Kitchen {
    /// In the order of the panel's series.
    pub products: Vec<Sellable>,
    pub book: RecipeBook,
    pub pantry: Pantry,
    pub overrides: HashMap<(ProductId, NaiveDate), Override>,
}

/// First and last day that a night plans: the one it serves and the next.
#[must_use]
pub fn planned_days(date: NaiveDate) -> (NaiveDate, NaiveDate) {
    (date, date.checked_add_days(Days::new(1)).unwrap_or(date))
}

/// Plans of consecutive days; what is left of one day's packs is on hand the next.
#[must_use]
pub fn plan_days(kitchen: &Kitchen, forecasts: &[SeriesForecast], (first, last): (NaiveDate, NaiveDate)) -> Vec<DayPlan> {
    let mut pantry = kitchen.pantry.clone();
    let days = first.iter_days().take_while(|day| *day <= last);
    days.map(|day| plan_day(day, &demands(kitchen, forecasts, day), &kitchen.book, &mut pantry)).collect()
}

fn demands<'a>(kitchen: &'a Kitchen, forecasts: &[SeriesForecast], day: NaiveDate) -> Vec<Demand<'a>> {
    let at = days_since_epoch(day);
    let on_day = |forecast: &SeriesForecast| -> Option<StepForecast> { forecast.steps.iter().find(|step| step.at == at).copied() };
    let demand = |forecast: &SeriesForecast| {
        let product = kitchen.products.get(forecast.series as usize)?;
        let overridden = kitchen.overrides.get(&(product.id, day));
        Some(Demand { product, forecast: on_day(forecast)?, overridden })
    };
    forecasts.iter().filter_map(demand).collect()
}
