use std::time::{Duration, Instant};

/// What is asked for is late only where something is broken.
const PATIENCE: Duration = Duration::from_secs(90);

/// Asks until there is an answer: for what happens elsewhere, in a time of its own.
///
/// # Panics
/// If there is none within a minute and a half.
pub async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
