//! Orders that a store takes, and those that another program hands over.

use std::collections::HashSet;

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, Reply};

const ORDERS: &str = "/api/v1/stores/warung-bu-sri/orders";
const BULK: &str = "/api/v1/stores/warung-bu-sri/orders/bulk";

/// As someone of the warung.
struct At<'a> {
    app: &'a App,
    token: String,
}

impl<'a> At<'a> {
    async fn as_(app: &'a App, user: Uuid) -> Self {
        Self { app, token: format!("Bearer {}", app.token_of(user).await) }
    }

    async fn post(&self, path: &str, key: Option<&str>, body: Option<Value>) -> Reply {
        let mut headers = vec![("authorization", self.token.as_str())];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        self.app.call(Method::POST, path, &headers, body).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.app.get_with(path, &[("authorization", &self.token)]).await
    }
}

fn two() -> Value {
    json!({"items": [{"product": "Ayam Geprek", "quantity": 2}]})
}

fn id_of(reply: &Reply) -> String {
    reply.json()["order"]["id"].as_str().unwrap_or_else(|| panic!("no order: {}", reply.text())).to_owned()
}

fn fields(reply: &Reply) -> Vec<String> {
    assert!(matches!(reply.status.as_u16(), 400 | 422), "{}", reply.text());
    let errors = reply.json()["errors"].as_array().expect("errors").clone();
    errors.iter().map(|error| error["field"].as_str().expect("a name").to_owned()).collect()
}

async fn count(app: &App) -> i64 {
    sqlx::query_scalar("select count(*) from orders").fetch_one(app.db.work()).await.expect("a count")
}

#[tokio::test]
async fn an_owners_day() {
    let app = App::new().await;
    let owner = At::as_(&app, app.world.owner).await;
    let new = json!({
        "customer_name": "Bu Ani", "customer_phone": "081234567890",
        "items": [{"product": "Ayam Geprek", "quantity": 1.5}, {"product": "Ayam Geprek", "quantity": 1, "unit_price": 20_000}],
    });
    let taken = owner.post(ORDERS, None, Some(new)).await;
    assert_eq!(taken.status, 201, "{}", taken.text());
    let order = &taken.json()["order"];
    assert_eq!((&order["total_amount"], &order["status"], &order["source"]), (&json!(47_000), &json!("pending"), &json!("orders")));
    assert_eq!((&order["business_date"], &order["external_id"]), (&json!("2026-11-23"), &order["id"]));
    assert_eq!(taken.json()["items"][0]["unit_price"], 18_000, "of the catalogue");
    // 01:30 in Jakarta; the warung's days end at two.
    let late = json!({"order_date": "2026-11-21T18:30:00Z", "items": two()["items"]});
    assert_eq!(owner.post(ORDERS, None, Some(late)).await.json()["order"]["business_date"], "2026-11-21");

    let one = format!("{ORDERS}/{}", id_of(&taken));
    assert_eq!(owner.get(&one).await.json(), taken.json());
    assert_eq!(owner.post(&format!("{one}/complete"), None, None).await.json()["order"]["status"], "completed");
    let again = owner.post(&format!("{one}/cancel"), None, None).await;
    assert_eq!((again.status.as_u16(), again.json()["type"].as_str()), (409, Some("/problems/conflict")));
    assert_eq!(again.json()["detail"], "Pesanan ini sudah selesai atau batal.");

    let filtered = async |query: &str| owner.get(&format!("{ORDERS}?{query}")).await.json()["orders"].as_array().map(Vec::len);
    assert_eq!(filtered("status=completed").await, Some(1));
    assert_eq!(filtered("from=2026-11-22").await, Some(1));
    assert_eq!(filtered("to=2026-11-22").await, Some(1));
    assert_eq!(filtered("").await, Some(2));
}

#[tokio::test]
async fn the_counter_sells_at_the_price_of_the_catalogue() {
    let app = App::new().await;
    let cheap = || Some(json!({"items": [{"product": "Ayam Geprek", "quantity": 1, "unit_price": 1_000}]}));
    let cashier = At::as_(&app, app.world.cashier).await;
    assert_eq!(fields(&cashier.post(ORDERS, None, cheap()).await), ["items[0].unit_price"]);
    let same = json!({"items": [{"product": "Ayam Geprek", "quantity": 1, "unit_price": 18_000}]});
    assert_eq!(cashier.post(ORDERS, None, Some(same)).await.status, 201);
    assert_eq!(At::as_(&app, app.world.manager).await.post(ORDERS, None, cheap()).await.status, 201);
    sqlx::query("update products set price = null").execute(app.db.work()).await.expect("no price");
    assert_eq!(cashier.post(ORDERS, None, cheap()).await.status, 201, "somebody has to say one");
}

#[tokio::test]
async fn a_cancelled_order_is_known_to_be_so_from_then_on() {
    let app = App::new().await;
    let owner = At::as_(&app, app.world.owner).await;
    let id = id_of(&owner.post(ORDERS, None, Some(two())).await);
    app.clock.advance(chrono::TimeDelta::minutes(10));
    assert_eq!(owner.post(&format!("{ORDERS}/{id}/cancel"), None, None).await.json()["order"]["status"], "cancelled");
    let available: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("select available_at from orders").fetch_one(app.db.work()).await.expect("an order");
    assert_eq!(available, app.state.clock.now());
}

#[tokio::test]
async fn an_order_that_is_paid_or_being_paid_is_not_cancelled() {
    let app = App::new().await;
    let owner = At::as_(&app, app.world.owner).await;
    let id = id_of(&owner.post(ORDERS, None, Some(two())).await);
    let rule = async || {
        let reply = owner.post(&format!("{ORDERS}/{id}/cancel"), None, None).await;
        assert_eq!(reply.status, 409, "{}", reply.text());
        reply.json()["detail"].as_str().expect("words").to_owned()
    };
    let pay = "insert into payments (store_id, order_id, reference_id, amount, status)
               select store_id, id, id::text, total_amount, 'pending' from orders";
    sqlx::query(pay).execute(app.db.work()).await.expect("a payment");
    assert_eq!(rule().await, "Pembayaran pesanan ini masih terbuka.");
    sqlx::query("update payments set status = 'expired'").execute(app.db.work()).await.expect("expired");
    sqlx::query("update orders set status = 'paid'").execute(app.db.work()).await.expect("paid");
    assert_eq!(rule().await, "Pesanan ini sudah dibayar.");
    assert_eq!(owner.post(&format!("{ORDERS}/{id}/complete"), None, None).await.status, 200);
}

#[tokio::test]
async fn the_same_key_is_the_same_order() {
    let app = App::new().await;
    let cashier = At::as_(&app, app.world.cashier).await;
    let first = cashier.post(ORDERS, Some("till-1"), Some(two())).await;
    let second = cashier.post(ORDERS, Some("till-1"), Some(two())).await;
    assert_eq!((second.status.as_u16(), second.header("idempotency-replayed")), (201, "true"));
    assert_eq!(second.json(), first.json());
    let other = cashier.post(ORDERS, Some("till-1"), Some(json!({"items": [{"product": "Ayam Geprek", "quantity": 3}]}))).await;
    assert_eq!((other.status.as_u16(), other.json()["type"].as_str()), (422, Some("/problems/idempotency-key-reused")));
    assert_eq!(count(&app).await, 1);

    let many = (0..8).map(|_| cashier.post(ORDERS, Some("till-2"), Some(two())));
    let mut ids = HashSet::new();
    for reply in futures_join(many).await {
        match reply.status.as_u16() {
            201 => drop(ids.insert(id_of(&reply))),
            409 => assert_eq!(reply.json()["type"], "/problems/in-flight"),
            status => panic!("{status}: {}", reply.text()),
        }
    }
    assert_eq!((ids.len(), count(&app).await), (1, 2), "eight at once are one");
}

/// All at once, on one thread.
async fn futures_join<F: Future<Output = Reply>>(futures: impl Iterator<Item = F>) -> Vec<Reply> {
    let mut waiting: Vec<_> = futures.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(reply) => {
                done.push(reply);
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let app = App::new().await;
    let owner = At::as_(&app, app.world.owner).await;
    let post = async |body: Value| fields(&owner.post(ORDERS, None, Some(body)).await);
    let item = |item: Value| json!({"items": [{"product": "Ayam Geprek", "quantity": 1}, item]});
    assert_eq!(post(item(json!({"product": "Ayam Geprek", "quantity": 0}))).await, ["items[1].quantity"]);
    assert_eq!(post(item(json!({"product": "Ayam Geprek", "quantity": 0.0001}))).await, ["items[1].quantity"]);
    assert_eq!(post(item(json!({"product": "Ayam Geprek", "quantity": "2"}))).await, ["items[1].quantity"]);
    assert_eq!(post(item(json!({"product": "Ayam Geprek", "quantity": 1, "unit_price": -1}))).await, ["items[1].unit_price"]);
    assert_eq!(post(item(json!({"product": "Rendang", "quantity": -1}))).await, ["items[1].quantity", "items[1].product"]);
    assert_eq!(post(item(json!({"product_id": Uuid::nil(), "quantity": 1}))).await, ["items[1].product_id"]);
    assert_eq!(post(item(json!({"quantity": 1}))).await, ["items[1]"]);
    assert_eq!(post(json!({"items": []})).await, ["items"]);
    for day in ["2026-11-23T01:05:01Z", "2025-10-01T00:00:00Z"] {
        assert_eq!(post(json!({"order_date": day, "items": two()["items"]})).await, ["order_date"]);
    }
    sqlx::query("update products set price = null").execute(app.db.work()).await.expect("no price");
    assert_eq!(post(two()).await, ["items[0].unit_price"]);
    assert_eq!(fields(&owner.get(&format!("{ORDERS}?cursor=x")).await), ["cursor"]);
    assert_eq!(fields(&owner.get(&format!("{ORDERS}?limit=0")).await), ["limit"]);
    assert_eq!(count(&app).await, 0);
}

#[tokio::test]
async fn each_order_is_on_one_page_whatever_comes_meanwhile() {
    let app = App::new().await;
    let owner = At::as_(&app, app.world.owner).await;
    let order = |index: i64| json!({"external_id": index.to_string(), "order_date": "2026-11-22T05:00:00Z", "items": two()["items"]});
    let orders: Vec<Value> = (0..120).map(order).collect();
    assert_eq!(owner.post(BULK, None, Some(json!({ "orders": orders }))).await.json()["created"], 120);
    let mut seen = Vec::new();
    let mut path = format!("{ORDERS}?limit=50");
    loop {
        let page = owner.get(&path).await.json();
        seen.extend(page["orders"].as_array().expect("orders").iter().map(|order| order["id"].as_str().expect("an id").to_owned()));
        assert_eq!(owner.post(ORDERS, None, Some(two())).await.status, 201, "a new one while somebody reads");
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{ORDERS}?limit=50&cursor={cursor}");
    }
    assert_eq!((seen.len(), seen.iter().collect::<HashSet<_>>().len()), (120, 120));
}

#[tokio::test]
async fn orders_of_another_store_do_not_exist() {
    let app = App::new().await;
    let owner = At::as_(&app, app.world.owner).await;
    let id = id_of(&owner.post(ORDERS, None, Some(two())).await);
    // Who may see both stores names the order in the wrong one.
    for path in [format!("kedai-kosong/orders/{id}"), format!("warung-bu-sri/orders/{}", Uuid::nil()), "warung-bu-sri/orders/x".into()] {
        let reply = app.get(&format!("/api/v1/stores/{path}")).await;
        assert_eq!((reply.status.as_u16(), reply.json()["title"].as_str()), (404, Some("Tidak ditemukan")), "{path}");
    }
    let cancel = format!("/api/v1/stores/kedai-kosong/orders/{id}/cancel");
    assert_eq!(app.call(Method::POST, &cancel, &[], None).await.status, 404);
    assert_eq!(owner.get(&format!("{ORDERS}/{id}")).await.json()["order"]["status"], "pending");
}

#[tokio::test]
async fn a_bulk_is_stored_once_and_all_or_nothing() {
    let app = App::new().await;
    let owner = At::as_(&app, app.world.owner).await;
    let order = |number: &str, quantity: f64| json!({"external_id": number, "order_date": "2026-11-22T05:00:00Z", "items": [{"product": "Ayam Geprek", "quantity": quantity}]});
    let send = async |orders: Value| owner.post(BULK, None, Some(json!({ "orders": orders }))).await;
    let counts = |created, changed, unchanged| json!({"created": created, "changed": changed, "unchanged": unchanged});
    assert_eq!(send(json!([order("A", 1.0), order("B", 2.0)])).await.json(), counts(2, 0, 0));
    assert_eq!(send(json!([order("A", 1.0), order("B", 2.0)])).await.json(), counts(0, 0, 2));
    assert_eq!(send(json!([order("A", 1.0), order("B", 3.0), order("C", 1.0)])).await.json(), counts(1, 1, 1));

    let mut orders = vec![order("D", 1.0), order("E", 1.0), order("D", 1.0), order("F", -1.0)];
    orders[1]["order_date"] = json!("2030-01-01T00:00:00Z");
    assert_eq!(fields(&send(json!(orders)).await), ["orders[1].order_date", "orders[2].external_id", "orders[3].items[0].quantity"]);
    assert_eq!(fields(&send(json!([])).await), ["orders"]);
    assert_eq!(count(&app).await, 3);
    let quantities = "select quantity::float8 from order_items join orders on orders.id = order_id order by external_id";
    let quantities: Vec<f64> = sqlx::query_scalar(quantities).fetch_all(app.db.work()).await.expect("items");
    assert_eq!(quantities, [1.0, 3.0, 1.0]);
}

#[tokio::test]
async fn a_thousand_orders_come_in_one_request_and_no_other_request_is_that_large() {
    let app = App::new().await;
    let owner = At::as_(&app, app.world.owner).await;
    let order = |index: i64| json!({"external_id": index.to_string(), "order_date": "2026-11-22T05:00:00Z", "items": two()["items"]});
    let orders = json!({"orders": (0..1000).map(order).collect::<Vec<_>>()});
    assert!(orders.to_string().len() > 64 << 10);
    assert_eq!(owner.post(BULK, None, Some(orders)).await.json()["created"], 1000);
    let orders = json!({"orders": (0..1001).map(order).collect::<Vec<_>>()});
    assert_eq!(fields(&owner.post(BULK, None, Some(orders.clone())).await), ["orders"]);
    assert_eq!(owner.post(ORDERS, None, Some(orders)).await.status, 413);
    let too_large = json!({"orders": [], "x": "x".repeat(2 << 20)});
    assert_eq!(owner.post(BULK, None, Some(too_large)).await.status, 413);
}

#[tokio::test]
async fn only_who_may_delete_orders_writes_history_anew() {
    let app = App::new().await;
    let old = || Some(json!({"orders": [{"external_id": "A", "order_date": "2026-11-20T05:00:00Z", "items": two()["items"]}]}));
    let fresh = Some(json!({"orders": [{"external_id": "B", "order_date": "2026-11-22T05:00:00Z", "items": two()["items"]}]}));
    let cashier = At::as_(&app, app.world.cashier).await;
    let refused = cashier.post(BULK, None, old()).await;
    assert_eq!((refused.status.as_u16(), count(&app).await), (403, 0), "{}", refused.text());
    assert_eq!(cashier.post(BULK, None, fresh).await.json()["created"], 1);
    assert_eq!(At::as_(&app, app.world.manager).await.post(BULK, None, old()).await.json()["created"], 1);
    // An old number with a fresh date takes it from the day that it was on.
    for is_cancelled in [false, true] {
        let moved =
            json!({"external_id": "A", "order_date": "2026-11-22T05:00:00Z", "is_cancelled": is_cancelled, "items": two()["items"]});
        assert_eq!(cashier.post(BULK, None, Some(json!({"orders": [moved]}))).await.status, 403);
    }
    let mended = json!({"external_id": "B", "order_date": "2026-11-22T06:00:00Z", "items": two()["items"]});
    assert_eq!(cashier.post(BULK, None, Some(json!({"orders": [mended]}))).await.json()["changed"], 1);
    let days: Vec<String> = sqlx::query_scalar("select external_id || ' ' || business_date from orders order by 1")
        .fetch_all(app.db.work())
        .await
        .expect("orders");
    assert_eq!(days, ["A 2026-11-20", "B 2026-11-22"]);
}

#[tokio::test]
async fn a_customer_is_forgotten_and_the_order_stays() {
    let app = App::new().await;
    let cashier = At::as_(&app, app.world.cashier).await;
    let new = json!({"customer_name": "Bu Ani", "customer_phone": "081234567890", "items": two()["items"]});
    let taken = cashier.post(ORDERS, None, Some(new)).await;
    let one = format!("{ORDERS}/{}", id_of(&taken));
    let forget = async |user: Uuid, path: String| {
        let token = format!("Bearer {}", app.token_of(user).await);
        app.call(Method::DELETE, &format!("{path}/customer"), &[("authorization", &token)], None).await.status.as_u16()
    };
    assert_eq!(forget(app.world.neighbour, one.clone()).await, 404);
    assert_eq!(forget(app.world.operator, one.replace("warung-bu-sri", "kedai-kosong")).await, 404, "it is of another store");
    assert_eq!(cashier.get(&one).await.json(), taken.json(), "nothing was done");

    assert_eq!(forget(app.world.cashier, one.clone()).await, 204);
    let mut expected = taken.json();
    for field in ["customer_name", "customer_phone"] {
        expected["order"][field] = Value::Null;
    }
    let mut left = cashier.get(&one).await.json();
    expected["order"]["updated_at"] = left["order"]["updated_at"].take();
    left["order"]["updated_at"] = expected["order"]["updated_at"].clone();
    assert_eq!(left, expected);
    assert_eq!(forget(app.world.cashier, one).await, 204, "as if it had been so before");
    let recorded = "select count(*) from audit_log where action = 'customer_forgotten'";
    assert_eq!(sqlx::query_scalar::<_, i64>(recorded).fetch_one(app.db.work()).await.expect("the record"), 1);
}
