//! What products add up to: categories, the store's units and rupiah, ingredients through recipes.

use std::collections::BTreeMap;

use domain::ids::ProductId;
use domain::{Ordinal, Panel, SeriesForecast};
use models::reconcile::{Hierarchy, reconcile, sums};
use models::{Effort, EngineConfig, EngineOutput, PastError};
use pipeline::{FeatureConfig, PanelFeatures, Whole, summed};
use uuid::Uuid;

use super::error::NightError;
use super::facts::StoreFacts;
use super::planning::Kitchen;

/// Products that name no category are one together.
const UNCATEGORISED: &str = "uncategorised";
/// The store's selling units, among the categories.
const ALL: &str = "(all)";
/// Item of `sales`: rupiah at list prices.
const RUPIAH: &str = "total";

/// A forecast of something that is no product.
pub(super) struct Total {
    /// category, sales or ingredient.
    pub kind: &'static str,
    pub id: Option<Uuid>,
    pub item: String,
    /// Products (series numbers) with what one unit of each adds.
    pub weights: Vec<(u32, f64)>,
    pub forecast: SeriesForecast,
}

/// Moves the products' forecasts so that their sums agree with what the histories of categories and of the store say.
pub(super) fn reconciled(
    store: &str,
    facts: &StoreFacts,
    panel: &Panel,
    products: &EngineOutput,
    config: &EngineConfig,
    cutoff: Ordinal,
) -> Result<Vec<SeriesForecast>, NightError> {
    // A whole of one product would say what the product says already.
    let mut wholes: Vec<Whole> = categories(facts).into_iter().filter(|whole| whole.parts.len() > 1).collect();
    let all: Vec<u32> = (0..).zip(&facts.products).map(|(series, _)| series).collect();
    if wholes.iter().all(|whole| whole.parts.len() < all.len()) && all.len() > 1 {
        wholes.push(Whole { name: ALL.to_owned(), parts: all });
    }
    if wholes.is_empty() {
        return Ok(products.forecasts.clone());
    }
    let source = PanelFeatures::new(summed(panel, &wholes), FeatureConfig::default())
        .map_err(|source| NightError::Pipeline { store: store.to_owned(), source })?;
    let config = config.clone().with_effort(Effort::Fast);
    let own =
        models::forecast(&source, &config, cutoff, &|_| ()).map_err(|source| NightError::Models { store: store.to_owned(), source })?;
    let hierarchy = Hierarchy { parts: facts.products.len(), wholes: wholes.into_iter().map(|whole| whole.parts).collect() };
    Ok(reconcile(products, &own, &hierarchy))
}

/// Forecasts of all that the products' forecasts add up to.
pub(super) fn totals(facts: &StoreFacts, kitchen: &Kitchen, forecasts: &[SeriesForecast], past: &[PastError], seed: u64) -> Vec<Total> {
    let mut rows = Vec::new();
    let ones = |parts: Vec<u32>| parts.into_iter().map(|series| (series, 1.0)).collect::<Vec<_>>();
    let mut wholes = categories(facts);
    let series = || (0_u32..).zip(&facts.products);
    // An owner's own category of that name stays theirs.
    if wholes.iter().all(|whole| whole.name != ALL) {
        wholes.push(Whole { name: ALL.to_owned(), parts: series().map(|(series, _)| series).collect() });
    }
    for whole in wholes {
        rows.push(("category", None, whole.name, ones(whole.parts)));
    }
    // A sum that leaves out what has no price would be too small without saying so.
    let priced: Option<Vec<f64>> = facts.listings.iter().map(|listing| Some(listing.price? as f64)).collect();
    if let Some(prices) = priced {
        rows.push(("sales", None, RUPIAH.to_owned(), (0..).zip(prices).collect()));
    }

    let mut needs: BTreeMap<_, Vec<(u32, f64)>> = BTreeMap::new();
    for (series, (product, _)) in series() {
        for (ingredient, quantity) in kitchen.book.needs_of(ProductId(*product)) {
            needs.entry(ingredient).or_default().push((series, quantity));
        }
    }
    for (id, row) in needs {
        if let Some(ingredient) = kitchen.book.ingredient(id) {
            rows.push(("ingredient", Some(id.0), ingredient.name.clone(), row));
        }
    }
    let weights: Vec<Vec<(u32, f64)>> = rows.iter().map(|(.., weights)| weights.clone()).collect();
    let forecasts = sums(forecasts, past, &weights, seed);
    let total = |((kind, id, item, weights), forecast)| Total { kind, id, item, weights, forecast };
    rows.into_iter().zip(forecasts).map(total).collect()
}

/// Every product is in one category.
fn categories(facts: &StoreFacts) -> Vec<Whole> {
    let mut parts: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for (series, listing) in (0..).zip(&facts.listings) {
        parts.entry(listing.category.as_deref().unwrap_or(UNCATEGORISED)).or_default().push(series);
    }
    parts.into_iter().map(|(name, parts)| Whole { name: name.to_owned(), parts }).collect()
}
