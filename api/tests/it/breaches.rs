//! Passwords that others have lost, and a service that knows them: in the shape of the documentation of haveibeenpwned.com (API version 3,
//! "Searching by range"), made by us.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::app::{App, Reply};

/// With its SHA-1.
const LOST: [&str; 2] = ["sambal terasi di atas genteng", "191D3A0A11FFC9DDB9AACFCCC2053AD9719D7409"];
const OTHER: [&str; 2] = ["tiga gajah lewat jembatan", "354E2C9A62F0B80C97EB8EDDA935A349E4F85F1C"];

type Asked = Arc<Mutex<Vec<(String, bool)>>>;

/// The service, what it was asked, and whether padding was wanted. It knows one password by heart, and another that nobody has lost.
async fn service() -> (String, Asked) {
    let asked = Asked::default();
    let heard = Arc::clone(&asked);
    let answer = async move |Path(prefix): Path<String>, headers: HeaderMap| {
        let wants_padding = headers.get("add-padding").is_some_and(|value| value == "true");
        heard.lock().expect("not poisoned").push((prefix.clone(), wants_padding));
        let line = |hash: &str, count: u32| hash.strip_prefix(&prefix).map(|rest| format!("{rest}:{count}\r\n"));
        [line(LOST[1], 3), line(OTHER[1], 0), Some("0018A45C4D1DEF81644B54AB7F969B88D65:21".to_owned())]
            .into_iter()
            .flatten()
            .collect::<String>()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/range/{prefix}", get(answer))).await });
    (address, asked)
}

async fn change(app: &App, from: &str, to: &str) -> Reply {
    let token = format!("Bearer {}", app.token_of(app.world.owner).await);
    let body = json!({"current_password": from, "new_password": to});
    app.call(Method::POST, "/api/v1/auth/change-password", &[("authorization", &token)], Some(body)).await
}

fn refused_field(reply: &Reply) -> (u16, Value) {
    (reply.status.as_u16(), reply.json()["errors"][0]["field"].clone())
}

#[tokio::test]
async fn a_password_that_others_have_lost_is_not_taken() {
    let (address, asked) = service().await;
    let app = App::new().await.asking_for_breaches(&address);
    let own = app.give_password(app.world.owner).await;
    let refused = change(&app, own, LOST[0]).await;
    assert_eq!(refused_field(&refused), (422, "new_password".into()), "{}", refused.text());
    assert_eq!(change(&app, own, OTHER[0]).await.status, StatusCode::NO_CONTENT, "padding is nobody's password");
    let asked = asked.lock().expect("not poisoned").clone();
    assert_eq!(asked, [LOST, OTHER].map(|[_, hash]| (hash[..5].to_owned(), true)), "five digits of each, and no more");
}

#[tokio::test]
async fn where_nobody_answers_nobody_is_kept_out() {
    let app = App::new().await.asking_for_breaches("http://127.0.0.1:1");
    let own = app.give_password(app.world.owner).await;
    assert_eq!(change(&app, own, LOST[0]).await.status, StatusCode::NO_CONTENT);
    assert!(app.state.metrics.render().contains("breached_passwords_unanswered_total 1"));
}
