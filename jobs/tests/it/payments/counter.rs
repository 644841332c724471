//! A shop's counter: orders, customers with phones, the stand-in gateway over HTTP and its webhooks, workers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jobs::Nightly;
use payments::gateway::Gateways;
use payments::{PaymentError, Payments};
use platform::config::{OutsideConfig, XenditConfig};
use platform::db::tenant::Tenant;
use platform::embedded::Role;
use platform::queue::{self, WorkerOptions};
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use standin::faults::Faults;
use standin::services::xendit::{Gateway, Settings};
use standin::services::{self, Context};
use standin::world::{SimulatedWorld, World, simulate};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::shop::{Shop, date};

fn world() -> Arc<SimulatedWorld> {
    static WORLD: OnceLock<Arc<SimulatedWorld>> = OnceLock::new();
    Arc::clone(WORLD.get_or_init(|| Arc::new(simulate(7, date("2026-06-15"), World::definition()).expect("a world"))))
}

pub struct Counter {
    pub shop: Shop,
    pub nightly: Nightly,
    pub owner: Tenant,
    pub desk: Payments,
    pub gateway: Gateway,
    pub faults: Faults,
    pub callback_url: String,
    base: String,
    work: PgPool,
}

async fn enter(State(desk): State<Payments>, headers: HeaderMap, body: Bytes) -> StatusCode {
    match desk.receive(headers.get("x-callback-token").map(|value| value.as_bytes()), &body, None).await {
        Ok(_) => StatusCode::OK,
        Err(PaymentError::WrongToken) => StatusCode::UNAUTHORIZED,
        // As the API: it comes again.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Counter {
    /// `patience`: how long the gateway may take to answer.
    pub async fn open(patience: Duration) -> Self {
        let shop = Shop::empty().await;
        let pool = |role, connections| PgPoolOptions::new().max_connections(connections).connect_lazy_with(shop.db.options(role));
        let (work, serve) = (pool(Role::Work, 16), pool(Role::Serve, 16));
        let now = shop.clock.shared();
        let context = Context { now: Arc::new(move || now.now()), ..Context::new(world()) };
        let (gateway, faults) = (context.gateway.clone(), context.faults.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let router = services::all().router(&context).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let (config, outside) = (XenditConfig::of_stand_in(&base), OutsideConfig::default());
        let payments = |pool: &PgPool| {
            let gateways = Gateways::patient(&config, &outside, patience).expect("a client");
            Payments::new(pool.clone(), shop.clock.shared(), &config, &outside).expect("a client").asking(gateways)
        };
        let (desk, back) = (payments(&serve), payments(&work));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let callback_url = format!("http://{}/webhooks", listener.local_addr().expect("an address"));
        let app = Router::new().route("/webhooks", post(enter)).with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let mut nightly = shop.nightly();
        nightly.work = work.clone();
        nightly.outside.payments = back;
        let owner = Tenant::User(shop.store.owner_id);
        let counter = Self { nightly, owner, desk, gateway, faults, callback_url, base, work, shop };
        counter.set(|_| {});
        counter.count_fulfilments().await;
        counter
    }

    /// No limit is near, webhooks come at once.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        let callback_url = Some(self.callback_url.clone());
        let mut settings =
            Settings { callback_url, settle_ms: 0, retries_ms: vec![20; 6], per_minute: Some(1_000_000), ..Settings::default() };
        change(&mut settings);
        self.gateway.set(settings);
    }

    /// The kitchen's own count, apart from what payments say of themselves: one row each time an order becomes paid.
    async fn count_fulfilments(&self) {
        let count = "create table fulfilments (order_id uuid not null);
                     create function fulfil() returns trigger language plpgsql security definer as
                         'begin insert into public.fulfilments values (new.id); return null; end';
                     create trigger fulfil after update of status on orders for each row
                         when (new.status = 'paid' and old.status is distinct from 'paid') execute function fulfil()";
        sqlx::raw_sql(count).execute(self.shop.db.owner()).await.expect("a count");
    }

    /// An order of two portions that waits for its money.
    pub async fn order(&self, amount: i64) -> Uuid {
        let id = Uuid::now_v7();
        let order = "insert into orders (id, store_id, external_id, total_amount, order_date, business_date, available_at)
                     values ($1, $2, $1::text, $3, '2026-06-15T05:00:00Z', '2026-06-15', '2026-06-15T05:00:00Z')";
        let insert = sqlx::query(order).bind(id).bind(self.shop.store.id).bind(amount);
        insert.execute(&self.work).await.expect("an order");
        let item = "insert into order_items (order_id, store_id, line_number, product_id, product_name, quantity) values ($1, $2, 1, $3, 'nasi', 2)";
        let insert = sqlx::query(item).bind(id).bind(self.shop.store.id).bind(self.shop.products["nasi"]);
        insert.execute(&self.work).await.expect("an item");
        id
    }

    /// A customer scans a code, if it is one of the gateway's that still can be.
    pub async fn scan(&self, code: &str) {
        let requests = self.ask("requests", None).await;
        let is_it = |request: &&Value| request["actions"][0]["value"] == code;
        let request =
            requests.as_array().expect("a list").iter().find(is_it).expect("a code of the gateway's")["payment_request_id"].clone();
        self.ask("pay", Some(json!({ "id": request }))).await;
    }

    pub async fn ask(&self, what: &str, body: Option<Value>) -> Value {
        let client = platform::http::client(&OutsideConfig::default()).build().expect("a client");
        let url = format!("{}/standin/xendit/{what}", self.base);
        let request = match body {
            None => client.get(url),
            Some(body) => client.post(url).header("content-type", "application/json").body(body.to_string()),
        };
        let reply = request.send().await.expect("an answer");
        assert!(reply.status().is_success(), "{what}: {}", reply.status());
        serde_json::from_slice(&reply.bytes().await.expect("a body")).unwrap_or_default()
    }

    /// Workers of every kind, until the token fires.
    pub fn staff(&self) -> (CancellationToken, JoinHandle<()>) {
        let stop = CancellationToken::new();
        let options = WorkerOptions { concurrency: 8, ..WorkerOptions::default() };
        let (work, workers, until) = (self.work.clone(), jobs::workers::all(&self.nightly), stop.clone());
        (stop, tokio::spawn(async move { queue::run(work, workers, options, until).await.expect("no error") }))
    }

    /// Waits until the query says true.
    pub async fn until(&self, what: &str, query: &'static str) {
        let began = Instant::now();
        while !sqlx::query_scalar::<_, bool>(query).fetch_one(&self.work).await.expect(what) {
            assert!(began.elapsed() < Duration::from_secs(150), "{what} does not come true");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// All jobs of one kind have ended.
    pub async fn ended(&self, kind: &str) {
        let began = Instant::now();
        while queue::unfinished(&self.work, kind).await.expect("a count") > 0 {
            assert!(began.elapsed() < Duration::from_secs(150), "{kind} does not end");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The gateway's own book: how often each order was charged, by the references that it keeps.
    pub async fn charges(&self) -> BTreeMap<Uuid, usize> {
        let orders: Vec<(String, Uuid)> =
            sqlx::query_as("select reference_id, order_id from payments").fetch_all(&self.work).await.expect("payments");
        let orders: BTreeMap<String, Uuid> = orders.into_iter().collect();
        let mut charges: BTreeMap<Uuid, BTreeSet<String>> = BTreeMap::new();
        for webhook in self.gateway.webhooks().iter().filter(|webhook| webhook.event == "payment.capture") {
            let text = |field: &str| webhook.body["data"][field].as_str().expect("text").to_owned();
            charges.entry(orders[&text("reference_id")]).or_default().insert(text("payment_id"));
        }
        charges.into_iter().map(|(order, payments)| (order, payments.len())).collect()
    }

    /// Orders by how often they were fulfilled, paid for in our books, and told of.
    pub async fn fulfilled(&self) -> Vec<(i64, i64, i64, i64)> {
        let orders = "select (select count(*) from fulfilments f where f.order_id = o.id),
                             (select count(*) from payments p join payment_receipts r on r.payment_id = p.id
                              where p.order_id = o.id and r.attention is null),
                             (select count(*) from outbox e where e.name = 'payment.changed' and e.payload ->> 'order_id' = o.id::text
                                  and e.payload ->> 'status' = 'succeeded'),
                             (select count(*) from notifications n where n.kind = 'payment_received' and n.data ->> 'order_id' = o.id::text)
                      from orders o order by o.id";
        sqlx::query_as(orders).fetch_all(&self.work).await.expect("orders")
    }

    pub async fn ids(&self, query: &'static str) -> Vec<Uuid> {
        sqlx::query_scalar(query).fetch_all(&self.work).await.expect("ids")
    }

    pub async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.work).await.expect(query)
    }

    pub async fn close(self) {
        self.work.close().await;
        self.shop.close().await;
    }
}
