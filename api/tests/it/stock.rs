//! What is on the shelf, what is gone, what was thrown away.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, Reply};

const STORE: &str = "/api/v1/stores/warung-bu-sri";

async fn ids(app: &App) -> (Uuid, Uuid) {
    let product = sqlx::query_scalar("select id from products").fetch_one(app.db.work()).await.expect("a product");
    let ingredient = sqlx::query_scalar("select id from ingredient_catalog").fetch_one(app.db.work()).await.expect("an ingredient");
    (product, ingredient)
}

async fn as_(app: &App, user: Uuid, method: Method, path: &str, body: Option<Value>) -> Reply {
    let token = format!("Bearer {}", app.token_of(user).await);
    app.call(method, &format!("{STORE}/{path}"), &[("authorization", &token)], body).await
}

fn fields(reply: &Reply) -> Vec<String> {
    assert!(matches!(reply.status.as_u16(), 400 | 422), "{}", reply.text());
    let errors = reply.json()["errors"].as_array().expect("errors").clone();
    errors.iter().map(|error| error["field"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn the_counter_counts_the_shelf() {
    let app = App::new().await;
    let (product, ingredient) = ids(&app).await;
    let count = async |body: Value| as_(&app, app.world.cashier, Method::POST, "stock-counts", Some(body)).await;
    let counts = json!([{"product_id": product, "quantity": 0}, {"ingredient_id": ingredient, "quantity": 4.5, "note": "di kulkas"}]);
    let counted = count(json!({"moment": "close", "counted_at": "2026-11-22T18:30:00Z", "counts": counts})).await;
    assert_eq!(counted.status, 201, "{}", counted.text());
    let listed = as_(&app, app.world.cashier, Method::GET, "stock-counts", None).await.json();
    let rows = listed["stock_counts"].as_array().expect("counts");
    let shown: Vec<_> = rows.iter().map(|row| (&row["item"], &row["quantity"], &row["business_date"])).collect();
    let day = json!("2026-11-22");
    assert_eq!(shown, [(&json!("Ayam"), &json!(4.5), &day), (&json!("Ayam Geprek"), &json!(0.0), &day)]);
    assert_eq!(as_(&app, app.world.cashier, Method::GET, "stock-counts?from=2026-11-23", None).await.json()["stock_counts"], json!([]));
    assert_eq!(fields(&as_(&app, app.world.cashier, Method::GET, "stock-counts?from=2026-11-24", None).await), ["from"]);

    let wrong = json!([{"product_id": ingredient, "quantity": 1}, {"quantity": -1}]);
    let wrong = count(json!({"moment": "open", "counted_at": "2026-11-24T00:00:00Z", "counts": wrong})).await;
    assert_eq!(fields(&wrong), ["counted_at", "counts[0].product_id", "counts[1].quantity", "counts[1]"]);
}

#[tokio::test]
async fn what_is_gone_is_gone_once() {
    let app = App::new().await;
    let (product, _) = ids(&app).await;
    let path = format!("products/{product}/sold-out");
    let press = async |method| as_(&app, app.world.cashier, method, &path, None).await;
    let events = async || -> (i64, i64) {
        let events = "select count(*), count(*) filter (where restocked_at is null) from stockout_events";
        sqlx::query_as(events).fetch_one(app.db.work()).await.expect("events")
    };
    let (one, two) = tokio::join!(press(Method::POST), press(Method::POST));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!((statuses, one.json()), ([200, 201], two.json()));
    app.clock.advance(chrono::TimeDelta::minutes(10));
    assert_eq!(press(Method::POST).await.json()["sold_out_at"], "2026-11-23T01:00:00Z", "since the first time");
    assert_eq!(events().await, (1, 1));
    assert_eq!(press(Method::DELETE).await.status, 204);
    assert_eq!(press(Method::DELETE).await.status, 204, "nothing is left to end");
    assert_eq!(events().await, (1, 0));
    app.clock.advance(chrono::TimeDelta::minutes(10));
    assert_eq!(press(Method::POST).await.status, 201, "gone again");
    app.clock.advance(chrono::TimeDelta::days(1));
    assert_eq!(press(Method::POST).await.status, 201, "a new day");
    assert_eq!(events().await, (3, 2));
    for product in [Uuid::nil().to_string(), "x".into()] {
        let reply = as_(&app, app.world.cashier, Method::POST, &format!("products/{product}/sold-out"), None).await;
        assert_eq!((reply.status.as_u16(), reply.json()["detail"].as_str()), (404, Some(&*format!("Produk `{product}` tidak ada."))));
    }
    let elsewhere = format!("/api/v1/stores/kedai-kosong/products/{product}/sold-out");
    let operator = format!("Bearer {}", app.token_of(app.world.operator).await);
    let reply = app.call(Method::POST, &elsewhere, &[("authorization", &operator)], None).await;
    assert_eq!(reply.status, 404, "a product of another store");
}

#[tokio::test]
async fn waste_is_written_down_and_taken_back() {
    let app = App::new().await;
    let (product, _) = ids(&app).await;
    let add = async |body: Value| as_(&app, app.world.cashier, Method::POST, "waste", Some(body)).await;
    let added = add(json!({"product_id": product, "quantity": 3, "reason": "unsold", "business_date": "2026-11-22"})).await;
    assert_eq!((added.status.as_u16(), &added.json()["item"]), (201, &json!("Ayam Geprek")));
    let listed = async || as_(&app, app.world.manager, Method::GET, "waste", None).await.json()["waste"].clone();
    assert_eq!(listed().await, json!([added.json()]));
    assert_eq!(
        fields(&add(json!({"product_id": Uuid::nil(), "quantity": 0, "reason": "other", "business_date": "2026-11-24"})).await),
        ["quantity", "business_date", "product_id"]
    );
    assert_eq!(fields(&add(json!({"product_id": product, "quantity": 1, "reason": "eaten"})).await), ["reason"]);
    let one = format!("waste/{}", added.json()["id"].as_str().expect("an id"));
    assert_eq!(as_(&app, app.world.cashier, Method::DELETE, &one, None).await.status, 403);
    assert_eq!(as_(&app, app.world.manager, Method::DELETE, &one, None).await.status, 204);
    assert_eq!(as_(&app, app.world.manager, Method::DELETE, &one, None).await.status, 404);
    assert_eq!(listed().await, json!([]));
}
