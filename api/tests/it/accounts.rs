//! Registering, and passwords that are chosen by whoever reads the mail.

use axum::http::Method;
use chrono::TimeDelta;
use platform::auth::{OneTimeToken, Purpose};
use platform::clock::Clock as _;
use platform::database::begin;
use platform::db::disabled_accounts::{Disabled, disable_account, enable_account};
use platform::db::users::find_user_id;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, NOBODY, Reply, assert_shown};
use crate::eventually;

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
    // One that takes the place of a password.
    post(&app, "register", json!({"email": "lain@example.com"})).await;
    let token = letters(&app).await.pop().expect("a letter").1;
    assert_eq!(post(&app, "verify-email", json!({"token": token, "password": PASSWORD})).await.status, 204);
    post(&app, "forgot-password", json!({"email": "lain@example.com"})).await;
    let (letter, token) = letters(&app).await.pop().expect("a letter");
    assert_eq!(letter, "reset_password");
    app.clock.advance(TimeDelta::minutes(11));
    assert_eq!(post(&app, "reset-password", json!({"token": token, "password": PASSWORD})).await.status, 400);
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

#[tokio::test]
async fn a_disabled_account_lets_nobody_in_and_loses_nothing() {
    let app = App::new().await;
    post(&app, "register", json!({"email": "baru@example.com", "name": "Baru"})).await;
    let link = letters(&app).await.remove(0).1;
    post(&app, "verify-email", json!({"token": link, "password": PASSWORD})).await;
    let session = post(&app, "login", json!({"email": "baru@example.com", "password": PASSWORD})).await.json();
    let access = format!("Bearer {}", session["access_token"].as_str().expect("a token"));
    let me = async || app.get_with("/api/v1/users/me", &[("authorization", &access)]).await;
    assert_eq!(me().await.status, 200);
    post(&app, "forgot-password", json!({"email": "baru@example.com"})).await;
    let [_, (_, reset)] = &letters(&app).await[..] else { panic!("two letters") };

    let id = find_user_id(app.db.work(), "baru@example.com").await.expect("read").expect("an account");
    let mut transaction = begin(app.db.work()).await.expect("a transaction");
    let disabled = disable_account(&mut transaction, id, app.clock.now()).await.expect("disabled");
    transaction.commit().await.expect("committed");
    assert_eq!(disabled, Disabled { is_new: true, sessions_ended: 1 });
    // Another program did it: this one hears of it.
    eventually("the token is refused", async || (me().await.status == 401).then_some(())).await;
    assert_eq!(post(&app, "refresh", json!({ "refresh_token": session["refresh_token"] })).await.status, 401);
    let right = post(&app, "login", json!({"email": "baru@example.com", "password": PASSWORD})).await;
    let wrong = post(&app, "login", json!({"email": "baru@example.com", "password": "empat kerbau naik kereta"})).await;
    let told = |reply: &Reply| (reply.status.as_u16(), reply.json()["type"].clone(), reply.json()["detail"].clone());
    assert_eq!(told(&right), told(&wrong), "nobody learns that it would be the right one");
    assert_eq!(right.status, 401);
    for (path, email) in [("forgot-password", "baru@example.com"), ("register", "baru@example.com")] {
        assert_eq!(post(&app, path, json!({ "email": email })).await.status, 202);
    }
    assert_eq!(letters(&app).await.len(), 2, "no mail goes out");
    assert_eq!(post(&app, "reset-password", json!({"token": reset, "password": PASSWORD})).await.status, 400);
    let owner = format!("Bearer {}", app.token_of(app.world.owner).await);
    let member = Some(json!({"email": "baru@example.com", "role": "user"}));
    let members = "/api/v1/stores/warung-bu-sri/members";
    assert_eq!(app.call(Method::POST, members, &[("authorization", &owner)], member).await.status, 409, "nobody adds them meanwhile");

    let mut transaction = begin(app.db.work()).await.expect("a transaction");
    assert!(enable_account(&mut transaction, id, app.clock.now()).await.expect("enabled"));
    assert!(!enable_account(&mut transaction, id, app.clock.now()).await.expect("as it is"));
    transaction.commit().await.expect("committed");
    assert_eq!(me().await.status, 401, "what ended has ended");
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(login(&app, "baru@example.com", PASSWORD).await, 200);
    let record = "select action from audit_log where subject = $1 order by id";
    let record: Vec<String> = sqlx::query_scalar(record).bind(id.to_string()).fetch_all(app.db.work()).await.expect("the record");
    assert_eq!(record, ["password_chosen", "account_disabled", "account_enabled"]);
}

#[tokio::test]
async fn nobody_is_kept_out_by_others_where_they_signed_in_before() {
    let app = App::new().await;
    post(&app, "register", json!({"email": "baru@example.com"})).await;
    let link = letters(&app).await.remove(0).1;
    post(&app, "verify-email", json!({"token": link, "password": PASSWORD})).await;
    let home = "203.0.113.9".parse().expect("an address");
    let body = |password: &str| json!({"email": "Baru@example.com", "password": password});
    let first = app.post_from(home, "/api/v1/auth/login", &[], body(PASSWORD)).await.json();
    let device = first["device_token"].as_str().expect("a token").to_owned();
    let in_a_browser = json!({"email": "baru@example.com", "password": PASSWORD, "transport": "cookie"});
    let browser = app.post_from(home, "/api/v1/auth/login", &[("x-device-token", &device)], in_a_browser).await;
    let cookies: Vec<&str> = browser.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text")).collect();
    let kept = cookies.iter().find(|cookie| cookie.starts_with("viralcast_device_")).expect("a cookie");
    let cookie = kept.split(';').next().expect("a pair");
    assert_eq!(cookie.split_once('=').map(|(_, value)| value), Some(device.as_str()), "the same device");
    assert!(kept.contains("HttpOnly") && kept.contains("Max-Age=31536000"), "{kept}");
    assert_eq!(browser.json().get("device_token"), None);

    // Machines all over the world guess.
    let mut guess = 0_u32;
    loop {
        let from = std::net::Ipv4Addr::from(0x0a00_0000 + guess).into();
        if app.post_from(from, "/api/v1/auth/login", &[], body("wrong")).await.status == 429 {
            break;
        }
        guess += 1;
        assert!(guess < 200, "they are slowed down");
    }
    let elsewhere = "198.51.100.7".parse().expect("an address");
    let login = async |headers: &[(&str, &str)]| app.post_from(elsewhere, "/api/v1/auth/login", headers, body(PASSWORD)).await;
    assert_eq!(login(&[]).await.status, 429, "on a new device one waits with them");
    assert_eq!(login(&[("x-device-token", "made up")]).await.status, 429);
    let again = login(&[("x-device-token", &device)]).await;
    assert_eq!((again.status.as_u16(), &again.json()["device_token"]), (200, &json!(device)));
    assert_eq!(login(&[("cookie", cookie)]).await.status, 200);

    // A thief of it may guess as slowly as anybody, and keeps only that device out.
    let mut answers = Vec::new();
    for from in 0..60 {
        let from = std::net::Ipv4Addr::from(0x0b00_0000 + from).into();
        answers.push(app.post_from(from, "/api/v1/auth/login", &[("x-device-token", &device)], body("wrong")).await.status.as_u16());
    }
    assert_eq!(answers.last(), Some(&429));
    assert!(answers.iter().filter(|status| **status == 401).count() <= 12, "{answers:?}");
}
