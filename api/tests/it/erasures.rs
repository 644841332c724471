//! Being forgotten: nothing that says who it was is left anywhere, and what others need stays.

use axum::body::Body;
use axum::http::Method;
use platform::auth::{OneTimeToken, Purpose};
use platform::db::notifications::{News, tell_members};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, NOBODY, Reply};

const PASSWORD: &str = "tiga gajah lewat jembatan";
const EMAIL: &str = "srikandi.wulandari@example.com";
/// In the name, the address, the device, the shop and the customers of one person.
const MARK: &str = "srikandi";

struct Person {
    id: Uuid,
    bearer: String,
    refresh: String,
}

impl Person {
    /// Registers, reads the mail, signs in.
    async fn new(app: &App) -> Self {
        let post = async |path: &str, body: Value| {
            let headers = [NOBODY, ("user-agent", "Srikandi's phone")];
            app.call(Method::POST, &format!("/api/v1/auth/{path}"), &headers, Some(body)).await
        };
        assert_eq!(post("register", json!({"email": EMAIL, "name": "Srikandi Wulandari"})).await.status, 202);
        let newest = "select (args ->> 'token_id')::uuid from jobs where kind = 'mail_link' order by id desc limit 1";
        let letter: Uuid = sqlx::query_scalar(newest).fetch_one(app.db.work()).await.expect("a letter");
        let token = OneTimeToken::of(letter, Purpose::VerifyEmail, app.state.auth.keys.secret());
        assert_eq!(post("verify-email", json!({"token": token.expose(), "password": PASSWORD})).await.status, 204);
        let tokens = post("login", json!({"email": EMAIL, "password": PASSWORD})).await.json();
        let text = |name: &str| tokens[name].as_str().expect("text").to_owned();
        Self {
            id: text("user_id").parse().expect("an id"),
            bearer: format!("Bearer {}", text("access_token")),
            refresh: text("refresh_token"),
        }
    }

    async fn call(&self, app: &App, method: Method, path: &str, body: Option<Value>) -> Reply {
        let headers = [("authorization", self.bearer.as_str()), ("idempotency-key", path)];
        app.call(method, &format!("/api/v1{path}"), &headers, body).await
    }

    async fn erase(&self, app: &App, password: &str) -> Reply {
        self.call(app, Method::POST, "/users/me/erasure", Some(json!({ "password": password }))).await
    }
}

/// Tables that hold the mark in any column of any row, bytes too.
async fn tables_with(app: &App, mark: &str) -> Vec<String> {
    let tables: Vec<(String, Vec<String>)> = sqlx::query_as(
        "select c.relname::text,
                array(select a.attname::text from pg_attribute a
                      where a.attrelid = c.oid and a.atttypid = 'bytea'::regtype and not a.attisdropped)
         from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
         order by 1",
    )
    .fetch_all(app.db.work())
    .await
    .expect("the catalogue");
    let mut found = Vec::new();
    for (table, bytes) in tables.into_iter().filter(|(table, _)| table != "_sqlx_migrations") {
        let columns = bytes.iter().map(|column| format!(" or encode(t.{column}, 'escape') ilike $1")).collect::<String>();
        let query = format!("select exists (select from {table} t where t::text ilike $1{columns})");
        let holds: bool =
            sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(format!("%{mark}%")).fetch_one(app.db.work()).await.expect("a scan");
        if holds {
            found.push(table);
        }
    }
    found
}

/// A shop of their own with an order, a place in another one, a profile with a picture, news, and a link on its way.
async fn live(app: &App, person: &Person) -> (Uuid, Uuid) {
    let made = async |method: Method, path: &str, body: Value| {
        let reply = person.call(app, method, path, Some(body)).await;
        assert!(reply.status.is_success(), "{path}: {}", reply.text());
        reply.json()
    };
    let profile = json!({"phone": "0812-3456-7890", "address": "Jl. Srikandi 1", "bio": "Srikandi masak"});
    made(Method::PUT, "/users/me/profile", profile).await;
    let picture = Body::from(&b"\x89PNG\r\n\x1a\n"[..]);
    let headers = [("authorization", person.bearer.as_str()), ("content-length", "8")];
    assert_eq!(app.send(Method::PUT, "/api/v1/users/me/avatar", &headers, picture).await.status, 204);
    let store = json!({"name": "Warung Srikandi", "time_zone": "Asia/Jakarta", "address": "Jl. Srikandi 1"});
    made(Method::POST, "/stores", store).await;
    let more = "update stores set phone = '+6281234567890', description = 'Masakan Srikandi' where slug = 'warung-srikandi'";
    sqlx::query(more).execute(app.db.work()).await.expect("more of it");
    made(Method::POST, "/stores/warung-srikandi/products", json!({"name": "Es Teh", "price": 5000})).await;
    let order = json!({"items": [{"product": "Es Teh", "quantity": 2}], "customer_name": "Ibu Srikandi", "customer_phone": "081200000000"});
    let order = made(Method::POST, "/stores/warung-srikandi/orders", order).await["order"]["id"].clone();
    let owner = format!("Bearer {}", app.token_of(app.world.owner).await);
    let member = json!({"email": EMAIL, "role": "manager"});
    let added = app.call(Method::POST, "/api/v1/stores/warung-bu-sri/members", &[("authorization", &owner)], Some(member)).await;
    assert_eq!(added.status, 201, "{}", added.text());
    let forgotten = json!({ "email": EMAIL });
    assert_eq!(app.call(Method::POST, "/api/v1/auth/forgot-password", &[NOBODY], Some(forgotten)).await.status, 202);
    let store: Uuid =
        sqlx::query_scalar("select id from stores where slug = 'warung-srikandi'").fetch_one(app.db.work()).await.expect("a store");
    let news =
        News { store_id: store, kind: "plan_published", title: "Rencana Warung Srikandi", body: "x", data: json!({}), unique_key: "plan" };
    tell_members(app.db.work(), &news).await.expect("told");
    (store, order.as_str().expect("an id").parse().expect("an id"))
}

#[tokio::test]
async fn nothing_says_any_more_who_it_was() {
    let app = App::new().await;
    let person = Person::new(&app).await;
    let (store, order) = live(&app, &person).await;
    let before = tables_with(&app, MARK).await;
    for table in ["users", "profiles", "stores", "orders", "auth_sessions", "notifications", "idempotency_keys"] {
        assert!(before.contains(&table.to_owned()), "the scan would not see it in {table}: {before:?}");
    }

    assert_eq!(person.erase(&app, "another password altogether").await.status, 401);
    assert_eq!(tables_with(&app, MARK).await, before, "a wrong password changes nothing");
    let erased = person.erase(&app, PASSWORD).await;
    assert_eq!(erased.status, 204, "{}", erased.text());
    assert_eq!(tables_with(&app, MARK).await, Vec::<String>::new());
    assert_eq!(tables_with(&app, "81234567890").await, Vec::<String>::new(), "nor their telephone");
    assert_eq!(app.state.objects.list("avatars").await.expect("a list"), []);

    // Nobody is signed in, and nobody can sign in.
    assert_eq!(person.call(&app, Method::GET, "/users/me", None).await.status, 401);
    let again = json!({ "refresh_token": person.refresh });
    assert_eq!(app.call(Method::POST, "/api/v1/auth/refresh", &[NOBODY], Some(again)).await.status, 401);
    let login = json!({"email": EMAIL, "password": PASSWORD});
    assert_eq!(app.call(Method::POST, "/api/v1/auth/login", &[NOBODY], Some(login)).await.status, 401);

    // What others and the law need is there: the order, who did what by its id, and the other shop without them.
    let kept: (Option<String>, Option<i64>) = sqlx::query_as("select customer_name, total_amount from orders where id = $1")
        .bind(order)
        .fetch_one(app.db.work())
        .await
        .expect("it");
    assert_eq!(kept, (None, Some(10_000)));
    let (is_active, name): (bool, String) =
        sqlx::query_as("select is_active, name from stores where id = $1").bind(store).fetch_one(app.db.work()).await.expect("it");
    assert_eq!((is_active, name.as_str()), (false, "Erased"));
    let record = app.get(&format!("/api/v1/audit-log?user={}", person.id)).await.json();
    let entries = record["entries"].as_array().expect("entries");
    assert_eq!(entries[0]["action"], "account_erased");
    assert_eq!(entries[0]["details"], json!({"stores_left": 1, "stores_closed": 1}));
    assert!(entries.iter().all(|entry| entry["ip_address"].is_null() && entry["user_name"].is_null()));
    assert!(entries.iter().any(|entry| entry["action"] == "store_created"));
    let members = app.get("/api/v1/stores/warung-bu-sri/members").await.json();
    assert!(members["members"].as_array().expect("members").iter().all(|member| member["user_id"] != json!(person.id)));
    assert_eq!(app.get("/api/v1/stores/warung-bu-sri").await.json()["is_active"], true);

    // The address begins anew, and can be forgotten anew.
    let anew = Person::new(&app).await;
    assert_ne!(anew.id, person.id);
    assert_eq!(anew.call(&app, Method::GET, "/users/me", None).await.json()["memberships"], json!([]));
    assert_eq!(anew.erase(&app, PASSWORD).await.status, 204);
    assert_eq!(tables_with(&app, MARK).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_store_with_others_is_handed_over_first() {
    let app = App::new().await;
    let owner = app.world.owner;
    let hash = app.state.auth.passwords.hash(PASSWORD.to_owned().into()).await.expect("a hash");
    sqlx::query("update users set password_hash = $2 where id = $1")
        .bind(owner)
        .bind(hash)
        .execute(app.db.work())
        .await
        .expect("a password");
    let bearer = format!("Bearer {}", app.token_of(owner).await);
    let headers = [("authorization", bearer.as_str()), ("accept-language", "en")];
    let erase = async || app.call(Method::POST, "/api/v1/users/me/erasure", &headers, Some(json!({ "password": PASSWORD }))).await;
    let refused = erase().await;
    assert_eq!((refused.status.as_u16(), refused.json()["type"].as_str()), (409, Some("/problems/conflict")));
    assert!(refused.json()["hint"].as_str().expect("a hint").contains("Make another member an admin first"), "{}", refused.text());
    assert_eq!(app.get_with("/api/v1/users/me", &headers).await.json()["name"], "Sri", "nothing was done");

    let path = format!("/api/v1/stores/warung-bu-sri/members/{}", app.world.manager);
    assert_eq!(app.call(Method::PATCH, &path, &headers, Some(json!({"role": "admin"}))).await.status, 204);
    assert_eq!(erase().await.status, 204);
    let (owner, is_active): (Uuid, bool) = sqlx::query_as("select user_id, is_active from stores where slug = 'warung-bu-sri'")
        .fetch_one(app.db.work())
        .await
        .expect("a store");
    assert_eq!((owner, is_active), (app.world.manager, true));
    assert_eq!(tables_with(&app, "sri@example.com").await, Vec::<String>::new());
}

#[tokio::test]
async fn two_at_once_are_one_and_guesses_are_few() {
    let app = App::new().await;
    let person = Person::new(&app).await;
    let (one, two) = tokio::join!(person.erase(&app, PASSWORD), person.erase(&app, PASSWORD));
    let mut answers = [one.status.as_u16(), two.status.as_u16()];
    answers.sort_unstable();
    assert_eq!(answers, [204, 401], "{} {}", one.text(), two.text());

    let other = Person::new(&app).await;
    let mut answers = Vec::new();
    for _ in 0..12 {
        answers.push(other.erase(&app, "a guess that is wrong").await.status.as_u16());
    }
    assert_eq!((answers[0], answers[11]), (401, 429), "{answers:?}");
}
