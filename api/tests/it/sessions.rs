//! Signing in and out, and what thieves of tokens get.

use axum::http::Method;
use chrono::TimeDelta;
use platform::auth::{AccessClaims, NewSigningKey, ensure_signing_key};
use platform::db::auth_sessions::{Revocation, revoke_others};
use platform::db::signing_keys::{insert_signing_key, list_signing_keys, retire_signing_key};
use platform::db::tenant::{Tenant, begin_as, commit};
use platform::db::users::{set_password, verify_email};
use serde_json::{Value, json};

use crate::app::{ANOTHER_SECRET, App, NOBODY, Reply, assert_shown};
use crate::eventually;

const PASSWORD: &str = "tiga gajah lewat jembatan";
const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";
const ME: &str = "/api/v1/users/me";

/// The owner has a password from now on.
async fn with_password(app: &App) {
    let hash = app.state.auth.passwords.hash(PASSWORD.into()).await.expect("a hash");
    set_password(app.db.work(), app.world.owner, &hash, None).await.expect("set");
    verify_email(app.db.work(), app.world.owner, app.state.clock.now()).await.expect("verified");
}

async fn post(app: &App, path: &str, headers: &[(&str, &str)], body: Value) -> Reply {
    app.call(Method::POST, path, &[&[NOBODY], headers].concat(), Some(body)).await
}

async fn login(app: &App) -> Value {
    let reply = post(app, LOGIN, &[], json!({"email": "Sri@Example.com", "password": PASSWORD})).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

async fn me(app: &App, access: &str) -> Reply {
    app.get_with(ME, &[("authorization", &format!("Bearer {access}"))]).await
}

async fn refresh(app: &App, token: &str) -> Reply {
    post(app, REFRESH, &[], json!({ "refresh_token": token })).await
}

#[tokio::test]
async fn address_and_password_open_the_door_and_nothing_else_does() {
    let app = App::new().await;
    with_password(&app).await;
    let tokens = login(&app).await;
    let shown = me(&app, text(&tokens["access_token"])).await;
    assert_eq!((shown.status.as_u16(), text(&shown.json()["email"])), (200, "sri@example.com"));

    let wrong = post(&app, LOGIN, &[], json!({"email": "sri@example.com", "password": "tiga gajah lewat"})).await;
    let unknown = post(&app, LOGIN, &[], json!({"email": "nobody@example.com", "password": PASSWORD})).await;
    let without = post(&app, LOGIN, &[], json!({"email": "putu@example.com", "password": PASSWORD})).await;
    assert_shown("wrong_credentials", &wrong);
    let body = |reply: &Reply| [&reply.json()["type"], &reply.json()["detail"]].map(|field| text(field).to_owned());
    assert_eq!((wrong.status, body(&wrong)), (unknown.status, body(&unknown)), "nobody learns who has an account");
    assert_eq!(body(&wrong), body(&without));
}

#[tokio::test]
async fn an_access_token_lasts_a_quarter_of_an_hour() {
    let app = App::new().await;
    with_password(&app).await;
    let tokens = login(&app).await;
    app.clock.advance(TimeDelta::minutes(15));
    assert_eq!(me(&app, text(&tokens["access_token"])).await.status, 200, "two clocks may differ by seconds");
    app.clock.advance(TimeDelta::seconds(11));
    assert_shown("token_expired", &me(&app, text(&tokens["access_token"])).await);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_tells_a_second_tab_the_same() {
    let app = App::new().await;
    with_password(&app).await;
    let first = login(&app).await;
    let token = text(&first["refresh_token"]);
    let (one, two) = tokio::join!(refresh(&app, token), refresh(&app, token));
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (200, 200));
    assert_eq!(one.json()["refresh_token"], two.json()["refresh_token"], "two tabs, one successor");
    assert_ne!(one.json()["refresh_token"], first["refresh_token"]);
    assert_eq!(one.json()["session_id"], first["session_id"]);
    app.clock.advance(TimeDelta::seconds(20));
    assert_eq!(refresh(&app, token).await.status, 200, "within the grace");
    let rows: i64 = sqlx::query_scalar("select count(*) from auth_sessions where user_id = $1")
        .bind(app.world.owner)
        .fetch_one(app.db.work())
        .await
        .expect("counted");
    assert_eq!(rows, 2, "however often it is told");
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_ends_the_session_for_both() {
    let app = App::new().await;
    with_password(&app).await;
    let first = login(&app).await;
    let other = login(&app).await;
    let second = refresh(&app, text(&first["refresh_token"])).await.json();
    app.clock.advance(TimeDelta::seconds(21));
    assert_shown("refresh_reused", &refresh(&app, text(&first["refresh_token"])).await);
    assert_eq!(refresh(&app, text(&second["refresh_token"])).await.status, 401, "the thief's or the owner's: nobody knows");
    assert_eq!(me(&app, text(&second["access_token"])).await.status, 401, "at once");
    assert_eq!(me(&app, text(&other["access_token"])).await.status, 200, "another device goes on");
    let because: Vec<String> = sqlx::query_scalar("select distinct revoked_because from auth_sessions where revoked_at is not null")
        .fetch_all(app.db.work())
        .await
        .expect("read");
    assert_eq!(because, ["reused"]);
    let actions: Vec<String> =
        sqlx::query_scalar("select action from audit_log order by created_at, id").fetch_all(app.db.work()).await.expect("read");
    assert_eq!(actions, ["signed_in", "signed_in", "refresh_token_reused"]);
}

/// Written beside the answer, which is no slower where there is an account.
#[tokio::test]
async fn a_wrong_password_is_in_the_record_of_whoever_it_was_for() {
    let app = App::new().await;
    with_password(&app).await;
    for email in ["sri@example.com", "nobody@example.com"] {
        assert_eq!(post(&app, LOGIN, &[], json!({"email": email, "password": "a wrong one"})).await.status, 401);
    }
    let failures = "select coalesce(user_id::text, '') from audit_log where action = 'sign_in_failed' and details = '{}'";
    let recorded: Vec<String> = eventually("it is recorded", async || {
        let found: Vec<String> = sqlx::query_scalar(failures).fetch_all(app.db.work()).await.expect("read");
        (!found.is_empty()).then_some(found)
    })
    .await;
    assert_eq!(recorded, [app.world.owner.to_string()]);
}

#[tokio::test]
async fn a_refresh_on_its_way_does_not_outlive_the_end_of_its_session() {
    let app = App::new().await;
    with_password(&app).await;
    let tokens = login(&app).await;
    let user = app.world.owner;
    let mut ending = begin_as(app.db.serve(), Tenant::User(user)).await.expect("a transaction");
    revoke_others(&mut ending, user, None, Revocation::SignedOutEverywhere, app.state.clock.now()).await.expect("ended");
    let refreshing = refresh(&app, text(&tokens["refresh_token"]));
    let end = async {
        let waiting = "select exists (select from pg_locks where locktype = 'advisory' and not granted
                                      and database = (select oid from pg_database where datname = current_database()))";
        while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(app.db.work()).await.expect("an answer") {
            tokio::task::yield_now().await;
        }
        commit(ending).await.expect("committed");
    };
    let (reply, ()) =
        tokio::time::timeout(std::time::Duration::from_secs(20), async { tokio::join!(refreshing, end) }).await.expect("in time");
    assert_eq!(reply.status, 401, "{}", reply.text());
    let live: i64 = sqlx::query_scalar("select count(*) from auth_sessions where user_id = $1 and revoked_at is null")
        .bind(user)
        .fetch_one(app.db.work())
        .await
        .expect("counted");
    assert_eq!(live, 0);
}

#[tokio::test]
async fn another_secret_ends_every_session() {
    let app = App::new().await;
    with_password(&app).await;
    let tokens = login(&app).await;
    let app = app.with_secret(ANOTHER_SECRET);
    ensure_signing_key(app.db.work(), app.state.auth.keys.secret(), app.state.clock.now()).await.expect("a key");
    assert_eq!(refresh(&app, text(&tokens["refresh_token"])).await.status, 401);
}

#[tokio::test]
async fn a_session_lasts_seven_silent_days_and_thirty_in_all() {
    let app = App::new().await;
    with_password(&app).await;
    let silent = login(&app).await;
    let mut busy = login(&app).await;
    for day in [6, 12, 18, 24] {
        app.clock.advance(TimeDelta::days(6));
        let reply = refresh(&app, text(&busy["refresh_token"])).await;
        assert_eq!(reply.status, 200, "on day {day}");
        busy = reply.json();
    }
    app.clock.advance(TimeDelta::days(6));
    assert_eq!(refresh(&app, text(&busy["refresh_token"])).await.status, 401, "the password is asked for again");
    assert_eq!(refresh(&app, text(&silent["refresh_token"])).await.status, 401);
}

#[tokio::test]
async fn what_is_no_token_of_ours_is_refused() {
    let app = App::new().await;
    with_password(&app).await;
    let tokens = login(&app).await;
    let access = text(&tokens["access_token"]);
    let parts: Vec<&str> = access.split('.').collect();
    let unsigned = format!("{}.{}.", base64_url(r#"{"alg":"none","typ":"JWT"}"#), parts[1]);
    let half = &access[..access.len() - 4];
    let swapped = format!("{}.{}.{}", parts[0], base64_url(r#"{"sub":"x"}"#), parts[2]);
    for token in ["", "x", "a.b.c", unsigned.as_str(), half, swapped.as_str(), text(&tokens["refresh_token"])] {
        let reply = me(&app, token).await;
        assert_eq!(reply.status, 401, "{token}");
        assert!(refresh(&app, token).await.status == 401 || token == text(&tokens["refresh_token"]));
    }
    // Of a user that does not exist, signed by us.
    let ghost = app
        .state
        .auth
        .keys
        .sign(&AccessClaims::new(uuid::Uuid::now_v7(), uuid::Uuid::now_v7(), app.state.clock.now()))
        .await
        .expect("signed");
    assert_eq!(me(&app, &ghost).await.status, 401);
}

fn base64_url(text: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text)
}

#[tokio::test]
async fn signing_out_works_at_once_here_and_everywhere() {
    let app = App::new().await;
    with_password(&app).await;
    let (one, two, three) = (login(&app).await, login(&app).await, login(&app).await);
    let bearer = |tokens: &Value| format!("Bearer {}", text(&tokens["access_token"]));
    assert_eq!(me(&app, text(&one["access_token"])).await.status, 200);
    let out = app.call(Method::POST, "/api/v1/auth/logout", &[("authorization", &bearer(&one))], None).await;
    assert_eq!(out.status, 204);
    assert_eq!(me(&app, text(&one["access_token"])).await.status, 401);
    assert_eq!(refresh(&app, text(&one["refresh_token"])).await.status, 401);

    let listed = app.get_with("/api/v1/auth/sessions", &[("authorization", &bearer(&two))]).await.json();
    let current: Vec<bool> = listed["sessions"].as_array().expect("sessions").iter().map(|session| session["is_current"] == true).collect();
    assert_eq!(current.iter().filter(|is| **is).count(), 1);
    assert_eq!(current.len(), 2);

    app.clock.advance(TimeDelta::seconds(1));
    let everywhere = async |password: &str| {
        let body = Some(json!({ "password": password }));
        app.call(Method::POST, "/api/v1/auth/logout-everywhere", &[("authorization", &bearer(&two))], body).await.status
    };
    assert_eq!(everywhere("another that it is not").await, 401);
    assert_eq!(me(&app, text(&three["access_token"])).await.status, 200);
    assert_eq!(everywhere(PASSWORD).await, 204);
    for tokens in [&two, &three] {
        assert_eq!(me(&app, text(&tokens["access_token"])).await.status, 401);
        assert_eq!(refresh(&app, text(&tokens["refresh_token"])).await.status, 401);
    }
    assert_eq!(me(&app, text(&login(&app).await["access_token"])).await.status, 200);
}

#[tokio::test]
async fn one_of_the_sessions_is_ended_by_its_id() {
    let app = App::new().await;
    with_password(&app).await;
    let (one, two) = (login(&app).await, login(&app).await);
    let hash = app.state.auth.passwords.hash(PASSWORD.into()).await.expect("a hash");
    set_password(app.db.work(), app.world.neighbour, &hash, None).await.expect("set");
    let end = async |who: &str, session: &Value, password: &str| {
        let (path, bearer) = (format!("/api/v1/auth/sessions/{}/end", text(session)), format!("Bearer {who}"));
        app.call(Method::POST, &path, &[("authorization", &bearer)], Some(json!({ "password": password }))).await.status
    };
    let (first, second) = (text(&one["access_token"]), &two["session_id"]);
    assert_eq!(end(first, second, "another that it is not").await, 401);
    assert_eq!(me(&app, text(&two["access_token"])).await.status, 200, "whoever borrowed a phone ends nothing");
    assert_eq!(end(first, second, PASSWORD).await, 204);
    assert_eq!(me(&app, text(&two["access_token"])).await.status, 401);
    assert_eq!(end(first, second, PASSWORD).await, 404);
    let neighbour = app.token_of(app.world.neighbour).await;
    assert_eq!(end(&neighbour, &one["session_id"], PASSWORD).await, 404, "nobody ends another's");
}

/// By its session: whoever has a stolen token uses up their own tries.
#[tokio::test]
async fn a_thief_who_guesses_does_not_keep_the_owner_from_ending_it() {
    let app = App::new().await;
    with_password(&app).await;
    let (thief, owner) = (login(&app).await, login(&app).await);
    let end = async |peer: u8, tokens: &Value, password: &str| {
        let path = format!("/api/v1/auth/sessions/{}/end", text(&thief["session_id"]));
        let bearer = format!("Bearer {}", text(&tokens["access_token"]));
        let peer = std::net::IpAddr::from([203, 0, 113, peer]);
        app.post_from(peer, &path, &[("authorization", &bearer)], json!({ "password": password })).await.status.as_u16()
    };
    let mut refused = Vec::new();
    for try_ in 0..60 {
        refused.push(end(try_ / 6, &thief, "another that it is not").await);
    }
    assert!(refused.contains(&401) && refused.last() == Some(&429), "fifty an hour from wherever: {refused:?}");
    assert_eq!(end(100, &owner, PASSWORD).await, 204);
    assert_eq!(me(&app, text(&thief["access_token"])).await.status, 401);
}

#[tokio::test]
async fn the_eleventh_session_ends_the_one_that_was_silent_longest() {
    let app = App::new().await;
    with_password(&app).await;
    let first = login(&app).await;
    let mut others = Vec::new();
    for _ in 0..9 {
        app.clock.advance(TimeDelta::seconds(1));
        others.push(app.token_of(app.world.owner).await);
    }
    assert_eq!(me(&app, text(&first["access_token"])).await.status, 200, "ten are allowed");
    login(&app).await;
    assert_eq!(me(&app, text(&first["access_token"])).await.status, 401);
    for token in &others {
        assert_eq!(me(&app, token).await.status, 200);
    }
}

#[tokio::test]
async fn a_browser_keeps_its_tokens_where_scripts_cannot_read_them() {
    let app = App::new().await;
    with_password(&app).await;
    let body = json!({"email": "sri@example.com", "password": PASSWORD, "transport": "cookie"});
    let reply = post(&app, LOGIN, &[("sec-fetch-site", "same-origin")], body.clone()).await;
    let tokens = reply.json();
    assert!(tokens.get("access_token").is_none() && tokens.get("refresh_token").is_none(), "{tokens}");
    let set: Vec<&str> = reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text")).collect();
    assert_eq!(set.len(), 4, "tokens, and what knows the device");
    assert!(set.iter().filter(|cookie| !cookie.starts_with("viralcast_csrf")).all(|cookie| cookie.contains("HttpOnly")));
    let cookie = set.iter().map(|cookie| cookie.split(';').next().expect("a pair")).collect::<Vec<_>>().join("; ");
    let csrf = text(&tokens["csrf_token"]);

    assert_eq!(app.get_with(ME, &[("cookie", &cookie)]).await.status, 200, "reading needs the cookie alone");
    let change = async |headers: &[(&str, &str)]| {
        let headers = [&[("cookie", cookie.as_str())], headers].concat();
        app.call(Method::PATCH, ME, &headers, Some(json!({"name": "Bu Sri"}))).await
    };
    assert_shown("csrf_token_missing", &change(&[]).await);
    assert_eq!(change(&[("x-csrf-token", "guessed")]).await.status, 403);
    assert_eq!(change(&[("x-csrf-token", csrf), ("sec-fetch-site", "cross-site")]).await.status, 403, "another site made the browser ask");
    assert_eq!(change(&[("x-csrf-token", csrf), ("origin", "https://evil.example")]).await.status, 403);
    assert_eq!(change(&[("x-csrf-token", csrf), ("sec-fetch-site", "same-origin")]).await.status, 200);

    assert_eq!(post(&app, REFRESH, &[("cookie", &cookie)], json!({})).await.status, 403, "a refresh is a change too");
    let refreshed = post(&app, REFRESH, &[("cookie", &cookie), ("x-csrf-token", csrf)], json!({})).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    assert_eq!(refreshed.headers.get_all("set-cookie").iter().count(), 3, "the device is known already");
    let foreign = post(&app, LOGIN, &[("sec-fetch-site", "cross-site")], body).await;
    assert_eq!(foreign.status, 403, "nobody is signed in by another site");

    let out = app.call(Method::POST, "/api/v1/auth/logout", &[("cookie", &cookie), ("x-csrf-token", csrf)], None).await;
    assert_eq!(out.status, 204);
    assert!(out.headers.get_all("set-cookie").iter().all(|value| value.to_str().expect("text").contains("Max-Age=0")));
    assert_eq!(app.get_with(ME, &[("cookie", &cookie)]).await.status, 401);
}

#[tokio::test]
async fn who_signs_in_again_takes_the_place_of_who_was_there() {
    let app = App::new().await;
    with_password(&app).await;
    let body = json!({"email": "sri@example.com", "password": PASSWORD, "transport": "cookie"});
    let cookies = |reply: &Reply| {
        let set = reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("text"));
        set.map(|cookie| cookie.split(';').next().expect("a pair")).collect::<Vec<_>>().join("; ")
    };
    let first = cookies(&post(&app, LOGIN, &[], body.clone()).await);
    let elsewhere = cookies(&post(&app, LOGIN, &[], body.clone()).await);
    let again = cookies(&post(&app, LOGIN, &[("cookie", &first)], body).await);
    assert_eq!(app.get_with(ME, &[("cookie", &first)]).await.status, 401);
    for cookie in [elsewhere, again] {
        assert_eq!(app.get_with(ME, &[("cookie", &cookie)]).await.status, 200);
    }
}

#[tokio::test]
async fn keys_rotate_and_a_retired_key_opens_nothing() {
    let app = App::new().await;
    let old = app.token_of(app.world.owner).await;
    let key = NewSigningKey::generate(app.state.auth.keys.secret(), app.state.clock.now(), false).expect("a key");
    insert_signing_key(app.db.work(), &key).await.expect("stored");
    let shown = app.get("/.well-known/jwks.json").await.json();
    assert_eq!(shown["keys"].as_array().map(Vec::len), Some(1), "known at the next look");
    assert_eq!((text(&shown["keys"][0]["kty"]), text(&shown["keys"][0]["alg"]), text(&shown["keys"][0]["use"])), ("RSA", "RS256", "sig"));
    assert!(shown["keys"][0].get("d").is_none(), "the private half stays");

    let first = list_signing_keys(app.db.work()).await.expect("keys").pop().expect("the first key").kid;
    assert_eq!(me(&app, &old).await.status, 200);
    retire_signing_key(app.db.work(), &first, app.state.clock.now()).await.expect("retired");
    let app = app.restarted();
    assert_eq!(app.get_with(ME, &[("authorization", &format!("Bearer {old}"))]).await.status, 401);
}
