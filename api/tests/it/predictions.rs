use serde_json::Value;

use crate::app::{App, assert_shown};

async fn cells(app: &App, query: &str) -> Vec<(String, String)> {
    let reply = app.get(&format!("/api/v1/stores/warung-bu-sri/predictions{query}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let predictions = reply.json()["predictions"].as_array().expect("predictions").clone();
    let text = |prediction: &Value, name: &str| prediction[name].as_str().expect("text").to_owned();
    predictions.iter().map(|one| (text(one, "item"), text(one, "date"))).collect()
}

#[tokio::test]
async fn predictions_carry_quantiles_and_where_they_come_from() {
    let app = App::new().await;
    assert_shown("predictions", &app.get("/api/v1/stores/warung-bu-sri/predictions?from=2026-11-23&to=2026-11-23").await);
}

#[tokio::test]
async fn predictions_are_filtered_by_type_range_and_item() {
    let app = App::new().await;
    let cell = |item: &str, date: &str| (item.to_owned(), date.to_owned());
    let all = cells(&app, "").await;
    let (chicken, dish) = (cell("Ayam", "2026-11-23"), |date| cell("Ayam Geprek", date));
    assert_eq!(all, [chicken.clone(), dish("2026-11-23"), dish("2026-11-24"), dish("2026-12-06"), cell("total", "2026-11-23")]);
    assert_eq!(cells(&app, "?type=ingredient").await, [chicken]);
    assert_eq!(cells(&app, "?type=sales").await, [cell("total", "2026-11-23")]);
    assert_eq!(cells(&app, "?from=2026-11-24").await, [dish("2026-11-24"), dish("2026-12-06")]);
    assert_eq!(cells(&app, "?type=product&to=2026-11-23").await, [dish("2026-11-23")]);
    assert_eq!(cells(&app, "?item=Ayam%20Geprek&from=2026-11-24&to=2026-11-30").await, [dish("2026-11-24")]);
    assert_eq!(cells(&app, "?item=Rendang").await, []);
}

#[tokio::test]
async fn a_run_for_a_day_that_is_over_is_stale() {
    let stale = async |now| {
        let app = App::with(api::Limits::default(), now).await;
        let run = app.get("/api/v1/stores/warung-bu-sri/predictions").await.json()["run"].clone();
        (run["is_stale"].as_bool().expect("a flag"), run["today"].as_str().expect("a date").to_owned())
    };
    // The warung's day ends at 02:00 in Jakarta, which is 19:00 UTC.
    assert_eq!(stale("2026-11-23T18:59:59Z").await, (false, "2026-11-23".to_owned()));
    assert_eq!(stale("2026-11-23T19:00:00Z").await, (true, "2026-11-24".to_owned()));
}

#[tokio::test]
async fn malformed_filters_are_named() {
    let app = App::new().await;
    let bad =
        async |query: &str| app.get_with(&format!("/api/v1/stores/warung-bu-sri/predictions?{query}"), &[("accept-language", "en")]).await;
    assert_shown("predictions_bad_date", &bad("from=23/11/2026").await);
    assert_shown("predictions_bad_type", &bad("type=products").await);
    assert_shown("predictions_unknown_filter", &bad("itme=Ayam").await);
    assert_shown("predictions_reversed_range", &bad("from=2026-11-24&to=2026-11-23").await);
}

#[tokio::test]
async fn nothing_published_is_a_problem_with_a_hint() {
    let app = App::new().await;
    assert_shown("predictions_nothing_published", &app.get("/api/v1/stores/kedai-kosong/predictions").await);
}
