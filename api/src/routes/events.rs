//! Days of a store that are not like others: its own calendar beside the national one. A plan is never overwritten: what a night knew is
//! asked for later.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::calendar_events::{
    CalendarEventVersion, CalendarOf, StoreEvent, insert_calendar_events, list_store_events, lock_store_events,
};
use platform::db::tenant::commit;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{PgConnection, Postgres, Transaction};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, Reader};
use crate::basket::all_right;
use crate::error::{ApiError, FieldError, Resource};
use crate::extract::{Body, PathName, PathNames, Query, day, name, optional_day};
use crate::once::{IdempotencyKey, Once};
use crate::problem::Problem;
use crate::record::remember;
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(change, cancel))
}

#[derive(Serialize, ToSchema)]
struct Events {
    events: Vec<Event>,
}

#[derive(Serialize, ToSchema)]
struct Event {
    /// Stays when the event changes.
    id: Uuid,
    /// `closed`, `event`, `school`, `payday` or `holiday`.
    #[schema(example = "event")]
    kind: String,
    #[schema(example = "Pasar malam")]
    name: String,
    starts_on: NaiveDate,
    /// The last day.
    ends_on: NaiveDate,
    /// When it was last changed.
    changed_at: DateTime<Utc>,
}

impl From<StoreEvent> for Event {
    fn from(StoreEvent { id, version }: StoreEvent) -> Self {
        Self {
            id,
            kind: version.kind,
            name: version.name,
            starts_on: version.starts_on,
            ends_on: version.ends_on,
            changed_at: version.available_at,
        }
    }
}

/// Which days a plan is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PlanQuery {
    /// Only what lasts until this day or longer.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-23")]
    from: Option<NaiveDate>,
    /// Only what begins by this day.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-12-06")]
    to: Option<NaiveDate>,
}

impl PlanQuery {
    pub fn touches(&self, starts_on: NaiveDate, ends_on: NaiveDate) -> bool {
        self.from.is_none_or(|from| ends_on >= from) && self.to.is_none_or(|to| starts_on <= to)
    }
}

/// What is wrong with the days of a plan.
pub(super) fn check_span(starts_on: NaiveDate, ends_on: NaiveDate, now: DateTime<Utc>) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    if (starts_on - now.date_naive()).num_days().abs() > 800 {
        wrong.push(FieldError::unfit("starts_on", "must be within 800 days of today"));
    }
    if !(0..366).contains(&(ends_on - starts_on).num_days()) {
        wrong.push(FieldError::unfit("ends_on", "must not be before `starts_on`, and at most a year later"));
    }
    wrong
}

/// Events of a store's own calendar by their first day, without those that were cancelled.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/events", operation_id = "list_events",
    tag = "calendar",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), PlanQuery),
    responses(
        (status = 200, description = "Events", body = Events),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calendar:read"))),
)]
async fn list(
    caller: Caller,
    PathName(store): PathName,
    Query(query): Query<PlanQuery>,
    Reader(mut transaction): Reader,
) -> Result<Json<Events>, ApiError> {
    let store = caller.store_id_in(&mut transaction, &store, Permission::to(Action::Read, Kind::Calendar)).await?;
    let rows = list_store_events(&mut *transaction, store).await?;
    let planned = rows.into_iter().filter(|row| !row.version.is_cancelled && query.touches(row.version.starts_on, row.version.ends_on));
    Ok(Json(Events { events: planned.map(Event::from).collect() }))
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewEvent {
    kind: EventKind,
    #[serde(deserialize_with = "name")]
    #[schema(example = "Pasar malam", max_length = 100)]
    name: String,
    #[serde(deserialize_with = "day")]
    #[schema(value_type = NaiveDate, example = "2026-11-25")]
    starts_on: NaiveDate,
    /// The last day.
    #[serde(deserialize_with = "day")]
    #[schema(value_type = NaiveDate, example = "2026-11-27")]
    ends_on: NaiveDate,
}

/// What a store may set; feasts are in the national calendar.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum EventKind {
    /// Something nearby that brings people.
    Event,
    /// The store does not open.
    Closed,
    /// A school nearby has holidays.
    School,
    /// A large employer nearby pays.
    Payday,
    /// Of this region only.
    Holiday,
}

impl EventKind {
    fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Closed => "closed",
            Self::School => "school",
            Self::Payday => "payday",
            Self::Holiday => "holiday",
        }
    }
}

/// Plan an event.
#[utoipa::path(
    post,
    path = "/api/v1/stores/{store}/events", operation_id = "create_event",
    tag = "calendar",
    params(("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"), IdempotencyKey),
    request_body = NewEvent,
    responses(
        (status = 201, description = "The event", body = Event),
        (status = 404, description = "No such store", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is planned already: change it, or the same request is being answered", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another request", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calendar:create"))),
)]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    once: Once,
    PathName(store): PathName,
    Body(new): Body<NewEvent>,
) -> Result<Response, ApiError> {
    let (mut transaction, store_id) = locked(&state, &caller, &store, Action::Create).await?;
    if let Some(answer) = once.seen(&mut transaction, &state, &new).await? {
        return Ok(answer);
    }
    let now = state.clock.now();
    all_right(check_span(new.starts_on, new.ends_on, now))?;
    let version = CalendarEventVersion {
        kind: new.kind.name().to_owned(),
        name: new.name.clone(),
        starts_on: new.starts_on,
        ends_on: new.ends_on,
        likelihood: 1.0,
        is_cancelled: false,
        available_at: now,
    };
    let before = same(&mut transaction, store_id, &version).await?;
    if before.as_ref().is_some_and(|before| !before.version.is_cancelled) {
        return Err(ApiError::Conflict { rule: "event_is_planned" });
    }
    let event = store_version(&mut transaction, store_id, version, before).await?;
    remember(&mut transaction, &state, &caller, Some(store_id), "event_created", &event.id.to_string(), json!(event)).await?;
    let answer = once.answer(&mut transaction, &state, &new, StatusCode::CREATED, &event).await?;
    commit(transaction).await?;
    Ok(answer)
}

/// What can change of an event; another kind, name or first day is another event.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EventChange {
    /// The last day.
    #[serde(deserialize_with = "day")]
    #[schema(value_type = NaiveDate, example = "2026-11-28")]
    ends_on: NaiveDate,
}

/// Change an event.
#[utoipa::path(
    put,
    path = "/api/v1/stores/{store}/events/{event}", operation_id = "change_event",
    tag = "calendar",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("event" = Uuid, Path, description = "Id of the event"),
    ),
    request_body = EventChange,
    responses(
        (status = 200, description = "The event as it is now", body = Event),
        (status = 404, description = "No such store or event", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calendar:update"))),
)]
async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, event]): PathNames<2>,
    Body(EventChange { ends_on }): Body<EventChange>,
) -> Result<Json<Event>, ApiError> {
    let (mut transaction, store_id) = locked(&state, &caller, &store, Action::Update).await?;
    let before = planned(&mut transaction, store_id, &event).await?;
    let now = state.clock.now();
    all_right(check_span(before.version.starts_on, ends_on, now))?;
    let version = CalendarEventVersion { ends_on, available_at: now, ..before.version.clone() };
    let changed = store_version(&mut transaction, store_id, version, Some(before)).await?;
    remember(&mut transaction, &state, &caller, Some(store_id), "event_changed", &event, json!(changed)).await?;
    commit(transaction).await?;
    Ok(Json(changed))
}

/// Cancel an event.
#[utoipa::path(
    delete,
    path = "/api/v1/stores/{store}/events/{event}", operation_id = "cancel_event",
    tag = "calendar",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("event" = Uuid, Path, description = "Id of the event"),
    ),
    responses(
        (status = 204, description = "Cancelled"),
        (status = 404, description = "No such store or event", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("calendar:delete"))),
)]
async fn cancel(State(state): State<AppState>, caller: Caller, PathNames([store, event]): PathNames<2>) -> Result<StatusCode, ApiError> {
    let (mut transaction, store_id) = locked(&state, &caller, &store, Action::Delete).await?;
    let before = planned(&mut transaction, store_id, &event).await?;
    let version = CalendarEventVersion { is_cancelled: true, available_at: state.clock.now(), ..before.version.clone() };
    store_version(&mut transaction, store_id, version, Some(before)).await?;
    remember(&mut transaction, &state, &caller, Some(store_id), "event_cancelled", &event, json!({})).await?;
    commit(transaction).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A transaction in which nobody else changes the calendar of the store.
async fn locked(
    state: &AppState,
    caller: &Caller,
    store: &str,
    action: Action,
) -> Result<(Transaction<'static, Postgres>, Uuid), ApiError> {
    let mut transaction = caller.begin(state).await?;
    let store = caller.store(&mut transaction, store, Permission::to(action, Kind::Calendar)).await?;
    lock_store_events(&mut transaction, store.id).await?;
    Ok((transaction, store.id))
}

async fn planned(connection: &mut PgConnection, store_id: Uuid, event: &str) -> Result<StoreEvent, ApiError> {
    let id = Uuid::try_parse(event).ok();
    let rows = list_store_events(connection, store_id).await?;
    let found = rows.into_iter().find(|row| Some(row.id) == id && !row.version.is_cancelled);
    found.ok_or_else(|| ApiError::NotFound { resource: Resource::Event, name: event.to_owned() })
}

/// The event that this is a version of, if there is one.
async fn same(connection: &mut PgConnection, store_id: Uuid, version: &CalendarEventVersion) -> Result<Option<StoreEvent>, ApiError> {
    let key = |version: &CalendarEventVersion| (version.starts_on, version.kind.clone(), version.name.clone());
    Ok(list_store_events(connection, store_id).await?.into_iter().find(|row| key(&row.version) == key(version)))
}

/// Appends a version that says something new; what is known stays known.
async fn store_version(
    connection: &mut PgConnection,
    store_id: Uuid,
    mut version: CalendarEventVersion,
    before: Option<StoreEvent>,
) -> Result<Event, ApiError> {
    if let Some(before) = &before {
        if (CalendarEventVersion { available_at: before.version.available_at, ..version.clone() }) == before.version {
            return Ok(before.clone().into());
        }
        // Two changes at one instant still come one after the other.
        version.available_at = version.available_at.max(before.version.available_at + TimeDelta::microseconds(1));
    }
    let calendar = CalendarOf::Store(store_id);
    insert_calendar_events(&mut *connection, &calendar, "api", std::slice::from_ref(&version)).await?;
    let stored = same(connection, store_id, &version).await?;
    let missing = || ApiError::NotFound { resource: Resource::Event, name: version.name.clone() };
    stored.map(Event::from).ok_or_else(missing)
}
