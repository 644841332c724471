//! A real S3 server over a folder, in this process, on loopback. Also part of `ingest`'s tests.

use std::path::Path;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use platform::config::S3Config;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

/// Serves the subfolders of `root` as buckets until the test's runtime ends, and answers how they are reached.
pub async fn serve(root: &Path) -> S3Config {
    let mut service = S3ServiceBuilder::new(FileSystem::new(root).expect("a folder"));
    service.set_auth(SimpleAuth::from_single("warung", "rahasia"));
    let service = service.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move { Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await.ok() });
        }
    });
    S3Config {
        endpoint: Some(endpoint),
        access_key_id: Some("warung".to_owned()),
        secret_access_key: Some("rahasia".into()),
        ..S3Config::default()
    }
}
