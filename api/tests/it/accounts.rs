//! Registering, and passwords that are chosen by whoever reads the mail.

use axum::http::Method;
use chrono::TimeDelta;
use platform::auth::{OneTimeToken, Purpose};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, NOBODY, Reply, assert_shown};

const PASSWORD: &str = "tiga gajah lewat jembatan";

async fn post(app: &App, path: &str, body: Value) -> Reply {
    app.call(Method::POST, &format!("/api/v1/auth/{path}"), &[NOBODY], Some(body)).await
}

/// Letters that wait to be mailed, with the links' tokens.
async fn letters(app: &App) -> Vec<(String, String)> {
    let jobs: Vec<(Uuid, String)> =
        sqlx::query_as("select (args ->> 'token_id')::uuid, args ->> 'letter' from jobs where kind = 'mail_link' order by id")
            .fetch_all(app.db.work())
            .await
            .expect("jobs");
    let token = |id, letter: &str| {
        let purpose = match letter {
            "verify_email" => Purpose::VerifyEmail,
            "join_store" => Purpose::JoinStore,
            _ => Purpose::ResetPassword,
        };
        OneTimeToken::of(id, purpose, app.state.auth.keys.secret()).expose().to_owned()
    };
    jobs.into_iter().map(|(id, letter)| (token(id, &letter), letter)).map(|(token, letter)| (letter, token)).collect()
}

async fn login(app: &App, email: &str, password: &str) -> u16 {
    post(app, "login", json!({ "email": email, "password": password })).await.status.as_u16()
}

#[tokio::test]
async fn a_newcomer_registers_proves_the_address_and_signs_in() {
    let app = App::new().await;
    assert_eq!(post(&app, "register", json!({"email": "baru@example.com", "name": "Baru"})).await.status, 202);
    let [(letter, token)] = &letters(&app).await[..] else { panic!("one letter") };
    assert_eq!(letter, "verify_email");
    assert_eq!(post(&app, "verify-email", json!({"token": token, "password": PASSWORD})).await.status, 204);
    assert_eq!(login(&app, "baru@example.com", PASSWORD).await, 200);
    assert_shown("link_used", &post(&app, "verify-email", json!({"token": token, "password": PASSWORD})).await);
}

#[tokio::test]
async fn nobody_learns_whether_an_address_has_an_account() {
    let app = App::new().await;
    let answers = [
        post(&app, "register", json!({"email": "sri@example.com"})).await,
        post(&app, "register", json!({"email": "unknown@example.com"})).await,
        post(&app, "forgot-password", json!({"email": "sri@example.com"})).await,
        post(&app, "forgot-password", json!({"email": "nobody@example.com"})).await,
    ];
    assert!(answers.iter().all(|reply| reply.status == 202 && reply.body.is_empty()));
    let sent: Vec<String> = letters(&app).await.into_iter().map(|(letter, _)| letter).collect();
    assert_eq!(sent.len(), 3, "{sent:?}");
}

#[tokio::test]
async fn whoever_registers_a_taken_address_gets_nothing_and_its_owner_is_told() {
    let app = App::new().await;
    sqlx::query("update users set email_verified_at = now() where id = $1")
        .bind(app.world.owner)
        .execute(app.db.work())
        .await
        .expect("verified");
    assert_eq!(post(&app, "register", json!({"email": "SRI@example.com", "name": "Thief"})).await.status, 202);
    assert_eq!(letters(&app).await[0].0, "already_registered");
    let name: Option<String> =
        sqlx::query_scalar("select name from users where id = $1").bind(app.world.owner).fetch_one(app.db.work()).await.expect("read");
    assert_eq!(name.as_deref(), Some("Sri"));
}

#[tokio::test]
async fn a_new_password_ends_every_session_and_the_link_works_once() {
    let app = App::new().await;
    post(&app, "register", json!({"email": "baru@example.com"})).await;
    let token = letters(&app).await.remove(0).1;
    post(&app, "verify-email", json!({"token": token, "password": PASSWORD})).await;
    let session = post(&app, "login", json!({"email": "baru@example.com", "password": PASSWORD})).await.json();
    app.clock.advance(TimeDelta::minutes(2));

    post(&app, "forgot-password", json!({"email": "baru@example.com"})).await;
    post(&app, "forgot-password", json!({"email": "baru@example.com"})).await;
    let sent = letters(&app).await;
    let (first, second) = (&sent[1].1, &sent[2].1);
    let reset = async |token: &str, password: &str| post(&app, "reset-password", json!({ "token": token, "password": password })).await;
    assert_eq!(reset(first, "empat kerbau naik kereta").await.status, 400, "a later link takes its place");
    assert_shown("password_weak", &reset(second, "password123").await);
    assert_eq!(reset(second, "empat kerbau naik kereta").await.status, 204, "a weak password does not use the link up");
    assert_eq!(reset(second, "lima harimau makan siang").await.status, 400);
    assert_eq!(login(&app, "baru@example.com", PASSWORD).await, 401);
    assert_eq!(login(&app, "baru@example.com", "empat kerbau naik kereta").await, 200);
    let access = format!("Bearer {}", session["access_token"].as_str().expect("a token"));
    assert_eq!(app.get_with("/api/v1/users/me", &[("authorization", &access)]).await.status, 401);
}

#[tokio::test]
async fn a_link_is_for_its_purpose_and_its_time() {
    let app = App::new().await;
    post(&app, "register", json!({"email": "baru@example.com"})).await;
    let token = letters(&app).await.remove(0).1;
    let body = json!({"token": token, "password": PASSWORD});
    assert_eq!(post(&app, "reset-password", body.clone()).await.status, 400, "it proves an address and resets nothing");
    app.clock.advance(TimeDelta::hours(25));
    assert_eq!(post(&app, "verify-email", body).await.status, 400);
    assert_eq!(post(&app, "verify-email", json!({"token": "invented", "password": PASSWORD})).await.status, 400);
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let app = App::new().await;
    post(&app, "register", json!({"email": "baru@example.com"})).await;
    let token = letters(&app).await.remove(0).1;
    post(&app, "verify-email", json!({"token": token, "password": PASSWORD})).await;
    let sign_in = async || {
        post(&app, "login", json!({"email": "baru@example.com", "password": PASSWORD})).await.json()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned()
    };
    let (here, there) = (format!("Bearer {}", sign_in().await), format!("Bearer {}", sign_in().await));
    let change = async |current: &str| {
        let body = json!({"current_password": current, "new_password": "empat kerbau naik kereta"});
        app.call(Method::POST, "/api/v1/auth/change-password", &[("authorization", &here)], Some(body)).await.status.as_u16()
    };
    assert_eq!(change("wrong").await, 401);
    assert_eq!(change(PASSWORD).await, 204);
    let me = async |token: &str| app.get_with("/api/v1/users/me", &[("authorization", token)]).await.status.as_u16();
    assert_eq!((me(&here).await, me(&there).await), (200, 401));
}

#[tokio::test]
async fn guessing_is_slowed_down_for_an_account_and_for_an_address() {
    let app = App::new().await;
    let mut answers = Vec::new();
    for _ in 0..11 {
        answers.push(login(&app, "putu@example.com", "wrong").await);
    }
    // A quota refills as time goes by, so that a slow machine may get one more.
    assert_eq!(answers[..10], [401; 10]);
    while answers.last() == Some(&401) {
        answers.push(login(&app, "putu@example.com", "wrong").await);
    }
    assert_eq!(answers.last(), Some(&429));
    let reply = post(&app, "login", json!({"email": "putu@example.com", "password": "wrong"})).await;
    assert!(reply.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
}

#[tokio::test]
async fn an_operator_chooses_a_new_password_too() {
    let app = App::new().await;
    sqlx::query("update users set email_verified_at = now() where id = $1")
        .bind(app.world.operator)
        .execute(app.db.work())
        .await
        .expect("verified");
    assert_eq!(post(&app, "forgot-password", json!({"email": "ops@example.com"})).await.status, 202);
    let token = letters(&app).await.remove(0).1;
    assert_eq!(post(&app, "reset-password", json!({"token": token, "password": PASSWORD})).await.status, 204);
    assert_eq!(login(&app, "ops@example.com", PASSWORD).await, 200);
}

#[tokio::test]
async fn nobody_makes_themselves_an_operator() {
    let app = App::new().await;
    let mut transaction =
        platform::db::tenant::begin_as(app.db.serve(), platform::db::tenant::Tenant::User(app.world.owner)).await.expect("a transaction");
    let refused = sqlx::query("update users set role = 'operator' where id = $1").bind(app.world.owner).execute(&mut *transaction).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("permission denied")), "the column is not granted");
}
