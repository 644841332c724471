//! A shop owner writes down what they sell and what it is made of.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::{App, Reply};

pub const STORE: &str = "/api/v1/stores/warung-bu-sri";

/// Someone who asks.
pub struct Person<'a> {
    app: &'a App,
    authorization: String,
}

impl<'a> Person<'a> {
    pub async fn new(app: &'a App, user: Uuid) -> Self {
        sqlx::query("update users set email_verified_at = now() where id = $1").bind(user).execute(app.db.work()).await.expect("verified");
        Self { app, authorization: format!("Bearer {}", app.token_of(user).await) }
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        self.app.call(method, path, &[("authorization", self.authorization.as_str())], body).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, None).await
    }

    pub async fn create(&self, path: &str, body: Value) -> Value {
        let reply = self.call(Method::POST, path, Some(body)).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path, None).await
    }
}

pub fn id(made: &Value) -> &str {
    made["id"].as_str().expect("an id")
}

#[track_caller]
fn assert_conflict(reply: &Reply, says: &str) {
    assert_eq!((reply.status.as_u16(), &reply.json()["type"]), (409, &json!("/problems/conflict")), "{}", reply.text());
    let text = reply.text();
    assert!(text.contains(says), "{text}");
}

#[track_caller]
pub fn assert_field(reply: &Reply, field: &str) {
    assert!(matches!(reply.status.as_u16(), 400 | 422), "{}", reply.text());
    assert_eq!(reply.json()["errors"][0]["field"], field, "{}", reply.text());
}

#[tokio::test]
async fn a_new_shop_is_written_down_from_nothing() {
    let app = App::new().await;
    let wayan = Person::new(&app, app.world.neighbour).await;
    let store =
        wayan.create("/api/v1/stores", json!({"name": "Warung Wayan's", "time_zone": "Asia/Makassar", "adm4": "51.71.01.1001"})).await;
    assert_eq!(
        (&store["slug"], &store["time_zone"], &store["sales_source"]),
        (&json!("warung-wayans"), &json!("Asia/Makassar"), &json!("orders"))
    );
    let at = |path: &str| format!("/api/v1/stores/warung-wayans/{path}");

    let food = wayan.create(&at("categories"), json!({"name": "Makanan"})).await;
    let nasi = wayan.create(&at("categories"), json!({"name": "Nasi", "parent_id": food["id"]})).await;
    let geprek = json!({"name": " Ayam Geprek ", "category_id": nasi["id"], "price": 18_000, "batch_size": 2.5});
    let geprek = wayan.create(&at("products"), geprek).await;
    assert_eq!((&geprek["name"], &geprek["unit"], &geprek["batch_size"]), (&json!("Ayam Geprek"), &json!("porsi"), &json!(2.5)));
    let chicken = wayan.create(&at("ingredients"), json!({"name": "Ayam", "unit": "kg", "pack_price": 36_000})).await;
    let chilli = wayan.create(&at("ingredients"), json!({"name": "Cabai", "unit": "g", "pack_size": 250, "pack_price": 20_000})).await;
    let sambal = wayan.create(&at("ingredients"), json!({"name": "Sambal", "unit": "kg"})).await;

    let items = json!([{"ingredient_id": chilli["id"], "quantity": 0.8, "unit": "kg"}]);
    let recipe = json!({"yield_quantity": 900, "yield_unit": "g", "waste_share": 0.1, "items": items});
    assert_eq!(wayan.put(&at(&format!("ingredients/{}/recipe", id(&sambal))), recipe).await.status, 200);
    let items = json!([
        {"ingredient_id": chicken["id"], "quantity": 1.5, "unit": "kg"},
        {"ingredient_id": sambal["id"], "quantity": 200, "unit": "g"},
    ]);
    let of_geprek = at(&format!("products/{}/recipe", id(&geprek)));
    let written = wayan.put(&of_geprek, json!({"yield_quantity": 10, "yield_unit": "porsi", "items": items})).await;
    assert_eq!(written.status, 200, "{}", written.text());
    assert_eq!(wayan.get(&of_geprek).await.json(), written.json());
    let names: Vec<Value> = written.json()["items"].as_array().expect("items").iter().map(|item| item["ingredient"].clone()).collect();
    assert_eq!(names, ["Ayam", "Sambal"]);

    let changed = wayan.patch(&at(&format!("products/{}", id(&geprek))), json!({"price": 20_000, "category_id": null})).await;
    assert_eq!((&changed.json()["price"], &changed.json()["category_id"]), (&json!(20_000), &Value::Null));
    assert_eq!(wayan.delete(&of_geprek).await.status, 204);
    assert_eq!(wayan.get(&of_geprek).await.status, 404);
    for (path, status) in [
        (at(&format!("ingredients/{}", id(&chilli))), 409),
        (at(&format!("ingredients/{}", id(&sambal))), 204),
        (at(&format!("ingredients/{}", id(&chilli))), 204),
        (at(&format!("products/{}", id(&geprek))), 204),
        (at(&format!("products/{}", id(&geprek))), 404),
        (at(&format!("categories/{}", id(&food))), 409),
        (at(&format!("categories/{}", id(&nasi))), 204),
        (at(&format!("categories/{}", id(&food))), 204),
    ] {
        assert_eq!(wayan.delete(&path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_store_is_opened_changed_and_closed() {
    let app = App::new().await;
    let unverified = [("authorization", format!("Bearer {}", app.token_of(app.world.cashier).await))];
    let unverified = [(unverified[0].0, unverified[0].1.as_str())];
    let refused = app.call(Method::POST, "/api/v1/stores", &unverified, Some(json!({"name": "Kedai"}))).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["type"]), (403, &json!("/problems/address-not-verified")));

    let sri = Person::new(&app, app.world.owner).await;
    assert_conflict(&sri.call(Method::POST, "/api/v1/stores", Some(json!({"name": "X", "slug": "kedai-kosong"}))).await, "nama pendek");
    let second = sri.create("/api/v1/stores", json!({"name": "Warung Bu Sri"})).await;
    assert_eq!(second["slug"], "warung-bu-sri-2", "namesakes are told apart");
    for (field, value) in [
        ("name", json!(" ")),
        ("name", json!("a\u{0}b")),
        ("slug", json!("Warung Sri")),
        ("time_zone", json!("WIB")),
        ("adm4", json!("31.71")),
        ("business_day_cutoff", json!("25:00")),
        ("calendar", json!("sg")),
        ("sales_source", json!("dreams")),
        ("opened_on", json!("23/11/2026")),
        ("is_active", json!(false)),
        ("colour", json!("red")),
    ] {
        let mut body = json!({"name": "Warung"});
        body[field] = value.clone();
        let reply = sri.call(Method::POST, "/api/v1/stores", Some(body)).await;
        assert!(matches!(reply.status.as_u16(), 400 | 422), "{field} {value}");
        assert!(reply.text().contains(field), "{field} {value}: {}", reply.text());
        if !["is_active", "slug"].contains(&field) {
            let reply = sri.patch(STORE, json!({ field: value })).await;
            assert!(matches!(reply.status.as_u16(), 400 | 422), "{field}");
            assert!(reply.text().contains(field), "{field}: {}", reply.text());
        }
    }
    assert_field(&sri.call(Method::POST, "/api/v1/stores", Some(json!({"name": "炸鸡"}))).await, "slug");

    let before = sri.get(STORE).await.json();
    let after = sri.patch(STORE, json!({"address": null, "business_day_cutoff": "03:30"})).await.json();
    assert_eq!((&after["address"], &after["business_day_cutoff"]), (&Value::Null, &json!("03:30")));
    assert_eq!((&after["adm4"], &after["sales_source"], &after["name"]), (&before["adm4"], &before["sales_source"], &before["name"]));
    assert_conflict(&sri.patch(STORE, json!({"slug": "kedai-kosong"})).await, "nama pendek");

    let putu = Person::new(&app, app.world.manager).await;
    assert_eq!(putu.patch(STORE, json!({"name": "Warung Sri"})).await.status, 200);
    assert_eq!(putu.patch(STORE, json!({"is_active": false})).await.status, 403);
    assert_eq!(sri.delete(STORE).await.status, 204);
    assert!(!sri.get("/api/v1/stores").await.text().contains(r#""warung-bu-sri""#));
    assert_eq!(sri.get(STORE).await.json()["is_active"], false, "nothing is lost");
    assert_eq!(sri.patch(STORE, json!({"is_active": true})).await.json()["is_active"], true);
    let actions: Vec<String> = sqlx::query_scalar("select action from audit_log where action like 'store_%' order by created_at, id")
        .fetch_all(app.db.work())
        .await
        .expect("a record");
    assert_eq!(actions, ["store_created", "store_changed", "store_changed", "store_closed", "store_changed"]);
}

#[tokio::test]
async fn what_would_not_hold_is_refused_by_field() {
    let app = App::new().await;
    let sri = Person::new(&app, app.world.owner).await;
    let products = [
        ("name", json!("a".repeat(101))),
        ("name", json!("a\nb")),
        ("price", json!(-1)),
        ("price", json!(1_000_000_001)),
        ("price", json!(0.5)),
        ("batch_size", json!(0)),
        ("batch_size", json!(0.0001)),
        ("shelf_life_days", json!(-1)),
        ("unit", json!("")),
        ("category_id", json!(Uuid::nil())),
        ("category_id", json!("makanan")),
        ("first_sold_on", json!("besok")),
    ];
    let ingredients =
        [("unit", json!("segenggam")), ("pack_size", json!(0)), ("pack_price", json!(-5)), ("category_id", json!(Uuid::nil()))];
    let categories = [("description", json!("a".repeat(501))), ("parent_id", json!(Uuid::nil()))];
    for (noun, cases) in [("products", &products[..]), ("ingredients", &ingredients), ("categories", &categories)] {
        let path = format!("{STORE}/{noun}");
        let mut whole = json!({"name": "Baru"});
        if noun == "ingredients" {
            whole["unit"] = json!("kg");
        }
        let made = sri.create(&path, whole.clone()).await;
        for (field, value) in cases {
            let mut body = json!({"name": "Lain"});
            body["unit"] = whole["unit"].clone();
            if body["unit"].is_null() {
                body.as_object_mut().expect("an object").remove("unit");
            }
            body[field] = value.clone();
            assert_field(&sri.call(Method::POST, &path, Some(body)).await, field);
            assert_field(&sri.patch(&format!("{path}/{}", id(&made)), json!({ *field: value })).await, field);
        }
        assert_field(&sri.patch(&format!("{path}/{}", id(&made)), json!({"name": null})).await, "name");
        assert_field(&sri.patch(&format!("{path}/{}", id(&made)), json!({"nam": "x"})).await, "nam");
        assert_conflict(&sri.call(Method::POST, &path, Some(whole)).await, "bernama itu");
        let body = if noun == "ingredients" { json!({"name": "Dua", "unit": "kg"}) } else { json!({"name": "Dua"}) };
        let other = sri.create(&path, body).await;
        assert_conflict(&sri.patch(&format!("{path}/{}", id(&other)), json!({"name": "Baru"})).await, "bernama itu");
    }
}

#[tokio::test]
async fn recipes_add_up() {
    let app = App::new().await;
    let sri = Person::new(&app, app.world.owner).await;
    let at = |path: &str| format!("{STORE}/{path}");
    let flour = sri.create(&at("ingredients"), json!({"name": "Tepung", "unit": "kg"})).await;
    let dough = sri.create(&at("ingredients"), json!({"name": "Adonan", "unit": "kg"})).await;
    let of = |made: &Value| at(&format!("ingredients/{}/recipe", id(made)));
    let recipe = |items: Value| json!({"yield_quantity": 1, "yield_unit": "kg", "items": items});
    let line = |of: &Value, unit: &str| json!({"ingredient_id": of["id"], "quantity": 500, "unit": unit});

    assert_eq!(sri.put(&of(&dough), recipe(json!([line(&flour, "g")]))).await.status, 200);
    assert_conflict(&sri.put(&of(&flour), recipe(json!([line(&dough, "g")]))).await, "dari dirinya sendiri");
    assert_conflict(&sri.put(&of(&flour), recipe(json!([line(&flour, "g")]))).await, "dari dirinya sendiri");
    assert_eq!(sri.get(&of(&flour)).await.status, 404, "nothing of it was kept");

    let wrong = sri.put(&of(&dough), recipe(json!([line(&flour, "g"), line(&flour, "kg"), line(&json!({"id": Uuid::nil()}), "g")]))).await;
    let fields: Vec<Value> = wrong.json()["errors"].as_array().expect("errors").iter().map(|error| error["field"].clone()).collect();
    assert_eq!(fields, ["items[1].ingredient_id", "items[2].ingredient_id"]);
    assert_field(&sri.put(&of(&dough), recipe(json!([line(&flour, "ml")]))).await, "items[0].unit");
    assert_field(&sri.put(&of(&dough), recipe(json!([line(&flour, "genggam")]))).await, "items[0].unit");
    assert_field(&sri.put(&of(&dough), recipe(json!([]))).await, "items");
    for (field, value) in
        [("yield_quantity", json!(0)), ("yield_unit", json!("l")), ("waste_share", json!(1)), ("waste_share", json!(-0.1))]
    {
        let mut body = recipe(json!([line(&flour, "g")]));
        body[field] = value;
        assert_field(&sri.put(&of(&dough), body).await, field);
    }
    let unit = |made: &Value, unit: &str| (at(&format!("ingredients/{}", id(made))), json!({ "unit": unit }));
    for (made, refused) in [(&flour, "l"), (&dough, "pcs")] {
        let (path, body) = unit(made, refused);
        assert_conflict(&sri.patch(&path, body).await, "satuan");
    }
    let (path, body) = unit(&flour, "g");
    assert_eq!(sri.patch(&path, body).await.status, 200, "of the same kind");
}

#[tokio::test]
async fn categories_do_not_lie_inside_themselves() {
    let app = App::new().await;
    let sri = Person::new(&app, app.world.owner).await;
    let path = format!("{STORE}/categories");
    let outer = sri.create(&path, json!({"name": "Luar"})).await;
    let inner = sri.create(&path, json!({"name": "Dalam", "parent_id": outer["id"]})).await;
    for parent in [&outer, &inner] {
        let reply = sri.patch(&format!("{path}/{}", id(&outer)), json!({"parent_id": parent["id"]})).await;
        assert_conflict(&reply, "di dalam dirinya sendiri");
    }
    assert_conflict(&sri.delete(&format!("{path}/{}", id(&outer))).await, "di bawahnya");
}

#[tokio::test]
async fn history_outlives_the_catalogue() {
    let app = App::new().await;
    let sri = Person::new(&app, app.world.owner).await;
    let products = format!("{STORE}/products");
    let geprek = sri.get(&products).await.json()["products"][0].clone();
    let chicken = sri.get(&format!("{STORE}/ingredients")).await.json()["ingredients"][0].clone();
    let count = "insert into stock_counts (id, store_id, product_id, ingredient_id, quantity, moment, business_date, counted_at)
                 values (gen_random_uuid(), $1, $2::uuid, $3::uuid, 1, 'close', '2026-11-22', '2026-11-22T12:00:00Z')";
    for (product, ingredient) in [(Some(id(&geprek)), None), (None, Some(id(&chicken)))] {
        sqlx::query(count).bind(app.world.store).bind(product).bind(ingredient).execute(app.db.work()).await.expect("a count");
    }
    assert_conflict(&sri.delete(&format!("{STORE}/ingredients/{}", id(&chicken))).await, "pernah dihitung");
    let path = format!("{products}/{}", id(&geprek));
    assert_eq!(sri.delete(&path).await.status, 204);
    assert_eq!(sri.get(&path).await.json()["is_active"], false);
    assert_eq!(sri.get(&products).await.json()["products"], json!([]));
    assert_eq!(sri.get(&format!("{products}?inactive=true")).await.json()["products"][0]["id"], geprek["id"]);
    assert_conflict(&sri.call(Method::POST, &products, Some(json!({"name": "Ayam Geprek"}))).await, "inactive=true");
    assert_eq!(sri.patch(&path, json!({"is_active": true})).await.status, 200);
    assert_eq!(sri.get(&products).await.json()["products"][0]["id"], geprek["id"]);
}

#[tokio::test]
async fn ids_of_another_store_lead_nowhere() {
    let app = App::new().await;
    let sri = Person::new(&app, app.world.owner).await;
    sri.create("/api/v1/stores", json!({"name": "Cabang"})).await;
    let (own, other) = (|path: &str| format!("{STORE}/{path}"), |path: &str| format!("/api/v1/stores/cabang/{path}"));
    let category = sri.create(&own("categories"), json!({"name": "Makanan Berat"})).await;
    let product = sri.create(&own("products"), json!({"name": "Nasi", "category_id": category["id"]})).await;
    let rice = sri.create(&own("ingredients"), json!({"name": "Beras", "unit": "kg"})).await;
    let recipe = json!({"yield_quantity": 1, "yield_unit": "kg", "items": [{"ingredient_id": rice["id"], "quantity": 1, "unit": "kg"}]});
    // A member of both stores: only the path decides.
    for (path, change) in [
        (format!("categories/{}", id(&category)), json!({"name": "X"})),
        (format!("products/{}", id(&product)), json!({"name": "X"})),
        (format!("ingredients/{}", id(&rice)), json!({"name": "X"})),
    ] {
        assert_eq!(sri.get(&own(&path)).await.status, 200, "{path}");
        for reply in [sri.get(&other(&path)).await, sri.patch(&other(&path), change).await, sri.delete(&other(&path)).await] {
            assert_eq!(reply.status, 404, "{path}");
        }
    }
    for path in [format!("products/{}/recipe", id(&product)), format!("ingredients/{}/recipe", id(&rice))] {
        for reply in [sri.get(&other(&path)).await, sri.put(&other(&path), recipe.clone()).await, sri.delete(&other(&path)).await] {
            assert_eq!(reply.status, 404, "{path}");
        }
    }
    let there = sri.create(&other("products"), json!({"name": "Nasi"})).await;
    assert_field(&sri.patch(&other(&format!("products/{}", id(&there))), json!({"category_id": category["id"]})).await, "category_id");
    assert_field(&sri.put(&other(&format!("products/{}/recipe", id(&there))), recipe).await, "items[0].ingredient_id");
    for path in ["products/ayam", "ingredients/%00", "categories/1"] {
        assert_eq!(sri.get(&own(path)).await.status, 404, "{path}");
    }
}
