//! Buckets of S3 and its like.

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Location;
use secrecy::ExposeSecret;

use super::ObjectError;
use crate::config::S3Config;

/// The bucket and the prefix that `s3://BUCKET/PREFIX` names; `None` for any other text.
pub(super) fn named(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("s3://")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    Some((bucket, prefix.trim_matches('/')))
}

/// A key or prefix as it is written: nothing in it is encoded.
pub(super) fn location(path: &str) -> Result<Location, ObjectError> {
    let unusable = |source: object_store::path::Error| ObjectError::Store { action: "name", name: path.to_owned(), source: source.into() };
    Location::parse(path).map_err(unusable)
}

/// A client of a bucket. Nothing is asked yet.
///
/// Buckets are addressed by path, which every server of the kind understands.
pub(super) fn bucket(name: &str, access: &S3Config) -> Result<AmazonS3, ObjectError> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(name)
        .with_region(&access.region)
        // Removing many at once is an extension that not all gateways have right.
        .with_disable_bulk_delete(true);
    if let Some(endpoint) = &access.endpoint {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    if let (Some(key), Some(secret)) = (&access.access_key_id, &access.secret_access_key) {
        builder = builder.with_access_key_id(key).with_secret_access_key(secret.expose_secret());
    }
    builder.build().map_err(|source| ObjectError::Store { action: "open", name: format!("s3://{name}"), source })
}
