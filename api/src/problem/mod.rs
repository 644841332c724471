//! RFC 9457 problem documents: the only shape in which an error leaves this server.

mod conflict;
mod language;
mod operations;
mod payment;
mod render;
mod wording;

use serde::Serialize;
use utoipa::ToSchema;

use crate::error::FieldError;

pub(crate) use language::Language;
pub(crate) use render::{Asked, Refusal, example, pending};

/// What went wrong, for people and programs. `type` is stable and what programs should look at; `title`, `detail` and
/// `hint` are in the language that `Accept-Language` asks for, Indonesian or English, by default Indonesian.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Stable name of the kind of problem: a path on this server.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-found")]
    kind: &'static str,
    #[schema(example = "Tidak ditemukan")]
    title: &'static str,
    #[schema(example = 404)]
    status: u16,
    #[schema(example = "Toko `warung-lama` tidak ada.")]
    detail: String,
    /// Path of the request.
    #[schema(example = "/api/v1/stores/warung-lama")]
    instance: String,
    /// W3C trace id: quote it when asking for help; the server's log has it too.
    #[schema(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    trace_id: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
    /// What is wrong with which part of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
}
