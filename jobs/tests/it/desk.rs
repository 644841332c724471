//! The API over a shop's database: whoever asks for a job and reads what came of it.

use std::sync::{Arc, OnceLock};

use api::{Auth, Limits, Live, Services};
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use payments::Payments;
use platform::auth::{AccessClaims, REFRESH_LIFE, RefreshToken, ensure_signing_key};
use platform::cache::{MemoryCache, ReadThrough};
use platform::clock::Clock;
use platform::config::{OutsideConfig, XenditConfig};
use platform::db::auth_sessions::{NewSession, insert_session};
use platform::db::tenant::ServePool;
use platform::embedded::Role;
use platform::limits::MemoryLimiter;
use platform::telemetry::Metrics;
use platform::testing::eventually;
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt;
use uuid::Uuid;

use crate::shop::{Shop, links};

pub struct Desk {
    router: api::Api,
    auth: Arc<Auth>,
    _stop: DropGuard,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub json: Value,
}

/// One recorder a process.
fn metrics() -> Metrics {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    METRICS.get_or_init(|| Metrics::install().expect("the only recorder of this process")).clone()
}

impl Desk {
    pub async fn open(shop: &Shop) -> Self {
        let (pool, clock, secret) = (shop.db.serve().clone(), shop.clock.shared(), links().secret);
        let (db, stop) = (ServePool::new(pool.clone()), CancellationToken::new());
        let direct = PgPoolOptions::new().max_connections(2).connect_lazy_with(shop.db.options(Role::Work));
        ensure_signing_key(shop.db.work(), &secret, clock.now()).await.expect("a key");
        let cache = ReadThrough::in_step(Arc::new(MemoryCache::default()), pool.clone(), direct.clone(), stop.clone());
        let auth = Arc::new(Auth::new(db.clone(), cache.clone(), secret, clock.clone()));
        let payments = Payments::new(pool.clone(), clock.clone(), &XenditConfig::default(), &OutsideConfig::default()).expect("a client");
        let services = Services {
            db,
            cache,
            live: Live::start(direct, stop.clone()),
            clock,
            metrics: metrics(),
            limits: Limits { requests_a_minute: 100_000, ..Limits::default() },
            auth: Arc::clone(&auth),
            limiter: Arc::new(MemoryLimiter::default()),
            front: Arc::default(),
            payments,
            objects: Arc::new(shop.objects()),
        };
        Self { router: api::router(services.into()), auth, _stop: stop.drop_guard() }
    }

    /// A bearer token of this person.
    pub async fn token(&self, shop: &Shop, user: Uuid) -> String {
        let (now, family_id) = (shop.clock.now(), Uuid::now_v7());
        let session = NewSession {
            user_id: user,
            family_id,
            refresh_hash: RefreshToken::random().hash(self.auth.keys.secret()),
            user_agent: None,
            ip_address: None,
            signed_in_at: now,
            expires_at: now + REFRESH_LIFE,
            now,
        };
        insert_session(shop.db.work(), &session).await.expect("a session");
        format!("Bearer {}", self.auth.keys.sign(&AccessClaims::new(user, family_id, now)).await.expect("a token"))
    }

    pub async fn call(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Reply {
        let request = Request::builder().method(method).uri(path).header("host", "localhost:4000").header("authorization", token);
        let request = request.header("content-type", "application/json").header("accept-language", "en");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = self.router.clone().oneshot(request.body(body).expect("a request")).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 16 << 20).await.expect("a body");
        Reply { status: parts.status, headers: parts.headers, json: serde_json::from_slice(&body).unwrap_or(Value::Null) }
    }

    pub async fn get(&self, token: &str, path: &str) -> Value {
        let reply = self.call(token, Method::GET, path, None).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.json);
        reply.json
    }

    /// What is at this address once its work has ended.
    pub async fn ended(&self, token: &str, path: &str) -> Value {
        self.until(token, path, |job| job["state"] == "succeeded" || job["state"] == "failed").await
    }

    /// What is at this address once it is so: answers that are kept are forgotten a moment after they have changed.
    pub async fn until(&self, token: &str, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let find = async || Some(self.get(token, path).await).filter(|found| is_so(found));
        eventually(path, find).await
    }
}
