mod bus;
mod cache;
mod config;
mod database;
mod db;
mod embedded;
mod health;
mod limits;
mod mail;
mod objects;
mod places;
mod queue;
mod s3_server;
mod smtp;
mod telemetry;
mod testing;

/// Asks `probe` again and again until it answers, at most 30 seconds.
pub async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(std::time::Instant::now() < deadline, "waited 30 s for: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
