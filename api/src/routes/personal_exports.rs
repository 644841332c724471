//! What is held about the person who asks, in one document (UU 27/2022 on personal data, articles 7 and 13).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use platform::db::audit_log::{AuditFilter, AuditRow, list_audit};
use platform::db::notifications::{NotificationRow, list_notifications};
use platform::db::personal_data::{OwnOverrideRow, devices, kept_requests, links, memberships, own_overrides};
use platform::db::profiles::{ProfileRow, find_profile};
use platform::db::second_factors::second_factor;
use platform::db::tenant::{ServePool, Tenant, commit};
use platform::db::users::{UserRow, find_user};
use platform::objects::{ObjectError, Objects};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::avatars;
use crate::access::{Caller, check_export};
use crate::error::ApiError;
use crate::record::remember;
use crate::state::AppState;
use crate::stream::{attachment, pieces};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(export))
}

/// Rows of a piece.
const ROWS: i64 = 200;

/// Everything that is held about a person, but for passwords and tokens: of those nothing is kept that could be read. Orders do not
/// say who took them; what the person did with them is in `record`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "what the pieces make together, for the document")]
struct PersonalData {
    exported_at: DateTime<Utc>,
    account: Account,
    profile: PersonalProfile,
    /// Stores, with `store_id`, `store`, `store_name`, `role`, `since`.
    #[schema(value_type = Vec<Object>)]
    memberships: Vec<Value>,
    /// Where the person is or was signed in, until 30 days after it ended: `session_id`, `user_agents`, `ip_addresses`,
    /// `signed_in_at`, `seen_at`, `expires_at`, `revoked_at`, `revoked_because`.
    #[schema(value_type = Vec<Object>)]
    devices: Vec<Value>,
    /// `since` when it is on, `recovery_codes_left`; null where there is none.
    #[schema(value_type = Option<Object>, required = true)]
    second_factor: Option<Value>,
    /// Links that were mailed: `purpose`, `created_at`, `expires_at`, `used_at`.
    #[schema(value_type = Vec<Object>)]
    links: Vec<Value>,
    /// Requests whose answer is kept for a day: `request`, `created_at`, `expires_at`.
    #[schema(value_type = Vec<Object>)]
    kept_requests: Vec<Value>,
    /// What the person was told, newest first.
    #[schema(value_type = Vec<Object>)]
    notifications: Vec<Value>,
    /// Numbers that the person put in the place of forecasts, in stores where they are a member.
    #[schema(value_type = Vec<Object>)]
    overrides: Vec<Value>,
    /// What the person did, newest first: `action`, `subject`, `details`, `store_id`, `ip_address`, `created_at`.
    #[schema(value_type = Vec<Object>)]
    record: Vec<Value>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PersonalAccount)]
struct Account {
    id: Uuid,
    email: String,
    #[schema(required = true)]
    name: Option<String>,
    role: String,
    locale: String,
    #[schema(required = true)]
    email_verified_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<UserRow> for Account {
    fn from(row: UserRow) -> Self {
        let UserRow { id, email, name, role, locale, email_verified_at, created_at } = row;
        Self { id, email, name, role, locale, email_verified_at, created_at }
    }
}

#[derive(Serialize, ToSchema)]
struct PersonalProfile {
    #[schema(required = true)]
    phone: Option<String>,
    #[schema(required = true)]
    address: Option<String>,
    #[schema(required = true)]
    bio: Option<String>,
    #[schema(required = true)]
    picture: Option<PersonalPicture>,
}

#[derive(Serialize, ToSchema)]
struct PersonalPicture {
    #[schema(example = "image/png")]
    media_type: &'static str,
    #[schema(example = "iVBORw0KGgo=")]
    base64: String,
}

/// Everything that is held about the caller, as a JSON file.
///
/// It is read piece by piece, so it is not one moment of the database; an answer that breaks off is not whole. Exports are on record;
/// 60 an hour for a person.
#[utoipa::path(
    get,
    path = "/api/v1/users/me/export", operation_id = "export_me",
    tag = "users",
    responses((status = 200, description = "The file", body = PersonalData)),
    extensions(("x-permission" = json!("signed-in"))),
)]
async fn export(State(state): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    check_export(state.limiter.as_ref(), caller.user).await?;
    let mut transaction = caller.begin(&state).await?;
    remember(&mut transaction, &state, &caller, None, "own_data_exported", &caller.user.to_string(), json!({})).await?;
    commit(transaction).await?;
    let source = Source { db: state.db.clone(), objects: Arc::clone(&state.objects), tenant: caller.tenant(), user: caller.user };
    let first = Place::Head(state.clock.now());
    let headers = attachment("application/json", "viralcast-personal-data.json");
    Ok((headers, pieces(first, move |place| source.clone().piece(place))).into_response())
}

/// Where the document has come to; lists with the place of their last row.
enum Place {
    Head(DateTime<Utc>),
    News(Option<(DateTime<Utc>, Uuid)>),
    Overrides(Option<Uuid>),
    Record(Option<(DateTime<Utc>, Uuid)>),
    End,
}

#[derive(Clone)]
struct Source {
    db: ServePool,
    objects: Arc<dyn Objects>,
    tenant: Tenant,
    user: Uuid,
}

impl Source {
    async fn piece(self, place: Place) -> Result<Option<(Bytes, Place)>, ApiError> {
        let (text, next) = match place {
            Place::Head(now) => (self.head(now).await?, Place::News(None)),
            Place::News(before) => {
                let mut transaction = self.db.begin_read(self.tenant).await?;
                let rows = list_notifications(&mut *transaction, self.user, None, before, ROWS).await?;
                let next = last(&rows).map_or(Place::Overrides(None), |row| Place::News(Some((row.created_at, row.id))));
                (list("notifications", before.is_none(), rows.into_iter().map(news)), next)
            }
            Place::Overrides(after) => {
                let mut transaction = self.db.begin_read(self.tenant).await?;
                let rows = own_overrides(&mut *transaction, self.user, after, ROWS).await?;
                let next = last(&rows).map_or(Place::Record(None), |row: &OwnOverrideRow| Place::Overrides(Some(row.id)));
                (list("overrides", after.is_none(), rows.into_iter().map(|row| json!(row))), next)
            }
            Place::Record(before) => {
                let mut transaction = self.db.begin_read(self.tenant).await?;
                let filter = AuditFilter { user: Some(self.user), before, ..AuditFilter::default() };
                let rows = list_audit(&mut *transaction, filter, ROWS).await?;
                let next = last(&rows).map_or(Place::End, |row| Place::Record(Some((row.created_at, row.id))));
                let end = if matches!(next, Place::End) { "}" } else { "" };
                (list("record", before.is_none(), rows.into_iter().map(entry)) + end, next)
            }
            Place::End => return Ok(None),
        };
        Ok(Some((text.into(), next)))
    }

    /// What is short, without the end of the object.
    async fn head(&self, now: DateTime<Utc>) -> Result<String, ApiError> {
        let mut transaction = self.db.begin_read(self.tenant).await?;
        let account = find_user(&mut *transaction, self.user).await?.ok_or(ApiError::SignInRequired)?;
        let ProfileRow { phone, address, bio, avatar_url } = find_profile(&mut *transaction, self.user).await?;
        let memberships = memberships(&mut *transaction, self.user).await?;
        let devices = devices(&mut *transaction, self.user).await?;
        let second_factor = second_factor(&mut *transaction, self.user)
            .await?
            .map(|factor| json!({ "since": factor.confirmed_at, "recovery_codes_left": factor.recovery_codes_left }));
        let links = links(&mut *transaction, self.user).await?;
        let kept_requests = kept_requests(&mut *transaction, self.user).await?;
        drop(transaction);
        let profile = PersonalProfile { phone, address, bio, picture: self.picture(avatar_url).await? };
        let head = json!({
            "exported_at": now, "account": Account::from(account), "profile": profile, "memberships": memberships, "devices": devices,
            "second_factor": second_factor, "links": links, "kept_requests": kept_requests,
        });
        let mut text = head.to_string();
        text.pop();
        Ok(text)
    }

    async fn picture(&self, key: Option<String>) -> Result<Option<PersonalPicture>, ApiError> {
        let Some(key) = key else { return Ok(None) };
        match self.objects.get(&key.parse()?).await {
            Ok(bytes) => Ok(avatars::kind_of(&bytes).map(|media_type| PersonalPicture { media_type, base64: STANDARD.encode(&bytes) })),
            Err(ObjectError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// The last row of a full page: there may be another.
fn last<R>(rows: &[R]) -> Option<&R> {
    rows.last().filter(|_| rows.len() as i64 == ROWS)
}

/// A page of a list of the document, with what comes before its first and behind its last.
fn list(name: &str, is_first: bool, rows: impl ExactSizeIterator<Item = Value>) -> String {
    let is_last = (rows.len() as i64) < ROWS;
    let rows: Vec<String> = rows.map(|row| row.to_string()).collect();
    let before = match (is_first, rows.is_empty()) {
        (true, _) => format!(",\"{name}\":["),
        (false, true) => String::new(),
        (false, false) => ",".to_owned(),
    };
    before + &rows.join(",") + if is_last { "]" } else { "" }
}

fn news(row: NotificationRow) -> Value {
    json!({
        "id": row.id, "store_id": row.store_id, "kind": row.kind, "title": row.title, "body": row.body, "data": row.data,
        "read_at": row.read_at, "created_at": row.created_at,
    })
}

fn entry(row: AuditRow) -> Value {
    json!({
        "id": row.id, "store_id": row.store_id, "action": row.action, "subject": row.subject, "details": row.details,
        "ip_address": row.ip_address, "created_at": row.created_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_any_length_are_json() {
        for count in [0, 1, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS] {
            let all: Vec<i64> = (0..count).collect();
            let (mut text, mut rest, mut is_first) = ("{\"a\":1".to_owned(), all.as_slice(), true);
            loop {
                let (page, more) = rest.split_at(rest.len().min(usize::try_from(ROWS).expect("small")));
                text += &list("rows", is_first, page.iter().map(|number| json!(number)));
                if last(page).is_none() {
                    break;
                }
                (rest, is_first) = (more, false);
            }
            let whole: Value = serde_json::from_str(&(text + "}")).expect("JSON");
            assert_eq!(whole, json!({"a": 1, "rows": all}), "{count}");
        }
    }
}
