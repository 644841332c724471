//! What people tell of themselves.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use crate::app::{App, NOBODY};

const PROFILE: &str = "/api/v1/users/me/profile";
const AVATAR: &str = "/api/v1/users/me/avatar";

/// What begins like a picture; the rest is for browsers.
fn png(length: usize) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.resize(length, 7);
    bytes
}

#[tokio::test]
async fn a_profile_is_replaced_whole() {
    let app = App::new().await;
    assert_eq!(app.get(PROFILE).await.json(), json!({"phone": null, "address": null, "bio": null, "avatar_url": null}));
    let written = json!({"phone": "0812-3456-7890", "address": "Jl. Melati 1\nJakarta", "bio": "Masak"});
    let reply = app.call(Method::PUT, PROFILE, &[], Some(written)).await;
    assert_eq!(reply.json()["phone"], "+6281234567890");
    assert_eq!(app.get(PROFILE).await.json(), reply.json());
    assert_eq!(app.call(Method::PUT, PROFILE, &[], Some(json!({"bio": "Libur"}))).await.json()["phone"], Value::Null);
    for (field, value) in
        [("phone", json!("call me")), ("address", json!("a".repeat(501))), ("bio", json!("a\u{7}b")), ("avatar_url", json!("http://x"))]
    {
        let reply = app.call(Method::PUT, PROFILE, &[], Some(json!({ field: value }))).await;
        assert!(matches!(reply.status.as_u16(), 400 | 422), "{field}");
        assert!(reply.text().contains(field), "{}", reply.text());
    }
}

#[tokio::test]
async fn a_picture_is_what_its_bytes_say() {
    let app = App::new().await;
    let put = async |kind: &str, bytes: Vec<u8>| {
        let length = bytes.len().to_string();
        app.send(Method::PUT, AVATAR, &[("content-type", kind), ("content-length", length.as_str())], Body::from(bytes)).await
    };
    assert_eq!(app.get(AVATAR).await.status, 404);
    assert_eq!(put("image/jpeg", png(256 * 1024)).await.status, 204);
    let shown = app.get(AVATAR).await;
    assert_eq!(
        (shown.status.as_u16(), shown.header("content-type"), shown.header("x-content-type-options")),
        (200, "image/png", "nosniff")
    );
    assert_eq!(shown.body, png(256 * 1024));
    let tag = shown.header("etag").to_owned();
    assert_eq!(app.get_with(AVATAR, &[("if-none-match", tag.as_str())]).await.status, 304);
    assert_eq!(app.get(PROFILE).await.json()["avatar_url"], AVATAR);
    let profile = app.call(Method::PUT, PROFILE, &[], Some(json!({}))).await;
    assert_eq!(profile.json()["avatar_url"], AVATAR, "the picture stays");

    for lie in [&b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"[..], b"<html>", b"GIF89a", b""] {
        assert_eq!(put("image/png", lie.to_vec()).await.status, 415);
    }
    assert_eq!(put("image/png", png(256 * 1024 + 1)).await.status, 413);
    let unannounced = app.send(Method::PUT, AVATAR, &[("content-type", "image/png")], Body::from(png(300_000))).await;
    assert_eq!(unannounced.status, 413);
    assert_eq!(app.get(AVATAR).await.header("etag"), tag, "what is refused changes nothing");

    assert_eq!(put("image/png", b"RIFF\0\0\0\0WEBPVP8 ".to_vec()).await.status, 204);
    let shown = app.get_with(AVATAR, &[("if-none-match", tag.as_str())]).await;
    assert_eq!((shown.status.as_u16(), shown.header("content-type")), (200, "image/webp"));
    let kept = app.state.objects.list("avatars").await.expect("a list");
    assert_eq!(kept.len(), 1, "the picture before it is gone: {kept:?}");
    assert!(kept[0].as_str().starts_with(&format!("avatars/{}/", app.world.operator)));

    let other = format!("Bearer {}", app.token_of(app.world.owner).await);
    assert_eq!(app.get_with(AVATAR, &[("authorization", other.as_str())]).await.status, 404, "one's own only");
    assert_eq!(app.get_with(AVATAR, &[NOBODY]).await.status, 401);
    for _ in 0..2 {
        assert_eq!(app.call(Method::DELETE, AVATAR, &[], None).await.status, 204);
    }
    assert_eq!(app.get(AVATAR).await.status, 404);
    assert_eq!(app.state.objects.list("avatars").await.expect("a list"), []);
}
