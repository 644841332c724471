//! What every answer has, whoever asks for what.

use api::{Front, Limits, Services};
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use serde_json::json;
use std::sync::Arc;
use tower::ServiceExt;

use crate::app::{App, NOBODY};
use crate::world::NOW;

#[tokio::test]
async fn everyone_has_a_quota_and_is_told_what_is_left() {
    let app = App::with(Limits { requests_a_minute: 3, ..Limits::default() }, NOW).await;
    let me = "/api/v1/users/me";
    let first = app.get(me).await;
    assert_eq!((first.status.as_u16(), first.header("ratelimit-policy")), (200, "\"default\";q=3;w=60"));
    assert!(first.header("ratelimit").starts_with("\"default\";r=2;t="), "{}", first.header("ratelimit"));
    app.get(me).await;
    app.get(me).await;
    let over = app.get(me).await;
    assert_eq!((over.status.as_u16(), over.json()["type"].as_str()), (429, Some("/problems/too-many-requests")));
    assert!(over.header("ratelimit").starts_with("\"default\";r=0;t="), "{}", over.header("ratelimit"));
    assert!(over.header("retry-after").parse::<u64>().is_ok_and(|seconds| (1..=60).contains(&seconds)), "{}", over.header("retry-after"));
    let other = format!("Bearer {}", app.token_of(app.world.owner).await);
    assert_eq!(app.get_with(me, &[("authorization", &other)]).await.status, 200, "a neighbour has a quota of their own");
    assert_eq!(app.get("/livez").await.status, 200, "probes are free");
}

/// The same app as others see it from outside.
fn fronted(app: &App, front: Front) -> api::Api {
    api::router(Services { front: Arc::new(front), ..Services::clone(&app.state) }.into())
}

async fn ask(router: api::Api, method: Method, path: &str, headers: &[(&str, &str)]) -> axum::http::Response<Body> {
    let request = headers.iter().fold(Request::builder().method(method).uri(path), |request, (name, value)| request.header(*name, *value));
    router.oneshot(request.body(Body::empty()).expect("a request")).await.expect("infallible")
}

#[tokio::test]
async fn only_listed_sites_may_ask_from_a_browser() {
    let app = App::new().await;
    let front = Front { other_origins: vec!["https://till.example".into()], ..Front::default() };
    let preflight = async |origin: &str| {
        let headers = [
            ("host", "localhost:4000"),
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,content-type"),
        ];
        let answer = ask(fronted(&app, front.clone()), Method::OPTIONS, "/api/v1/stores", &headers).await;
        answer.headers().get("access-control-allow-origin").map(|value| value.to_str().expect("text").to_owned())
    };
    assert_eq!(preflight("https://till.example").await.as_deref(), Some("https://till.example"));
    assert_eq!(preflight("https://evil.example").await, None);
    let asked = [("host", "localhost:4000"), ("origin", "https://till.example")];
    let refused = ask(fronted(&app, front.clone()), Method::GET, "/api/v1/users/me", &asked).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["access-control-allow-origin"], "https://till.example", "its scripts may read why");
}

#[tokio::test]
async fn the_server_answers_to_its_own_names() {
    let app = App::new().await;
    let front = Front { hosts: vec!["app.example.id".into()], ..Front::default() };
    let status = async |host: &str| ask(fronted(&app, front.clone()), Method::GET, "/livez", &[("host", host)]).await.status().as_u16();
    assert_eq!((status("app.example.id").await, status("App.Example.ID:443").await, status("evil.example").await), (200, 200, 421));
}

#[tokio::test]
async fn whom_to_tell_of_a_hole_is_told_where_somebody_is_named() {
    let app = App::new().await;
    let path = "/.well-known/security.txt";
    assert_eq!(app.get(path).await.status, 404);
    let contact = Some("mailto:keamanan@app.example.id".to_owned());
    let front = Front { security_contact: contact, origin: "https://app.example.id".to_owned(), ..Front::default() };
    let told = ask(fronted(&app, front), Method::GET, path, &[("host", "localhost")]).await;
    assert_eq!(told.status(), 200);
    assert_eq!(told.headers()["content-type"], "text/plain; charset=utf-8");
    let text = String::from_utf8(to_bytes(told.into_body(), 1 << 10).await.expect("a body").to_vec()).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "Contact: mailto:keamanan@app.example.id");
    assert!(lines[1].starts_with("Expires: 2026-12-") && lines[1].ends_with("Z"), "{text}");
    assert_eq!(lines[3], "Canonical: https://app.example.id/.well-known/security.txt");
}

#[tokio::test]
async fn metrics_of_a_public_server_are_for_its_collector_and_operators() {
    let app = App::new().await;
    let public = Front { is_public: true, metrics_token: Some("of the collector".into()), ..Front::default() };
    let operator = format!("Bearer {}", app.token_of(app.world.operator).await);
    let owner = format!("Bearer {}", app.token_of(app.world.owner).await);
    let status = async |front: &Front, authorization: Option<&str>| {
        let host = [("host", "localhost")];
        let headers = [&host[..], &authorization.map(|value| ("authorization", value)).into_iter().collect::<Vec<_>>()].concat();
        ask(fronted(&app, front.clone()), Method::GET, "/metrics", &headers).await.status().as_u16()
    };
    assert_eq!(status(&public, None).await, 401);
    assert_eq!(status(&public, Some("Bearer of the collectoR")).await, 401);
    assert_eq!(status(&public, Some("Bearer of the collector")).await, 200);
    assert_eq!(status(&public, Some(&operator)).await, 200);
    assert_eq!(status(&public, Some(&owner)).await, 403);
    assert_eq!(status(&Front { metrics_token: None, ..public.clone() }, None).await, 401);
    assert_eq!(status(&Front::default(), None).await, 200, "this machine's own");
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_named_by_its_field() {
    let app = App::new().await;
    let login = async |headers: &[(&str, &str)], body: serde_json::Value| {
        app.call(Method::POST, "/api/v1/auth/login", &[&[NOBODY], headers].concat(), Some(body)).await
    };
    let field = |reply: &crate::app::Reply| reply.json()["errors"][0]["field"].as_str().map(str::to_owned);
    let missing = login(&[], json!({"email": "sri@example.com"})).await;
    assert_eq!((missing.status.as_u16(), field(&missing)), (400, Some(String::new())), "{}", missing.text());
    let wrong = login(&[], json!({"email": 7, "password": "x"})).await;
    assert_eq!((wrong.status.as_u16(), field(&wrong)), (400, Some("email".into())));
    let unknown = login(&[], json!({"email": "a@b.id", "password": "x", "remember": true})).await;
    assert_eq!(unknown.status, 400);
    let plain = app.post_with("/api/v1/auth/login", &[NOBODY, ("content-type", "text/plain")], b"{}".to_vec()).await;
    assert_eq!((plain.status.as_u16(), plain.json()["type"].as_str()), (415, Some("/problems/unsupported-media-type")));
}

#[tokio::test]
async fn every_answer_asks_for_tls_also_to_a_browser_that_only_asks_whether_it_may() {
    let app = App::new().await;
    let front = Front { other_origins: vec!["https://till.example".into()], ..Front::default() };
    let headers = [("host", "localhost:4000"), ("origin", "https://till.example"), ("access-control-request-method", "POST")];
    for (method, path, headers) in [
        (Method::OPTIONS, "/api/v1/stores", &headers[..]),
        (Method::GET, "/livez", &headers[..1]),
        (Method::GET, "/nowhere", &headers[..1]),
    ] {
        let answer = ask(fronted(&app, front.clone()), method, path, headers).await;
        let hsts = answer.headers().get("strict-transport-security").map(|value| value.to_str().expect("text").to_owned());
        assert_eq!(hsts.as_deref(), Some("max-age=31536000; includeSubDomains"), "{path}");
    }
}

#[tokio::test]
async fn browsers_keep_nothing_of_people_and_forget_the_rest_at_sign_out() {
    let app = App::new().await;
    for path in ["stores/warung-bu-sri/orders", "stores/warung-bu-sri/members", "users/me", "auth/sessions"] {
        assert_eq!(app.get(&format!("/api/v1/{path}")).await.header("cache-control"), "no-store", "{path}");
    }
    assert_eq!(app.get("/api/v1/stores/warung-bu-sri/plan").await.header("cache-control"), "private, no-cache");
    let owner = format!("Bearer {}", app.token_of(app.world.owner).await);
    let out = app.call(Method::POST, "/api/v1/auth/logout", &[("authorization", &owner)], None).await;
    assert_eq!((out.status.as_u16(), out.header("clear-site-data")), (204, "\"cache\", \"storage\""));
}
