//! Who may act for a store.

use axum::http::Method;
use platform::db::one_time_tokens::token_letter;
use serde_json::json;

use crate::app::App;

const MEMBERS: &str = "/api/v1/stores/warung-bu-sri/members";

async fn as_owner(app: &App) -> String {
    format!("Bearer {}", app.token_of(app.world.owner).await)
}

fn roles(members: &serde_json::Value) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    members["members"].as_array().expect("members").iter().map(|member| (text(&member["email"]), text(&member["role"]))).collect()
}

#[tokio::test]
async fn an_admin_adds_changes_and_removes() {
    let app = App::new().await;
    let owner = as_owner(&app).await;
    let owner = [("authorization", owner.as_str())];
    let new = json!({"email": "made@example.com", "role": "user"});
    let added = app.call(Method::POST, MEMBERS, &owner, Some(new)).await;
    assert_eq!(added.status, 201);
    assert!(roles(&added.json()).contains(&("made@example.com".into(), "user".into())));

    let neighbour = format!("{MEMBERS}/{}", app.world.neighbour);
    let theirs = format!("Bearer {}", app.token_of(app.world.neighbour).await);
    let theirs = [("authorization", theirs.as_str())];
    assert_eq!(app.get_with("/api/v1/stores/warung-bu-sri", &theirs).await.status, 200, "they see the store at once");
    assert_eq!(app.get_with(MEMBERS, &theirs).await.status, 403);
    assert_eq!(app.call(Method::PATCH, &neighbour, &owner, Some(json!({"role": "manager"}))).await.status, 204);
    assert_eq!(app.get_with(MEMBERS, &theirs).await.status, 200, "a role counts at once");
    assert_eq!(app.call(Method::DELETE, &neighbour, &owner, None).await.status, 204);
    assert_eq!(app.get_with(MEMBERS, &theirs).await.status, 404, "and so does losing it");
}

#[tokio::test]
async fn a_store_keeps_an_admin() {
    let app = App::new().await;
    let owner = as_owner(&app).await;
    let owner = [("authorization", owner.as_str())];
    let own = format!("{MEMBERS}/{}", app.world.owner);
    for reply in
        [app.call(Method::DELETE, &own, &owner, None).await, app.call(Method::PATCH, &own, &owner, Some(json!({"role": "user"}))).await]
    {
        assert_eq!((reply.status.as_u16(), reply.json()["type"].as_str()), (409, Some("/problems/conflict")));
    }
    let manager = format!("{MEMBERS}/{}", app.world.manager);
    assert_eq!(app.call(Method::PATCH, &manager, &owner, Some(json!({"role": "admin"}))).await.status, 204);
    assert_eq!(app.call(Method::DELETE, &own, &owner, None).await.status, 204);
}

#[tokio::test]
async fn everyone_may_leave() {
    let app = App::new().await;
    let token = format!("Bearer {}", app.token_of(app.world.cashier).await);
    let own = format!("{MEMBERS}/{}", app.world.cashier);
    assert_eq!(app.call(Method::DELETE, &own, &[("authorization", token.as_str())], None).await.status, 204);
}

#[tokio::test]
async fn whoever_has_no_account_is_sent_a_link() {
    let app = App::new().await;
    let owner = as_owner(&app).await;
    let new = json!({"email": "baru@example.com", "name": "Baru", "role": "user"});
    assert_eq!(app.call(Method::POST, MEMBERS, &[("authorization", owner.as_str())], Some(new)).await.status, 201);
    let (token_id, letter): (uuid::Uuid, String) =
        sqlx::query_as("select (args ->> 'token_id')::uuid, args ->> 'letter' from jobs where kind = 'mail_link'")
            .fetch_one(app.db.work())
            .await
            .expect("a job");
    assert_eq!(letter, "join_store");
    let to = token_letter(app.db.work(), token_id, app.state.clock.now()).await.expect("read").expect("a letter");
    assert_eq!(to.email, "baru@example.com");
}
