//! Menus, ingredients and recipes.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use super::definition::{Family, Store};
use super::effects::Effects;
use super::error::WorldError;

const MENUS: &str = "menus.toml";
const PANTRY: &str = "pantry.toml";

/// Something a shop sells.
#[derive(Debug, Clone)]
pub struct Product {
    /// Name as in the sales export.
    pub name: String,
    /// Lower-case name with dashes.
    pub slug: String,
    /// Name of its family.
    pub family: String,
    /// Category on the receipt.
    pub category: String,
    /// Selling unit.
    pub unit: String,
    /// Mean units on a plain day of 2025 (of a selling day, where `every_days` is set).
    pub base: f64,
    /// Sold only about every so many days.
    pub every_days: Option<f64>,
    /// List price in rupiah in the menu's year.
    pub price: i64,
    /// Units prepared at once.
    pub batch: u32,
    /// Days it keeps.
    pub shelf_life_days: u32,
    /// Launched about so many days before `today`.
    pub launched_days_ago: Option<i64>,
    /// Taken off the menu about so many days before `today`.
    pub ended_days_ago: Option<i64>,
    /// Bought ready-made rather than cooked.
    pub resale: bool,
    /// What one unit takes.
    pub uses: Vec<ComponentUse>,
    /// Effects of the family with this product's overrides, before sensitivity.
    pub effects: Effects,
}

/// An amount of an ingredient or recipe, in that component's own unit.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentUse {
    /// Slug of an ingredient or a recipe.
    pub component: String,
    /// In the component's unit.
    pub quantity: f64,
}

/// Something that is bought.
#[derive(Debug, Clone)]
pub struct Ingredient {
    /// Short name; goods sold on as they are have `jual-` before the product's.
    pub slug: String,
    /// Indonesian name.
    pub name: String,
    /// What recipes count in.
    pub unit: String,
    /// Units in a pack.
    pub pack: f64,
    /// Rupiah per pack in the menu's year.
    pub price: i64,
    /// Days it keeps.
    pub shelf_life_days: u32,
    /// Share lost in cleaning.
    pub waste: f64,
    /// Standard deviation of the log market price; 0: no market quotes it.
    pub volatility: f64,
    /// Rise of the market price before Idul Fitri.
    pub feast: f64,
}

/// A half-made thing.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Short name.
    pub slug: String,
    /// Indonesian name.
    pub name: String,
    /// What it is counted in.
    pub unit: String,
    /// Units that come out.
    pub makes: f64,
    /// Share left in the pan.
    pub loss: f64,
    /// What goes in.
    pub uses: Vec<ComponentUse>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MenuFile {
    menu: Vec<MenuPart>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MenuPart {
    store: String,
    family: String,
    products: Vec<ProductFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductFile {
    name: String,
    base: f64,
    price: i64,
    every_days: Option<f64>,
    batch: Option<u32>,
    unit: Option<String>,
    launched_days_ago: Option<i64>,
    ended_days_ago: Option<i64>,
    pack: Option<f64>,
    pack_price: Option<i64>,
    #[serde(default)]
    uses: BTreeMap<String, f64>,
    #[serde(default)]
    effects: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PantryFile {
    ingredients: BTreeMap<String, IngredientFile>,
    recipes: BTreeMap<String, RecipeFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IngredientFile {
    name: String,
    unit: String,
    pack: f64,
    price: i64,
    shelf_life_days: u32,
    #[serde(default)]
    waste: f64,
    #[serde(default)]
    volatility: f64,
    #[serde(default)]
    feast: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipeFile {
    name: String,
    unit: String,
    makes: f64,
    loss: f64,
    uses: BTreeMap<String, f64>,
}

pub(crate) fn parse_pantry(text: &str) -> Result<(Vec<Ingredient>, Vec<Recipe>), WorldError> {
    let file: PantryFile = toml::from_str(text).map_err(|source| WorldError::Parse { file: PANTRY, source })?;
    let ingredients = file.ingredients.into_iter().map(|(slug, entry)| Ingredient {
        slug,
        name: entry.name,
        unit: entry.unit,
        pack: entry.pack,
        price: entry.price,
        shelf_life_days: entry.shelf_life_days,
        waste: entry.waste,
        volatility: entry.volatility,
        feast: entry.feast,
    });
    let recipes = file.recipes.into_iter().map(|(slug, entry)| Recipe {
        slug,
        name: entry.name,
        unit: entry.unit,
        makes: entry.makes,
        loss: entry.loss,
        uses: uses(entry.uses),
    });
    Ok((ingredients.collect(), recipes.collect()))
}

/// Puts the menus into their stores; goods sold on as they are become ingredients of their own.
pub(crate) fn fill(
    stores: &mut [Store],
    text: &str,
    families: &BTreeMap<String, Family>,
    ingredients: &mut Vec<Ingredient>,
) -> Result<(), WorldError> {
    let file: MenuFile = toml::from_str(text).map_err(|source| WorldError::Parse { file: MENUS, source })?;
    for part in file.menu {
        let missing = |what: &str| WorldError::definition(MENUS, format!("there is no {what}"));
        let store = stores.iter_mut().find(|store| store.slug == part.store);
        let store = store.ok_or_else(|| missing(&format!("store `{}`", part.store)))?;
        let family = families.get(&part.family).ok_or_else(|| missing(&format!("family `{}`", part.family)))?;
        for entry in part.products {
            if let Some(ingredient) = entry.as_ingredient(family) {
                ingredients.push(ingredient);
            }
            store.products.push(entry.resolve(&part.family, family)?);
        }
    }
    Ok(())
}

impl ProductFile {
    fn slug(&self) -> String {
        let words = self.name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
    }

    fn as_ingredient(&self, family: &Family) -> Option<Ingredient> {
        Some(Ingredient {
            slug: format!("jual-{}", self.slug()),
            name: self.name.clone(),
            unit: self.unit.clone().unwrap_or_else(|| family.unit.clone()),
            pack: self.pack?,
            price: self.pack_price?,
            shelf_life_days: family.shelf_life_days,
            waste: 0.0,
            volatility: 0.0,
            feast: 0.0,
        })
    }

    fn resolve(self, family_name: &str, family: &Family) -> Result<Product, WorldError> {
        let mut effects = family.effects;
        for (name, value) in &self.effects {
            let what = || WorldError::definition(MENUS, format!("`{}` has an unknown effect `{name}`", self.name));
            *effects.field(name).ok_or_else(what)? = *value;
        }
        let slug = self.slug();
        let resale = self.pack.is_some() && self.pack_price.is_some();
        if resale != self.uses.is_empty() {
            let what = format!("`{}` needs either `uses` or both `pack` and `pack_price`", self.name);
            return Err(WorldError::definition(MENUS, what));
        }
        let uses = if resale { vec![ComponentUse { component: format!("jual-{slug}"), quantity: 1.0 }] } else { uses(self.uses) };
        Ok(Product {
            slug,
            family: family_name.to_owned(),
            category: family.category.clone(),
            unit: self.unit.unwrap_or_else(|| family.unit.clone()),
            base: self.base,
            every_days: self.every_days,
            price: self.price,
            batch: self.batch.unwrap_or(1),
            shelf_life_days: family.shelf_life_days,
            launched_days_ago: self.launched_days_ago,
            ended_days_ago: self.ended_days_ago,
            resale,
            uses,
            effects,
            name: self.name,
        })
    }
}

fn uses(amounts: BTreeMap<String, f64>) -> Vec<ComponentUse> {
    amounts.into_iter().map(|(component, quantity)| ComponentUse { component, quantity }).collect()
}

/// Every component exists, no recipe contains itself, and no slug or product name occurs twice.
pub(crate) fn check_components(stores: &[Store], ingredients: &[Ingredient], recipes: &[Recipe]) -> Result<(), WorldError> {
    let mut slugs = HashSet::new();
    for slug in ingredients.iter().map(|entry| &entry.slug).chain(recipes.iter().map(|entry| &entry.slug)) {
        if !slugs.insert(slug.as_str()) {
            return Err(WorldError::definition(PANTRY, format!("`{slug}` occurs twice")));
        }
    }
    let known = |owner: &str, uses: &[ComponentUse], file| match uses.iter().find(|part| !slugs.contains(&*part.component)) {
        Some(part) => Err(WorldError::definition(file, format!("`{owner}` uses `{}`, which is unknown", part.component))),
        None => Ok(()),
    };
    for recipe in recipes {
        known(&recipe.slug, &recipe.uses, PANTRY)?;
        if contains(recipe, &recipe.slug, recipes, recipes.len()) {
            return Err(WorldError::definition(PANTRY, format!("recipe `{}` contains itself", recipe.slug)));
        }
    }
    let mut names = HashSet::new();
    for store in stores {
        for product in &store.products {
            known(&product.name, &product.uses, MENUS)?;
            if !names.insert((&store.slug, &product.name)) {
                return Err(WorldError::definition(MENUS, format!("`{}` is on the menu twice", product.name)));
            }
        }
    }
    Ok(())
}

fn contains(recipe: &Recipe, wanted: &str, recipes: &[Recipe], depth: usize) -> bool {
    recipe.uses.iter().any(|part| {
        let inner = recipes.iter().find(|inner| inner.slug == part.component);
        part.component == wanted || depth > 0 && inner.is_some_and(|inner| contains(inner, wanted, recipes, depth - 1))
    })
}
