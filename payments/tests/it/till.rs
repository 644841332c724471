//! A shop with a gateway: our own database, the stand-in over real HTTP, and its webhooks coming back to us.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use domain::Idr;
use payments::gateway::{Api, Gateways};
use payments::{Next, Payment, PaymentError, Payments};
use platform::clock::{Clock, SimulatedClock};
use platform::config::{OutsideConfig, XenditConfig};
use platform::db::stores::{NewStore, SalesSource, create_store};
use platform::db::tenant::Tenant;
use platform::db::users::{NewUser, create_user};
use platform::queue::JobContext;
use platform::testing::TestDb;
use standin::faults::{Fault, Faults};
use standin::services::xendit::{Gateway, Settings};
use standin::services::{self, Context};
use standin::world::{SimulatedWorld, World, simulate};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Longer than anything here takes.
pub const SOON: Duration = Duration::from_secs(20);

fn world() -> Arc<SimulatedWorld> {
    static WORLD: OnceLock<Arc<SimulatedWorld>> = OnceLock::new();
    Arc::clone(WORLD.get_or_init(|| {
        let today = "2026-11-23".parse().expect("a date");
        Arc::new(simulate(7, today, World::definition()).expect("a world"))
    }))
}

pub struct Till {
    pub db: TestDb,
    pub clock: SimulatedClock,
    pub store: Uuid,
    pub owner: Tenant,
    /// As the API has it: under the serving role.
    pub desk: Payments,
    /// As jobs have it.
    pub back: Payments,
    pub gateway: Gateway,
    pub faults: Faults,
    settings: Settings,
    config: XenditConfig,
    told: watch::Receiver<usize>,
}

/// What becomes of webhooks on their way to us.
#[derive(Clone)]
struct Door {
    desk: Payments,
    told: Arc<watch::Sender<usize>>,
}

async fn enter(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let token = headers.get("x-callback-token").map(|value| value.as_bytes().to_vec());
    let status = match door.desk.receive(token.as_deref(), &body, None).await {
        Ok(_) => StatusCode::OK,
        Err(PaymentError::WrongToken) => StatusCode::UNAUTHORIZED,
        Err(error) => panic!("{}", domain::chain(&error)),
    };
    door.told.send_modify(|count| *count += 1);
    status
}

impl Till {
    pub async fn open() -> Self {
        Self::with(Api::PaymentRequests, Settings::default()).await
    }

    /// Everything happens at once and no limit is near, unless the settings say so.
    pub async fn with(api: Api, settings: Settings) -> Self {
        let db = TestDb::new().await;
        let clock = SimulatedClock::at("2026-11-23T05:00:00Z".parse().expect("a time"));
        let (store, owner) = add_store(&db).await;
        let now = clock.shared();
        let context = Context { now: Arc::new(move || now.now()), ..Context::new(world()) };
        let (gateway, faults) = (context.gateway.clone(), context.faults.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let router = services::all().router(&context).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = XenditConfig { api: api.as_str().to_owned(), ..XenditConfig::of_stand_in(&base) };
        let of = |pool: &sqlx::PgPool| {
            let gateways = Gateways::patient(&config, &OutsideConfig::default(), Duration::from_secs(3)).expect("a client");
            Payments::new(pool.clone(), clock.shared(), &config, &OutsideConfig::default()).expect("a client").asking(gateways)
        };
        let (desk, back) = (of(db.serve()), of(db.work()));
        let (sender, told) = watch::channel(0);
        let door = Door { desk: desk.clone(), told: Arc::new(sender) };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let callback_url = format!("http://{}/webhooks", listener.local_addr().expect("an address"));
        let app = Router::new().route("/webhooks", post(enter)).with_state(door);
        tokio::spawn(async move { axum::serve(listener, app).await });
        let settings = Settings {
            callback_url: Some(callback_url),
            settle_ms: 0,
            retries_ms: vec![],
            per_minute: settings.per_minute.or(Some(100_000)),
            ..settings
        };
        gateway.set(settings.clone());
        Self { db, clock, store, owner, desk, back, gateway, faults, settings, config, told }
    }

    /// Changes how the gateway behaves, and keeps where its webhooks go.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings.clone();
        change(&mut settings);
        self.gateway.set(settings);
    }

    /// The desk with another configuration.
    pub fn desk_with(&self, change: impl FnOnce(&mut XenditConfig)) -> Payments {
        let mut config = self.config.clone();
        change(&mut config);
        Payments::new(self.db.serve().clone(), self.clock.shared(), &config, &OutsideConfig::default()).expect("a client")
    }

    /// An order over so much.
    pub async fn order(&self, amount: i64) -> Uuid {
        self.order_of(self.store, Some(amount)).await
    }

    pub async fn order_of(&self, store: Uuid, amount: Option<i64>) -> Uuid {
        let id = Uuid::now_v7();
        let order = "insert into orders (id, store_id, external_id, total_amount, order_date, business_date, available_at)
                     values ($1, $2, $1::text, $3, $4, $4::date, $4)";
        let insert = sqlx::query(order).bind(id).bind(store).bind(amount).bind(self.clock.now());
        insert.execute(self.db.work()).await.expect("an order");
        id
    }

    /// An order with a code to be scanned.
    pub async fn awaiting(&self, amount: i64) -> Payment {
        let payment = self.desk.create(self.owner, self.order(amount).await).await.expect("a payment");
        assert_eq!(payment.status.as_str(), "awaiting");
        payment
    }

    /// A payment that was paid and heard of.
    pub async fn paid(&self, amount: i64) -> Payment {
        let payment = self.awaiting(amount).await;
        self.pay(payment.id, None).await;
        self.payment(payment.id).await
    }

    /// A customer pays, and its webhook is heard.
    pub async fn pay(&self, id: Uuid, amount: Option<i64>) {
        let told = self.told_so_far();
        self.scan(id, amount).await;
        self.told(told + 1).await;
        self.take_all().await;
    }

    /// A customer pays.
    pub async fn scan(&self, id: Uuid, amount: Option<i64>) {
        let request = self.request_of(id).await;
        self.control("pay", serde_json::json!({"id": request, "amount": amount})).await;
    }

    pub async fn request_of(&self, id: Uuid) -> String {
        let request = "select external_reference from payments where id = $1";
        sqlx::query_scalar::<_, Option<String>>(request).bind(id).fetch_one(self.db.work()).await.expect("a row").expect("a request")
    }

    /// Tells the stand-in what to do.
    pub async fn control(&self, what: &str, body: serde_json::Value) -> serde_json::Value {
        self.ask(&format!("/standin/xendit/{what}"), Some(body)).await
    }

    /// Payment requests at the gateway.
    pub async fn requests(&self) -> Vec<serde_json::Value> {
        self.ask("/standin/xendit/requests", None).await.as_array().expect("a list").clone()
    }

    async fn ask(&self, path: &str, body: Option<serde_json::Value>) -> serde_json::Value {
        let base = self.config.url.trim_end_matches("/xendit");
        let client = platform::http::client(&OutsideConfig::default()).build().expect("a client");
        let request = match body {
            None => client.get(format!("{base}{path}")),
            Some(body) => client.post(format!("{base}{path}")).header("content-type", "application/json").body(body.to_string()),
        };
        let reply = request.send().await.expect("an answer");
        assert!(reply.status().is_success(), "{path}: {}", reply.status());
        serde_json::from_slice(&reply.bytes().await.expect("a body")).unwrap_or_default()
    }

    pub fn told_so_far(&self) -> usize {
        *self.told.borrow()
    }

    /// Waits until so many webhooks have come, refused ones too.
    pub async fn told(&self, count: usize) {
        let mut told = self.told.clone();
        let waited = tokio::time::timeout(SOON, told.wait_for(|came| *came >= count)).await;
        waited.expect("the webhooks come").expect("the door is open");
    }

    /// Understands every webhook that waits; what became of each.
    pub async fn take_all(&self) -> Vec<Result<Next, PaymentError>> {
        let mut taken = Vec::new();
        for id in self.waiting().await {
            taken.push(self.back.take(id, &context()).await);
        }
        taken
    }

    pub async fn waiting(&self) -> Vec<Uuid> {
        let waiting = "select id from webhook_events where state = 'received' order by received_at, id";
        sqlx::query_scalar(waiting).fetch_all(self.db.work()).await.expect("events")
    }

    /// One look at a payment.
    pub async fn poll(&self, id: Uuid) -> Result<Next, PaymentError> {
        self.back.poll(id, false, &context()).await
    }

    pub async fn payment(&self, id: Uuid) -> Payment {
        self.desk.payment(self.owner, id).await.expect("a payment")
    }

    /// Status of payment and order, and each money with what is said of it.
    pub async fn books(&self, id: Uuid) -> String {
        let books = "select concat_ws(' ', p.status, o.status,
                            (select string_agg(concat_ws(':', r.amount, r.attention), ',' order by r.received_at, r.id)
                             from payment_receipts r where r.payment_id = p.id))
                     from payments p join orders o on o.id = p.order_id where p.id = $1";
        sqlx::query_scalar(books).bind(id).fetch_one(self.db.work()).await.expect("books")
    }

    pub async fn set_order(&self, order: Uuid, status: &str) {
        sqlx::query("update orders set status = $2 where id = $1").bind(order).bind(status).execute(self.db.work()).await.expect("set");
    }

    /// Kinds of jobs that wait, and how many.
    pub async fn jobs(&self, kind: &str) -> i64 {
        let jobs = "select count(*) from jobs where kind = $1 and finished_at is null";
        sqlx::query_scalar(jobs).bind(kind).fetch_one(self.db.work()).await.expect("a count")
    }

    /// Status and attention of each announcement.
    pub async fn announced(&self, id: Uuid) -> Vec<String> {
        let announced = "select concat_ws(' ', payload ->> 'status', payload ->> 'attention') from outbox
                         where name = 'payment.changed' and payload ->> 'payment_id' = $1::text order by txid, position";
        sqlx::query_scalar(announced).bind(id).fetch_all(self.db.work()).await.expect("events")
    }

    /// Kinds of news that the owner has.
    pub async fn news(&self) -> Vec<String> {
        let news = "select concat_ws(' ', kind, body) from notifications order by created_at, id";
        sqlx::query_scalar(news).fetch_all(self.db.work()).await.expect("news")
    }

    /// Lets those who ask for a code ask again at once.
    pub async fn no_pause(&self) {
        sqlx::query("update payments set ask_until = null").execute(self.db.work()).await.expect("set");
    }

    pub fn fault(&self, fault: Fault, times: u32) {
        self.faults.plan("xendit", fault, times);
    }

    pub fn hours(&self, hours: i64) -> DateTime<Utc> {
        self.clock.advance(TimeDelta::hours(hours))
    }

    pub async fn close(self) {
        self.db.close().await;
    }
}

pub fn context() -> JobContext {
    JobContext::foreground(CancellationToken::new())
}

pub fn idr(amount: i64) -> Idr {
    Idr(amount)
}

async fn add_store(db: &TestDb) -> (Uuid, Tenant) {
    add_named_store(db, "imas").await
}

pub async fn add_named_store(db: &TestDb, name: &str) -> (Uuid, Tenant) {
    let user = NewUser { email: format!("{name}@example.test"), name: None, password_hash: None, is_operator: false };
    let owner_id = create_user(db.work(), &user).await.expect("a user");
    let store = NewStore {
        slug: name.to_owned(),
        name: name.to_owned(),
        owner_id,
        address: None,
        time_zone: "Asia/Jakarta".to_owned(),
        business_day_cutoff: NaiveTime::from_hms_opt(2, 0, 0).expect("a time"),
        adm4: None,
        calendar: "id".to_owned(),
        sales_source: SalesSource::Orders,
        is_synthetic: true,
        opened_on: None,
    };
    let mut connection = db.work().acquire().await.expect("a connection");
    (create_store(&mut *connection, &store).await.expect("a store"), Tenant::User(owner_id))
}
