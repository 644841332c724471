//! The Serper stand-in keeps to the contract: keys and credits, items with gaps, dates in two languages, links twice.

use std::collections::{BTreeMap, HashSet};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use chrono::NaiveDate;
use serde_json::{Value, json};
use standin::services::{self, Context, serper};
use tower::ServiceExt;

use crate::bmkg::context;
use crate::{day, world};

fn router(context: &Context) -> Router {
    services::all().router(context)
}

async fn ask(router: &Router, key: Option<&str>, body: String) -> (StatusCode, Value) {
    let request = Request::post("/serper/news").header("content-type", "application/json");
    let request = key.into_iter().fold(request, |request, key| request.header("X-API-KEY", key));
    let response = router.clone().oneshot(request.body(Body::from(body)).expect("a request")).await.expect("an answer");
    let (status, body) = (response.status(), to_bytes(response.into_body(), usize::MAX).await.expect("a body"));
    (status, serde_json::from_slice(&body).expect("json"))
}

async fn search(body: Value) -> Value {
    let (status, answer) = ask(&router(&context()), Some("key"), body.to_string()).await;
    assert_eq!(status, StatusCode::OK);
    answer
}

fn items(answer: &Value) -> &[Value] {
    answer["news"].as_array().expect("news")
}

fn text<'a>(item: &'a Value, field: &str) -> &'a str {
    item[field].as_str().expect("text")
}

#[tokio::test]
async fn an_answer_has_the_fields_of_the_contract() {
    let answer = search(json!({"q": "harga cabai rawit", "gl": "id", "hl": "id", "num": 10, "page": 1, "tbs": "qdr:m"})).await;
    insta::with_settings!({filters => vec![("base64,A+", "base64,A..")]}, {
        insta::assert_json_snapshot!("serper_news", answer);
    });
}

#[tokio::test]
async fn keys_are_needed_and_run_out_of_credits() {
    let context = context();
    let router = router(&context);
    let body = json!({"q": "seblak"}).to_string();
    for key in [None, Some(serper::INVALID_KEY)] {
        let refused = ask(&router, key, body.clone()).await;
        assert_eq!(refused, (StatusCode::FORBIDDEN, json!({"message": "Unauthorized.", "statusCode": 403})));
    }
    assert_eq!(context.credits.left("other"), serper::FREE_CREDITS);
    context.credits.set("key", 3);
    assert_eq!(ask(&router, Some("key"), body.clone()).await.1["credits"], 1);
    assert_eq!(ask(&router, Some("key"), json!({"q": "seblak", "num": 20}).to_string()).await.1["credits"], 2);
    let refused = ask(&router, Some("key"), body.clone()).await;
    assert_eq!(refused, (StatusCode::BAD_REQUEST, json!({"message": "Not enough credits", "statusCode": 400})));
    assert_eq!((context.credits.left("key"), context.credits.left("other")), (0, 2_500));
    let (status, _) = ask(&router, Some("other"), "{}".to_owned()).await;
    assert_eq!((status, context.credits.left("other")), (StatusCode::BAD_REQUEST, 2_500));
}

#[tokio::test]
async fn an_unknown_query_has_no_news_and_a_late_page_an_empty_list() {
    let answer = search(json!({"q": "sepak bola liga"})).await;
    assert_eq!((answer.get("news"), &answer["credits"]), (None, &json!(1)));
    let answer = search(json!({"q": "seblak", "page": 900})).await;
    assert!(items(&answer).is_empty());
}

#[tokio::test]
async fn pages_follow_each_other() {
    let all = search(json!({"q": "seblak", "num": 20})).await;
    let (first, second) = (search(json!({"q": "seblak"})).await, search(json!({"q": "seblak", "page": 2})).await);
    let links = |answer: &Value| items(answer).iter().map(|item| text(item, "link").to_owned()).collect::<Vec<_>>();
    assert_eq!(links(&all), [links(&first), links(&second)].concat());
    assert_eq!(items(&second)[0]["position"], 1, "positions begin anew on each page");
    assert_eq!(search(json!({"q": "seblak"})).await, first, "the same question at the same time has the same answer");
}

/// Every article of a year about one thing.
async fn year(query: &str, language: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for page in 1.. {
        let answer = search(json!({"q": query, "hl": language, "num": 100, "page": page})).await;
        match items(&answer) {
            [] => break,
            items => found.extend_from_slice(items),
        }
    }
    found
}

#[tokio::test]
async fn dates_follow_the_language_and_some_tell_nothing() {
    let kinds = |items: &[Value]| {
        let dates = items.iter().map(|item| item["date"].as_str().unwrap_or("none"));
        let shape =
            |date: &str| date.split(' ').map(|word| if word.parse::<u32>().is_ok() { "N" } else { word }).collect::<Vec<_>>().join(" ");
        dates.map(shape).collect::<HashSet<_>>()
    };
    let english = kinds(&year("harga bawang merah", "en").await);
    for form in ["N days ago", "N weeks ago", "N months ago", "Live coverage", "none"] {
        assert!(english.contains(form), "{form}: {english:?}");
    }
    assert!(english.contains("Nov 11, N"), "some are absolute: {english:?}");
    let indonesian = kinds(&year("harga bawang merah", "id").await);
    for form in ["N hari yang lalu", "N minggu lalu", "N bulan yang lalu", "Liputan langsung"] {
        assert!(indonesian.contains(form), "{form}: {indonesian:?}");
    }
    assert!(!indonesian.iter().any(|form| form.contains("ago")));
}

#[tokio::test]
async fn news_of_the_day_is_hours_old() {
    let router = router(&context().at("2026-11-20T12:00:00Z".parse().expect("a time")));
    let mut dates = Vec::new();
    for thing in ["beras", "telur", "bawang merah", "cabai rawit", "gula pasir", "minyak goreng", "ayam"] {
        for language in ["en", "id"] {
            let body = json!({"q": format!("harga {thing}"), "hl": language, "tbs": "qdr:d"}).to_string();
            let answer = ask(&router, Some("key"), body).await.1;
            dates.extend(items(&answer).iter().filter_map(|item| item["date"].as_str()).map(str::to_owned));
        }
    }
    assert!(dates.iter().any(|date| date.ends_with("hours ago")) && dates.iter().any(|date| date.contains(" jam ")), "{dates:?}");
    assert!(!dates.iter().any(|date| date.contains("days") || date.contains("minggu")), "{dates:?}");
}

#[tokio::test]
async fn items_have_gaps_and_articles_come_under_two_links() {
    let found = year("harga telur", "id").await;
    assert!(found.len() > 150, "{}", found.len());
    assert!(found.iter().all(|item| item["title"].is_string() && item["link"].is_string()));
    for field in ["snippet", "date", "source", "imageUrl"] {
        let missing = found.iter().filter(|item| item.get(field).is_none()).count();
        assert!(missing > 0 && missing < found.len() / 2 + 20, "{field}: {missing}");
    }
    let images = found.iter().filter_map(|item| item["imageUrl"].as_str());
    assert!(images.clone().any(|image| image.starts_with("data:")) && images.clone().any(|image| image.starts_with("https:")));
    let plain = |item: &Value| text(item, "link").split('?').next().expect("a link").replace("/amp/", "/");
    let mut copies: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for item in &found {
        copies.entry(plain(item)).or_default().push(item);
    }
    let twice: Vec<_> = copies.values().filter(|items| items.len() == 2).collect();
    assert!(twice.iter().all(|items| items[0]["title"] == items[1]["title"]));
    assert!(
        found.iter().any(|item| text(item, "link").contains("utm_source")) && found.iter().any(|item| text(item, "link").contains("/amp/"))
    );
    assert!(twice.len() * 4 < copies.len(), "{} of {}", twice.len(), copies.len());
}

#[tokio::test]
async fn limits_of_time_and_place_hold() {
    let by_day = |item: &Value| -> NaiveDate {
        let parts: Vec<String> = text(item, "link").replace("/amp/", "/").split('/').skip(3).take(3).map(str::to_owned).collect();
        day(&parts.join("-"))
    };
    let week = search(json!({"q": "harga telur", "tbs": "qdr:w", "num": 100})).await;
    assert!(!items(&week).is_empty() && items(&week).iter().all(|item| by_day(item) >= day("2026-11-15")));
    let march = search(json!({"q": "harga telur after:2026-03-01 before:2026-04-01", "num": 100})).await;
    assert!(!items(&march).is_empty() && items(&march).iter().all(|item| (day("2026-03-01")..day("2026-04-01")).contains(&by_day(item))));
    let site = search(json!({"q": "harga telur site:warta.example.test", "num": 100})).await;
    assert!(!items(&site).is_empty() && items(&site).iter().all(|item| text(item, "link").starts_with("https://warta.example.test/")));
}

#[tokio::test]
async fn a_topic_is_written_about_when_it_goes_viral() {
    let spikes = &world().truth.spikes;
    let spike =
        spikes.iter().filter(|spike| spike.topic == "seblak" && spike.starts_on >= world().first_day).max_by_key(|spike| spike.starts_on);
    let starts_on = spike.expect("it went viral").starts_on;
    let about = |date: NaiveDate| {
        let now = date.and_hms_opt(14, 0, 0).expect("a time").and_utc();
        let router = router(&context().at(now));
        async move { ask(&router, Some("key"), json!({"q": "seblak ceker", "tbs": "qdr:d", "num": 100}).to_string()).await.1 }
    };
    let (before, after) = (about(starts_on - chrono::Duration::days(3)).await, about(starts_on + chrono::Duration::days(1)).await);
    assert!(items(&after).len() > items(&before).len() + 3, "{} {}", items(&before).len(), items(&after).len());
}
