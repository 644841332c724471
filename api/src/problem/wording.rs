//! What each error is called: its status, its stable type, and its words in both languages.

use axum::http::StatusCode;
use platform::queue::QueueError;

use super::language::Language;
use crate::error::{ApiError, FieldError, Resource};

/// Everything of a problem document that the error alone decides.
pub(super) struct Wording {
    pub status: StatusCode,
    pub kind: &'static str,
    pub title: &'static str,
    pub detail: String,
    pub hint: Option<&'static str>,
    pub errors: Vec<FieldError>,
}

impl Wording {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, title, detail: detail.into(), hint: None, errors: Vec::new() }
    }

    fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    pub fn of(error: &ApiError, language: Language) -> Self {
        let say = |indonesian, english| language.choose(indonesian, english);
        match error {
            ApiError::InvalidRequest { fields } => Self {
                errors: fields.clone(),
                ..Self::new(
                    StatusCode::BAD_REQUEST,
                    "/problems/invalid-request",
                    say("Permintaan tidak valid", "Invalid request"),
                    say(
                        "Ada bagian permintaan yang tidak dapat dibaca; lihat `errors`.",
                        "Parts of the request cannot be read; see `errors`.",
                    ),
                )
            }
            .hint(say("Parameter setiap rute dijelaskan di /docs/.", "The parameters of every route are described at /docs/.")),
            ApiError::NotFound { resource, name } => not_found(*resource, name, language),
            ApiError::NothingPublished { store } => Self::new(
                StatusCode::NOT_FOUND,
                "/problems/nothing-published",
                say("Belum ada prakiraan", "No forecast yet"),
                language.choose(
                    format!("Toko `{store}` belum punya prakiraan yang diterbitkan."),
                    format!("Store `{store}` has no published forecast yet."),
                ),
            )
            .hint(say("Jalankan `viralcast run nightly`.", "Run `viralcast run nightly`.")),
            ApiError::RouteNotFound => Self::new(
                StatusCode::NOT_FOUND,
                "/problems/route-not-found",
                say("Alamat tidak dikenal", "Unknown route"),
                say("Tidak ada rute di alamat ini.", "No route answers this path."),
            )
            .hint(say("Daftar rute ada di /docs/.", "The routes are listed at /docs/.")),
            ApiError::ForeignHost { .. } => Self::new(
                StatusCode::MISDIRECTED_REQUEST,
                "/problems/foreign-host",
                say("Nama host ditolak", "Host refused"),
                say("Server ini hanya menjawab untuk komputer ini sendiri.", "This server answers for this machine only."),
            )
            .hint(say("Gunakan http://localhost atau http://127.0.0.1.", "Use http://localhost or http://127.0.0.1.")),
            ApiError::Unsigned => Self::new(
                StatusCode::UNAUTHORIZED,
                "/problems/unsigned",
                say("Tanda tangan tidak sah", "Not signed"),
                say("Permintaan tidak ditandatangani dengan kunci toko ini.", "The request is not signed with a secret of this store."),
            )
            .hint(say(
                "Tandatangani menurut standardwebhooks.com; kunci: `viralcast store push-secret TOKO`.",
                "Sign it as standardwebhooks.com says; the secret: `viralcast store push-secret STORE`.",
            )),
            ApiError::WrongToken => Self::new(
                StatusCode::UNAUTHORIZED,
                "/problems/unsigned",
                say("Token tidak sah", "Wrong token"),
                say("Webhook ini tidak membawa token yang benar.", "This webhook does not carry the right token."),
            ),
            ApiError::BodyTooLarge { limit_bytes } => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "/problems/body-too-large",
                say("Isi permintaan terlalu besar", "Body too large"),
                language.choose(format!("Batasnya {limit_bytes} byte."), format!("The limit is {limit_bytes} bytes.")),
            ),
            ApiError::Refused(status) => refused(*status, language),
            ApiError::Timeout { .. } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "/problems/timeout",
                say("Terlalu lama", "Too slow"),
                say("Jawaban tidak siap pada waktunya.", "The answer was not ready in time."),
            )
            .hint(say("Coba lagi, atau minta rentang yang lebih pendek.", "Try again, or ask for a shorter range.")),
            ApiError::NotReady { dependencies } => Self {
                errors: dependencies.iter().map(|name| FieldError::new(*name, "is not reachable")).collect(),
                ..unavailable(language)
            },
            ApiError::Database(error) if error.is_unavailable() => unavailable(language),
            ApiError::Queue(QueueError::Database { .. }) => unavailable(language),
            ApiError::Database(_)
            | ApiError::Queue(_)
            | ApiError::Payment(_)
            | ApiError::Panicked { .. }
            | ApiError::NotLoopback { .. }
            | ApiError::Listen { .. }
            | ApiError::Serve(_) => internal(language),
        }
    }
}

fn not_found(resource: Resource, name: &str, language: Language) -> Wording {
    let (noun, hint) = match resource {
        Resource::Store => (
            language.choose("Toko", "Store"),
            language.choose("Daftar toko: GET /api/v1/stores.", "The stores are listed by GET /api/v1/stores."),
        ),
        Resource::Run => (
            language.choose("Proses", "Run"),
            language.choose("Daftar proses: GET /api/v1/runs.", "The runs are listed by GET /api/v1/runs."),
        ),
        Resource::Backfill => (
            language.choose("Pengisian ulang", "Backfill"),
            language.choose("Daftar pengisian ulang: GET /api/v1/backfills.", "The backfills are listed by GET /api/v1/backfills."),
        ),
        Resource::DeadLetter => (
            language.choose("Pekerjaan gagal", "Dead letter"),
            language.choose("Daftar pekerjaan gagal: GET /api/v1/dead-letters.", "Dead letters are listed by GET /api/v1/dead-letters."),
        ),
    };
    let detail = language.choose(format!("{noun} `{name}` tidak ada."), format!("{noun} `{name}` does not exist."));
    Wording::new(StatusCode::NOT_FOUND, "/problems/not-found", language.choose("Tidak ditemukan", "Not found"), detail).hint(hint)
}

fn unavailable(language: Language) -> Wording {
    Wording::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "/problems/unavailable",
        language.choose("Sedang tidak tersedia", "Unavailable"),
        language.choose("Sesuatu yang dibutuhkan server sedang tidak dapat dihubungi.", "Something the server needs cannot be reached."),
    )
    .hint(language.choose("Coba lagi sebentar lagi.", "Try again in a moment."))
}

/// Nothing of the cause: it may name tables, files or other people's data.
fn internal(language: Language) -> Wording {
    Wording::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "/problems/internal",
        language.choose("Kesalahan server", "Server error"),
        language.choose("Terjadi kesalahan di pihak kami.", "Something went wrong on our side."),
    )
    .hint(language.choose("Sebutkan `trace_id` bila meminta bantuan.", "Quote `trace_id` when asking for help."))
}

fn refused(status: StatusCode, language: Language) -> Wording {
    let (kind, indonesian, english) = match status {
        StatusCode::METHOD_NOT_ALLOWED => ("/problems/method-not-allowed", "Metode tidak didukung", "Method not allowed"),
        StatusCode::NOT_FOUND => ("/problems/not-found", "Tidak ditemukan", "Not found"),
        StatusCode::PAYLOAD_TOO_LARGE => ("/problems/body-too-large", "Isi permintaan terlalu besar", "Body too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("/problems/unsupported-media-type", "Jenis isi tidak didukung", "Unsupported media type"),
        status if status.is_server_error() => return Wording { status, ..internal(language) },
        _ => ("/problems/refused", "Permintaan ditolak", "Request refused"),
    };
    let reason = status.canonical_reason().unwrap_or("refused");
    Wording::new(status, kind, language.choose(indonesian, english), format!("HTTP {}: {reason}.", status.as_u16()))
}
