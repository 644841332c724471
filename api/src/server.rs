//! The listening socket, and the orderly end of everything behind it. HTTP/1.1, and HTTP/2 with those who speak it: over TLS of our own, or in
//! the clear, as a proxy in front of us does.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::ServiceExt;
use axum::extract::Request;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsAcceptor;
use axum_server::{Handle, Server};
use futures::FutureExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::ApiError;
use crate::router;
use crate::state::AppState;
use crate::warm::keep_warm;

/// Requests of one HTTP/2 connection at the same time.
const STREAMS: u32 = 100;
/// Bytes of all headers of a request.
const HEAD_BYTES: u32 = 16 << 10;
/// An HTTP/2 connection that is silent is asked after so long whether anybody is there, and has as long to answer.
const ASK_AFTER: Duration = Duration::from_secs(30);
/// How often it is looked whether there is a new certificate.
const LOOK: Duration = Duration::from_secs(60);

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
    let (drain, head) = (state.limits.drain, state.limits.head);
    let tls = state.front.tls.clone();
    let certificate = match &tls {
        Some(tls) => Some(tls.open().await?),
        None => None,
    };
    let renewing = tls.zip(certificate.clone()).map(|(tls, certificate)| tokio::spawn(tls.renew(certificate, LOOK)));
    let scheme = if certificate.is_some() { "https" } else { "http" };
    let warming = tokio::spawn(keep_warm(state.clone(), shutdown.clone()));
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(router(state));
    let handle = Handle::new();
    let server = bounded(listener, head).handle(handle.clone());
    let server = match certificate {
        Some(certificate) => {
            let tls = RustlsAcceptor::new(certificate).handshake_timeout(head).acceptor(NoDelayAcceptor::new());
            server.acceptor(tls).serve(service).boxed()
        }
        None => server.acceptor(NoDelayAcceptor::new()).serve(service).boxed(),
    };
    tracing::info!(%address, "the API listens on {scheme}://{address}");
    let told = async {
        shutdown.cancelled().await;
        handle.graceful_shutdown(None);
        tokio::time::sleep(drain).await;
        tracing::warn!("requests were still running {drain:?} after the API was told to stop; they are cut off");
        handle.shutdown();
    };
    tokio::pin!(server);
    let ended = tokio::select! {
        ended = &mut server => ended,
        () = told => server.await,
    };
    warming.abort();
    if let Some(renewing) = renewing {
        renewing.abort();
    }
    ended.map_err(ApiError::Serve)?;
    tracing::info!("the API has stopped");
    Ok(())
}

/// What one connection may take.
fn bounded(listener: TcpListener, head: Duration) -> Server<SocketAddr> {
    let refused = |peer: Option<&SocketAddr>, error: &io::Error| {
        metrics::counter!("http_connections_refused_total").increment(1);
        tracing::debug!(?peer, %error, "a connection was not accepted");
    };
    let mut server = Server::from_listener(listener).first_request_timeout(head).accept_error_handler(refused);
    let builder = server.http_builder();
    builder.http1().header_read_timeout(head).max_buf_size(HEAD_BYTES as usize);
    builder
        .http2()
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES)
        .keep_alive_interval(ASK_AFTER)
        .keep_alive_timeout(ASK_AFTER);
    server
}
