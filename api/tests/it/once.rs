//! Whatever is written down twice because the network was bad is there once.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::app::App;

const STORE: &str = "/api/v1/stores/warung-bu-sri";

/// A route, the table that it writes to, what it is told, and a field in which another request differs.
async fn writes(app: &App) -> [(String, &'static str, Value, (&'static str, Value)); 8] {
    let product: Uuid = sqlx::query_scalar("select id from products").fetch_one(app.db.work()).await.expect("a product");
    let at = |path: &str| format!("{STORE}/{path}");
    let named = || ("name", json!("Lain"));
    let weekend = |name: &str| json!({"name": name, "starts_on": "2026-11-28", "ends_on": "2026-11-29"});
    let with = |mut body: Value, field: &str, value: Value| {
        body[field] = value;
        body
    };
    [
        ("/api/v1/stores".to_owned(), "stores", json!({"name": "Warung Kedua"}), named()),
        (at("categories"), "categories", json!({"name": "Minuman"}), named()),
        (at("ingredients"), "ingredient_catalog", json!({"name": "Tepung", "unit": "kg"}), named()),
        (at("products"), "products", json!({"name": "Es Jeruk", "price": 8_000}), named()),
        (at("events"), "calendar_events", with(weekend("Pasar malam"), "kind", json!("event")), named()),
        (at("promos"), "promos", with(weekend("Ulang tahun"), "discount_share", json!(0.2)), named()),
        (
            at("stock-counts"),
            "stock_counts",
            json!({"moment": "close", "counts": [{"product_id": product, "quantity": 4}]}),
            ("moment", json!("open")),
        ),
        (at("waste"), "waste_log", json!({"product_id": product, "quantity": 3, "reason": "unsold"}), ("quantity", json!(5))),
    ]
}

#[tokio::test]
async fn the_same_key_writes_once() {
    let app = App::new().await;
    sqlx::query("update users set email_verified_at = now()").execute(app.db.work()).await.expect("verified addresses");
    let token = format!("Bearer {}", app.token_of(app.world.owner).await);
    for (path, table, body, (field, value)) in writes(&app).await {
        let rows = format!("select count(*) from {table}");
        let count = || sqlx::query_scalar::<_, i64>(AssertSqlSafe(rows.clone())).fetch_one(app.db.work());
        let before = count().await.expect("a count");
        let headers = [("authorization", token.as_str()), ("idempotency-key", table)];
        let first = app.call(Method::POST, &path, &headers, Some(body.clone())).await;
        assert_eq!(first.status, 201, "{path}: {}", first.text());
        let again = app.call(Method::POST, &path, &headers, Some(body.clone())).await;
        assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, "true"), "{path}: {}", again.text());
        assert_eq!(again.json(), first.json(), "{path}");
        assert_eq!(count().await.expect("a count"), before + 1, "{path}");

        let mut other = body;
        other[field] = value;
        let reused = app.call(Method::POST, &path, &headers, Some(other)).await;
        assert_eq!((reused.status.as_u16(), &reused.json()["type"]), (422, &json!("/problems/idempotency-key-reused")), "{path}");
    }
}
