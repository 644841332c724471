//! Finds out who asks, before any route.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::http::{Extensions, HeaderMap, Method};
use platform::db::users::Standing;
use uuid::Uuid;

use super::client::ClientAddress;
use super::{Caller, csrf};
use crate::error::ApiError;
use crate::state::AppState;

/// Who asks. A token that is refused matters only to routes that want to know.
#[derive(Clone)]
pub(super) enum Identity {
    Anonymous,
    Known(Arc<Caller>),
    Refused(Arc<ApiError>),
}

/// Who asked: an answer carries it out to where requests are recorded.
#[derive(Clone)]
pub(crate) struct Asker {
    pub user: Uuid,
    pub session: Uuid,
    /// What they could do then: as long as it is the same, they can do the same.
    pub standing: Arc<Standing>,
}

impl Asker {
    fn of(caller: &Caller) -> Self {
        Self { user: caller.user, session: caller.session, standing: Arc::clone(&caller.standing) }
    }

    /// Who makes a request that changes nothing, if that is known here: nobody waits and nobody is asked.
    pub(crate) async fn at_hand(state: &AppState, headers: &HeaderMap) -> Option<Self> {
        let claims = state.auth.verified(token(state, headers)?.text())?;
        let standing = state.auth.standing_at_hand(&claims).await?;
        Some(Self { user: claims.sub, session: claims.sid, standing })
    }
}

/// Tells the request who makes it.
pub(crate) async fn identify(state: &AppState, request: &mut Request) -> Option<Asker> {
    let address = ClientAddress::of(request, &state.front.trusted_proxies);
    let identity = match token(state, request.headers()) {
        None => Identity::Anonymous,
        Some(token) => match caller(state, &token, address, request.method(), request.headers()).await {
            Ok(caller) => Identity::Known(Arc::new(caller)),
            Err(error) => Identity::Refused(Arc::new(error)),
        },
    };
    let asker = if let Identity::Known(caller) = &identity { Some(Asker::of(caller)) } else { None };
    request.extensions_mut().insert(address);
    request.extensions_mut().insert(identity);
    asker
}

/// Whose quota a request counts against: the user's, or the address' where nobody is signed in.
pub(crate) fn who(extensions: &Extensions) -> String {
    match (extensions.get::<Identity>(), extensions.get::<ClientAddress>()) {
        (Some(Identity::Known(caller)), _) => caller.user.to_string(),
        (_, Some(address)) => address.network(),
        _ => String::new(),
    }
}

enum Token<'a> {
    /// A program sent it on purpose.
    Bearer(&'a str),
    /// A browser sends it with whatever it is made to ask.
    Cookie(String),
}

impl Token<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Bearer(text) => text,
            Self::Cookie(text) => text,
        }
    }
}

/// The header wins: whoever sets it means it.
fn token<'a>(state: &AppState, headers: &'a HeaderMap) -> Option<Token<'a>> {
    match headers.get(AUTHORIZATION) {
        Some(value) => {
            let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| Token::Bearer(token.trim()))
        }
        None => state.front.cookies().access(headers).map(Token::Cookie),
    }
}

async fn caller(
    state: &AppState,
    token: &Token<'_>,
    address: ClientAddress,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Caller, ApiError> {
    let claims = state.auth.verify(token.text()).await?;
    if matches!(token, Token::Cookie(_)) && !csrf::is_safe(method) {
        csrf::check_origin(headers)?;
        csrf::check_token(headers, state.auth.secret(), claims.sid)?;
    }
    let standing = state.auth.standing(&claims).await?;
    let lack = state.auth.lacks(&standing);
    Ok(Caller { user: claims.sub, session: claims.sid, address: address.0, until: claims.ends(), standing, lack })
}
