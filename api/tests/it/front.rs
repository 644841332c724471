//! Index, docs page, health and metrics.

use crate::app::{App, assert_shown};
use crate::eventually;

#[tokio::test]
async fn programs_get_an_index_and_browsers_the_docs_page() {
    let app = App::new().await;
    assert_shown("index", &app.get("/").await);
    let browser = app.get_with("/", &[("accept", "text/html,application/xhtml+xml")]).await;
    assert_eq!((browser.status.as_u16(), browser.header("location")), (303, "/docs/"));
}

#[tokio::test]
async fn the_docs_page_needs_no_internet_and_fits_its_policy() {
    let app = App::new().await;
    let page = app.get("/docs/").await;
    let (html, policy) = (page.text(), page.header("content-security-policy").to_owned());
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(html.matches("<script").count(), html.matches("<script src=\"./").count(), "inline scripts are blocked: {html}");
    assert!(!html.contains("//"), "something is loaded from elsewhere: {html}");
    let setup = app.get("/docs/swagger-initializer.js").await.text();
    assert!(setup.contains("/api/v1/openapi.json") && setup.contains("\"validatorUrl\": \"none\""), "{setup}");
    assert_eq!(app.get("/docs/swagger-ui-bundle.js").await.status, 200);
    assert_eq!(app.get("/docs").await.header("location"), "/docs/");
    assert_eq!(app.get("/docs/nothing.js").await.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn data_may_not_run_load_or_be_framed() {
    let app = App::new().await;
    let reply = app.get("/api/v1/stores").await;
    let names = ["x-content-type-options", "x-frame-options", "referrer-policy", "cross-origin-resource-policy", "content-security-policy"];
    let expected = [
        "nosniff",
        "DENY",
        "no-referrer",
        "same-origin",
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ];
    assert_eq!(names.map(|name| reply.header(name)), expected);
}

#[tokio::test]
async fn health_with_everything_up() {
    let app = App::new().await;
    eventually("the cache hears", async || (!app.state.cache.is_degraded()).then_some(())).await;
    assert_shown("health_up", &app.get("/api/v1/healthchecker").await);
    assert_shown("livez", &app.get("/livez").await);
    assert_shown("readyz", &app.get("/readyz").await);
}

#[tokio::test]
async fn health_without_the_database() {
    let app = App::new().await;
    eventually("the cache hears", async || (!app.state.cache.is_degraded()).then_some(())).await;
    app.state.db.close().await;
    assert_shown("health_down", &app.get("/api/v1/healthchecker").await);
    assert_shown("readyz_down", &app.get("/readyz").await);
    assert_eq!(app.get("/livez").await.status, 200);
    assert_eq!(app.get("/").await.status, 200);
}

/// What the server goes on without does not take it out of service.
#[tokio::test]
async fn health_without_the_object_store() {
    let app = App::new().await;
    eventually("the cache hears", async || (!app.state.cache.is_degraded()).then_some(())).await;
    let folder = app.objects_folder();
    std::fs::remove_dir_all(folder).expect("removed");
    std::fs::write(folder, "a file where the folder was").expect("written");
    let health = app.get("/api/v1/healthchecker").await;
    let body = health.json();
    let objects = body["dependencies"].as_array().expect("a list").iter().find(|one| one["name"] == "objects").expect("objects");
    assert_eq!((health.status.as_u16(), &body["status"], &objects["status"]), (200, &"degraded".into(), &"degraded".into()));
    assert_eq!(app.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn metrics_are_by_route_template() {
    let app = App::new().await;
    app.get("/api/v1/stores/warung-bu-sri").await;
    app.get("/wp-login.php").await;
    let text = app.get("/metrics").await.text();
    for line in [
        r#"http_requests_total{method="GET",route="/api/v1/stores/{store}",status="200"}"#,
        r#"http_requests_total{method="GET",route="unmatched",status="404"}"#,
        r#"http_request_duration_seconds_count{method="GET",route="/api/v1/stores/{store}"}"#,
        r#"db_pool_connections{pool="serve",state="idle"}"#,
    ] {
        assert!(text.contains(line), "{line} is missing:\n{text}");
    }
    assert!(!text.contains("warung") && !text.contains("wp-login"), "{text}");
}
