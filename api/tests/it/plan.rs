use crate::app::{App, assert_shown};

#[tokio::test]
async fn the_plan_is_todays_and_tomorrows() {
    let app = App::new().await;
    assert_shown("plan", &app.get("/api/v1/stores/warung-bu-sri/plan").await);
}

#[tokio::test]
async fn the_plan_of_one_day() {
    let app = App::new().await;
    let plan = app.get("/api/v1/stores/warung-bu-sri/plan?date=2026-11-25").await.json();
    assert_eq!(plan["days"].as_array().map(Vec::len), Some(1));
    assert_eq!(plan["days"][0]["prep"][0]["quantity"], 50.0);
    let unplanned = app.get("/api/v1/stores/warung-bu-sri/plan?date=2027-01-01").await.json();
    assert_eq!((&unplanned["days"][0]["date"], &unplanned["days"][0]["prep"]), (&"2027-01-01".into(), &serde_json::json!([])));
}

#[tokio::test]
async fn problems_of_the_plan() {
    let app = App::new().await;
    assert_shown("plan_bad_date", &app.get("/api/v1/stores/warung-bu-sri/plan?date=besok").await);
    assert_eq!(app.get("/api/v1/stores/kedai-kosong/plan").await.json()["type"], "/problems/nothing-published");
    assert_eq!(app.get("/api/v1/stores/warung-lama/plan").await.json()["type"], "/problems/not-found");
}
