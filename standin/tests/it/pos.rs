//! The point of sale: pages, revisions, what is refused, and a list that moves under its reader.

use std::collections::{HashMap, HashSet};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use chrono::{DateTime, Utc};
use serde_json::Value;
use standin::services::{self, pos};
use tower::ServiceExt;

use crate::bmkg::context;
use crate::world;

const SINCE: &str = "updated_since=2026-11-22T00:00:00%2B07:00";

fn at(time: &str) -> Router {
    services::all().router(&context().at(time.parse::<DateTime<Utc>>().expect("a time")))
}

async fn ask(router: &Router, token: Option<&str>, query: &str) -> (StatusCode, Value) {
    let request = Request::get(format!("/pos/v1/orders?{query}"));
    let request = token.into_iter().fold(request, |request, token| request.header("Authorization", format!("Bearer {token}")));
    let response = router.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer");
    let (status, body) = (response.status(), to_bytes(response.into_body(), usize::MAX).await.expect("a body"));
    (status, serde_json::from_slice(&body).expect("json"))
}

async fn page(router: &Router, query: &str) -> Value {
    let (status, answer) = ask(router, Some("token"), query).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

/// Every order of a query, page by page.
async fn all(router: &Router, query: &str) -> Vec<Value> {
    let mut orders = Vec::new();
    for number in 1.. {
        let answer = page(router, &format!("{query}&page={number}")).await;
        orders.extend_from_slice(answer["data"].as_array().expect("data"));
        if answer["meta"]["total_pages"].as_u64() <= Some(number) {
            break;
        }
    }
    orders
}

fn text<'a>(order: &'a Value, field: &str) -> &'a str {
    order[field].as_str().expect("text")
}

fn time(order: &Value, field: &str) -> DateTime<Utc> {
    text(order, field).parse().expect("a time")
}

#[tokio::test]
async fn an_order_has_its_fields() {
    let answer = page(&at("2026-11-22T20:30:00Z"), &format!("{SINCE}&outlet_id=warung-imas&per_page=3&page=2")).await;
    insta::assert_json_snapshot!("pos_orders", answer);
}

#[tokio::test]
async fn pages_hold_every_order_once_the_newest_update_last() {
    let router = at("2026-11-22T20:30:00Z");
    let orders = all(&router, SINCE).await;
    let total = page(&router, SINCE).await["meta"]["total"].as_u64();
    assert_eq!(total, Some(orders.len() as u64));
    assert_eq!(orders.iter().map(|order| text(order, "id")).collect::<HashSet<_>>().len(), orders.len());
    assert!(orders.is_sorted_by_key(|order| time(order, "updated_at")));
    let last_day = |store: usize| {
        let sales = world().sales[store].iter().filter(|line| line.business_day == world().last_day);
        sales.map(|line| line.order).collect::<HashSet<_>>().len()
    };
    let of_warung = all(&router, &format!("{SINCE}&outlet_id=warung-imas")).await;
    let fresh = of_warung.iter().filter(|order| text(order, "id").starts_with("IMS-261122-")).count();
    assert_eq!(fresh, last_day(0));
    assert!(of_warung.iter().all(|order| text(order, "created_at").ends_with("+07:00")));
    assert!(orders.iter().any(|order| text(order, "created_at").ends_with("+08:00")));
    assert!(orders.len() > of_warung.len());
}

#[tokio::test]
async fn quantities_are_numbers_or_text() {
    let orders = all(&at("2026-11-22T20:30:00Z"), SINCE).await;
    let items: Vec<&Value> = orders.iter().flat_map(|order| order["items"].as_array().expect("items")).collect();
    assert!(items.iter().any(|item| item["quantity"].is_u64()) && items.iter().any(|item| item["quantity"].is_string()));
    for order in &orders {
        let quantity = |item: &Value| item["quantity"].as_i64().or_else(|| item["quantity"].as_str()?.parse().ok()).expect("a quantity");
        let sum: i64 =
            order["items"].as_array().expect("items").iter().map(|item| quantity(item) * item["price"].as_i64().expect("rupiah")).sum();
        assert_eq!(order["total"].as_i64(), Some(sum));
    }
}

#[tokio::test]
async fn revised_orders_come_again_with_a_later_update() {
    let first = all(&at("2026-11-20T12:00:00Z"), "updated_since=2026-11-19T00:00:00Z").await;
    let then: HashMap<&str, &Value> = first.iter().map(|order| (text(order, "id"), order)).collect();
    let later = all(&at("2026-11-21T12:00:00Z"), "updated_since=2026-11-20T12:00:01Z").await;
    let revised: Vec<(&Value, &Value)> = later.iter().filter_map(|order| Some((*then.get(text(order, "id"))?, order))).collect();
    assert!(revised.len() >= 4, "{}", revised.len());
    for (before, after) in &revised {
        assert!(time(after, "updated_at") > time(before, "updated_at") && after["created_at"] == before["created_at"]);
        assert!(after["status"] == "void" || after["items"] != before["items"], "{before} {after}");
    }
    assert!(revised.iter().any(|(_, after)| after["status"] == "void") || revised.len() < 6);
    assert!(first.iter().all(|order| time(order, "updated_at") <= "2026-11-20T12:00:00Z".parse::<DateTime<Utc>>().expect("a time")));
}

#[tokio::test]
async fn a_list_can_move_while_it_is_paged_through() {
    let context = context();
    let router = services::all().router(&context);
    let query = format!("{SINCE}&outlet_id=kios-yosina&per_page=20");
    let query = query.replace("2026-11-22", "2026-11-21");
    let still = all(&router, &query).await;
    assert!(still.len() > 40);
    context.paging.shift_next_page();
    let moved = all(&router, &query).await;
    let ids = |orders: &[Value]| orders.iter().map(|order| text(order, "id").to_owned()).collect::<Vec<_>>();
    let (still, moved) = (ids(&still), ids(&moved));
    assert_eq!((still.len(), moved.len()), (moved.len(), still.len()));
    assert!(!moved.contains(&still[20]), "the order at the boundary is missed");
    assert_eq!(moved.iter().filter(|id| **id == still[0]).count(), 2, "the updated one is seen twice");
    let again = ids(&all(&router, &query).await);
    assert_eq!((again.last(), again.contains(&still[20])), (Some(&still[0]), true), "and then the list is at rest");
}

#[tokio::test]
async fn refusals_have_a_code_and_a_message() {
    let router = at("2026-11-22T20:30:00Z");
    for token in [None, Some(pos::INVALID_TOKEN)] {
        let (status, answer) = ask(&router, token, SINCE).await;
        assert_eq!((status, &answer["error"]["code"]), (StatusCode::UNAUTHORIZED, &"unauthorized".into()));
    }
    for (query, status) in [("updated_since=yesterday", 422), ("page=0", 422), ("per_page=101", 422), ("outlet_id=kedai", 404)] {
        let (answered, answer) = ask(&router, Some("token"), query).await;
        assert!(answered.as_u16() == status && answer["error"]["message"].is_string(), "{query}: {answer}");
    }
    let answer = page(&router, &format!("{SINCE}&page=900")).await;
    assert_eq!(answer["data"].as_array().map(Vec::len), Some(0));
}
