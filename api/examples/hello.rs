//! The yardstick of `make bench-api`: axum with nothing around it, which answers with as many bytes as it is told.
//!
//! `hello PORT BYTES`

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

/// The same as the server's.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let (Some(Ok(port)), Some(Ok(bytes))) = (arguments.next(), arguments.next()) else { return Err("usage: hello PORT BYTES".into()) };
    let body = Bytes::from(vec![b'a'; bytes]);
    let routes = Router::new().route("/", get(async move || ([(CONTENT_TYPE, "application/json")], body)));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", u16::try_from(port)?)).await?;
    Ok(axum::serve(listener, routes).await?)
}
