//! Orders of a store's till, paged by the time of their last update: the pull of Pawoon and its like.
//!
//! The list moves while it is read: an order that is updated goes to its end, and whoever counts pages misses the one that crosses
//! the boundary. So each question begins at the last update seen, and what comes twice is the same order twice. Voided orders are
//! kept and count nothing; a revised order takes the place of what was told before, an older word never.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use platform::config::SourcesConfig;
use platform::db::DbError;
use platform::db::pos_connections::{get_pos_connection, stores_with_pos};
use platform::http::{Manners, Question, Quota, Reply};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::feed::{Asking, Days, Feed, FetchError, History, Terms};
use crate::json::{Row, document, list, list_in};
use crate::source::{
    Batch, Batches, Facts, Once, ParseContext, PosItem, PosOrder, RawRecord, Rejected, Source, SourceError, Understanding,
};

const SOURCE: &str = "sales_http";
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2010, 1, 1).expect("a date");
/// Orders on a page: the most that is given.
const PER_PAGE: usize = 100;
/// Pages of one window: ten thousand orders a day for a month are three thousand.
const PAGES: usize = 10_000;

struct SalesHttp;

pub(super) fn source() -> impl Source {
    SalesHttp
}

impl Source for SalesHttp {
    fn name(&self) -> &'static str {
        SOURCE
    }

    fn about(&self) -> &'static str {
        "Orders of the stores' tills, where one is connected (viralcast store connect)"
    }

    fn terms(&self) -> Terms {
        Terms {
            window_days: 7,
            // Revisions and voids move an order to the day on which they were made.
            lookback_days: 1,
            freshness: TimeDelta::hours(26),
            history: History::Since(FIRST_DAY),
            is_steady: false,
            attribution: "",
            scope_is: "store",
        }
    }

    fn feed(&self) -> Option<&dyn Feed> {
        Some(self)
    }

    fn kept(&self, bytes: Vec<u8>) -> Vec<u8> {
        without_people(&bytes).unwrap_or(bytes)
    }

    fn parse(&self, raw: &RawRecord, _: &ParseContext) -> Result<Box<dyn Batches>, SourceError> {
        let document = document(raw)?;
        let (mut orders, mut rejected, mut rows) = (Vec::new(), Vec::new(), 0);
        for value in list(&document, "data", raw.contents.name())? {
            rows += 1;
            match order(&Row { value, number: rows }, raw.fetched_at) {
                Ok(order) => orders.push(order),
                Err(refused) => rejected.push(refused),
            }
        }
        let understanding = Understanding { level: "orders with their items", ..Understanding::default() };
        Ok(Box::new(Once::new(understanding, Batch::of(rows, Facts::PosOrders(orders), rejected))))
    }
}

#[async_trait]
impl Feed for SalesHttp {
    fn manners(&self, _: &SourcesConfig) -> Manners {
        // By the second, so that a wait is short and no page of a long window is given up.
        let quota = Quota { name: "sales_http.calls".to_owned(), limit: 2, per: Duration::from_secs(1) };
        Manners { source: SOURCE, quotas: vec![quota], units: 1, timeout: Duration::from_secs(30) }
    }

    async fn scopes(&self, pool: &PgPool, _: &SourcesConfig) -> Result<Vec<String>, DbError> {
        Ok(stores_with_pos(pool).await?.iter().map(Uuid::to_string).collect())
    }

    async fn fetch(&self, asking: &Asking<'_>, scope: &str, days: Days) -> Result<Vec<Reply>, FetchError> {
        let missing = FetchError::NotSetUp { source_name: SOURCE, missing: "the store's till: viralcast store connect" };
        let till = get_pos_connection(asking.pool, asking.secret, scope).await.map_err(FetchError::Database)?.ok_or(missing)?;
        let end = days.end.and_time(chrono::NaiveTime::MIN).and_utc();
        let mut since = days.first.and_time(chrono::NaiveTime::MIN).and_utc();
        let (mut page, mut replies) = (1, Vec::new());
        while replies.len() < PAGES {
            let question = Question::get(format!("{}/v1/orders", till.base_url.trim_end_matches('/')))
                .query("outlet_id", &till.outlet_id)
                .query("updated_since", since.to_rfc3339_opts(SecondsFormat::Secs, true))
                .query("per_page", PER_PAGE.to_string())
                .query("page", page.to_string())
                .header("authorization", format!("Bearer {}", till.token));
            let reply = asking.http.ask(&self.manners(asking.config), asking.clock, &question).await?;
            match reply.status {
                200..=299 => {}
                401 | 403 => return Err(FetchError::NotSetUp { source_name: SOURCE, missing: "a token that the till's service takes" }),
                404 => {
                    return Err(FetchError::NotCovered {
                        source_name: SOURCE,
                        scope: scope.to_owned(),
                        reason: format!("the till's service knows no outlet `{}`", till.outlet_id),
                        ask_again_after: TimeDelta::days(7),
                    });
                }
                status => return Err(FetchError::Refused { source_name: SOURCE, status, reason: reply.excerpt() }),
            }
            let (orders, last) = updates(&reply.bytes);
            replies.push(reply);
            let Some(last) = last.filter(|last| orders >= PER_PAGE && *last < end) else { break };
            // A whole page of one moment: only then pages have to be counted.
            (since, page) = if last > since { (last, 1) } else { (since, page + 1) };
        }
        Ok(replies)
    }
}

/// How many orders a page has, and the last second in which one of them was updated.
fn updates(page: &[u8]) -> (usize, Option<DateTime<Utc>>) {
    let orders = list_in(page, "data");
    let times = orders.iter().filter_map(|order| DateTime::parse_from_rfc3339(order["updated_at"].as_str()?).ok());
    let last = times.max().and_then(|last| DateTime::from_timestamp(last.timestamp(), 0));
    (orders.len(), last)
}

/// What is kept of a page, an order and an item: what is sold, when and for how much. A till's records are kept for as long as the store's books,
/// and nothing here is forecast from people, who may be named anywhere else.
const OF_PAGE: [&str; 1] = ["data"];
const OF_ORDER: [&str; 5] = ["id", "status", "created_at", "updated_at", "items"];
const OF_ITEM: [&str; 3] = ["product", "quantity", "price"];

/// A page without the rest; `None` if there is none, or it is no page.
fn without_people(page: &[u8]) -> Option<Vec<u8>> {
    let mut document: Value = serde_json::from_slice(page).ok()?;
    let mut removed = keep(&mut document, &OF_PAGE, "data");
    for order in document.get_mut("data")?.as_array_mut()? {
        removed += keep(order, &OF_ORDER, "items");
        let items = order.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten();
        removed += items.map(|item| keep(item, &OF_ITEM, "")).sum::<usize>();
    }
    if removed == 0 { None } else { serde_json::to_vec(&document).ok() }
}

/// Leaves what has one of these names and is one value, or the list that has others in it; of what is no object, nothing. How much was taken
/// away.
fn keep(value: &mut Value, names: &[&str], list: &str) -> usize {
    let Some(fields) = value.as_object_mut() else {
        return usize::from(!value.take().is_null());
    };
    let before = fields.len();
    let is_kept = |value: &Value, field: &str| match value {
        Value::Object(_) => false,
        Value::Array(_) => field == list,
        _ => true,
    };
    fields.retain(|field, value| names.contains(&field.as_str()) && is_kept(value, field));
    before - fields.len()
}

fn order(row: &Row<'_>, fetched_at: DateTime<Utc>) -> Result<PosOrder, Rejected> {
    let number = name(row, "id")?;
    let status = row.text("status")?;
    let is_void = match status {
        "completed" | "paid" => false,
        "void" | "voided" | "cancelled" | "refunded" => true,
        _ => return Err(row.refuse("status", "is none of completed, paid, void, cancelled, refunded")),
    };
    let (ordered_at, updated_at) = (instant(row, "created_at", fetched_at)?, instant(row, "updated_at", fetched_at)?);
    let items = row.value["items"].as_array().ok_or_else(|| row.refuse("items", "is no list"))?;
    let items = items.iter().map(|value| item(&Row { value, number: row.number })).collect::<Result<Vec<_>, _>>()?;
    if items.is_empty() {
        return Err(row.refuse("items", "is empty"));
    }
    Ok(PosOrder { number, ordered_at, updated_at, is_void, items })
}

/// A text that names something.
fn name(row: &Row<'_>, field: &str) -> Result<String, Rejected> {
    let text = row.text(field)?.trim();
    match text {
        "" => Err(row.refuse(field, "is empty")),
        _ if text.len() > 500 => Err(row.refuse(field, "is longer than 500 bytes")),
        _ if text.contains(char::is_control) => Err(row.refuse(field, "has control characters")),
        _ => Ok(text.to_owned()),
    }
}

/// A time with its offset. Tills run a little fast; a day ahead is no time of an order.
fn instant(row: &Row<'_>, field: &str, fetched_at: DateTime<Utc>) -> Result<DateTime<Utc>, Rejected> {
    let at = DateTime::parse_from_rfc3339(row.text(field)?).map_err(|_| row.refuse(field, "is no time with an offset"))?;
    let at = at.with_timezone(&Utc);
    let is_sane = at.date_naive() >= FIRST_DAY && at <= fetched_at + TimeDelta::days(1);
    if is_sane { Ok(at) } else { Err(row.refuse(field, "is no time at which anybody ordered")) }
}

/// Quantities come as numbers and as text.
fn item(row: &Row<'_>) -> Result<PosItem, Rejected> {
    let product = name(row, "product")?;
    let value = &row.value["quantity"];
    let quantity = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    let quantity = quantity.filter(|quantity| (0.001..=1e5).contains(quantity)).ok_or_else(|| row.refuse("quantity", "is no quantity"))?;
    Ok(PosItem { product, quantity, unit_price: row.optional_number("price", 0.0..=1e8)?.map(|price| price.round() as i64) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_ordered_is_not_kept_and_what_was_sold_is() {
        let item = json!({"product": "Ayam Geprek", "quantity": 2, "price": 18_000.5});
        let order = json!({"id": "T-1", "status": "paid", "created_at": "2026-11-28T12:01:05+07:00", "items": [item]});
        let mut told = json!({ "data": [order] });
        let plain = told.clone();
        assert_eq!(SalesHttp.kept(plain.to_string().into_bytes()), plain.to_string().into_bytes(), "as it came");
        for (field, value) in [
            ("customer", json!({"name": "Putu", "phone": "0812"})),
            ("customer_phone", json!("0812")),
            ("Nama_Pelanggan", json!("Putu")),
            ("wa", json!(62_812)),
            ("delivery", json!({"to": "Putu"})),
            ("notes", json!("untuk Putu")),
        ] {
            told["data"][0][field] = value;
        }
        told["data"][0]["items"][0]["modifiers"] = json!([{"note": "Putu: pedas"}]);
        told["data"][0]["discount"] = json!({"member": "Putu"});
        told["meta"] = json!({"cashier": "Made"});
        let kept = SalesHttp.kept(told.to_string().into_bytes());
        assert_eq!(serde_json::from_slice::<Value>(&kept).expect("JSON"), plain);
        let odd = json!({"data": ["Putu", {"id": "T-2", "status": {"by": "Putu"}, "items": {"0": {"note": "Putu"}}}, {"items": ["Putu"]}]});
        let kept = SalesHttp.kept(odd.to_string().into_bytes());
        assert_eq!(serde_json::from_slice::<Value>(&kept).expect("JSON"), json!({"data": [null, {"id": "T-2"}, {"items": [null]}]}));
        for broken in ["", "{", "[]", r#"{"data": 1}"#, r#"{"data": [null]}"#] {
            assert_eq!(SalesHttp.kept(broken.as_bytes().to_vec()), broken.as_bytes(), "{broken}");
        }
    }
}
