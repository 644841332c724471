//! New knowledge makes a new run: of sales, and of the owner.

use chrono::Days;
use platform::db::overrides::{NewOverride, set_override};
use platform::db::plan_items::published_plan;
use platform::db::published_runs::published_run;
use platform::db::runs::get_run;

use crate::shop::{NIGHT, Shop, at, date};

#[tokio::test]
async fn a_correction_before_the_cutoff_makes_a_new_run() {
    let shop = Shop::open().await;
    let first = shop.night(NIGHT).await.expect("a night");
    let corrected: Vec<_> = (1..4).map(|back| shop.row("nasi", date(NIGHT) - Days::new(back * 7), 300.0)).collect();
    shop.tell_at(&corrected, at("2026-06-15T20:29:00Z")).await;
    let second = shop.night(NIGHT).await.expect("a corrected night");
    assert!(!second.unchanged && second.published && second.run_id != first.run_id);
    let pointer = published_run(shop.db.work(), shop.store.id).await.expect("a query").expect("a pointer");
    assert_eq!((pointer.run_id, pointer.previous_run_id), (second.run_id.0, Some(first.run_id.0)));
    shop.close().await;
}

#[tokio::test]
async fn the_owners_number_is_planned_and_taking_it_back_brings_the_first_run_back() {
    let shop = Shop::open().await;
    let first = shop.night(NIGHT).await.expect("a night");
    let new = NewOverride {
        product_id: shop.products["ayam geprek"],
        target_date: date(NIGHT),
        quantity: 400.0,
        reason: "arisan".to_owned(),
        user_id: None,
        run_id: Some(first.run_id.0),
        model_quantity: None,
    };
    set_override(&mut *shop.work().await, shop.store.id, shop.clock.shared().now(), &new).await.expect("an override");
    let second = shop.night(NIGHT).await.expect("a night with the owner's number");
    assert!(second.run_id != first.run_id);
    let plan = published_plan(shop.db.work(), shop.store.id, date(NIGHT)).await.expect("a plan");
    let geprek = plan.iter().find(|item| item.item == "ayam geprek").expect("on the list");
    assert_eq!((geprek.quantity, geprek.reason.as_deref()), (400.0, Some("the owner's number 400: arisan")));
    let forecasts = |run: &jobs::NightReport| {
        run.plans[0].prep.iter().map(|item| (item.product, item.expected)).collect::<std::collections::BTreeMap<_, _>>()
    };
    assert_eq!(forecasts(&first), forecasts(&second), "the forecast is the models' own");

    sqlx::query("update overrides set revoked_at = now()").execute(shop.db.work()).await.expect("taken back");
    let third = shop.night(NIGHT).await.expect("as before");
    assert_eq!((third.unchanged, third.published, third.run_id), (true, true, first.run_id));
    let pointer = published_run(shop.db.work(), shop.store.id).await.expect("a query").expect("a pointer");
    assert_eq!(pointer.run_id, first.run_id.0);
    let run = get_run(shop.db.work(), second.run_id.0).await.expect("a query").expect("a run");
    assert_eq!(run.state, "finished");
    shop.close().await;
}
