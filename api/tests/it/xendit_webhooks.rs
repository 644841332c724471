//! What the payment gateway tells.

use axum::http::StatusCode;
use serde_json::json;

use crate::app::{App, Reply, assert_shown};

async fn tell(app: &App, token: Option<&str>, body: &[u8]) -> Reply {
    let token = token.map(|token| ("x-callback-token", token));
    let headers: Vec<(&str, &str)> = [("content-type", "application/json")].into_iter().chain(token).collect();
    app.post_with("/api/v1/webhooks/xendit", &headers, body.to_vec()).await
}

/// Events that are kept and jobs that will understand them.
async fn kept(app: &App) -> (i64, i64) {
    let counts = "select (select count(*) from webhook_events), (select count(*) from jobs where kind = 'take_payment_event')";
    sqlx::query_as(counts).fetch_one(app.db.work()).await.expect("counts")
}

const TOKEN: Option<&str> = Some("standin-callback-token");

fn capture() -> Vec<u8> {
    let data = json!({"payment_id": "py-1", "payment_request_id": "pr-1", "currency": "IDR", "request_amount": 10000});
    json!({"event": "payment.capture", "data": data}).to_string().into_bytes()
}

#[tokio::test]
async fn an_event_is_kept_once_as_it_came_and_understood_by_a_job() {
    let app = App::new().await;
    let replies = futures::future::join_all((0..10).map(async |_| tell(&app, TOKEN, &capture()).await)).await;
    assert!(replies.iter().all(|reply| reply.status == StatusCode::OK));
    assert_eq!(replies.iter().filter(|reply| reply.json()["is_new"] == true).count(), 1);
    assert_eq!(kept(&app).await, (1, 1));
    let event = "select e.body, e.event_key, e.deliveries, j.args ->> 'event_id' = e.id::text from webhook_events e, jobs j";
    let (body, key, deliveries, is_its_job): (Vec<u8>, String, i32, bool) =
        sqlx::query_as(event).fetch_one(app.db.work()).await.expect("it");
    assert_eq!((body, key.as_str(), deliveries, is_its_job), (capture(), "payment.capture:py-1", 10, true));
}

#[tokio::test]
async fn without_the_token_nothing_is_kept() {
    let app = App::new().await;
    for token in [None, Some(""), Some("standin-callback-tokem")] {
        let reply = tell(&app, token, &capture()).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{token:?}");
    }
    assert_eq!(kept(&app).await, (0, 0));
    assert_shown("a_webhook_without_the_token", &tell(&app, Some("wrong"), b"{}").await);
    let flood = futures::future::join_all((0..301).map(async |_| tell(&app, Some("wrong"), b"{}").await)).await;
    assert!(flood.iter().any(|reply| reply.status == StatusCode::TOO_MANY_REQUESTS));
    assert_eq!(tell(&app, TOKEN, &capture()).await.status, StatusCode::OK, "the gateway is heard, whoever else sends from there");
}
