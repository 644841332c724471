//! Who did what, and who may know.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

const OF_STORE: &str = "/api/v1/stores/warung-bu-sri/audit-log";
const OF_ALL: &str = "/api/v1/audit-log";

async fn as_(app: &App, user: Uuid, path: &str) -> (u16, Value) {
    let token = format!("Bearer {}", app.token_of(user).await);
    let reply = app.get_with(path, &[("authorization", &token)]).await;
    (reply.status.as_u16(), reply.json())
}

async fn promote(app: &App, by: Uuid, whom: Uuid, role: &str) {
    let token = format!("Bearer {}", app.token_of(by).await);
    let path = format!("/api/v1/stores/warung-bu-sri/members/{whom}");
    let reply = app.call(Method::PATCH, &path, &[("authorization", &token)], Some(json!({"role": role}))).await;
    assert_eq!(reply.status, 204, "{}", reply.text());
}

fn actions(page: &Value) -> Vec<&str> {
    page["entries"].as_array().expect("entries").iter().map(|one| one["action"].as_str().expect("an action")).collect()
}

#[tokio::test]
async fn admins_read_the_record_of_their_store_and_operators_every_one() {
    let app = App::new().await;
    let (owner, cashier) = (app.world.owner, app.world.cashier);
    promote(&app, owner, cashier, "manager").await;
    let token = format!("Bearer {}", app.token_of(cashier).await);
    assert_eq!(app.call(Method::POST, "/api/v1/auth/logout", &[("authorization", &token)], None).await.status, 204);

    let (status, page) = as_(&app, owner, OF_STORE).await;
    assert_eq!((status, actions(&page)), (200, vec!["member_changed"]), "signing out is no matter of the store");
    let entry = &page["entries"][0];
    assert_eq!((&entry["user_id"], &entry["user_name"]), (&json!(owner), &json!("Sri")));
    assert_eq!((&entry["subject"], &entry["details"]), (&json!(cashier), &json!({"role": "manager"})));
    assert_eq!(as_(&app, cashier, OF_STORE).await.0, 403, "not even a manager");
    assert_eq!(as_(&app, owner, OF_ALL).await.0, 403);

    let all = app.get(OF_ALL).await.json();
    assert_eq!(actions(&all), ["signed_out", "member_changed"]);
    assert_eq!(actions(&app.get(&format!("{OF_ALL}?store=warung-bu-sri")).await.json()), ["member_changed"]);
    assert_eq!(actions(&app.get(&format!("{OF_ALL}?user={cashier}")).await.json()), ["signed_out"]);
    assert_eq!(app.get(&format!("{OF_ALL}?store=nirgends")).await.status, 404);
}

#[tokio::test]
async fn the_record_is_filtered_and_read_by_pages() {
    let app = App::new().await;
    let (owner, cashier) = (app.world.owner, app.world.cashier);
    for role in ["manager", "user", "manager", "user", "manager"] {
        promote(&app, owner, cashier, role).await;
    }
    let ids = |page: &Value| page["entries"].as_array().expect("entries").iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    // All of one instant, by the simulated clock: the ids tell them apart.
    let whole = ids(&as_(&app, owner, OF_STORE).await.1);
    assert_eq!(whole.len(), 5);
    let (mut paged, mut query) = (Vec::new(), "?limit=2".to_owned());
    for _ in 0..3 {
        let page = as_(&app, owner, &format!("{OF_STORE}{query}")).await.1;
        paged.extend(ids(&page));
        query = format!("?limit=2&cursor={}", page["next_cursor"].as_str().unwrap_or_default());
    }
    assert_eq!((paged, query.as_str()), (whole, "?limit=2&cursor="));

    let count = async |query: &str| ids(&as_(&app, owner, &format!("{OF_STORE}?{query}")).await.1).len();
    assert_eq!(count("action=member_changed").await, 5);
    assert_eq!(count("action=store_closed").await, 0);
    assert_eq!(count(&format!("user={cashier}")).await, 0);
    assert_eq!(count("from=2026-11-23T01:00:00Z&until=2026-11-23T01:00:01Z").await, 5);
    assert_eq!(count("until=2026-11-23T01:00:00Z").await, 0, "the end is not part of it");
    for (query, field) in
        [("from=2026-11-23", "from"), ("from=2026-11-23T00:00:00Z&until=2026-11-22T00:00:00Z", "until"), ("user=x", "user")]
    {
        let (status, problem) = as_(&app, owner, &format!("{OF_STORE}?{query}")).await;
        assert_eq!((status, problem["errors"][0]["field"].as_str()), (400, Some(field)), "{query}");
    }
}
