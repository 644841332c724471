//! The listening socket, and the orderly end of everything behind it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::ApiError;
use crate::router;
use crate::state::AppState;

/// Listens; port 0 lets the system choose.
///
/// # Errors
/// [`ApiError::Listen`] if the port is taken.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ApiError> {
    TcpListener::bind(address).await.map_err(|source| ApiError::Listen { address, source })
}

/// Serves until `shutdown` is cancelled, then stops accepting, lets the requests in flight finish for at most
/// [`crate::Limits::drain`], and returns. The pool stays open: it is the caller's.
///
/// # Errors
/// [`ApiError::Serve`] if it breaks.
pub async fn serve(listener: TcpListener, state: AppState, shutdown: CancellationToken) -> Result<(), ApiError> {
    let address = listener.local_addr().map_err(ApiError::Serve)?;
    let drain = state.limits.drain;
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(shutdown.clone().cancelled_owned());
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
