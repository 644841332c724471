//! What orders add up to.

use axum::http::Method;
use serde_json::{Value, json};

use crate::app::{App, Reply};

const STORE: &str = "/api/v1/stores/warung-bu-sri";

async fn post(app: &App, path: &str, body: Option<Value>) -> Reply {
    let token = format!("Bearer {}", app.token_of(app.world.manager).await);
    app.call(Method::POST, &format!("{STORE}/{path}"), &[("authorization", &token)], body).await
}

async fn stats(app: &App, query: &str) -> Reply {
    let token = format!("Bearer {}", app.token_of(app.world.cashier).await);
    app.get_with(&format!("{STORE}/order-stats{query}"), &[("authorization", &token)]).await
}

/// An order of two and a half geprek at 18.000, made then; its id.
async fn order(app: &App, order_date: &str) -> String {
    let new = json!({"order_date": order_date, "items": [{"product": "Ayam Geprek", "quantity": 2.5}]});
    let taken = post(app, "orders", Some(new)).await;
    taken.json()["order"]["id"].as_str().unwrap_or_else(|| panic!("{}", taken.text())).to_owned()
}

#[tokio::test]
async fn orders_add_up_by_day_hour_and_product() {
    let app = App::new().await;
    let none = stats(&app, "").await.json();
    assert_eq!((&none["total"], none["days"].as_array().map(Vec::len)), (&json!({"sold": 0, "revenue": 0, "average": null}), Some(7)));

    // 08:30 and 12:10 in Jakarta yesterday, and 01:30 this night, which belongs to yesterday: the warung's days end at two.
    for then in ["2026-11-22T01:30:00Z", "2026-11-22T05:10:00Z", "2026-11-22T18:30:00Z"] {
        let id = order(&app, then).await;
        assert_eq!(post(&app, &format!("orders/{id}/complete"), None).await.status, 200);
    }
    let cancelled = order(&app, "2026-11-22T05:20:00Z").await;
    post(&app, &format!("orders/{cancelled}/cancel"), None).await;
    order(&app, "2026-11-23T00:30:00Z").await;

    let known = stats(&app, "?from=2026-11-21").await.json();
    assert_eq!((&known["from"], &known["to"]), (&json!("2026-11-21"), &json!("2026-11-23")));
    assert_eq!(known["total"], json!({"sold": 3, "revenue": 135_000, "average": 45_000}));
    let day = |date: &str, sold: i64, pending: i64, undone: i64| json!({"date": date, "sold": sold, "pending": pending, "undone": undone, "revenue": sold * 45_000, "unpriced": 0});
    assert_eq!(known["days"], json!([day("2026-11-21", 0, 0, 0), day("2026-11-22", 3, 0, 1), day("2026-11-23", 0, 1, 0)]));
    let hour = |hour: i64| json!({"hour": hour, "sold": 1, "revenue": 45_000});
    assert_eq!(known["hours"], json!([hour(1), hour(8), hour(12)]));
    let products = known["products"].as_array().expect("products");
    assert_eq!((products.len(), &products[0]["product"], &products[0]["quantity"]), (1, &json!("Ayam Geprek"), &json!(7.5)));
    assert_eq!((&products[0]["orders"], &products[0]["revenue"]), (&json!(3), &json!(135_000)));
}

#[tokio::test]
async fn they_are_kept_until_an_order_changes() {
    let app = App::new().await;
    let id = order(&app, "2026-11-23T00:30:00Z").await;
    let sold = async || stats(&app, "").await.json()["total"]["sold"].as_i64().expect("a number");
    assert_eq!(sold().await, 0);
    sqlx::query("update orders set status = 'completed'").execute(app.db.work()).await.expect("behind our back");
    assert_eq!(sold().await, 0, "nobody has told");
    sqlx::query("update orders set status = 'pending'").execute(app.db.work()).await.expect("as it was");
    assert_eq!(post(&app, &format!("orders/{id}/complete"), None).await.status, 200);
    crate::eventually("the order is counted", async || (sold().await == 1).then_some(())).await;
}

#[tokio::test]
async fn more_than_a_quarter_is_not_added_up() {
    let app = App::new().await;
    let refused = stats(&app, "?from=2026-01-01&to=2026-11-23").await;
    assert_eq!((refused.status.as_u16(), &refused.json()["errors"][0]["field"]), (422, &json!("from")));
}
