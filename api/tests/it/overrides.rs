//! Numbers that someone knows better.

use axum::http::Method;
use platform::db::overrides::{NewOverride, set_override};
use platform::db::sales_daily::{DailyLoad, DailyRow, copy_sales_daily};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, Reply};
use crate::world::{day, instant};

const STORE: &str = "/api/v1/stores/warung-bu-sri";

async fn product(app: &App) -> Uuid {
    sqlx::query_scalar("select id from products").fetch_one(app.db.work()).await.expect("a product")
}

async fn as_(app: &App, user: Uuid, method: Method, path: &str, body: Option<Value>) -> Reply {
    let token = format!("Bearer {}", app.token_of(user).await);
    app.call(method, &format!("{STORE}/{path}"), &[("authorization", &token)], body).await
}

async fn put(app: &App, date: &str, body: Value) -> Reply {
    let path = format!("overrides/{date}/{}", product(app).await);
    as_(app, app.world.manager, Method::PUT, &path, Some(body)).await
}

fn field(reply: &Reply) -> Value {
    assert!([400, 422].contains(&reply.status.as_u16()), "{}", reply.text());
    reply.json()["errors"][0]["field"].clone()
}

#[tokio::test]
async fn a_number_takes_the_place_of_the_forecast_and_of_the_number_before() {
    let app = App::new().await;
    let set = put(&app, "2026-11-24", json!({"quantity": 90.5, "reason": "  Arisan  "})).await;
    assert_eq!(set.status, 200, "{}", set.text());
    let first = set.json()["override"].clone();
    let shown = |one: &Value| ["quantity", "model_quantity", "reason", "trust", "set_at"].map(|name| one[name].clone());
    assert_eq!(shown(&first), [json!(90.5), json!(60.0), json!("Arisan"), json!(1.0), json!("2026-11-23T01:00:00Z")]);
    assert_eq!((&first["run_id"], &first["by"]["user_id"]), (&json!(app.world.run), &json!(app.world.manager)));
    let again = put(&app, "2026-11-24", json!({"quantity": 0, "reason": "Tutup lebih awal"})).await.json();
    assert_eq!(again["job"], set.json()["job"], "one job plans for both");
    let listed = as_(&app, app.world.cashier, Method::GET, "overrides", None).await.json();
    assert_eq!(listed["overrides"], json!([again["override"]]));
    let later = put(&app, "2026-12-06", json!({"quantity": 1, "reason": "x"})).await;
    assert_eq!((later.status.as_u16(), &later.json()["job"]), (200, &Value::Null), "its night will look at it");

    let path = format!("overrides/2026-11-24/{}", product(&app).await);
    assert_eq!(as_(&app, app.world.cashier, Method::DELETE, &path, None).await.status, 403);
    assert_eq!(as_(&app, app.world.manager, Method::DELETE, &path, None).await.status, 204);
    assert_eq!(as_(&app, app.world.manager, Method::DELETE, &path, None).await.status, 404, "once");
    let left = as_(&app, app.world.manager, Method::GET, "overrides?from=2026-11-24&to=2026-11-24", None).await.json();
    assert_eq!(left["overrides"], json!([]));
    let kept: (i64, i64) = sqlx::query_as("select count(*), count(*) filter (where revoked_at is null) from overrides")
        .fetch_one(app.db.work())
        .await
        .expect("a count");
    assert_eq!(kept, (3, 1), "nothing is forgotten");
    let record = "select array_agg(action order by id) from audit_log where store_id = $1";
    let actions: Vec<String> = sqlx::query_scalar(record).bind(app.world.store).fetch_one(app.db.work()).await.expect("a record");
    assert_eq!(actions, ["override_set", "override_set", "override_set", "override_revoked"]);
}

#[tokio::test]
async fn only_open_days_that_are_forecast_can_be_overridden() {
    let app = App::new().await;
    let number = || json!({"quantity": 10, "reason": "x"});
    for wrong in ["2026-11-22", "2026-12-07", "24-11-2026", "2026-1-1", "besok"] {
        assert_eq!(field(&put(&app, wrong, number()).await), "date", "{wrong}");
    }
    let gap = put(&app, "2026-11-25", number()).await;
    assert_eq!((gap.status.as_u16(), &gap.json()["type"]), (409, &json!("/problems/conflict")), "no forecast of that day");
    assert_eq!(field(&put(&app, "2026-11-24", json!({"quantity": -1, "reason": "x"})).await), "quantity");
    assert_eq!(field(&put(&app, "2026-11-24", json!({"quantity": 0.0001, "reason": "x"})).await), "quantity");
    for reason in [json!(""), json!("  "), json!("x".repeat(201)), json!("a\nb")] {
        assert_eq!(field(&put(&app, "2026-11-24", json!({"quantity": 1, "reason": reason})).await), "reason");
    }
    assert_eq!(field(&put(&app, "2026-11-24", json!({"quantity": 1})).await), "", "a reason is needed");
    let elsewhere = as_(&app, app.world.manager, Method::PUT, &format!("overrides/2026-11-24/{}", Uuid::nil()), Some(number())).await;
    assert_eq!(elsewhere.status, 404);
    // The business day ends at two in the morning: at half past one it is still the 23rd.
    let night = App::with(api::Limits::default(), "2026-11-23T18:30:00Z").await;
    assert_eq!(put(&night, "2026-11-23", number()).await.status, 200);
    let morning = App::with(api::Limits::default(), "2026-11-23T19:30:00Z").await;
    assert_eq!(field(&put(&morning, "2026-11-23", number()).await), "date");
    let path = format!("overrides/2026-11-23/{}", product(&morning).await);
    assert_eq!(field(&as_(&morning, morning.world.manager, Method::DELETE, &path, None).await), "date", "what is over is scored");
    let unknown = as_(&app, app.world.manager, Method::GET, "overrides?from=2026-11-24&to=2026-11-23", None).await;
    assert_eq!(field(&unknown), "from");
}

/// Past days with numbers: (day, quantity, model, sold, sold out).
async fn past(app: &App, user: Uuid, days: &[(&str, f64, f64, Option<f64>, bool)]) {
    let product_id = product(app).await;
    let mut work = app.db.work().acquire().await.expect("a connection");
    for &(date, quantity, model, sold, is_sold_out) in days {
        let number = NewOverride {
            product_id,
            target_date: day(date),
            quantity,
            reason: "Hari Gajian".into(),
            user_id: Some(user),
            run_id: None,
            model_quantity: Some(model),
        };
        set_override(&mut work, app.world.store, instant("2026-11-01T00:00:00Z"), &number).await.expect("a number");
        if let Some(quantity) = sold {
            let row = DailyRow {
                product_id,
                business_date: day(date),
                quantity,
                revenue: None,
                is_sold_out,
                available_at: instant("2026-11-22T20:00:00Z"),
            };
            let load =
                DailyLoad { store_id: app.world.store, source: "test", raw_record_id: None, recorded_at: instant("2026-11-22T20:00:00Z") };
            copy_sales_daily(&mut work, load, [row].into_iter()).await.expect("a sale");
        }
    }
}

#[tokio::test]
async fn what_came_of_it_is_told_by_person_and_reason() {
    let app = App::new().await;
    past(
        &app,
        app.world.manager,
        &[
            ("2026-11-18", 100.0, 85.0, Some(96.0), false),
            ("2026-11-19", 100.0, 90.0, Some(90.0), false),
            ("2026-11-20", 120.0, 80.0, Some(110.0), true),
            ("2026-11-21", 120.0, 80.0, None, false),
        ],
    )
    .await;
    past(&app, app.world.owner, &[("2026-11-22", 50.0, 70.0, Some(52.0), false)]).await;
    let scores = as_(&app, app.world.cashier, Method::GET, "overrides/scores", None).await.json();
    let rows = scores["overrides"].as_array().expect("rows");
    let brief: Vec<[Value; 4]> =
        rows.iter().map(|row| ["actual", "is_censored", "error", "value_added"].map(|name| row[name].clone())).collect();
    assert_eq!(
        brief,
        [
            [json!(96.0), json!(false), json!(4.0), json!(7.0)],
            [json!(90.0), json!(false), json!(10.0), json!(-10.0)],
            [json!(110.0), json!(true), Value::Null, Value::Null],
            [Value::Null, json!(false), Value::Null, Value::Null],
            [json!(52.0), json!(false), json!(2.0), json!(16.0)],
        ]
    );
    let sums = |score: &Value| ["scored", "censored", "unknown", "error", "model_error", "value_added"].map(|name| score[name].clone());
    assert_eq!(sums(&scores["total"]), [json!(3), json!(1), json!(1), json!(16.0), json!(29.0), json!(13.0)]);
    let of = |user: Uuid| {
        let people = scores["by_person"].as_array().expect("people").clone();
        people.into_iter().find(|one| one["by"]["user_id"] == json!(user)).expect("a person")
    };
    let manager = of(app.world.manager);
    assert_eq!(sums(&manager["score"]), [json!(2), json!(1), json!(1), json!(14.0), json!(11.0), json!(-3.0)]);
    let trust = (10.0 + 11.0 / 15.0) / 12.0;
    assert!((manager["trust"].as_f64().expect("a weight") - trust).abs() < 1e-12, "{manager}");
    assert_eq!(of(app.world.owner)["by"]["name"], "Sri");
    let reasons = scores["by_person_and_reason"].as_array().expect("reasons");
    assert!(reasons.len() == 2 && reasons.iter().all(|one| one["reason"] == "hari gajian"), "{reasons:?}");
    let narrow = as_(&app, app.world.owner, Method::GET, "overrides/scores?from=2026-11-22&to=2026-12-31", None).await.json();
    assert_eq!(sums(&narrow["total"])[0], json!(1), "days to come are not over");
    assert_eq!(field(&as_(&app, app.world.owner, Method::GET, "overrides/scores?from=2025-01-01", None).await), "from");

    // Their next number weighs what they have earned.
    let next = put(&app, "2026-11-24", json!({"quantity": 100, "reason": "x"})).await.json();
    assert!((next["override"]["trust"].as_f64().expect("a weight") - trust).abs() < 1e-12, "{next}");
}
