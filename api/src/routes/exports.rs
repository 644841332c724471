//! Everything of a store, as files.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{Days, NaiveDate};
use domain::access::{Action, Permission, Resource as Kind};
use platform::db::export_kinds::{ExportKind, Paging};
use platform::db::exports::{export_by_id, export_days, export_of_days};
use platform::db::tenant::{ServePool, Tenant, commit};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{Caller, check_export};
use crate::error::{ApiError, FieldError, Resource};
use crate::extract::{PathNames, Query, optional_day};
use crate::problem::Problem;
use crate::record::remember;
use crate::routes::find_store;
use crate::state::AppState;
use crate::stream::{attachment, pieces};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(export))
}

/// Rows of a piece of what is read by ids.
const ROWS: i64 = 500;

/// What can be had as a file.
struct ExportedKind;

impl PartialSchema for ExportedKind {
    fn schema() -> RefOr<Schema> {
        let names = ExportKind::ALL.map(ExportKind::name);
        ObjectBuilder::new().schema_type(Type::String).description(Some("What can be had as a file.")).enum_values(Some(names)).into()
    }
}

impl ToSchema for ExportedKind {}

/// How rows are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// A JSON object a line.
    #[default]
    Ndjson,
    /// RFC 4180, with a line of names first.
    Csv,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// How rows are written.
    #[serde(default)]
    #[param(inline)]
    format: Format,
    /// First business day, of what happens on days: orders, sales, stock-counts, sold-out, waste, predictions, plan. The first there is if not said.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-01")]
    from: Option<NaiveDate>,
    /// Last business day; the last there is if not said.
    #[serde(default, deserialize_with = "optional_day")]
    #[param(nullable = false, example = "2026-11-30")]
    to: Option<NaiveDate>,
}

/// Everything of one kind that a store has, as a file.
///
/// Kinds: categories, products, ingredients, recipes, promos, events, overrides, payments, receipts, refunds, orders (with their
/// items), sales (daily totals, every version), stock-counts, sold-out, waste, predictions and plan (of the run that speaks for each
/// business day). In CSV a text that a spreadsheet would take for a formula begins with an apostrophe; NDJSON is exact. An answer that
/// breaks off is not whole. Exports are on record; 60 an hour for a person.
#[utoipa::path(
    get,
    path = "/api/v1/stores/{store}/export/{kind}", operation_id = "export_store",
    tag = "export",
    params(
        ("store" = String, Path, description = "Slug or id", example = "warung-bu-sri"),
        ("kind" = inline(ExportedKind), Path, description = "What is exported", example = "products"),
        ExportQuery,
    ),
    responses(
        (status = 200, description = "The file", content((String = "application/x-ndjson"), (String = "text/csv"))),
        (status = 404, description = "No such store or kind", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("export:read"))),
)]
async fn export(
    State(state): State<AppState>,
    caller: Caller,
    PathNames([store, kind]): PathNames<2>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let mut transaction = caller.begin(&state).await?;
    let store = caller.store(&mut transaction, &store, Permission::to(Action::Read, Kind::Export)).await?;
    let missing = || ApiError::NotFound { resource: Resource::Export, name: kind.clone() };
    let kind = ExportKind::ALL.into_iter().find(|known| known.name() == kind).ok_or_else(missing)?;
    if matches!((query.from, query.to), (Some(from), Some(to)) if to < from) {
        return Err(FieldError::unfit("to", "must not be before `from`").into());
    }
    if kind.paging() == Paging::ById && (query.from.is_some() || query.to.is_some()) {
        let field = if query.from.is_some() { "from" } else { "to" };
        return Err(FieldError::unfit(field, "is for what happens on days; leave it out").into());
    }
    check_export(state.limiter.as_ref(), caller.user).await?;
    let days = export_days(&mut *transaction, kind, store.id).await?;
    let details = json!({ "kind": kind.name(), "from": query.from, "to": query.to });
    remember(&mut transaction, &state, &caller, Some(store.id), "store_exported", &store.id.to_string(), details).await?;
    commit(transaction).await?;

    let first = match kind.paging() {
        Paging::ById => Place::Rows(None),
        Paging::ByDays(_) => days.map_or(Place::End, |(first, last)| Place::Days {
            next: query.from.map_or(first, |from| from.max(first)),
            last: query.to.map_or(last, |to| to.min(last)),
        }),
    };
    let source = Source { db: state.db.clone(), tenant: caller.tenant(), store: store.id, kind, format: query.format };
    let (media_type, ending) = match query.format {
        Format::Ndjson => ("application/x-ndjson", "ndjson"),
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
    };
    let headers = attachment(media_type, &format!("{}-{}.{ending}", store.slug, kind.name()));
    Ok((headers, pieces(Place::Head(Box::new(first)), move |place| source.clone().piece(place))).into_response())
}

/// Where an export has come to.
enum Place {
    Head(Box<Place>),
    /// Behind a row of this id.
    Rows(Option<Uuid>),
    Days {
        next: NaiveDate,
        last: NaiveDate,
    },
    End,
}

#[derive(Clone)]
struct Source {
    db: ServePool,
    tenant: Tenant,
    store: Uuid,
    kind: ExportKind,
    format: Format,
}

impl Source {
    async fn piece(self, place: Place) -> Result<Option<(Bytes, Place)>, ApiError> {
        let (rows, next) = match place {
            Place::Head(next) => return Ok(Some((self.head(), *next))),
            Place::End => return Ok(None),
            Place::Rows(after) => self.rows(after).await?,
            Place::Days { next, last } => self.days(next, last).await?,
        };
        let mut text = String::new();
        rows.iter().try_for_each(|row| self.write(&mut text, row))?;
        Ok(Some((text.into(), next)))
    }

    fn head(&self) -> Bytes {
        match self.format {
            Format::Ndjson => Bytes::new(),
            Format::Csv => Bytes::from(format!("{}\r\n", self.kind.columns().join(","))),
        }
    }

    /// Whoever has lost the store meanwhile sees none of it: that breaks the file off, so that nobody takes a part for the whole.
    async fn begin(&self) -> Result<Transaction<'static, Postgres>, ApiError> {
        let mut transaction = self.db.begin_read(self.tenant).await?;
        find_store(&mut transaction, &self.store.to_string()).await?;
        Ok(transaction)
    }

    async fn rows(&self, after: Option<Uuid>) -> Result<(Vec<String>, Place), ApiError> {
        let mut transaction = self.begin().await?;
        let rows = export_by_id(&mut *transaction, self.kind, self.store, after, ROWS).await?;
        let next = rows.last().map_or(Place::End, |row| Place::Rows(Some(row.id)));
        Ok((rows.into_iter().map(|row| row.row).collect(), next))
    }

    async fn days(&self, first: NaiveDate, end: NaiveDate) -> Result<(Vec<String>, Place), ApiError> {
        let Paging::ByDays(days) = self.kind.paging() else { return Ok((Vec::new(), Place::End)) };
        if first > end {
            return Ok((Vec::new(), Place::End));
        }
        let last = (first + Days::new(days - 1)).min(end);
        let mut transaction = self.begin().await?;
        let rows = export_of_days(&mut *transaction, self.kind, self.store, first, last).await?;
        Ok((rows, Place::Days { next: last + Days::new(1), last: end }))
    }

    fn write(&self, text: &mut String, row: &str) -> Result<(), ApiError> {
        match self.format {
            Format::Ndjson => {
                // A line break inside of a text is written as `\n`; others mean nothing.
                text.extend(row.chars().filter(|c| *c != '\n'));
                text.push('\n');
            }
            Format::Csv => {
                let row: Value = serde_json::from_str(row).map_err(|_| ApiError::Unwritable)?;
                let cells: Vec<String> = self.kind.columns().iter().map(|name| cell(&row[name])).collect();
                text.push_str(&cells.join(","));
                text.push_str("\r\n");
            }
        }
        Ok(())
    }
}

/// RFC 4180, section 2; a text that begins as a formula does is told to be a text.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be_and_are_never_formulas() {
        let cells = [
            (json!(null), ""),
            (json!("Ayam Geprek"), "Ayam Geprek"),
            (json!("Ayam, \"pedas\"\nsekali"), "\"Ayam, \"\"pedas\"\"\nsekali\""),
            (json!("=1+1"), "'=1+1"),
            (json!("+62812"), "'+62812"),
            (json!(-1.5), "-1.5"),
            (json!(true), "true"),
            (json!([{"a": 1}]), "\"[{\"\"a\"\":1}]\""),
        ];
        for (value, expected) in cells {
            assert_eq!(cell(&value), expected, "{value}");
        }
    }

    #[test]
    fn the_document_names_every_kind() {
        let schema = serde_json::to_value(ExportedKind::schema()).expect("JSON");
        let names: Vec<&str> = schema["enum"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
        assert_eq!(names, ExportKind::ALL.map(ExportKind::name));
    }
}
