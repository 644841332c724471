//! Payments as the counter asks for them, with the gateway's stand-in over real HTTP. What may go wrong with money itself is tested in
//! `payments`.

use std::net::SocketAddr;
use std::sync::Arc;

use api::Limits;
use axum::http::Method;
use platform::config::XenditConfig;
use serde_json::json;
use standin::services::{self, Context};
use standin::world::{World, simulate};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::app::{App, Reply};
use crate::world::NOW;

const STORE: &str = "/api/v1/stores/warung-bu-sri";

async fn gateway() -> XenditConfig {
    let world = simulate(7, "2026-11-23".parse().expect("a date"), World::definition()).expect("a world");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let router = services::all().router(&Context::new(Arc::new(world))).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, router).await });
    XenditConfig::of_stand_in(&base)
}

async fn app() -> App {
    App::paid_through(&gateway().await, Limits::default(), NOW).await
}

/// An order of two ayam geprek that waits for its money.
async fn order(app: &App, store: Uuid) -> Uuid {
    let id = Uuid::now_v7();
    let insert = "insert into orders (id, store_id, external_id, total_amount, order_date, business_date)
                  values ($1, $2, $1::text, 36000, '2026-11-23T00:30:00Z', '2026-11-23')";
    sqlx::query(insert).bind(id).bind(store).execute(app.db.work()).await.expect("an order");
    id
}

async fn as_(app: &App, user: Uuid, method: Method, path: &str, headers: &[(&str, &str)], body: Option<serde_json::Value>) -> Reply {
    let bearer = format!("Bearer {}", app.token_of(user).await);
    app.call(method, path, &[&[("authorization", bearer.as_str())], headers].concat(), body).await
}

#[tokio::test]
async fn the_counter_asks_for_money_and_shows_the_code() {
    let app = app().await;
    let cashier = app.world.cashier;
    let order = order(&app, app.world.store).await;
    let path = format!("{STORE}/orders/{order}/payments");
    // A double click.
    let (one, two) = tokio::join!(as_(&app, cashier, Method::POST, &path, &[], None), as_(&app, cashier, Method::POST, &path, &[], None));
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (201, 201), "{} {}", one.text(), two.text());
    assert_eq!(one.json()["id"], two.json()["id"], "an order is paid once");

    let payment = format!("{STORE}/payments/{}", one.json()["id"].as_str().expect("an id"));
    let shown = as_(&app, cashier, Method::GET, &payment, &[], None).await.json();
    assert_eq!((&shown["amount"], &shown["status"]), (&json!(36_000), &json!("awaiting")));
    assert!(shown["qr"].as_str().is_some_and(|qr| qr.starts_with("000201")), "{shown}");
    let svg = as_(&app, cashier, Method::GET, &format!("{payment}/qr.svg"), &[], None).await;
    assert_eq!((svg.header("content-type"), svg.header("cache-control")), ("image/svg+xml; charset=utf-8", "private, no-store"));
    assert!(svg.text().contains("<svg"));
    let png = as_(&app, cashier, Method::GET, &format!("{payment}/qr.png"), &[], None).await;
    assert_eq!((png.header("content-type"), &png.body[1..4]), ("image/png", &b"PNG"[..]));

    assert_eq!(as_(&app, cashier, Method::POST, &format!("{payment}/check"), &[], None).await.status, 202);
    let cancelled = as_(&app, cashier, Method::POST, &format!("{payment}/cancel"), &[], None).await;
    assert_eq!((cancelled.status.as_u16(), &cancelled.json()["status"]), (200, &json!("cancelled")), "{}", cancelled.text());
    assert_eq!(
        as_(&app, cashier, Method::GET, &format!("{payment}/qr.svg"), &[], None).await.status,
        404,
        "nothing is to be scanned any more"
    );
    let again = as_(&app, cashier, Method::POST, &path, &[], None).await;
    assert_ne!(again.json()["id"], shown["id"], "a new payment for a new try");
    assert_eq!(as_(&app, cashier, Method::GET, &path, &[], None).await.json()["payments"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn another_stores_order_and_payment_do_not_exist() {
    let app = app().await;
    let neighbours: Uuid =
        sqlx::query_scalar("select id from stores where slug = 'kedai-kosong'").fetch_one(app.db.work()).await.expect("a store");
    let (ours, theirs) = (order(&app, app.world.store).await, order(&app, neighbours).await);
    let path = |order| format!("{STORE}/orders/{order}/payments");
    for user in [app.world.cashier, app.world.operator] {
        assert_eq!(as_(&app, user, Method::POST, &path(theirs), &[], None).await.status, 404, "even an operator names the right store");
    }
    let payment = as_(&app, app.world.cashier, Method::POST, &path(ours), &[], None).await.json();
    let elsewhere = format!("/api/v1/stores/kedai-kosong/payments/{}", payment["id"].as_str().expect("an id"));
    for user in [app.world.neighbour, app.world.operator] {
        assert_eq!(as_(&app, user, Method::GET, &elsewhere, &[], None).await.status, 404);
    }
}

#[tokio::test]
async fn money_goes_back_only_by_a_key_and_only_if_it_came() {
    let app = app().await;
    let order = order(&app, app.world.store).await;
    let made = as_(&app, app.world.cashier, Method::POST, &format!("{STORE}/orders/{order}/payments"), &[], None).await.json();
    let path = format!("{STORE}/payments/{}/refunds", made["id"].as_str().expect("an id"));
    let body = Some(json!({"amount": 18_000, "reason": "requested_by_customer"}));
    let manager = app.world.manager;
    let without = as_(&app, manager, Method::POST, &path, &[], body.clone()).await;
    assert_eq!((without.status.as_u16(), &without.json()["errors"][0]["field"]), (400, &json!("Idempotency-Key")));
    let unpaid = as_(&app, manager, Method::POST, &path, &[("idempotency-key", "k1")], body.clone()).await;
    assert_eq!((unpaid.status.as_u16(), &unpaid.json()["type"]), (409, &json!("/problems/payment-refused")), "{}", unpaid.text());
    assert_eq!(as_(&app, app.world.cashier, Method::POST, &path, &[("idempotency-key", "k1")], body).await.status, 403);
    assert_eq!(as_(&app, manager, Method::GET, &path, &[], None).await.json(), json!({"refunds": []}));
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_leaves_a_payment_that_waits() {
    let app = App::new().await;
    let order = order(&app, app.world.store).await;
    let reply = as_(&app, app.world.cashier, Method::POST, &format!("{STORE}/orders/{order}/payments"), &[], None).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["status"], &reply.json()["qr"]), (201, &json!("pending"), &json!(null)));
}

#[tokio::test]
async fn without_a_key_payments_are_not_configured() {
    let app = App::paid_through(&XenditConfig::default(), Limits::default(), NOW).await;
    let order = order(&app, app.world.store).await;
    let reply = as_(&app, app.world.cashier, Method::POST, &format!("{STORE}/orders/{order}/payments"), &[], None).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["type"]), (409, &json!("/problems/payments-not-configured")));
}
