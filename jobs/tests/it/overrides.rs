//! Numbers that someone knew better: what they weigh in a plan.

use std::sync::Arc;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use domain::ids::JobId;
use jobs::nightly::{self, gates::GateBounds};
use platform::database::begin;
use platform::db::overrides::{NewOverride, override_outcomes, set_override, trusts};
use platform::db::plan_items::published_plan;
use platform::db::published_runs::published_run;
use platform::testing::eventually;
use uuid::Uuid;

use crate::shop::{NIGHT, Shop, at, date};

/// Someone who always says twice of what is sold, beside a model that is right; on so many open days before the night.
async fn boast(shop: &Shop, product: &str, user: Uuid, days: usize) -> Vec<NaiveDate> {
    let mut work = shop.work().await;
    let before = (1..60).map(|back| date(NIGHT) - Days::new(back)).filter(|day| day.weekday() != Weekday::Sun);
    let chosen: Vec<NaiveDate> = before.take(days).collect();
    for day in &chosen {
        let sold = shop.sales_on(*day).into_iter().find(|row| row.product_id == shop.products[product]).expect("a sale").quantity;
        set(&mut work, shop, product, *day, 2.0 * sold, user, Some(sold)).await;
    }
    chosen
}

async fn set(
    connection: &mut sqlx::PgConnection,
    shop: &Shop,
    product: &str,
    day: NaiveDate,
    quantity: f64,
    user: Uuid,
    model: Option<f64>,
) {
    let number = NewOverride {
        product_id: shop.products[product],
        target_date: day,
        quantity,
        reason: "firasat".to_owned(),
        user_id: Some(user),
        run_id: None,
        model_quantity: model,
    };
    set_override(connection, shop.store.id, at("2026-06-01T00:00:00Z"), &number).await.expect("a number");
}

#[tokio::test]
async fn whoever_was_wrong_before_counts_for_less() {
    let shop = Shop::open().await;
    shop.night(NIGHT).await.expect("a night");
    let made = async |product: &str| {
        let plan = published_plan(shop.db.work(), shop.store.id, date(NIGHT)).await.expect("a plan");
        plan.into_iter().find(|item| item.kind == "prep" && item.item == product).expect("a dish")
    };
    let ours = made("es teh").await.quantity;
    let user = shop.store.owner_id;
    boast(&shop, "nasi", user, 30).await;
    set(&mut *shop.work().await, &shop, "es teh", date(NIGHT), 1_000.0, user, Some(60.0)).await;
    shop.night(NIGHT).await.expect("the same night, with another number");
    let blended = made("es teh").await;
    // Thirty votes of nothing against ten of the benefit of the doubt. One of the thirty days had sold out: that is no vote.
    let trust = 10.0 / 39.0;
    assert_eq!(blended.quantity, (trust * 1_000.0 + (1.0 - trust) * ours).ceil());
    assert_eq!(blended.reason.as_deref(), Some("the owner's number 1000, which weighs 26 %: firasat"));
    shop.close().await;
}

#[tokio::test]
async fn overrides_are_held_against_what_was_sold_as_far_as_it_is_known() {
    let shop = Shop::open().await;
    let user = shop.store.owner_id;
    let days = boast(&shop, "nasi", user, 3).await;
    // The model had no number; nothing of it was sold that day; the day has no sale at all.
    let (known, sunday) = (date("2026-06-10"), date("2026-06-14"));
    let mut work = shop.work().await;
    set(&mut work, &shop, "es teh", known, 5.0, user, None).await;
    set(&mut work, &shop, "es jadul", known, 5.0, user, Some(0.0)).await;
    set(&mut work, &shop, "es teh", sunday, 5.0, user, Some(50.0)).await;
    drop(work);
    let first = date("2026-06-01");
    let outcomes =
        async |until| override_outcomes(shop.db.work(), shop.store.id, first, date("2026-06-15"), until).await.expect("outcomes");
    let rows = outcomes(at("2026-06-15T20:00:00Z")).await;
    let brief = |product: &str, day: NaiveDate| {
        let row = rows.iter().find(|row| row.product == product && row.target_date == day).expect("a row");
        (row.actual, row.is_sold_out, row.scored().is_some())
    };
    assert_eq!(days, [date("2026-06-15"), date("2026-06-13"), date("2026-06-12")]);
    let (_, sold_out, scored) = brief("nasi", date("2026-06-13"));
    assert!(sold_out && !scored, "it ran out: nobody knows what was wanted");
    let sold = shop.sales_on(date("2026-06-12")).into_iter().find(|row| row.product_id == shop.products["nasi"]).expect("a sale").quantity;
    assert_eq!(brief("nasi", date("2026-06-12")), (Some(sold), false, true));
    assert!(matches!(brief("es teh", known), (Some(_), false, false)), "no model's number to be held against");
    assert_eq!(brief("es jadul", known), (Some(0.0), false, true), "the shop sold other things");
    assert_eq!(brief("es teh", sunday), (None, false, false), "nobody knows of that day");

    // As of an earlier instant the last day is not known yet, and a correction counts once it is told.
    let earlier = outcomes(at("2026-06-15T18:00:00Z")).await;
    let last = |rows: &[platform::db::overrides::OverrideOutcome]| {
        rows.iter().find(|row| row.target_date == date("2026-06-15")).map(|row| row.actual).expect("a row")
    };
    assert_eq!(last(&earlier), None);
    shop.tell_at(&[shop.row("nasi", date("2026-06-15"), 999.0)], at("2026-06-16T09:00:00Z")).await;
    assert_ne!(last(&outcomes(at("2026-06-16T08:59:00Z")).await), Some(999.0));
    assert_eq!(last(&outcomes(at("2026-06-16T09:00:00Z")).await), Some(999.0));
    // Two of nasi, always wrong, and one of es jadul, where the model was right.
    assert_eq!(trusts(&rows)[&Some(user)], 10.0 / 13.0);
    shop.close().await;
}

/// Set after the night has read the numbers, and before its plan is on the screen.
#[tokio::test]
async fn a_number_that_is_set_while_a_night_runs_is_in_its_plan() {
    let shop = Shop::open().await;
    let mut pointer = begin(shop.db.work()).await.expect("a transaction");
    let lock = "select pg_advisory_xact_lock(hashtextextended('published_run:' || $1::uuid::text, 0))";
    sqlx::query(lock).bind(shop.store.id).execute(&mut *pointer).await.expect("locked");
    let meanwhile = async {
        let waiting = "select exists (select from pg_locks join pg_database on pg_database.oid = pg_locks.database
                                      where not granted and locktype = 'advisory' and datname = current_database())";
        eventually("the night waits to publish", async || {
            let waiting: bool = sqlx::query_scalar(waiting).fetch_one(shop.db.work()).await.expect("an answer");
            waiting.then_some(())
        })
        .await;
        set(&mut *shop.work().await, &shop, "nasi", date(NIGHT), 777.0, shop.store.owner_id, None).await;
        pointer.commit().await.expect("the pointer is free");
    };
    let (night, ()) = tokio::join!(shop.night(NIGHT), meanwhile);
    assert!(night.expect("a night").published);
    let plan = published_plan(shop.db.work(), shop.store.id, date(NIGHT)).await.expect("a plan");
    let rice = plan.into_iter().find(|item| item.kind == "prep" && item.item == "nasi").expect("a dish");
    assert_eq!((rice.quantity, rice.reason.as_deref()), (777.0, Some("the owner's number 777: firasat")));
    shop.close().await;
}

/// Whoever asks a second time gets no worse plan for it.
#[tokio::test]
async fn a_worse_forecast_is_not_published_for_being_asked_for_again() {
    let shop = Shop::open().await;
    let night = shop.night(NIGHT).await.expect("a night");
    let nightly = shop.nightly_within(GateBounds { calibration: 0.0, bias: 0.3, explosion: 0.0 });
    for unchanged in [false, true] {
        let report = nightly::run_anew(&nightly, &shop.store, JobId(Uuid::now_v7())).await.expect("a forecast");
        assert!(report.rung > night.rung, "{:?}", report.rung);
        assert_eq!((report.unchanged, report.published), (unchanged, false));
        let shown = published_run(shop.db.work(), shop.store.id).await.expect("a query").expect("a run");
        assert_eq!(shown.run_id, night.run_id.0);
    }
    shop.close().await;
}

/// A night that is made up for, or run once more, knows less than what somebody asked for since.
#[tokio::test]
async fn a_night_leaves_a_forecast_that_knew_more_on_the_screen() {
    let shop = Shop::open().await;
    let night = shop.night(NIGHT).await.expect("a night");
    shop.clock.set(at("2026-06-16T02:00:00Z"));
    shop.tell_at(&[shop.row("nasi", date("2026-06-15"), 320.0)], at("2026-06-16T01:55:00Z")).await;
    let anew = nightly::run_anew(&shop.nightly(), &shop.store, JobId(Uuid::now_v7())).await.expect("a forecast");
    assert!(anew.published && anew.run_id != night.run_id);

    let same = shop.night(NIGHT).await.expect("the same night");
    assert_eq!((same.run_id, same.unchanged, same.published), (night.run_id, true, false));
    let otherwise = shop.nightly_within(GateBounds { calibration: 0.4, bias: 0.4, ..GateBounds::default() });
    let other = nightly::run(&otherwise, &shop.store, date(NIGHT), Arc::new(|_| ())).await.expect("a night with other settings");
    assert_eq!((other.rung, other.unchanged, other.published), (anew.rung, false, false));
    let shown = published_run(shop.db.work(), shop.store.id).await.expect("a query").expect("a run");
    assert_eq!(shown.run_id, anew.run_id.0);
    shop.close().await;
}
