use crate::app::{App, assert_shown};

#[tokio::test]
async fn stores_are_listed_by_slug() {
    let app = App::new().await;
    assert_shown("stores", &app.get("/api/v1/stores").await);
}

#[tokio::test]
async fn a_store_is_found_by_slug_and_by_id() {
    let app = App::new().await;
    let by_slug = app.get("/api/v1/stores/warung-bu-sri").await;
    let by_id = app.get(&format!("/api/v1/stores/{}", app.world.store)).await;
    assert_eq!(by_slug.json(), by_id.json());
    assert_shown("store", &by_slug);
}

#[tokio::test]
async fn a_store_that_does_not_exist_is_a_problem_in_the_callers_language() {
    let app = App::new().await;
    assert_shown("store_missing_id", &app.get("/api/v1/stores/warung-lama").await);
    assert_shown("store_missing_en", &app.get_with("/api/v1/stores/warung-lama", &[("accept-language", "en-GB, id;q=0.4")]).await);
}

#[tokio::test]
async fn no_name_reaches_the_database_that_it_cannot_hold() {
    let app = App::new().await;
    for name in ["a%00b", "%F0%9F%8D%97", "a'--", &"a".repeat(5_000), "..%2F.."] {
        assert_eq!(app.get(&format!("/api/v1/stores/{name}")).await.status, 404, "{name}");
    }
}
