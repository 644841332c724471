//! What tills push.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use platform::database::begin;
use platform::db::pos_connections::{PosConnection, get_pos_connection, upsert_pos_connection};
use platform::db::push_secrets::renew_push_secret;
use platform::db::sealed::reseal;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use uuid::Uuid;

use crate::app::{ANOTHER_SECRET, App, Reply, SECRET as OUR_SECRET, assert_shown};
use crate::world::{NOW, instant};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
const RENEWED: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhro=";

fn orders() -> Value {
    json!({"data": [{"id": "T-1", "status": "paid", "created_at": "2026-11-23T07:30:00+07:00",
                     "updated_at": "2026-11-23T07:30:00+07:00", "items": [{"product": "Ayam Geprek", "quantity": 2, "price": 18000}]}]})
}

/// A delivery as a till sends it.
struct Push {
    store: String,
    id: &'static str,
    secret: &'static str,
    /// Seconds before now at which it was signed.
    age: i64,
    body: Vec<u8>,
}

impl Push {
    fn to(app: &App) -> Self {
        Self { store: app.world.store.to_string(), id: "evt_1", secret: SECRET, age: 0, body: orders().to_string().into_bytes() }
    }

    async fn send(&self, app: &App) -> Reply {
        let timestamp = chrono::Utc::now().timestamp() - self.age;
        let signature = Webhook::new(self.secret).expect("a secret").sign(self.id, timestamp, &self.body).expect("signed");
        self.send_signed(app, timestamp, &signature).await
    }

    async fn send_signed(&self, app: &App, timestamp: i64, signature: &str) -> Reply {
        let timestamp = timestamp.to_string();
        let headers = [
            ("content-type", "application/json"),
            ("webhook-id", self.id),
            ("webhook-timestamp", timestamp.as_str()),
            ("webhook-signature", signature),
        ];
        app.post_with(&format!("/api/v1/webhooks/pos/{}", self.store), &headers, self.body.clone()).await
    }
}

async fn app() -> App {
    let app = App::new().await;
    renew(&app, SECRET, instant(NOW)).await;
    app
}

async fn renew(app: &App, secret: &str, now: DateTime<Utc>) {
    renew_push_secret(app.db.work(), app.state.auth.keys.secret(), app.world.store, secret, false, now).await.expect("a secret");
}

/// Events that are kept and jobs that will understand them.
async fn kept(app: &App) -> (i64, i64) {
    let counts = "select (select count(*) from webhook_events), (select count(*) from jobs where kind = 'take_push')";
    sqlx::query_as(counts).fetch_one(app.db.work()).await.expect("counts")
}

#[tokio::test]
async fn a_signed_push_is_kept_once_and_understood_by_a_job() {
    let app = app().await;
    let push = Push::to(&app);
    let first = push.send(&app).await;
    assert_eq!((first.status, first.json()), (StatusCode::ACCEPTED, json!({"is_new": true})));
    let again = push.send(&app).await;
    assert_eq!((again.status, again.json()), (StatusCode::ACCEPTED, json!({"is_new": false})), "delivered again");
    assert_eq!(kept(&app).await, (1, 1));
    let event = "select e.body, e.store_id, j.args ->> 'event_id' = e.id::text, j.args ->> 'store_id' = e.store_id::text
                 from webhook_events e, jobs j where j.kind = 'take_push'";
    let (body, store, is_its_job, is_its_store): (Vec<u8>, Uuid, bool, bool) =
        sqlx::query_as(event).fetch_one(app.db.work()).await.expect("it");
    assert_eq!((body, store, is_its_job, is_its_store), (push.body, app.world.store, true, true), "as it came");
}

#[tokio::test]
async fn many_deliveries_of_one_event_at_once_are_one() {
    let app = app().await;
    let push = Push::to(&app);
    let replies = futures::future::join_all((0..20).map(|_| push.send(&app))).await;
    let new = replies.iter().filter(|reply| reply.json()["is_new"] == true).count();
    assert!(replies.iter().all(|reply| reply.status == StatusCode::ACCEPTED));
    assert_eq!((new, kept(&app).await), (1, (1, 1)));
    let deliveries: i32 = sqlx::query_scalar("select deliveries from webhook_events").fetch_one(app.db.work()).await.expect("a count");
    assert_eq!(deliveries, 20);
}

#[tokio::test]
async fn what_is_not_signed_with_the_stores_secret_is_refused_alike() {
    let app = app().await;
    let push = Push::to(&app);
    let now = chrono::Utc::now().timestamp();
    let signed = Webhook::new(SECRET).expect("a secret").sign(push.id, now, &push.body).expect("signed");
    let tampered = Push { body: orders().to_string().replace("18000", "1").into_bytes(), ..Push::to(&app) };
    let refusals = [
        push.send_signed(&app, now, "").await,
        push.send_signed(&app, now, "v1,").await,
        push.send_signed(&app, now + 1, &signed).await,
        tampered.send_signed(&app, now, &signed).await,
        Push { id: "evt_2", ..Push::to(&app) }.send_signed(&app, now, &signed).await,
        Push { secret: RENEWED, ..Push::to(&app) }.send(&app).await,
        Push { age: 301, ..Push::to(&app) }.send(&app).await,
        Push { age: -400, ..Push::to(&app) }.send(&app).await,
        Push { body: vec![0xff, 0xfe], ..Push::to(&app) }.send_signed(&app, now, &signed).await,
        Push { store: Uuid::nil().to_string(), ..Push::to(&app) }.send(&app).await,
        Push { store: "warung-bu-sri".to_owned(), ..Push::to(&app) }.send(&app).await,
    ];
    for (number, refusal) in refusals.iter().enumerate() {
        assert_eq!(refusal.status, StatusCode::UNAUTHORIZED, "{number}: {}", refusal.text());
        let told = |reply: &Reply| (reply.json()["type"].clone(), reply.json()["detail"].clone());
        assert_eq!(told(refusal), told(&refusals[0]), "{number}: nobody learns what is wrong");
    }
    assert_eq!(kept(&app).await, (0, 0));
    assert_shown("a_push_that_is_not_signed", &refusals[5]);
    let mut flood = Vec::new();
    for _ in 0..19 {
        // No more at once than find a connection.
        flood.extend(futures::future::join_all((0..16).map(async |_| push.send_signed(&app, now, "").await)).await);
    }
    let late = flood.iter().find(|reply| reply.status == StatusCode::TOO_MANY_REQUESTS).expect("too many");
    assert_eq!(late.header("retry-after"), "60");
    assert_eq!(push.send(&app).await.status, StatusCode::ACCEPTED, "what is signed is heard, whoever else sends from there");
}

#[tokio::test]
async fn a_renewed_secret_leaves_a_day_to_tell_the_till() {
    let app = app().await;
    let sent = async |secret, id| Push { secret, id, ..Push::to(&app) }.send(&app).await.status;
    renew(&app, RENEWED, instant(NOW) - chrono::TimeDelta::hours(23)).await;
    assert_eq!(sent(SECRET, "a").await, StatusCode::ACCEPTED);
    assert_eq!(sent(RENEWED, "b").await, StatusCode::ACCEPTED);
    renew(&app, RENEWED, instant(NOW) - chrono::TimeDelta::hours(25)).await;
    assert_eq!(sent(SECRET, "c").await, StatusCode::UNAUTHORIZED);
    assert_eq!(sent(RENEWED, "d").await, StatusCode::ACCEPTED);
    let (ours, store) = (app.state.auth.keys.secret(), app.world.store);
    renew_push_secret(app.db.work(), ours, store, SECRET, true, instant(NOW)).await.expect("a secret");
    assert_eq!(sent(RENEWED, "e").await, StatusCode::UNAUTHORIZED, "it was stolen");
    assert_eq!(sent(SECRET, "f").await, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_push_that_is_too_large_is_told_so() {
    let app = app().await;
    let push = Push { body: vec![b' '; 64 * 1024 + 1], ..Push::to(&app) };
    assert_eq!(push.send(&app).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_serving_role_never_sees_the_secrets_themselves() {
    let app = app().await;
    for statement in ["select secret from pos_push_secrets", "select token from pos_connections"] {
        let error = sqlx::query(statement).execute(app.db.serve()).await.expect_err(statement);
        assert_eq!(error.as_database_error().and_then(|error| error.code()).as_deref(), Some("42501"), "{statement}");
    }
}

#[tokio::test]
async fn secrets_are_kept_sealed_and_outlive_the_installations_own() {
    let app = app().await;
    let stored = async |app: &App| sqlx::query_scalar::<_, String>("select secret from pos_push_secrets").fetch_one(app.db.work()).await;
    let before = stored(&app).await.expect("it");
    assert!(before.starts_with("sealed:") && !before.contains(SECRET), "{before}");

    let till = PosConnection { base_url: "https://till.example".into(), outlet_id: "1".into(), token: "a token".into() };
    upsert_pos_connection(app.db.work(), app.state.auth.keys.secret(), app.world.store, &till).await.expect("a till");
    let app = app.with_secret(ANOTHER_SECRET);
    assert_eq!(Push::to(&app).send(&app).await.status, StatusCode::UNAUTHORIZED, "sealed with another");
    let renewed = instant(NOW) - chrono::TimeDelta::hours(1);
    renew(&app, RENEWED, renewed).await;
    let closed = reseal(&mut begin(app.db.work()).await.expect("a transaction"), app.state.auth.keys.secret(), instant(NOW))
        .await
        .expect("done")
        .closed;
    let (slug, id) = ("before the last renewal", app.world.store.to_string());
    assert_eq!(closed.iter().filter(|what| what.contains(&id)).count(), 2, "{closed:?}");
    assert!(closed.iter().any(|what| what.ends_with(slug)), "it is told, and as it was: {closed:?}");
    let app = app.with_secret_after(ANOTHER_SECRET, OUR_SECRET);
    assert_eq!(Push { id: "evt_2", ..Push::to(&app) }.send(&app).await.status, StatusCode::ACCEPTED);
    let mut transaction = begin(app.db.work()).await.expect("a transaction");
    let resealed = reseal(&mut transaction, app.state.auth.keys.secret(), instant(NOW)).await.expect("sealed anew");
    transaction.commit().await.expect("kept");
    assert_eq!((resealed.push_secrets, resealed.till_tokens, resealed.closed), (1, 1, Vec::<String>::new()));
    assert_ne!(stored(&app).await.expect("it"), before);
    let app = app.with_secret(ANOTHER_SECRET);
    for (id, secret) in [("evt_3", SECRET), ("evt_4", RENEWED)] {
        assert_eq!(
            Push { id, secret, ..Push::to(&app) }.send(&app).await.status,
            StatusCode::ACCEPTED,
            "the former is needed no more: {id}"
        );
    }
    let read = get_pos_connection(app.db.work(), app.state.auth.keys.secret(), "warung-bu-sri").await.expect("read");
    assert_eq!(read, Some(till));
}
