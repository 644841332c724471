use crate::app::{App, assert_shown};

#[tokio::test]
async fn runs_are_listed_newest_first() {
    let app = App::new().await;
    assert_shown("runs", &app.get("/api/v1/runs").await);
}

#[tokio::test]
async fn runs_are_filtered_and_limited() {
    let app = App::new().await;
    let dates = async |query: &str| {
        let runs = app.get(&format!("/api/v1/runs?{query}")).await.json()["runs"].as_array().expect("runs").clone();
        runs.iter().map(|run| run["business_date"].as_str().expect("a date").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(dates("store=warung-bu-sri").await, ["2026-11-23", "2026-11-22"]);
    assert_eq!(dates("store=kedai-kosong").await, Vec::<String>::new());
    assert_eq!(dates("state=failed").await, ["2026-11-22"]);
    assert_eq!(dates("limit=1").await, ["2026-11-23"]);
    assert_eq!(dates("kind=nightly&business_date=2026-11-22").await, ["2026-11-22"]);
    assert_eq!(dates("kind=score").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_run_is_found_by_id() {
    let app = App::new().await;
    assert_shown("run", &app.get(&format!("/api/v1/runs/{}", app.world.run)).await);
}

#[tokio::test]
async fn problems_of_runs() {
    let app = App::new().await;
    assert_shown("run_missing", &app.get("/api/v1/runs/01900000-0000-0000-0000-000000000000").await);
    assert_eq!(app.get("/api/v1/runs/latest").await.status, 404);
    assert_eq!(app.get("/api/v1/runs?store=warung-lama").await.status, 404);
    assert_shown("runs_bad_limit", &app.get_with("/api/v1/runs?limit=1000", &[("accept-language", "en")]).await);
    assert_eq!(app.get("/api/v1/runs?limit=0").await.json()["errors"][0]["field"], "limit");
    assert_eq!(app.get("/api/v1/runs?state=done").await.json()["errors"][0]["field"], "state");
}
