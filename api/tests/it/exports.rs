//! Everything of a store, and everything of a person, as files.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Method;
use platform::db::export_kinds::ExportKind;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, Reply};

const EXPORT: &str = "/api/v1/stores/warung-bu-sri/export";

async fn as_(app: &App, user: Uuid, path: &str) -> Reply {
    let token = format!("Bearer {}", app.token_of(user).await);
    app.get_with(path, &[("authorization", &token)]).await
}

fn lines(reply: &Reply) -> Vec<Value> {
    assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, "application/x-ndjson"), "{}", reply.text());
    reply.text().lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
}

/// At least one row of every kind that the world has none of.
async fn fill(app: &App) {
    let store = app.world.store;
    let one = |query: &'static str| sqlx::query_scalar::<_, Uuid>(query).fetch_one(app.db.work());
    let (product, ingredient) =
        (one("select id from products").await.expect("one"), one("select id from ingredient_catalog").await.expect("one"));
    let statements = [
        "insert into recipes (id, store_id, product_id, yield_quantity, yield_unit) values ('00000000-0000-7000-8000-000000000001', $1, $2, 10, 'porsi')",
        "insert into recipe_items (store_id, recipe_id, ingredient_id, quantity, unit) select $1, '00000000-0000-7000-8000-000000000001', $3, 1.5, 'kg' where $2 <> $3",
        "insert into promos (store_id, product_id, name, starts_on, ends_on, discount_share, available_at) values ($1, $2, 'Gajian', '2026-11-25', '2026-11-26', 0.1, now())",
        "insert into calendar_events (store_id, kind, name, starts_on, ends_on, source, available_at) values ($1, 'closed', 'Libur', '2026-11-30', '2026-11-30', 'api', now())",
        "insert into overrides (store_id, product_id, target_date, quantity, reason) values ($1, $2, '2026-11-24', 100, '=SUM(A1), \"besar\"')",
        "insert into orders (id, store_id, external_id, customer_name, total_amount, status, order_date, business_date)
         values ('00000000-0000-7000-8000-000000000002', $1, '2', 'Ani', 36000, 'paid', '2026-11-20T05:00:00Z', '2026-11-20'),
                ('00000000-0000-7000-8000-000000000003', $1, '3', null, null, 'pending', '2026-11-22T05:00:00Z', '2026-11-22')",
        "insert into order_items (store_id, order_id, line_number, product_id, product_name, quantity, unit_price, total_price)
         values ($1, '00000000-0000-7000-8000-000000000002', 1, $2, 'Ayam Geprek', 2, 18000, 36000)",
        "insert into payments (id, store_id, order_id, reference_id, amount, status, payment_date)
         values ('00000000-0000-7000-8000-000000000004', $1, '00000000-0000-7000-8000-000000000002', 'r', 36000, 'succeeded', now())",
        "insert into payment_receipts (id, store_id, payment_id, external_payment_id, request_id, amount, received_at)
         values ('00000000-0000-7000-8000-000000000005', $1, '00000000-0000-7000-8000-000000000004', 'x', 'y', 36000, now())",
        "insert into refunds (store_id, payment_id, receipt_id, reference_id, amount, reason)
         values ($1, '00000000-0000-7000-8000-000000000004', '00000000-0000-7000-8000-000000000005', 'z', 1000, 'basi')",
        "insert into categories (store_id, name) values ($1, 'Minuman')",
        "insert into sales_daily (store_id, product_id, business_date, source, available_at, quantity, revenue)
         select $1, $2, day, 'sales_csv', now(), 3, 54000 from generate_series(date '2026-10-01', '2026-11-22', '1 day') as days (day)",
        "insert into sales_spans (store_id, source, first_day, last_day) values ($1, 'sales_csv', '2026-10-01', '2026-11-22')",
        "insert into stock_counts (store_id, product_id, counted_at, business_date, moment, quantity) values ($1, $2, now(), '2026-11-22', 'close', 4.5)",
        "insert into stockout_events (store_id, product_id, business_date, sold_out_at, available_at) values ($1, $2, '2026-11-22', '2026-11-22T10:00:00Z', now())",
        "insert into waste_log (store_id, ingredient_id, business_date, quantity, reason) values ($1, $3, '2026-11-22', 1, 'spoiled')",
    ];
    for statement in statements {
        // Every statement has the three; those it does not name must be named all the same.
        let statement = format!("with named as (select $2::uuid, $3::uuid) {statement}");
        let statement = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(store).bind(product).bind(ingredient);
        statement.execute(app.db.work()).await.expect("a row");
    }
    sqlx::query("insert into published_days (store_id, business_date, run_id, published_at) values ($1, '2026-11-23', $2, now()) on conflict do nothing")
        .bind(store)
        .bind(app.world.run)
        .execute(app.db.work())
        .await
        .expect("a published day");
}

#[tokio::test]
async fn every_kind_is_exported_line_by_line_in_both_formats() {
    let app = App::new().await;
    fill(&app).await;
    for kind in ExportKind::ALL {
        let path = format!("{EXPORT}/{}", kind.name());
        let reply = as_(&app, app.world.owner, &path).await;
        let rows = lines(&reply);
        assert!(!rows.is_empty(), "{}", kind.name());
        let columns: BTreeSet<&str> = kind.columns().iter().copied().collect();
        for row in &rows {
            let fields: BTreeSet<&str> = row.as_object().expect("an object").keys().map(String::as_str).collect();
            assert_eq!(fields, columns, "{}", kind.name());
        }
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("content-disposition"), format!("attachment; filename=\"warung-bu-sri-{}.ndjson\"", kind.name()));

        let csv = as_(&app, app.world.owner, &format!("{path}?format=csv")).await;
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        let text = csv.text();
        assert_eq!(text.lines().next(), Some(kind.columns().join(",").as_str()));
        assert_eq!(text.matches("\r\n").count(), rows.len() + 1, "{text}");
    }
    let overrides = as_(&app, app.world.owner, &format!("{EXPORT}/overrides?format=csv")).await.text();
    assert!(overrides.contains(r#","'=SUM(A1), ""besar""","#), "{overrides}");
    let orders = lines(&as_(&app, app.world.owner, &format!("{EXPORT}/orders")).await);
    let items = json!([{"product_id": orders[0]["items"][0]["product_id"], "product": "Ayam Geprek", "quantity": 2, "unit_price": 18000, "total_price": 36000}]);
    assert_eq!((&orders[0]["items"], &orders[1]["items"], orders.len()), (&items, &json!([]), 2));
}

#[tokio::test]
async fn pages_lose_nothing_and_days_can_be_chosen() {
    let app = App::new().await;
    fill(&app).await;
    let many = "insert into products (id, store_id, name) select gen_random_uuid(), $1, 'Menu ' || n from generate_series(1, 1100) n";
    sqlx::query(many).bind(app.world.store).execute(app.db.work()).await.expect("products");
    let names: BTreeSet<String> =
        lines(&as_(&app, app.world.owner, &format!("{EXPORT}/products")).await).iter().map(|row| row["name"].to_string()).collect();
    assert_eq!(names.len(), 1101);
    let sales = async |query: &str| lines(&as_(&app, app.world.owner, &format!("{EXPORT}/sales?{query}")).await).len();
    assert_eq!(sales("").await, 53);
    assert_eq!(sales("from=2026-11-01&to=2026-11-10").await, 10);
    assert_eq!(sales("from=2026-12-01").await, 0);
    for (path, field) in
        [("sales?from=2026-11-02&to=2026-11-01", "to"), ("products?from=2026-11-01", "from"), ("sales?format=xml", "format")]
    {
        let reply = as_(&app, app.world.owner, &format!("{EXPORT}/{path}")).await;
        assert_eq!((reply.status.as_u16(), reply.json()["errors"][0]["field"].as_str()), (400, Some(field)), "{path}");
    }
    assert_eq!(as_(&app, app.world.owner, &format!("{EXPORT}/secrets")).await.status, 404);
}

#[tokio::test]
async fn a_store_is_exported_by_its_admins_alone_and_that_is_on_record() {
    let app = App::new().await;
    let path = format!("{EXPORT}/orders");
    assert_eq!(as_(&app, app.world.manager, &path).await.status, 403);
    assert_eq!(as_(&app, app.world.neighbour, &path).await.status, 404);
    assert_eq!(lines(&as_(&app, app.world.owner, &path).await), Vec::<Value>::new());
    let record = app.get("/api/v1/audit-log?action=store_exported").await.json();
    let entries = record["entries"].as_array().expect("entries");
    assert_eq!((entries.len(), &entries[0]["user_id"], &entries[0]["details"]["kind"]), (1, &json!(app.world.owner), &json!("orders")));
}

#[tokio::test]
async fn a_person_gets_everything_that_is_held_about_them_and_nothing_of_others() {
    let app = App::new().await;
    let owner = app.world.owner;
    let bearer = format!("Bearer {}", app.token_of(owner).await);
    let headers = [("authorization", bearer.as_str())];
    let profile = json!({"phone": "0812-3456-7890", "address": "Jl. Melati 1", "bio": "Masak"});
    assert_eq!(app.call(Method::PUT, "/api/v1/users/me/profile", &headers, Some(profile)).await.status, 200);
    let picture = [("authorization", bearer.as_str()), ("content-length", "8")];
    let sent = app.send(Method::PUT, "/api/v1/users/me/avatar", &picture, Body::from(&b"\x89PNG\r\n\x1a\n"[..])).await;
    assert_eq!(sent.status, 204);
    // More than a page of each list, for them and for somebody else.
    for user in [owner, app.world.manager] {
        for statement in [
            "insert into notifications (user_id, kind, title, body) select $1, 'plan_published', 'Rencana', n::text from generate_series(1, 450) n",
            "insert into audit_log (user_id, action, subject) select $1, 'signed_in', n::text from generate_series(1, 400) n",
            "insert into overrides (store_id, product_id, target_date, quantity, reason, user_id)
             select store_id, id, date '2026-01-01' + n, 1, 'x', $1 from products, generate_series(1, 5) n where $1 = (select user_id from stores where slug = 'warung-bu-sri')",
        ] {
            sqlx::query(statement).bind(user).execute(app.db.work()).await.expect("rows");
        }
    }
    let reply = app.get_with("/api/v1/users/me/export", &headers).await;
    assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (200, "no-store"));
    assert!(reply.header("content-disposition").starts_with("attachment"));
    let held = reply.json();
    assert_eq!((&held["account"]["email"], &held["profile"]["phone"]), (&json!("sri@example.com"), &json!("+6281234567890")));
    assert_eq!(held["profile"]["picture"], json!({"media_type": "image/png", "base64": "iVBORw0KGgo="}));
    assert_eq!(held["memberships"][0]["store"], "warung-bu-sri");
    assert_eq!(held["devices"][0]["user_agents"], json!(["a test"]));
    let count = |name: &str| held[name].as_array().expect("a list").len();
    // The export itself is on record too.
    assert_eq!((count("notifications"), count("overrides"), count("record")), (450, 5, 401));
    for secret in ["password_hash", "refresh_hash", "token_hash", "putu@example.com"] {
        assert!(!reply.text().contains(secret), "{secret}");
    }
}
