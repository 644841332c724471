//! Answers that are longer than memory: made piece by piece, as fast as the client reads. Each piece is read in a transaction of its
//! own, so that a slow client holds no connection; the whole is not one moment of the database.

use std::future::Future;

use axum::body::{Body, Bytes};
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use futures::stream::try_unfold;

use crate::error::ApiError;

/// A body of the pieces that `next` makes, place by place, until there is none. An error in between breaks the answer off, so that a
/// client cannot take a part for the whole; it is logged here, since the status has gone out.
pub(crate) fn pieces<P, N, F>(first: P, next: N) -> Body
where
    P: Send + 'static,
    N: Fn(P) -> F + Send + 'static,
    F: Future<Output = Result<Option<(Bytes, P)>, ApiError>> + Send + 'static,
{
    Body::from_stream(try_unfold(first, move |place| {
        let piece = next(place);
        async move {
            piece.await.inspect_err(|error| {
                let chain = domain::chain(error);
                tracing::error!(error = chain, "an export broke off: {chain}");
            })
        }
    }))
}

/// What says that the answer is a file, and to be kept by whoever asked alone.
pub(crate) fn attachment(media_type: &'static str, file_name: &str) -> [(HeaderName, String); 3] {
    [
        (CONTENT_TYPE, media_type.to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{file_name}\"")),
        (CACHE_CONTROL, "no-store".to_owned()),
    ]
}
