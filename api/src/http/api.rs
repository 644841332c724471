use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use axum::http::Request;
use axum::response::Response;
use axum::{BoxError, Router};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tower::Service;

use super::at_hand;
use crate::state::AppState;

/// The whole API as a service. Clones are the same one.
#[derive(Clone)]
pub struct Api {
    state: AppState,
    routes: Router,
}

impl Api {
    pub(crate) fn new(state: AppState, routes: Router) -> Self {
        Self { state, routes }
    }
}

impl<B> Service<Request<B>> for Api
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Self { state, mut routes } = self.clone();
        async move {
            // A question that brings something along is none that is answered the short way.
            let is_plain = request.body().is_end_stream();
            let (head, body) = request.into_parts();
            let at_hand = if is_plain { at_hand::answer(&state, &head).await } else { None };
            match at_hand {
                Some(response) => Ok(response),
                None => routes.call(Request::from_parts(head, body)).await,
            }
        }
        .boxed()
    }
}
