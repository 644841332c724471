//! What people were told.

use axum::http::Method;
use platform::db::notifications::{News, tell_members};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;

const NEWS: &str = "/api/v1/users/me/notifications";

async fn tell(app: &App, key: &str, body: &str) {
    let news = News {
        store_id: app.world.store,
        kind: "plan_published",
        title: "Rencana",
        body,
        data: json!({"run_id": app.world.run}),
        unique_key: key,
    };
    tell_members(app.db.work(), &news).await.expect("told");
}

struct Reader<'a> {
    app: &'a App,
    token: String,
}

impl<'a> Reader<'a> {
    async fn of(app: &'a App, user: Uuid) -> Self {
        Self { app, token: format!("Bearer {}", app.token_of(user).await) }
    }

    async fn page(&self, query: &str) -> Value {
        let reply = self.app.get_with(&format!("{NEWS}{query}"), &[("authorization", &self.token)]).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    async fn post(&self, path: &str) -> (u16, Value) {
        let reply = self.app.call(Method::POST, &format!("{NEWS}/{path}"), &[("authorization", &self.token)], None).await;
        (reply.status.as_u16(), if reply.body.is_empty() { Value::Null } else { reply.json() })
    }
}

fn bodies(page: &Value) -> Vec<&str> {
    page["notifications"].as_array().expect("news").iter().map(|one| one["body"].as_str().expect("text")).collect()
}

#[tokio::test]
async fn news_is_read_one_by_one_and_all_at_once_by_whom_it_was_told() {
    let app = App::new().await;
    for number in 1..=3 {
        tell(&app, &format!("plan:{number}"), &format!("Kabar {number}")).await;
    }
    let (owner, cashier) = (Reader::of(&app, app.world.owner).await, Reader::of(&app, app.world.cashier).await);
    let page = owner.page("").await;
    assert_eq!((bodies(&page), page["unread"].as_i64()), (vec!["Kabar 3", "Kabar 2", "Kabar 1"], Some(3)));
    let second = page["notifications"][1]["id"].as_str().expect("an id").to_owned();

    assert_eq!(cashier.post(&format!("{second}/read")).await.0, 404, "it was told to somebody else");
    assert_eq!(owner.post("x/read").await.0, 404);
    assert_eq!(owner.post(&format!("{second}/read")).await.0, 204);
    let first_read = owner.page("?unread=false").await["notifications"][0]["read_at"].clone();
    assert_eq!(owner.post(&format!("{second}/read")).await.0, 204);
    let read = owner.page("?unread=false").await;
    assert_eq!((bodies(&read), &read["notifications"][0]["read_at"]), (vec!["Kabar 2"], &first_read));
    let unread = owner.page("?unread=true").await;
    assert_eq!((bodies(&unread), unread["unread"].as_i64()), (vec!["Kabar 3", "Kabar 1"], Some(2)));

    assert_eq!(owner.post("read").await, (200, json!({"read": 2})));
    assert_eq!(owner.post("read").await, (200, json!({"read": 0})));
    assert_eq!(cashier.page("").await["unread"], 3, "and nobody else's");
    // The same news in other words is news again.
    tell(&app, "plan:1", "Kabar 1, diperbaiki").await;
    assert_eq!(bodies(&owner.page("?unread=true").await), ["Kabar 1, diperbaiki"]);
}

#[tokio::test]
async fn an_operator_reads_their_own_news_too() {
    let app = App::new().await;
    tell(&app, "plan:1", "Kabar").await;
    assert_eq!(app.get(NEWS).await.json(), json!({"notifications": [], "unread": 0, "next_cursor": null}));
    let id: Uuid = sqlx::query_scalar("select id from notifications limit 1").fetch_one(app.db.work()).await.expect("news");
    assert_eq!(app.call(Method::POST, &format!("{NEWS}/{id}/read"), &[], None).await.status, 404);
    assert_eq!(app.call(Method::POST, &format!("{NEWS}/read"), &[], None).await.json(), json!({"read": 0}));
}

#[tokio::test]
async fn pages_of_news_that_came_at_one_moment() {
    let app = App::new().await;
    for number in 0..5 {
        tell(&app, &format!("plan:{number}"), &format!("Kabar {number}")).await;
    }
    sqlx::query("update notifications set created_at = '2026-11-22T21:30:00Z'").execute(app.db.work()).await.expect("at once");
    let owner = Reader::of(&app, app.world.owner).await;
    let whole = owner.page("").await;
    let (mut paged, mut query) = (Vec::new(), "?limit=2".to_owned());
    for _ in 0..3 {
        let page = owner.page(&query).await;
        paged.extend(bodies(&page).into_iter().map(str::to_owned));
        query = format!("?limit=2&cursor={}", page["next_cursor"].as_str().unwrap_or_default());
    }
    assert_eq!(paged, bodies(&whole));
    assert_eq!(query, "?limit=2&cursor=", "the third page is the last");
}
