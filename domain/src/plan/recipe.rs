//! Multi-level recipes: portions become kitchen batches and bought ingredients.

use std::collections::{BTreeMap, HashMap};

use super::KitchenItem;
use super::unit::{Unit, UnitError};
use crate::hint::Hint;
use crate::ids::{IngredientId, ProductId};
use crate::money::Idr;

/// What a recipe makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    Product(ProductId),
    Ingredient(IngredientId),
}

/// Something a store buys, or makes from what it buys.
#[derive(Debug, Clone, PartialEq)]
pub struct Ingredient {
    pub id: IngredientId,
    pub name: String,
    pub unit: Unit,
    /// Size of the pack it is bought in, in `unit`; `None` for what is only made.
    pub pack_size: Option<f64>,
    /// Price of one pack.
    pub pack_price: Option<Idr>,
    /// Days a bought pack stays usable; 1 means the day itself.
    pub shelf_life_days: u16,
}

/// One batch of a product or of a prepared ingredient.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    pub makes: Item,
    /// Portions, or quantity in the made ingredient's unit, of one batch.
    pub yields: f64,
    /// Share of every ingredient lost in preparation (peel, trim, spill), in `[0, 1)`.
    pub waste_share: f64,
    pub lines: Vec<RecipeLine>,
}

/// An ingredient of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipeLine {
    pub ingredient: IngredientId,
    pub quantity: f64,
    pub unit: Unit,
}

/// Why recipes don't add up.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RecipeError {
    #[error("recipe cycle: {}", path.join(" -> "))]
    Cycle { path: Vec<String> },
    #[error("a recipe uses ingredient {id}, which the store does not have")]
    UnknownIngredient { id: IngredientId },
    #[error("`{ingredient}` is kept in {kept}, but a recipe measures it in {used}")]
    Unit {
        ingredient: String,
        kept: Unit,
        used: Unit,
        #[source]
        source: UnitError,
    },
    #[error("a recipe of `{makes}` has a yield of {yields} and a waste share of {waste_share}")]
    Batch { makes: String, yields: f64, waste_share: f64 },
}

impl Hint for RecipeError {
    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Cycle { .. } => "take one of these lines out of its recipe",
                Self::UnknownIngredient { .. } => "add the ingredient to the store's catalogue first",
                Self::Unit { .. } => "measure it in a unit of the same kind (g and kg, ml and l, pcs)",
                Self::Batch { .. } => "a yield is more than 0 and a waste share at least 0 and less than 1",
            }
            .to_owned(),
        )
    }
}

/// A store's recipes, checked: no cycles, known ingredients, convertible units.
#[derive(Debug, Clone, Default)]
pub struct RecipeBook {
    ingredients: BTreeMap<IngredientId, Ingredient>,
    recipes: HashMap<Item, Batch>,
    /// Every ingredient that has a recipe, users before used.
    kitchen_order: Vec<IngredientId>,
}

/// A recipe with quantities gross of waste, in the ingredients' own units.
#[derive(Debug, Clone)]
struct Batch {
    yields: f64,
    lines: Vec<(IngredientId, f64)>,
}

/// What portions need.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explosion {
    pub kitchen: Vec<KitchenItem>,
    pub bought: BTreeMap<IngredientId, f64>,
}

impl RecipeBook {
    /// Checks and orders recipes.
    ///
    /// # Errors
    /// [`RecipeError`] names the recipe that does not add up.
    pub fn new(ingredients: Vec<Ingredient>, recipes: Vec<Recipe>) -> Result<Self, RecipeError> {
        let ingredients: BTreeMap<_, _> = ingredients.into_iter().map(|ingredient| (ingredient.id, ingredient)).collect();
        let mut checked = HashMap::with_capacity(recipes.len());
        for recipe in recipes {
            checked.insert(recipe.makes, check(&recipe, &ingredients)?);
        }
        let mut book = Self { ingredients, recipes: checked, kitchen_order: Vec::new() };
        book.kitchen_order = book.order()?;
        Ok(book)
    }

    #[must_use]
    pub fn ingredient(&self, id: IngredientId) -> Option<&Ingredient> {
        self.ingredients.get(&id)
    }

    /// Needs of whole portions, kitchen items rounded up to whole batches on the way down. Products without a recipe
    /// (bought goods) need nothing here.
    #[must_use]
    pub fn explode(&self, portions: &[(ProductId, f64)]) -> Explosion {
        let mut needs: BTreeMap<IngredientId, f64> = BTreeMap::new();
        for &(product, quantity) in portions {
            if let Some(batch) = self.recipes.get(&Item::Product(product)) {
                batch.add(quantity / batch.yields, &mut needs);
            }
        }
        let mut kitchen = Vec::new();
        for &id in &self.kitchen_order {
            let (Some(batch), Some(quantity)) = (self.recipes.get(&Item::Ingredient(id)), needs.remove(&id)) else { continue };
            let batches = whole(quantity / batch.yields);
            if batches == 0 {
                continue;
            }
            batch.add(f64::from(batches), &mut needs);
            if let Some(made) = self.ingredients.get(&id) {
                let quantity = f64::from(batches) * batch.yields;
                kitchen.push(KitchenItem { ingredient: id, name: made.name.clone(), unit: made.unit, batches, quantity });
            }
        }
        needs.retain(|_, quantity| *quantity > 0.0);
        Explosion { kitchen, bought: needs }
    }

    /// What one portion takes of each bought ingredient, without rounding to batches; nothing without a recipe.
    #[must_use]
    pub fn needs_of(&self, product: ProductId) -> BTreeMap<IngredientId, f64> {
        let mut needs: BTreeMap<IngredientId, f64> = BTreeMap::new();
        if let Some(batch) = self.recipes.get(&Item::Product(product)) {
            batch.add(1.0 / batch.yields, &mut needs);
        }
        for &id in &self.kitchen_order {
            if let (Some(batch), Some(quantity)) = (self.recipes.get(&Item::Ingredient(id)), needs.remove(&id)) {
                batch.add(quantity / batch.yields, &mut needs);
            }
        }
        needs
    }

    /// Ingredient cost of one portion, or `None` if the product has no recipe or one of its ingredients no price.
    #[must_use]
    pub fn unit_cost(&self, product: ProductId) -> Option<f64> {
        self.cost_of(Item::Product(product))
    }

    fn cost_of(&self, item: Item) -> Option<f64> {
        let Some(batch) = self.recipes.get(&item) else {
            let Item::Ingredient(id) = item else { return None };
            let bought = self.ingredients.get(&id)?;
            return Some(bought.pack_price?.0 as f64 / bought.pack_size.filter(|size| *size > 0.0)?);
        };
        let mut total = 0.0;
        for &(ingredient, quantity) in &batch.lines {
            total += quantity * self.cost_of(Item::Ingredient(ingredient))?;
        }
        Some(total / batch.yields)
    }

    /// Depth-first order of the kitchen items; a back edge is a cycle.
    fn order(&self) -> Result<Vec<IngredientId>, RecipeError> {
        let mut walk = Walk { book: self, path: Vec::new(), done: HashMap::new(), order: Vec::new() };
        for &id in self.ingredients.keys() {
            walk.visit(id)?;
        }
        walk.order.reverse();
        Ok(walk.order)
    }
}

struct Walk<'a> {
    book: &'a RecipeBook,
    path: Vec<IngredientId>,
    done: HashMap<IngredientId, ()>,
    order: Vec<IngredientId>,
}

impl Walk<'_> {
    fn visit(&mut self, id: IngredientId) -> Result<(), RecipeError> {
        if let Some(start) = self.path.iter().position(|&on_path| on_path == id) {
            let names = self.path[start..].iter().chain([&id]).map(|id| self.name(*id)).collect();
            return Err(RecipeError::Cycle { path: names });
        }
        if self.done.contains_key(&id) {
            return Ok(());
        }
        if let Some(batch) = self.book.recipes.get(&Item::Ingredient(id)) {
            self.path.push(id);
            for &(used, _) in &batch.lines {
                self.visit(used)?;
            }
            self.path.pop();
            self.order.push(id);
        }
        self.done.insert(id, ());
        Ok(())
    }

    fn name(&self, id: IngredientId) -> String {
        self.book.ingredients.get(&id).map_or_else(|| id.to_string(), |ingredient| ingredient.name.clone())
    }
}

impl Batch {
    fn add(&self, batches: f64, needs: &mut BTreeMap<IngredientId, f64>) {
        for &(ingredient, quantity) in &self.lines {
            *needs.entry(ingredient).or_default() += batches * quantity;
        }
    }
}

fn check(recipe: &Recipe, ingredients: &BTreeMap<IngredientId, Ingredient>) -> Result<Batch, RecipeError> {
    let positive = recipe.yields.is_finite() && recipe.yields > 0.0;
    if !positive || !(0.0..1.0).contains(&recipe.waste_share) {
        let makes = match recipe.makes {
            Item::Product(id) => id.to_string(),
            Item::Ingredient(id) => ingredients.get(&id).map_or_else(|| id.to_string(), |made| made.name.clone()),
        };
        return Err(RecipeError::Batch { makes, yields: recipe.yields, waste_share: recipe.waste_share });
    }
    let gross = 1.0 / (1.0 - recipe.waste_share);
    let mut lines = Vec::with_capacity(recipe.lines.len());
    for line in &recipe.lines {
        let known = ingredients.get(&line.ingredient).ok_or(RecipeError::UnknownIngredient { id: line.ingredient })?;
        let factor = line.unit.factor(known.unit).map_err(|source| RecipeError::Unit {
            ingredient: known.name.clone(),
            kept: known.unit,
            used: line.unit,
            source,
        })?;
        lines.push((line.ingredient, line.quantity * factor * gross));
    }
    Ok(Batch { yields: recipe.yields, lines })
}

/// Whole batches or packs that cover a quantity; a rounding error's worth over a whole number does not start another.
pub(super) fn whole(quantity: f64) -> u32 {
    (quantity - 1e-9).ceil().max(0.0) as u32
}
