//! The API against a real PostgreSQL, in-process except where the socket itself is the subject.

mod accounts;
mod accuracy;
mod app;
mod asked;
mod audit_log;
mod calendar;
mod catalogue;
mod contract;
mod document;
mod drain;
mod erasures;
mod errors;
mod exports;
mod front;
mod kept;
mod live;
mod manners;
mod market_prices;
mod members;
mod notifications;
mod operators;
mod orders;
mod overrides;
mod pages;
mod payments;
mod permissions;
mod plan;
mod predictions;
mod profiles;
mod runs;
mod sessions;
mod stock;
mod stores;
mod tenancy;
mod webhooks;
mod world;
mod xendit_webhooks;

/// Asks again until the probe has an answer.
async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(std::time::Instant::now() < deadline, "waited 30 s for: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
