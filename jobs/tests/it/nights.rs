//! What a night leaves behind, and what it does not.

use chrono::{DateTime, Datelike, Utc, Weekday};
use domain::Rung;
use domain::job::Outcome;
use jobs::nightly;
use platform::db::forecast_runs::get_forecast_run;
use platform::db::forecasts::{forecasts_of_run, published_forecasts};
use platform::db::plan_items::{PlanItemRow, published_plan};
use platform::db::published_runs::published_run;
use platform::db::runs::get_run;
use platform::db::stock_counts::{StockCountRow, insert_stock_counts};
use platform::queue::{JobContext, Worker};
use tokio_util::sync::CancellationToken;

use crate::shop::{CLOSING, NIGHT, Shop, at, date};

fn item<'a>(plan: &'a [PlanItemRow], kind: &str, name: &str) -> &'a PlanItemRow {
    plan.iter().find(|item| item.kind == kind && item.item == name).unwrap_or_else(|| panic!("no {kind} of {name} in {plan:?}"))
}

#[tokio::test]
async fn a_night_publishes_forecasts_and_plans() {
    let shop = Shop::open().await;
    let count = StockCountRow {
        product_id: None,
        ingredient_id: Some(shop.ingredients["beras"]),
        counted_at: at("2026-06-15T18:00:00Z"),
        business_date: date("2026-06-15"),
        quantity: 3.0,
    };
    insert_stock_counts(shop.db.work(), shop.store.id, "close", &[count]).await.expect("a count");
    let report = shop.night(NIGHT).await.expect("a night");
    assert_eq!((report.rung, report.unchanged, report.published), (Rung::Fresh, false, true), "{:?}", report.gates);
    assert_eq!((report.dormant.as_slice(), report.stale_days, report.recipe_fault), (&["es jadul".to_owned()][..], None, None));

    let cells =
        published_forecasts(shop.db.work(), shop.store.id, Some("product"), date(NIGHT), date("2026-12-31")).await.expect("forecasts");
    assert_eq!(cells.len(), 4 * 14, "of four products, from the night's day on");
    // Three categories and all of them, rupiah of the store, three bought ingredients.
    assert_eq!(report.rows, (4 + 4 + 1 + 3) * 14);
    for cell in &cells {
        assert_eq!(i64::from(cell.step), (cell.target_date - date(NIGHT)).num_days() + 1);
        assert!(cell.quantiles.is_sorted() && cell.quantiles[0] >= 0.0, "{cell:?}");
        let explanation: domain::Explanation = serde_json::from_value(cell.explanation.clone().expect("reasons")).expect("an explanation");
        assert!((explanation.total() - cell.yhat).abs() <= 1e-9 * cell.yhat.max(1.0), "{cell:?}");
        let is_closed = cell.target_date.weekday() == Weekday::Sun || cell.target_date == date(CLOSING);
        if is_closed {
            assert_eq!((cell.yhat, cell.quantiles), (0.0, [0.0; 9]), "{cell:?}");
        } else if cell.target_item != "sambal botol" {
            assert!(cell.yhat > 20.0 && cell.quantiles[8] > cell.quantiles[0], "{cell:?}");
        }
    }

    let plan = published_plan(shop.db.work(), shop.store.id, date(NIGHT)).await.expect("a plan");
    let geprek = item(&plan, "prep", "ayam geprek");
    assert!(geprek.quantity > 40.0 && geprek.quantity == f64::from(geprek.pieces) * 5.0, "whole batches of five: {geprek:?}");
    let sambal = item(&plan, "kitchen", "sambal");
    assert_eq!(sambal.quantity, (geprek.quantity * 30.0 / 500.0).ceil() * 500.0);
    let cabai = item(&plan, "purchase", "cabai");
    assert_eq!(cabai.need, f64::from(sambal.pieces) * 400.0);
    assert_eq!(cabai.cost, Some(i64::from(cabai.pieces) * 15_000));
    let (nasi, beras) = (item(&plan, "prep", "nasi"), item(&plan, "purchase", "beras"));
    assert!((beras.need - nasi.quantity * 0.1).abs() < 1e-9);
    assert_eq!(f64::from(beras.pieces), ((beras.need - 3.0) / 5.0).ceil(), "what was counted is not bought");
    assert_eq!(report.plans.len(), 2);
    let tomorrow = published_plan(shop.db.work(), shop.store.id, date("2026-06-17")).await.expect("a plan");
    assert!(tomorrow.iter().any(|item| item.kind == "prep"));

    let run = get_run(shop.db.work(), report.run_id.0).await.expect("a query").expect("the run");
    assert_eq!((run.state.as_str(), run.rung.as_deref(), run.row_count), ("finished", Some("fresh"), Some(168)));
    let pointer = published_run(shop.db.work(), shop.store.id).await.expect("a query").expect("a pointer");
    assert_eq!((pointer.run_id, pointer.business_date), (report.run_id.0, date(NIGHT)));
    let knew = get_forecast_run(shop.db.work(), report.run_id.0).await.expect("a query").expect("what it knew");
    assert_eq!((knew.cutoff, knew.last_day, knew.horizon), (at("2026-06-15T20:30:00Z"), date("2026-06-15"), 14));
    assert_eq!(shop.written().await.last(), Some(&("outbox", 1)));
    shop.close().await;
}

#[tokio::test]
async fn what_is_stored_adds_up() {
    let shop = Shop::open().await;
    let report = shop.night(NIGHT).await.expect("a night");
    let cells = forecasts_of_run(shop.db.work(), report.run_id.0).await.expect("forecasts");
    let day = |step: i32| cells.iter().filter(move |cell| cell.step == step);
    for step in 1..=14 {
        let yhat = |kind: &str, item: &str| {
            day(step).find(|cell| cell.target_kind == kind && cell.target_item == item).unwrap_or_else(|| panic!("no {kind} {item}")).yhat
        };
        let product = |item| yhat("product", item);
        let adds_up = |whole: f64, parts: f64| assert!((whole - parts).abs() <= 1e-6 * parts, "step {step}: {whole}, not {parts}");
        adds_up(yhat("category", "makanan"), product("ayam geprek") + product("nasi"));
        adds_up(yhat("category", "minuman"), product("es teh"));
        let categories = ["makanan", "minuman", "uncategorised"].map(|item| yhat("category", item));
        adds_up(yhat("category", "(all)"), categories.iter().sum());
        let prices = [("ayam geprek", 18_000.0), ("nasi", 5_000.0), ("es teh", 4_000.0), ("sambal botol", 25_000.0)];
        adds_up(yhat("sales", "total"), prices.iter().map(|(item, price)| product(item) * price).sum());
        adds_up(yhat("ingredient", "ayam"), 0.15 * product("ayam geprek"));
        adds_up(yhat("ingredient", "beras"), 0.1 * product("nasi"));
        // 30 g of sambal take 24 g of chilli.
        adds_up(yhat("ingredient", "cabai"), 24.0 * product("ayam geprek"));
        let closed = product("nasi") == 0.0;
        for cell in day(step).filter(|cell| cell.target_kind != "product") {
            assert_eq!(cell.quantiles == [0.0; 9], closed, "{cell:?}");
        }
    }
    // Three products do not all sell little on one day: their sum is surer than they are.
    let width =
        |kind: &str| -> f64 { day(1).filter(|cell| cell.target_kind == kind).map(|cell| cell.quantiles[6] - cell.quantiles[2]).sum() };
    let units: f64 = day(1).filter(|cell| cell.target_item == "(all)").map(|cell| cell.quantiles[6] - cell.quantiles[2]).sum();
    assert!(units < 0.95 * width("product"), "{units} against {}", width("product"));
    shop.close().await;
}

#[tokio::test]
async fn the_same_night_again_changes_nothing() {
    let shop = Shop::open().await;
    let first = shop.night(NIGHT).await.expect("a night");
    let written = shop.written().await;
    let second = shop.night(NIGHT).await.expect("the same night");
    assert_eq!((second.unchanged, second.published, second.run_id, second.rows), (true, true, first.run_id, first.rows));
    assert_eq!(shop.written().await, written);
    shop.close().await;
}

#[tokio::test]
async fn an_older_night_is_stored_and_not_shown() {
    let shop = Shop::open().await;
    let today = shop.night(NIGHT).await.expect("a night");
    let older = shop.night("2026-06-09").await.expect("an older night");
    assert_eq!((older.published, older.unchanged), (false, false));
    let pointer = published_run(shop.db.work(), shop.store.id).await.expect("a query").expect("a pointer");
    assert_eq!((pointer.run_id, pointer.business_date), (today.run_id.0, date(NIGHT)));
    assert_eq!(forecasts_of_run(shop.db.work(), older.run_id.0).await.expect("forecasts").len(), 168);
    assert_eq!(shop.written().await.last(), Some(&("outbox", 1)), "only a move of the pointer is told");
    let again = shop.night("2026-06-09").await.expect("the older night again");
    assert_eq!((again.published, again.unchanged, again.run_id), (false, true, older.run_id));
    shop.close().await;
}

#[tokio::test]
async fn old_data_is_remarked_on() {
    let shop = Shop::open().await;
    // Sales end on Monday the 15th.
    let report = shop.night("2026-06-20").await.expect("a late night");
    assert_eq!(report.stale_days, Some(4));
    let run = get_run(shop.db.work(), report.run_id.0).await.expect("a query").expect("the run");
    assert_eq!(run.details["stale_days"], 4);
    shop.close().await;
}

/// The people of a store hear of its plan once a day; a better plan takes the place of the first.
#[tokio::test]
async fn the_people_of_a_store_are_told_once() {
    let shop = Shop::open().await;
    let told = async || -> Vec<(String, String)> {
        sqlx::query_as("select body, data ->> 'rung' from notifications").fetch_all(shop.db.work()).await.expect("notifications")
    };
    let job = domain::ids::JobId::new();
    nightly::keep_promise(&shop.nightly(), &shop.store, date(NIGHT), job).await.expect("a plan");
    let first = told().await;
    assert!(first.len() == 1 && first[0].0.starts_with("Masak ") && first[0].1 == "seasonal_naive", "{first:?}");
    shop.night(NIGHT).await.expect("a night");
    let second = told().await;
    assert!(second.len() == 1 && second[0].0 != first[0].0 && second[0].1 == "fresh", "{second:?}");
    shop.night(NIGHT).await.expect("the same night");
    assert_eq!(told().await, second);

    // One job, due at the deadline; whoever is mailed hears of the better plan, once.
    let jobs: Vec<(DateTime<Utc>, serde_json::Value)> =
        sqlx::query_as("select run_at, args from jobs where kind = 'mail_news'").fetch_all(shop.db.work()).await.expect("jobs");
    let [(run_at, args)] = jobs.as_slice() else { panic!("one job: {jobs:?}") };
    assert_eq!(run_at.to_rfc3339(), "2026-06-15T21:30:00+00:00");
    let mail = async || {
        let args = serde_json::from_value(args.clone()).expect("arguments");
        let context = JobContext::foreground(CancellationToken::new());
        let outcome = jobs::workers::mail_news(shop.nightly()).work(args, context).await;
        assert!(matches!(outcome, Outcome::Done), "{outcome:?}");
        shop.mails()
    };
    let mails = mail().await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("Subject: Rencana") && mails[0].contains("Masak "), "{}", mails[0]);
    assert_eq!(mail().await.len(), 1, "not twice");
    shop.close().await;
}
