//! What somebody asks for over the API: enqueued there, done by a worker, read there again.

use axum::http::Method;
use chrono::TimeDelta;
use domain::job::Prune;
use platform::database::begin;
use platform::db::forecast_runs::get_forecast_run;
use platform::db::overrides::{NewOverride, set_override};
use platform::db::users::{NewUser, create_user};
use platform::queue::{self, EnqueueOptions};
use platform::testing::eventually;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::Desk;
use crate::program::Program;
use crate::shop::{NIGHT, Shop, at, date};

const STORE: &str = "/api/v1/stores/warung";

/// A shop with a published night, its desk, and its owner's token.
async fn open() -> (Shop, Desk, String) {
    let shop = Shop::open().await;
    shop.night(NIGHT).await.expect("a night");
    let desk = Desk::open(&shop).await;
    let token = desk.token(&shop, shop.store.owner_id).await;
    (shop, desk, token)
}

async fn plan(desk: &Desk, token: &str) -> Value {
    planned(desk, token, |_| true).await
}

/// The plan once it is so.
async fn planned(desk: &Desk, token: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    desk.until(token, &format!("{STORE}/plan?date={NIGHT}"), |plan| is_so(&plan["days"][0])).await["days"][0].clone()
}

fn item<'a>(plan: &'a Value, kind: &str, name: &str) -> &'a Value {
    let items = plan[kind].as_array().expect("items");
    items.iter().find(|item| item["item"] == name).unwrap_or_else(|| panic!("no {name} in {plan}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plan_follows_a_number_that_someone_knows_better() {
    let (shop, desk, token) = open().await;
    let before = plan(&desk, &token).await;
    let path = format!("{STORE}/overrides/{NIGHT}/{}", shop.products["ayam geprek"]);
    let number = json!({"quantity": 201, "reason": "Arisan RT"});
    let set = desk.call(&token, Method::PUT, &path, Some(number)).await;
    assert_eq!(set.status, 200, "{}", set.json);
    let replaced = &set.json["override"];
    let cells = desk.get(&token, &format!("{STORE}/predictions?type=product&from={NIGHT}&to={NIGHT}")).await;
    let cells = cells["predictions"].as_array().expect("cells").clone();
    let forecast = cells.iter().find(|cell| cell["item"] == "ayam geprek").expect("a forecast");
    assert_eq!((&replaced["model_quantity"], &replaced["trust"]), (&forecast["yhat"], &json!(1.0)));
    assert_eq!(plan(&desk, &token).await, before, "nobody has worked yet");

    let program = Program::start(&shop.nightly(), 2);
    let job = desk.ended(&token, text(&set.json["job"]["url"])).await;
    assert_eq!((&job["state"], &job["kind"]), (&json!("succeeded"), &json!("replan")), "{job}");
    assert_eq!(job["result"]["run_id"], replaced["run_id"], "no new run: nothing was forecast");
    let after = planned(&desk, &token, |plan| *plan != before).await;
    let dish = item(&after, "prep", "ayam geprek");
    assert_eq!((&dish["quantity"], &dish["batches"]), (&json!(205.0), &json!(41)), "in whole batches of five");
    assert_eq!(dish["reason"], "the owner's number 201: Arisan RT");
    let chicken = item(&after, "purchases", "ayam");
    assert!((chicken["needed"].as_f64().expect("a number") - 205.0 * 0.15).abs() < 1e-9, "{chicken}");
    assert_eq!(item(&after, "prep", "nasi"), item(&before, "prep", "nasi"), "other dishes are as they were");

    // Taken back, the plan is the first one again.
    assert_eq!(desk.call(&token, Method::DELETE, &path, None).await.status, 204);
    planned(&desk, &token, |plan| *plan == before).await;
    let told = "select count(*) from outbox where name = 'plan.changed'";
    let told: i64 = sqlx::query_scalar(told).fetch_one(shop.db.work()).await.expect("a count");
    assert_eq!(told, 2, "screens that are open hear of it");
    program.stop().await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_forecast_knows_what_was_told_since_the_night() {
    let (shop, desk, token) = open().await;
    let ask = async || desk.call(&token, Method::POST, &format!("{STORE}/forecasts"), None).await;
    let asked = ask().await;
    assert_eq!(asked.status, 202, "{}", asked.json);
    assert_eq!(asked.headers["location"], text(&asked.json["url"]));
    assert_eq!(ask().await.json, asked.json, "one is waiting already");
    assert_eq!(desk.get(&token, text(&asked.json["url"])).await["state"], "waiting");
    let program = Program::start(&shop.nightly(), 2);
    let first = desk.ended(&token, text(&asked.json["url"])).await;
    let result = &first["result"];
    assert_eq!((&result["is_unchanged"], &result["rung"]), (&json!(true), &json!("fresh")), "nothing new is known: {first}");
    let night = shop.night(NIGHT).await.expect("a night").run_id.0.to_string();
    assert_eq!(result["run_id"], night);

    // At nine the export of yesterday comes again, with more of it.
    shop.clock.set(at("2026-06-16T02:00:00Z"));
    let token = desk.token(&shop, shop.store.owner_id).await;
    shop.tell_at(&[shop.row("nasi", date("2026-06-15"), 320.0)], at("2026-06-16T01:55:00Z")).await;
    let ask = async || desk.call(&token, Method::POST, &format!("{STORE}/forecasts"), None).await;
    let asked = ask().await;
    assert_eq!(asked.status, 202, "{}", asked.json);
    let second = desk.ended(&token, text(&asked.json["url"])).await;
    assert_eq!((&second["state"], &second["result"]["is_unchanged"]), (&json!("succeeded"), &json!(false)), "{second}");
    let run: Uuid = text(&second["result"]["run_id"]).parse().expect("an id");
    assert_ne!(run.to_string(), night);
    let shown = desk.until(&token, text(&second["result"]["url"]), |shown| shown["run"]["run_id"] == json!(run)).await;
    assert_eq!(shown["run"]["business_date"], NIGHT);
    let knew = get_forecast_run(shop.db.work(), run).await.expect("a query").expect("what it knew");
    assert_eq!((knew.cutoff, knew.last_day, knew.first_day), (at("2026-06-16T02:00:00Z"), date("2026-06-15"), date(NIGHT)));

    // Six in a day; those that were there already do not count.
    for _ in 0..4 {
        desk.ended(&token, text(&ask().await.json["url"])).await;
    }
    let refused = ask().await;
    assert_eq!((refused.status.as_u16(), &refused.json["type"]), (429, &json!("/problems/too-many-requests")));
    let wait: i64 = refused.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert_eq!(wait, (TimeDelta::hours(24) - (at("2026-06-16T02:00:00Z") - at("2026-06-15T20:32:00Z"))).num_seconds());
    program.stop().await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_answered_with_words_and_money() {
    let (shop, desk, token) = open().await;
    let program = Program::start(&shop.nightly(), 2);
    let ask = async |body: Value| {
        let asked = desk.call(&token, Method::POST, &format!("{STORE}/what-if"), Some(body)).await;
        assert_eq!(asked.status, 202, "{}", asked.json);
        desk.ended(&token, asked.headers["location"].to_str().expect("text")).await
    };
    let closed = ask(json!({"closed": true})).await;
    assert_eq!((&closed["state"], &closed["today"], &closed["trained_until"]), (&json!("succeeded"), &json!(NIGHT), &json!("2026-06-15")));
    let answers = closed["answers"].as_array().expect("answers");
    assert_eq!(answers.len(), 4);
    for answer in answers {
        let expected = answer["expected"]["mean"].as_f64().expect("a number");
        assert!(expected > 0.0 && answer["supposed"]["mean"] == 0.0 && answer["difference"] == -expected, "{answer}");
        assert_eq!((&answer["sentence"]["id"], &answer["sentence"]["en"]), (&json!("Hari ini tutup."), &json!("Today closed.")));
    }
    let geprek = answers.iter().find(|answer| answer["product"] == "ayam geprek").expect("a dish");
    let lost = (18_000.0 * geprek["expected"]["mean"].as_f64().expect("a number")).round();
    assert_eq!(geprek["difference_amount"], json!(-(lost as i64)));
    let sum: i64 = answers.iter().map(|answer| answer["difference_amount"].as_i64().expect("rupiah")).sum();
    assert_eq!((&closed["total"]["difference_amount"], &closed["total"]["supposed_amount"]), (&json!(sum), &json!(0)));

    let unknown = ask(json!({"discount": 0.1, "product": "pizza"})).await;
    let failure = &unknown["failure"];
    assert_eq!((&unknown["state"], &failure["code"]), (&json!("failed"), &json!("unknown_product")));
    assert!(text(&failure["detail"]).contains("nasi") && !text(&failure["hint"]).is_empty(), "{failure}");
    let beyond = ask(json!({"rain_mm": 5, "from": "2026-06-16", "to": "2026-06-30"})).await;
    assert_eq!(beyond["failure"]["detail"], "Only 2026-06-16 to 2026-06-29 can be forecast.");
    program.stop().await;

    // It is nobody else's business, and is forgotten after a week.
    let path = format!("{STORE}/what-if/{}", text(&closed["id"]));
    let stranger = NewUser { email: "asing@example.test".to_owned(), name: None, password_hash: None, is_operator: false };
    let stranger = create_user(shop.db.work(), &stranger).await.expect("a user");
    let stranger = desk.token(&shop, stranger).await;
    let job = format!("/api/v1/jobs/{}", text(&closed["id"]));
    for path in [&path, &job] {
        assert_eq!(desk.call(&stranger, Method::GET, path, None).await.status, 404);
        assert_eq!(desk.call(&token, Method::GET, path, None).await.status, 200);
    }
    shop.clock.advance(TimeDelta::days(7) + TimeDelta::seconds(1));
    queue::enqueue(&mut *shop.work().await, &Prune {}, EnqueueOptions::default()).await.expect("a job");
    let program = Program::start(&shop.nightly(), 2);
    let token = desk.token(&shop, shop.store.owner_id).await;
    let status = async || desk.call(&token, Method::GET, &path, None).await.status;
    eventually("it is forgotten", async || (status().await == 404).then_some(())).await;
    program.stop().await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_says_why() {
    let shop = Shop::empty().await;
    let desk = Desk::open(&shop).await;
    let token = desk.token(&shop, shop.store.owner_id).await;
    let program = Program::start(&shop.nightly(), 2);
    let asked = desk.call(&token, Method::POST, &format!("{STORE}/forecasts"), None).await;
    let ended = desk.ended(&token, text(&asked.json["url"])).await;
    assert_eq!((&ended["state"], &ended["failure"]["code"], &ended["result"]), (&json!("failed"), &json!("no_sales"), &Value::Null));
    assert_eq!(ended["failure"]["detail"], "No sales are known of the 56 days up to 2026-06-15.");
    let asked = desk.call(&token, Method::POST, &format!("{STORE}/what-if"), Some(json!({"rain_mm": 0}))).await;
    let ended = desk.ended(&token, text(&asked.json["url"])).await;
    assert_eq!(ended["failure"]["code"], "no_models");
    program.stop().await;
    shop.close().await;
}

/// Each change is in the plan or has a job of its own, however the two fall together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_number_is_swallowed_by_a_plan_that_is_being_made() {
    let (shop, desk, token) = open().await;
    let program = Program::start(&shop.nightly(), 2);
    let path = format!("{STORE}/overrides/{NIGHT}/{}", shop.products["nasi"]);
    let mut last = Value::Null;
    for quantity in 1..=25 {
        let set = desk.call(&token, Method::PUT, &path, Some(json!({"quantity": quantity, "reason": "coba"}))).await;
        assert_eq!(set.status, 200, "{}", set.json);
        last = set.json["job"]["url"].clone();
    }
    desk.ended(&token, text(&last)).await;
    planned(&desk, &token, |plan| item(plan, "prep", "nasi")["quantity"] == 25.0).await;
    program.stop().await;
    shop.close().await;
}

#[tokio::test]
async fn a_plan_made_again_of_nothing_new_is_the_same_plan() {
    let shop = Shop::open().await;
    let number = NewOverride {
        product_id: shop.products["nasi"],
        target_date: date(NIGHT),
        quantity: 77.0,
        reason: "arisan".to_owned(),
        user_id: None,
        run_id: None,
        model_quantity: None,
    };
    set_override(&mut *shop.work().await, shop.store.id, at("2026-06-15T12:00:00Z"), &number).await.expect("a number");
    shop.night(NIGHT).await.expect("a night");
    /// Kind, item, quantity, pieces, cost and reason.
    type Item = (String, String, f64, i32, Option<i64>, Option<String>);
    let items = async || -> Vec<Item> {
        let items = "select kind, item, quantity::float8, pieces, cost, reason from plan_items order by business_date, kind, item";
        sqlx::query_as(items).fetch_all(shop.db.work()).await.expect("items")
    };
    let before = items().await;
    assert!(before.iter().any(|item| item.2 == 77.0), "{before:?}");
    let mut tx = begin(shop.db.work()).await.expect("a transaction");
    let made =
        jobs::nightly::replan(&mut tx, &shop.store, at("2026-06-15T21:00:00Z")).await.expect("a plan").expect("something is published");
    tx.commit().await.expect("a commit");
    assert_eq!((items().await, made.items), (before.clone(), before.len()));
    shop.close().await;
}

/// A number that was taken back does not come back with an earlier run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_earlier_run_comes_back_with_the_plan_of_now() {
    let (shop, desk, token) = open().await;
    let before = plan(&desk, &token).await;
    let program = Program::start(&shop.nightly(), 2);
    let path = format!("{STORE}/overrides/{NIGHT}/{}", shop.products["nasi"]);
    let asked = desk.call(&token, Method::PUT, &path, Some(json!({"quantity": 7, "reason": "coba"}))).await;
    desk.ended(&token, text(&asked.json["job"]["url"])).await;
    let afresh = async || {
        let asked = desk.call(&token, Method::POST, &format!("{STORE}/forecasts"), None).await;
        desk.ended(&token, text(&asked.json["url"])).await["result"].clone()
    };
    let second = afresh().await;
    assert_eq!(second["is_unchanged"], false, "the number is part of what a night works with");
    assert_eq!(desk.call(&token, Method::DELETE, &path, None).await.status, 204);
    let third = afresh().await;
    assert_eq!(third["is_unchanged"], true, "as the night had it");
    assert_ne!(third["run_id"], second["run_id"]);
    planned(&desk, &token, |plan| *plan == before).await;
    program.stop().await;
    shop.close().await;
}
