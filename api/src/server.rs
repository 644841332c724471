//! The listening socket, and the orderly end of everything behind it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::ApiError;
use crate::router;
use crate::state::AppState;

/// Listens on a loopback address; port 0 lets the system choose.
///
/// # Errors
/// [`ApiError::NotLoopback`] for an address that other machines can reach, [`ApiError::Listen`] if the port is taken.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ApiError> {
    require_loopback(address)?;
    TcpListener::bind(address).await.map_err(|source| ApiError::Listen { address, source })
}

/// Serves until `shutdown` is cancelled, then stops accepting, lets the requests in flight finish for at most
/// [`crate::Limits::drain`], and returns. The pool stays open: it is the caller's.
///
/// # Errors
/// [`ApiError::NotLoopback`] for a listener that other machines can reach, [`ApiError::Serve`] if it breaks.
pub async fn serve(listener: TcpListener, state: AppState, shutdown: CancellationToken) -> Result<(), ApiError> {
    let address = listener.local_addr().map_err(ApiError::Serve)?;
    require_loopback(address)?;
    let drain = state.limits.drain;
    let server = axum::serve(listener, router(state)).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    tracing::info!(%address, "the API listens on http://{address}");
    tokio::select! {
        ended = server.into_future() => ended.map_err(ApiError::Serve)?,
        () = overdue(&shutdown, drain) => tracing::warn!("requests were still running {drain:?} after the API was told to stop; they are cut off"),
    }
    tracing::info!("the API has stopped");
    Ok(())
}

async fn overdue(shutdown: &CancellationToken, drain: Duration) {
    shutdown.cancelled().await;
    tokio::time::sleep(drain).await;
}

fn require_loopback(address: SocketAddr) -> Result<(), ApiError> {
    if address.ip().to_canonical().is_loopback() { Ok(()) } else { Err(ApiError::NotLoopback { address }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_accepted() {
        let accepted = |text: &str| require_loopback(text.parse().expect("an address")).is_ok();
        assert!(accepted("127.0.0.1:4000") && accepted("127.8.8.8:0") && accepted("[::1]:4000") && accepted("[::ffff:127.0.0.1]:1"));
        assert!(!accepted("0.0.0.0:4000") && !accepted("[::]:4000") && !accepted("192.168.1.5:4000") && !accepted("[::ffff:10.0.0.1]:1"));
    }
}
