//! Products, ingredients and recipes.

use platform::db::ingredients::{NewIngredient, list_ingredients, upsert_ingredients};
use platform::db::products::{NewProduct, ensure_products, list_products, upsert_products};
use platform::db::recipes::{NewRecipe, NewRecipeItem, RecipeOutput, load_recipes, replace_recipe};
use platform::db::stores::{find_store, list_stores};
use platform::db::users::{NewUser, create_user, find_user_id};
use sqlx::Connection;
use uuid::Uuid;

use super::shop::{Shop, date};

fn product(name: &str, category: Option<&str>, price: Option<i64>) -> NewProduct {
    NewProduct {
        name: name.to_owned(),
        category: category.map(str::to_owned),
        unit: "potong".to_owned(),
        price,
        batch_size: 12.5,
        shelf_life_days: 1,
        first_sold_on: Some(date("2025-03-01")),
    }
}

fn ingredient(name: &str, unit: &str) -> NewIngredient {
    NewIngredient {
        name: name.to_owned(),
        unit: unit.to_owned(),
        pack_size: 25.0,
        pack_price: Some(310_000),
        shelf_life_days: 30,
        commodity: None,
    }
}

fn recipe(makes: RecipeOutput, ingredients: &[Uuid]) -> NewRecipe {
    let item = |&ingredient_id: &Uuid| NewRecipeItem { ingredient_id, quantity: 0.125, unit: "kg".to_owned() };
    NewRecipe {
        makes,
        yield_quantity: 10.0,
        yield_unit: "porsi".to_owned(),
        waste_share: 0.05,
        items: ingredients.iter().map(item).collect(),
    }
}

#[tokio::test]
async fn upserting_a_product_keeps_its_id_and_what_is_not_told() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let first = upsert_products(&mut work, shop.store_id, &[product("donat", Some("roti"), Some(4_000))]).await.expect("a product");
    let mut again = product("donat", None, None);
    again.first_sold_on = Some(date("2025-06-01"));
    again.batch_size = 6.0;
    let second = upsert_products(&mut work, shop.store_id, &[again]).await.expect("the same product");
    assert_eq!(first, second);

    let listed = list_products(&mut *work, shop.store_id).await.expect("products");
    let donat = listed.iter().find(|row| row.name == "donat").expect("donat");
    assert_eq!((donat.category.as_deref(), donat.price, donat.batch_size), (Some("roti"), Some(4_000), 6.0));
    assert_eq!(donat.first_sold_on, Some(date("2025-03-01")), "the earlier day stays");
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn ensuring_products_never_touches_known_ones() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    upsert_products(&mut work, shop.store_id, &[product("ayam", None, Some(15_000))]).await.expect("a price");
    let names = ["ayam".to_owned(), "sate".to_owned()];
    let ids = ensure_products(&mut work, shop.store_id, &names, "tusuk").await.expect("ids");
    assert_eq!(ids["ayam"], shop.product("ayam"));
    let listed = list_products(&mut *work, shop.store_id).await.expect("products");
    let units: Vec<_> = listed.iter().map(|row| (row.name.as_str(), row.unit.as_str(), row.price)).collect();
    assert_eq!(units, [("ayam", "potong", Some(15_000)), ("nasi", "porsi", None), ("sate", "tusuk", None), ("teh", "porsi", None)]);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn a_rule_that_is_broken_is_named() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let error = upsert_products(&mut work, shop.store_id, &[product("donat", None, Some(-1))]).await.expect_err("a negative price");
    assert_eq!(error.rule(), Some("product_price_is_not_negative"));
    let user = NewUser { email: "WARUNG@example.test".to_owned(), name: None, password_hash: None, is_operator: false };
    let error = create_user(&mut *work, &user).await.expect_err("an address that is taken");
    assert_eq!(error.rule(), Some("one_account_per_email"));
    insta::assert_snapshot!(error, @"cannot create a user: `users` refuses it by its rule `one_account_per_email`");
    assert_eq!(find_user_id(&mut *work, "Warung@Example.test").await.expect("a search"), Some(shop.owner_id));
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn a_store_is_found_by_slug_and_by_id() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let by_slug = find_store(&mut *work, "warung").await.expect("a search").expect("the store");
    let by_id = find_store(&mut *work, &shop.store_id.to_string()).await.expect("a search").expect("the store");
    assert_eq!(by_slug, by_id);
    assert_eq!((by_id.owner_id, by_id.sales_source.as_str()), (shop.owner_id, "imports"));
    assert_eq!(find_store(&mut *work, "nowhere").await.expect("a search"), None);
    assert_eq!(list_stores(&mut *work, false).await.expect("stores").len(), 1);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn a_recipe_is_replaced_whole() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let new = [ingredient("beras", "kg"), ingredient("ayam potong", "kg"), ingredient("sambal", "kg")];
    let ids = upsert_ingredients(&mut work, shop.store_id, &new).await.expect("ingredients");
    assert_eq!(ids, upsert_ingredients(&mut work, shop.store_id, &new).await.expect("the same ingredients"));
    assert_eq!(list_ingredients(&mut *work, shop.store_id).await.expect("ingredients").len(), 3);

    let ayam = RecipeOutput::Product(shop.product("ayam"));
    replace_recipe(&mut work, shop.store_id, &recipe(ayam, &[ids["ayam potong"], ids["beras"]])).await.expect("a recipe");
    let second = replace_recipe(&mut work, shop.store_id, &recipe(ayam, &[ids["ayam potong"], ids["sambal"]])).await.expect("another");
    let graph = load_recipes(&mut work, shop.store_id).await.expect("the graph");
    assert_eq!(graph.recipes.len(), 1);
    assert_eq!((graph.recipes[0].id, graph.recipes[0].yield_quantity, graph.recipes[0].waste_share), (second, 10.0, 0.05));
    let used: Vec<_> = graph.items.iter().map(|item| (item.ingredient_id, item.quantity)).collect();
    assert_eq!(used, [(ids["ayam potong"], 0.125), (ids["sambal"], 0.125)]);
    drop(work);
    shop.db.close().await;
}

#[tokio::test]
async fn a_recipe_that_leads_back_to_itself_is_refused() {
    let shop = Shop::open().await;
    let mut work = shop.connection().await;
    let new = ["adonan", "ragi", "biang"].map(|name| ingredient(name, "kg"));
    let ids = upsert_ingredients(&mut work, shop.store_id, &new).await.expect("ingredients");
    let made = |name: &str| RecipeOutput::Ingredient(ids[name]);
    replace_recipe(&mut work, shop.store_id, &recipe(made("adonan"), &[ids["biang"]])).await.expect("dough from starter");
    replace_recipe(&mut work, shop.store_id, &recipe(made("biang"), &[ids["ragi"]])).await.expect("starter from yeast");

    let direct = replace_recipe(&mut work, shop.store_id, &recipe(made("ragi"), &[ids["ragi"]])).await.expect_err("from itself");
    assert_eq!(direct.rule(), Some("recipe_has_no_cycle"));
    let around = replace_recipe(&mut work, shop.store_id, &recipe(made("ragi"), &[ids["adonan"]])).await.expect_err("around three");
    assert_eq!(around.rule(), Some("recipe_has_no_cycle"));
    assert!(domain::Hint::hint(&around).is_some_and(|hint| hint.contains("leads back")));
    assert_eq!(load_recipes(&mut work, shop.store_id).await.expect("the graph").recipes.len(), 2, "nothing of it was stored");
    drop(work);
    shop.db.close().await;
}

/// Each of two writers alone closes no cycle; both together would.
#[tokio::test]
async fn two_writers_cannot_close_a_cycle_between_them() {
    let shop = Shop::open().await;
    let mut first = shop.connection().await;
    let new = ["a", "b"].map(|name| ingredient(name, "kg"));
    let ids = upsert_ingredients(&mut first, shop.store_id, &new).await.expect("ingredients");
    let mut open = first.begin().await.expect("a transaction");
    replace_recipe(&mut open, shop.store_id, &recipe(RecipeOutput::Ingredient(ids["a"]), &[ids["b"]])).await.expect("a from b");
    let mut second = shop.connection().await;
    let other = recipe(RecipeOutput::Ingredient(ids["b"]), &[ids["a"]]);
    let (late, ()) = tokio::join!(replace_recipe(&mut second, shop.store_id, &other), async { open.commit().await.expect("a commit") });
    assert_eq!(late.expect_err("b from a").rule(), Some("recipe_has_no_cycle"));
    drop((first, second));
    shop.db.close().await;
}
