//! A loopback server for the stand-in services.

use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

use crate::services::{Context, Services};

/// Why the stand-ins could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Stand-ins are for this machine only.
    #[error("stand-ins answer on the loopback only, not on {0}: use 127.0.0.1")]
    NotLoopback(SocketAddr),
    /// The port cannot be had.
    #[error("cannot listen on {address}: choose another port, or 0 for any free one")]
    Bind {
        /// The wanted address.
        address: SocketAddr,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// The server ended on its own.
    #[error("the stand-in server stopped")]
    Serve(#[source] std::io::Error),
}

/// A server that holds its port and does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
}

impl Server {
    /// Takes the address (port 0: any free one).
    ///
    /// # Errors
    /// An address off the loopback, or one that is taken.
    pub async fn bind(address: SocketAddr, services: &Services, context: &Context) -> Result<Self, ServerError> {
        if !address.ip().is_loopback() {
            return Err(ServerError::NotLoopback(address));
        }
        let listener = TcpListener::bind(address).await.map_err(|source| ServerError::Bind { address, source })?;
        let address = listener.local_addr().map_err(|source| ServerError::Bind { address, source })?;
        Ok(Server { listener, address, router: services.router(context) })
    }

    /// The address that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is ready, then finishes open requests.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), ServerError> {
        tracing::info!(address = %self.address, "stand-in services are listening");
        let service = self.router.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(self.listener, service).with_graceful_shutdown(shutdown).await.map_err(ServerError::Serve)
    }
}

/// Binds and answers until `shutdown` is ready.
///
/// # Errors
/// See [`ServerError`].
pub async fn serve(
    address: SocketAddr,
    services: &Services,
    context: &Context,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServerError> {
    Server::bind(address, services, context).await?.run(shutdown).await
}
