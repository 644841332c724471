//! A night's arithmetic leaves the async threads free.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jobs::nightly::{self, Stage};

use crate::shop::{NIGHT, Shop, date};

/// On a runtime of one thread: were models fitted on it, no tick could fall between two of their stages.
#[tokio::test(flavor = "current_thread")]
async fn a_timer_keeps_ticking_while_models_are_fitted() {
    let shop = Shop::open().await;
    let ticks = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&ticks);
    let timer = tokio::spawn(async move {
        let mut interval = tokio::time::interval(Duration::from_millis(1));
        loop {
            interval.tick().await;
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    let seen = Arc::new(Mutex::new(Vec::new()));
    let stages = Arc::clone(&seen);
    let progress = move |stage: Stage| stages.lock().expect("no panic").push((stage, ticks.load(Ordering::SeqCst)));
    nightly::run(&shop.nightly(), &shop.store, date(NIGHT), Arc::new(progress)).await.expect("a night");
    timer.abort();
    let seen = seen.lock().expect("no panic").clone();
    let before = seen.iter().find(|(stage, _)| matches!(stage, Stage::Features { .. })).expect("features").1;
    let after = seen.iter().rfind(|(stage, _)| matches!(stage, Stage::Models { .. })).expect("models").1;
    assert!(after > before, "no tick from {before} to {after}: {seen:?}");
    shop.close().await;
}
