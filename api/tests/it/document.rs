//! The OpenAPI document itself.

use std::collections::BTreeSet;
use std::path::Path;

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use crate::app::App;
use crate::contract::{document, resolve, violations};

#[test]
fn the_committed_document_is_the_one_that_the_handlers_make() {
    let file = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where")).join("../docs/reference/openapi.json");
    let made = format!("{}\n", api::openapi().to_pretty_json().expect("JSON"));
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(&file, &made).expect("written");
    }
    let committed = std::fs::read_to_string(&file).expect("docs/reference/openapi.json");
    assert!(
        committed == made,
        "docs/reference/openapi.json is out of date: run this test with INSTA_UPDATE=always and read the difference"
    );
}

#[tokio::test]
async fn the_document_is_served_as_openapi_3_1() {
    let app = App::new().await;
    let reply = app.get("/api/v1/openapi.json").await;
    assert_eq!(&reply.json(), document());
    assert_eq!(document()["openapi"], "3.1.0");
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_is_described() {
    fn walk(value: &'static Value) {
        resolve(value);
        match value {
            Value::Object(fields) => fields.values().for_each(walk),
            Value::Array(items) => items.iter().for_each(walk),
            _ => {}
        }
    }
    walk(document());
    let mut names = BTreeSet::new();
    for (path, item) in document()["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path} has no summary");
            let name = operation["operationId"].as_str().expect("a name for generated clients");
            assert!(names.insert(name), "two operations are called {name}");
            assert!(operation["x-permission"].is_string(), "{method} {path} does not say who may");
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{method} {path}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            assert!(parameters.iter().all(|parameter| parameter["description"].is_string()), "{method} {path}: {parameters:?}");
            let is_first_page = |parameter: &Value| parameter["name"] != "cursor" || parameter["required"] != true;
            assert!(parameters.iter().all(is_first_page), "{method} {path} cannot be asked for its first page");
        }
    }
}

#[test]
fn every_refusal_has_an_example_that_is_one() {
    let schema = &document()["components"]["schemas"]["Problem"];
    let items = document()["paths"].as_object().expect("paths").values().flat_map(|item| item.as_object().expect("operations").values());
    for operation in items {
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let Some(content) = resolve(response)["content"].get("application/problem+json") else { continue };
            let example = &content["example"];
            let named = format!("{} of {}: {example}", status, operation["operationId"]);
            assert_eq!(example["status"].to_string(), *status, "{named}");
            assert_eq!(violations(schema, example, "example"), Vec::<String>::new(), "{named}");
            assert!(example["type"].as_str().is_some_and(|kind| kind.starts_with("/problems/")), "{named}");
        }
    }
}

/// The client checks each answer against the document.
#[tokio::test]
async fn every_documented_route_answers_as_documented() {
    let app = App::new().await;
    let new = json!({"items": [{"product": "Ayam Geprek", "quantity": 1}]});
    let order = app.call(Method::POST, "/api/v1/stores/warung-bu-sri/orders", &[], Some(new)).await.json();
    let order = order["order"]["id"].as_str().expect("an id");
    let [category, product, ingredient] = written_down(&app).await;
    let asked = app.call(Method::POST, "/api/v1/stores/warung-bu-sri/what-if", &[], Some(json!({"closed": true}))).await.json();
    let asked = asked["id"].as_str().expect("an id");
    let paths = document()["paths"].as_object().expect("paths").iter();
    // What is sent to the server has tests of its own, and so have payments, which are not ours to make.
    for (path, _) in paths.filter(|(path, item)| item.get("get").is_some() && !path.contains("{payment}")) {
        let path = path.replace("{store}", "warung-bu-sri").replace("{run}", &app.world.run.to_string());
        let path = path.replace("{backfill}", &app.world.backfill.to_string());
        let path = path.replace("{order}", order).replace("{job}", asked).replace("{what_if}", asked);
        let path = path.replace("{kind}", "products");
        let path = path.replace("{letter}", &app.dead_letter().await.to_string());
        let path = path.replace("{category}", &category).replace("{product}", &product).replace("{ingredient}", &ingredient);
        assert!(!path.contains('{'), "{path}: this test does not know what to put there");
        // Here nobody is named whom to tell of a hole.
        let status = if path == "/.well-known/security.txt" { 404 } else { 200 };
        assert_eq!(app.get(&path).await.status, status, "{path}");
    }
}

/// A category, a product and an ingredient of the warung, both with a recipe, and a picture.
async fn written_down(app: &App) -> [String; 3] {
    let at = |path: &str| format!("/api/v1/stores/warung-bu-sri/{path}");
    let create = async |noun: &str, body: Value| {
        let made = app.call(Method::POST, &at(noun), &[], Some(body)).await.json();
        made["id"].as_str().expect("an id").to_owned()
    };
    let category = create("categories", json!({"name": "Minuman"})).await;
    let product = create("products", json!({"name": "Es Teh"})).await;
    let tea = create("ingredients", json!({"name": "Teh", "unit": "l"})).await;
    let leaves = create("ingredients", json!({"name": "Daun Teh", "unit": "g"})).await;
    for (made, unit, of) in [(format!("products/{product}"), "gelas", &tea), (format!("ingredients/{tea}"), "l", &leaves)] {
        let items = json!([{"ingredient_id": of, "quantity": 1, "unit": if unit == "l" { "g" } else { "l" }}]);
        let recipe = json!({"yield_quantity": 4, "yield_unit": unit, "items": items});
        assert_eq!(app.call(Method::PUT, &at(&format!("{made}/recipe")), &[], Some(recipe)).await.status, 200);
    }
    let picture = Body::from(&b"\x89PNG\r\n\x1a\n"[..]);
    assert_eq!(app.send(Method::PUT, "/api/v1/users/me/avatar", &[], picture).await.status, 204);
    [category, product, tea]
}
