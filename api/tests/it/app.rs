//! The router over a database of the test's own, and a client that holds every answer against the OpenAPI document.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use api::{AppState, Auth, Limits, Live, Services};
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use domain::job::Prune;
use payments::Payments;
use platform::auth::{AccessClaims, Breaches, InstallationSecret, REFRESH_LIFE, RefreshToken, ensure_signing_key};
use platform::cache::{MemoryCache, ReadThrough};
use platform::clock::{Clock, SimulatedClock};
use platform::config::{AuthConfig, OutsideConfig, SecondFactorFor, XenditConfig};
use platform::db::auth_sessions::{NewSession, insert_session};
use platform::db::tenant::ServePool;
use platform::db::users::set_password;
use platform::embedded::Role;
use platform::limits::MemoryLimiter;
use platform::objects::StoredObjects;
use platform::queue::{self, EnqueueOptions};
use platform::telemetry::Metrics;
use platform::testing::TestDb;
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt;
use uuid::Uuid;

use crate::contract;
use crate::world::{self, World};

/// Of the installation.
pub const SECRET: &str = "d41fb7c3e2a84960b5f0c9d7813e6a52";
pub const ANOTHER_SECRET: &str = "7e0c52a9f6d84b13a8e5917c3bd20f64";

pub struct App {
    pub db: TestDb,
    pub world: World,
    pub state: AppState,
    pub clock: SimulatedClock,
    router: api::Api,
    objects: TempDir,
    stop: DropGuard,
    /// Of the operator: what asks unless a request says who it is.
    token: String,
}

/// For a request that nobody has signed in for.
pub const NOBODY: (&str, &str) = ("authorization", "");

/// One recorder a process: tests may share one.
fn metrics() -> Metrics {
    static METRICS: OnceLock<Metrics> = OnceLock::new();
    METRICS.get_or_init(|| Metrics::install().expect("the only recorder of this process")).clone()
}

impl App {
    pub async fn new() -> Self {
        Self::with(Limits::default(), world::NOW).await
    }

    pub async fn with(limits: Limits, now: &str) -> Self {
        // Nobody listens there.
        Self::paid_through(&XenditConfig::of_stand_in("http://127.0.0.1:1"), limits, now).await
    }

    pub async fn paid_through(xendit: &XenditConfig, limits: Limits, now: &str) -> Self {
        let db = TestDb::new().await;
        let mut connection = db.work().acquire().await.expect("a connection");
        let world = world::create(&mut connection).await;
        drop(connection);
        let clock = SimulatedClock::at(world::instant(now));
        let secret = InstallationSecret::of(SECRET.into()).expect("random enough");
        ensure_signing_key(db.work(), &secret, clock.now()).await.expect("a key");
        let serve = ServePool::new(db.serve().clone());
        let stop = CancellationToken::new();
        let direct = PgPoolOptions::new().max_connections(2).connect_lazy_with(db.options(Role::Work));
        let cache = ReadThrough::in_step(Arc::new(MemoryCache::default()), db.serve().clone(), direct.clone(), stop.clone());
        let auth = Arc::new(Auth::new(serve.clone(), cache.clone(), secret, clock.shared()));
        let payments = Payments::new(db.serve().clone(), clock.shared(), xendit, &OutsideConfig::default()).expect("a client");
        let objects = tempfile::tempdir().expect("a folder");
        let state = AppState::from(Services {
            db: serve,
            cache,
            live: Live::start(direct, stop.clone()),
            clock: clock.shared(),
            metrics: metrics(),
            limits,
            auth,
            limiter: Arc::new(MemoryLimiter::default()),
            front: Arc::default(),
            payments,
            objects: Arc::new(StoredObjects::folder(objects.path()).expect("an object store")),
        });
        let mut app =
            Self { router: api::router(state.clone()), db, world, state, clock, objects, stop: stop.drop_guard(), token: String::new() };
        app.token = app.token_of(app.world.operator).await;
        app
    }

    pub fn objects_folder(&self) -> &std::path::Path {
        self.objects.path()
    }

    /// As when the server is told to stop; it still answers.
    pub fn stop(self) {
        drop(self.stop);
    }

    /// The same world after a restart of the program: nothing is remembered.
    pub fn restarted(self) -> Self {
        let secret = self.state.auth.keys.secret().clone();
        self.restarted_with(secret)
    }

    /// The same on a machine that hears of no change.
    pub fn deaf(self) -> Self {
        let secret = self.state.auth.keys.secret().clone();
        let cache = ReadThrough::new(Arc::new(MemoryCache::default()));
        let state = AppState::from(Services { cache, ..Services::clone(&self.state) });
        Self { state, ..self }.restarted_with(secret)
    }

    /// The same after its secret was changed.
    pub fn with_secret(self, secret: &str) -> Self {
        self.restarted_with(InstallationSecret::of(secret.into()).expect("random enough"))
    }

    /// The same, and the secret before is known.
    pub fn with_secret_after(self, secret: &str, former: &str) -> Self {
        let secret = InstallationSecret::of(secret.into()).expect("random enough").after(Some(former.into()));
        self.restarted_with(secret)
    }

    pub fn where_a_second_factor_is_for(self, whom: SecondFactorFor) -> Self {
        let auth = self.auth(self.state.auth.keys.secret().clone()).second_factor_for(whom);
        self.restarted_as(auth)
    }

    pub fn asking_for_breaches(self, address: &str) -> Self {
        let config = AuthConfig { breached_passwords_url: Some(address.to_owned()), ..AuthConfig::default() };
        let breaches = Breaches::open(&config, &OutsideConfig::default()).expect("a client");
        let auth = self.auth(self.state.auth.keys.secret().clone()).breaches(breaches);
        self.restarted_as(auth)
    }

    fn restarted_with(self, secret: InstallationSecret) -> Self {
        let auth = self.auth(secret);
        self.restarted_as(auth)
    }

    fn auth(&self, secret: InstallationSecret) -> Auth {
        Auth::new(self.state.db.clone(), self.state.cache.clone(), secret, self.clock.shared())
    }

    fn restarted_as(self, auth: Auth) -> Self {
        let state = AppState::from(Services { auth: Arc::new(auth), ..Services::clone(&self.state) });
        Self { router: api::router(state.clone()), state, ..self }
    }

    /// Sets it behind their back; it is returned.
    pub async fn give_password(&self, user: Uuid) -> &'static str {
        let password = "empat kerbau naik kereta";
        let hash = self.state.auth.passwords.hash(password.into()).await.expect("a hash");
        set_password(self.db.work(), user, &hash, None).await.expect("set");
        password
    }

    /// An access token of a new session of this person.
    pub async fn token_of(&self, user: Uuid) -> String {
        let now = self.clock.now();
        let family_id = Uuid::now_v7();
        let session = NewSession {
            user_id: user,
            family_id,
            refresh_hash: RefreshToken::random().hash(self.state.auth.keys.secret()),
            user_agent: Some("a test"),
            ip_address: None,
            signed_in_at: now,
            expires_at: now + REFRESH_LIFE,
            now,
        };
        insert_session(self.db.work(), &session).await.expect("a session");
        self.state.auth.keys.sign(&AccessClaims::new(user, family_id, now)).await.expect("a token")
    }

    /// Sends JSON as whoever the headers say, and checks the answer against the document.
    pub async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Reply {
        let json = [("content-type", "application/json")];
        let headers = [headers, body.as_ref().map_or(&[][..], |_| &json)].concat();
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(method, path, &headers, body).await
    }

    /// A job that was given up; its id.
    pub async fn dead_letter(&self) -> Uuid {
        let mut connection = self.db.work().acquire().await.expect("a connection");
        let id = queue::enqueue(&mut connection, &Prune {}, EnqueueOptions::default()).await.expect("a job").id;
        let give_up =
            "update jobs set state = 'discarded', finished_at = now(), attempt = 1, errors = app.job_errors(errors, 1, 'out of luck')
                       where id = $1";
        sqlx::query(give_up).bind(id.0).execute(&mut *connection).await.expect("an accident");
        id.0
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[]).await
    }

    /// Sends a POST, and checks the answer against the document.
    pub async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
        let length = body.len().to_string();
        self.send(Method::POST, path, &[headers, &[("content-length", length.as_str())]].concat(), Body::from(body)).await
    }

    /// The answer as it comes; nothing of it is checked.
    pub async fn open(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Response {
        let request = Request::builder().method(method).uri(path).header("host", "localhost:4000");
        let says_who = headers.iter().any(|(name, _)| matches!(*name, "authorization" | "cookie"));
        let request = if says_who { request } else { request.header("authorization", format!("Bearer {}", self.token)) };
        let headers = headers.iter().filter(|header| **header != NOBODY);
        let request = headers.fold(request, |request, (name, value)| request.header(*name, *value));
        self.router.clone().oneshot(request.body(body).expect("a request")).await.expect("infallible")
    }

    /// As somebody who has not signed in, from that address.
    pub async fn post_from(&self, peer: IpAddr, path: &str, headers: &[(&str, &str)], body: Value) -> Reply {
        let request = Request::builder().method(Method::POST).uri(path).header("host", "localhost:4000");
        let headers = headers.iter().chain(&[("content-type", "application/json")]);
        let request = headers.fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.extension(ConnectInfo(SocketAddr::new(peer, 50_000)));
        let response =
            self.router.clone().oneshot(request.body(Body::from(body.to_string())).expect("a request")).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let reply = Reply { status: parts.status, headers: parts.headers, body: to_bytes(body, 16 << 20).await.expect("a body").to_vec() };
        contract::check(&Method::POST, path, &reply);
        reply
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Reply {
        let response = self.open(method.clone(), path, headers, body).await;
        let (parts, body) = response.into_parts();
        // A stream has no end.
        let is_stream = parts.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let body = if is_stream { Vec::new() } else { to_bytes(body, 16 << 20).await.expect("a body").to_vec() };
        let reply = Reply { status: parts.status, headers: parts.headers, body };
        contract::check(&method, path, &reply);
        reply
    }

    /// Sends a GET as this machine's browser would, and checks the answer against the document.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(Method::GET, path, headers, Body::empty()).await
    }
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// What a snapshot should hold: status, the headers that depend on the route, and the body.
    pub fn shown(&self) -> Value {
        const SHOWN: [&str; 8] =
            ["content-type", "content-language", "cache-control", "retry-after", "allow", "location", "vary", "www-authenticate"];
        let all = |name: &str| self.headers.get_all(name).iter().map(|value| value.to_str().expect("ASCII")).collect::<Vec<_>>().join(", ");
        let headers: BTreeMap<&str, String> =
            SHOWN.into_iter().filter(|name| self.headers.contains_key(*name)).map(|name| (name, all(name))).collect();
        let body = if self.body.is_empty() { Value::Null } else { self.json() };
        json!({"status": self.status.as_u16(), "headers": headers, "body": body})
    }
}

/// Compares with the snapshot of this name; ids and trace ids are random.
pub fn assert_shown(name: &str, reply: &Reply) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[id]");
    settings.add_filter(r#""trace_id": "[0-9a-f]{32}""#, r#""trace_id": "[trace]""#);
    settings.add_filter(r#""duration_ms": [0-9]+\.[0-9]+,"#, r#""duration_ms": "[duration]","#);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_json_snapshot!(name, reply.shown()));
}
