//! What each error is called: its status, its stable type, and its words in both languages.

use axum::http::StatusCode;
use platform::auth::AuthError;
use platform::objects::ObjectError;
use platform::queue::QueueError;

use super::conflict;
use super::language::Language;
use super::payment;
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
    pub(super) fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, title, detail: detail.into(), hint: None, errors: Vec::new() }
    }

    pub(super) fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// Says which permission was missing, as the document of the API names it.
    fn needing(self, permission: &str, language: Language) -> Self {
        let needed = language.choose(format!("Yang diperlukan: `{permission}`."), format!("Needed: `{permission}`."));
        Self { detail: format!("{} {needed}", self.detail), ..self }
    }

    pub fn of(error: &ApiError, language: Language) -> Self {
        let say = |indonesian, english| language.choose(indonesian, english);
        match error {
            ApiError::InvalidRequest { fields } if fields.iter().all(|field| field.is_unfit) => Self {
                errors: fields.clone(),
                ..Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "/problems/unfit-request",
                    say("Permintaan tidak cocok", "Request does not fit"),
                    say("Ada bagian permintaan yang tidak cocok; lihat `errors`.", "Parts of the request do not fit; see `errors`."),
                )
            }
            .hint(say("Sesuaikan dengan data toko, lalu kirim lagi.", "Make them fit what the store has, and send it again.")),
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
                say("Server ini tidak bernama demikian.", "This server does not have that name."),
            )
            .hint(say(
                "Gunakan http://localhost, atau alamat di VIRALCAST_HTTP__PUBLIC_URL.",
                "Use http://localhost, or the address in VIRALCAST_HTTP__PUBLIC_URL.",
            )),
            ApiError::Shared(error) => Self::of(error, language),
            ApiError::Payment(error) => payment::wording(error, language).unwrap_or_else(|| internal(language)),
            ApiError::SignInRequired
            | ApiError::Forbidden { .. }
            | ApiError::ForeignOrigin
            | ApiError::CsrfTokenMissing
            | ApiError::WrongCredentials
            | ApiError::SecondFactorRequired
            | ApiError::WrongCode
            | ApiError::SecondFactorMissing
            | ApiError::AddressNotVerified
            | ApiError::InvalidOneTimeToken
            | ApiError::TooManyAttempts { .. }
            | ApiError::Auth(AuthError::InvalidToken | AuthError::ExpiredToken | AuthError::Busy) => sign_in(error, language),
            ApiError::Auth(AuthError::Database(error)) if error.is_unavailable() => unavailable(language),
            ApiError::Conflict { rule } => conflict::wording(rule, language),
            ApiError::InFlight => Self::new(
                StatusCode::CONFLICT,
                "/problems/in-flight",
                say("Sedang dikerjakan", "In flight"),
                say("Permintaan yang sama sedang dikerjakan.", "The same request is being answered."),
            )
            .hint(say("Coba lagi sebentar lagi dengan kunci yang sama.", "Try again in a moment with the same key.")),
            ApiError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "/problems/idempotency-key-reused",
                say("Kunci dipakai ulang", "Key reused"),
                say("`Idempotency-Key` ini milik permintaan lain.", "This `Idempotency-Key` belongs to another request."),
            )
            .hint(say("Buat kunci baru untuk setiap permintaan baru.", "Make a new key for every new request.")),
            ApiError::NotJson => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "/problems/unsupported-media-type",
                say("Jenis isi tidak didukung", "Unsupported media type"),
                say("Isi permintaan harus JSON.", "The body must be JSON."),
            )
            .hint(say("Kirim `Content-Type: application/json`.", "Send `Content-Type: application/json`.")),
            ApiError::NotAPicture => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "/problems/unsupported-media-type",
                say("Jenis isi tidak didukung", "Unsupported media type"),
                say("Isi permintaan bukan gambar PNG, JPEG, atau WebP.", "The body is no PNG, JPEG or WebP picture."),
            )
            .hint(say("Kirim isi berkas gambarnya saja.", "Send the bytes of the picture, and nothing else.")),
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
            ApiError::Busy
            | ApiError::Bus(_)
            | ApiError::Queue(QueueError::Database { .. })
            | ApiError::Objects(ObjectError::Store { .. }) => unavailable(language),
            ApiError::Database(_)
            | ApiError::Queue(_)
            | ApiError::Objects(_)
            | ApiError::Panicked { .. }
            | ApiError::Auth(_)
            | ApiError::Unwritable
            | ApiError::Listen { .. }
            | ApiError::Certificate { .. }
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
        Resource::Session => (
            language.choose("Sesi", "Session"),
            language.choose("Daftar sesi: GET /api/v1/auth/sessions.", "The sessions are listed by GET /api/v1/auth/sessions."),
        ),
        Resource::Member => (
            language.choose("Anggota", "Member"),
            language
                .choose("Daftar anggota: GET /api/v1/stores/TOKO/members.", "The members are listed by GET /api/v1/stores/STORE/members."),
        ),
        Resource::Job => (
            language.choose("Pekerjaan", "Job"),
            language.choose("Minta lagi; hasilnya mungkin sudah dilupakan.", "Ask again: what came of it may be forgotten by now."),
        ),
        Resource::Override => (
            language.choose("Angka pengganti untuk", "Override of"),
            language.choose("Daftarnya: GET /api/v1/stores/TOKO/overrides.", "They are listed by GET /api/v1/stores/STORE/overrides."),
        ),
        Resource::WhatIf => (
            language.choose("Pengandaian", "What-if"),
            language.choose("Tanyakan lagi: POST /api/v1/stores/TOKO/what-if.", "Ask again: POST /api/v1/stores/STORE/what-if."),
        ),
        Resource::Order => (
            language.choose("Pesanan", "Order"),
            language.choose("Daftar pesanan: GET /api/v1/stores/TOKO/orders.", "The orders are listed by GET /api/v1/stores/STORE/orders."),
        ),
        Resource::Waste => (
            language.choose("Catatan bahan terbuang", "Waste entry"),
            language.choose("Daftarnya: GET /api/v1/stores/TOKO/waste.", "They are listed by GET /api/v1/stores/STORE/waste."),
        ),
        Resource::Promo => (
            language.choose("Promo", "Promo"),
            language.choose("Daftar promo: GET /api/v1/stores/TOKO/promos.", "The promos are listed by GET /api/v1/stores/STORE/promos."),
        ),
        Resource::Event => (
            language.choose("Acara", "Event"),
            language.choose("Daftar acara: GET /api/v1/stores/TOKO/events.", "The events are listed by GET /api/v1/stores/STORE/events."),
        ),
        Resource::Payment => (
            language.choose("Pembayaran", "Payment"),
            language.choose(
                "Pembayaran sebuah pesanan: GET /api/v1/stores/TOKO/orders/PESANAN/payments.",
                "The payments of an order: GET /api/v1/stores/STORE/orders/ORDER/payments.",
            ),
        ),
        Resource::Category => (
            language.choose("Kategori", "Category"),
            language.choose(
                "Daftar kategori: GET /api/v1/stores/TOKO/categories.",
                "The categories are listed by GET /api/v1/stores/STORE/categories.",
            ),
        ),
        Resource::Product => (
            language.choose("Produk", "Product"),
            language.choose(
                "Daftar produk: GET /api/v1/stores/TOKO/products.",
                "The products are listed by GET /api/v1/stores/STORE/products.",
            ),
        ),
        Resource::Ingredient => (
            language.choose("Bahan", "Ingredient"),
            language.choose(
                "Daftar bahan: GET /api/v1/stores/TOKO/ingredients.",
                "The ingredients are listed by GET /api/v1/stores/STORE/ingredients.",
            ),
        ),
        Resource::Recipe => (
            language.choose("Resep", "Recipe"),
            language.choose("Tulis resepnya dengan PUT ke alamat ini.", "Write the recipe with PUT to this address."),
        ),
        Resource::Avatar => (
            language.choose("Gambar", "Picture"),
            language.choose("Kirim gambarnya dengan PUT ke alamat ini.", "Send the picture with PUT to this address."),
        ),
        Resource::Export => (
            language.choose("Ekspor", "Export"),
            language.choose("Jenis ekspor dijelaskan di /docs/.", "The kinds of exports are described at /docs/."),
        ),
        Resource::SecurityContact => (
            language.choose("Kontak keamanan", "Security contact"),
            language.choose("Pengelola menyetelnya: http.security_contact.", "Whoever runs this sets it: http.security_contact."),
        ),
        Resource::Notification => (
            language.choose("Kabar", "News"),
            language.choose("Daftar kabar: GET /api/v1/users/me/notifications.", "News is listed by GET /api/v1/users/me/notifications."),
        ),
        Resource::DeadLetter => (
            language.choose("Pekerjaan gagal", "Dead letter"),
            language.choose("Daftar pekerjaan gagal: GET /api/v1/dead-letters.", "Dead letters are listed by GET /api/v1/dead-letters."),
        ),
    };
    let detail = language.choose(format!("{noun} `{name}` tidak ada."), format!("{noun} `{name}` does not exist."));
    Wording::new(StatusCode::NOT_FOUND, "/problems/not-found", language.choose("Tidak ditemukan", "Not found"), detail).hint(hint)
}

/// What keeps someone out. Nothing here says whether an address has an account, or what is wrong with a token.
fn sign_in(error: &ApiError, language: Language) -> Wording {
    let say = |indonesian, english| language.choose(indonesian, english);
    let wording = |status, kind, title, detail| Wording::new(status, kind, title, detail);
    let again = say("Masuk: POST /api/v1/auth/login.", "Sign in: POST /api/v1/auth/login.");
    match error {
        ApiError::SignInRequired => wording(
            StatusCode::UNAUTHORIZED,
            "/problems/sign-in-required",
            say("Harus masuk dahulu", "Sign in first"),
            say("Rute ini hanya untuk yang sudah masuk.", "This route is for people who are signed in."),
        )
        .hint(again),
        ApiError::Auth(AuthError::ExpiredToken) => wording(
            StatusCode::UNAUTHORIZED,
            "/problems/token-expired",
            say("Token kedaluwarsa", "Token expired"),
            say("Masa berlaku token akses sudah habis.", "The access token has expired."),
        )
        .hint(say("Perbarui: POST /api/v1/auth/refresh.", "Refresh it: POST /api/v1/auth/refresh.")),
        ApiError::Auth(AuthError::Busy) => wording(
            StatusCode::SERVICE_UNAVAILABLE,
            "/problems/busy",
            say("Sedang sibuk", "Busy"),
            say("Terlalu banyak orang masuk bersamaan.", "Too many people are signing in at once."),
        )
        .hint(say("Coba lagi sebentar lagi.", "Try again in a moment.")),
        ApiError::Forbidden { needed } => wording(
            StatusCode::FORBIDDEN,
            "/problems/forbidden",
            say("Tidak diizinkan", "Not allowed"),
            say("Peran Anda tidak mengizinkannya.", "Your role does not allow it."),
        )
        .needing(needed, language),
        ApiError::ForeignOrigin => wording(
            StatusCode::FORBIDDEN,
            "/problems/foreign-origin",
            say("Permintaan dari situs lain", "Request from another site"),
            say("Peramban mengirim permintaan ini atas perintah situs lain.", "The browser says that another site made it ask."),
        ),
        ApiError::CsrfTokenMissing => wording(
            StatusCode::FORBIDDEN,
            "/problems/csrf-token-missing",
            say("Token CSRF tidak ada", "CSRF token missing"),
            say("Perubahan dengan cookie memerlukan token CSRF.", "A change that is asked for with a cookie needs a CSRF token."),
        )
        .hint(say(
            "Kirim isi cookie `viralcast_csrf` di header `X-CSRF-Token`.",
            "Send the value of the cookie `viralcast_csrf` in the header `X-CSRF-Token`.",
        )),
        ApiError::WrongCredentials => wording(
            StatusCode::UNAUTHORIZED,
            "/problems/wrong-credentials",
            say("Surel atau kata sandi salah", "Wrong address or password"),
            say("Surel dan kata sandi ini tidak cocok.", "This address and this password do not belong together."),
        )
        .hint(say("Lupa? POST /api/v1/auth/forgot-password.", "Forgotten? POST /api/v1/auth/forgot-password.")),
        ApiError::SecondFactorRequired => wording(
            StatusCode::UNAUTHORIZED,
            "/problems/second-factor-required",
            say("Kode diperlukan", "Code required"),
            say("Akun ini memakai faktor kedua.", "This account has a second factor."),
        )
        .hint(say(
            "Kirim lagi dengan `code`: enam angka dari aplikasi, atau satu kode pemulihan.",
            "Send it again with `code`: six digits of the app, or a recovery code.",
        )),
        ApiError::WrongCode => wording(
            StatusCode::UNAUTHORIZED,
            "/problems/wrong-code",
            say("Kode salah", "Wrong code"),
            say("Kode ini salah, sudah dipakai, atau sudah lewat waktunya.", "This code is wrong, has been used, or its time is over."),
        )
        .hint(say(
            "Tunggu kode berikutnya; jam ponsel harus tepat. Tanpa ponsel: kode pemulihan.",
            "Wait for the next one; the clock of the phone must be right. Without the phone: a recovery code.",
        )),
        ApiError::SecondFactorMissing => wording(
            StatusCode::FORBIDDEN,
            "/problems/second-factor-missing",
            say("Faktor kedua belum ada", "No second factor"),
            say("Di sini akun Anda memerlukan faktor kedua.", "Your account needs a second factor here."),
        )
        .hint(say("Mulai: POST /api/v1/users/me/second-factor.", "Begin with POST /api/v1/users/me/second-factor.")),
        ApiError::AddressNotVerified => wording(
            StatusCode::FORBIDDEN,
            "/problems/address-not-verified",
            say("Alamat surel belum terbukti", "Address not verified"),
            say("Alamat surel Anda belum terbukti milik Anda.", "You have not shown yet that your address is yours."),
        )
        .hint(say(
            "Buka tautan di surel kami; surel baru: POST /api/v1/auth/forgot-password.",
            "Open the link in our mail; for a new one: POST /api/v1/auth/forgot-password.",
        )),
        ApiError::InvalidOneTimeToken => wording(
            StatusCode::BAD_REQUEST,
            "/problems/invalid-one-time-token",
            say("Tautan tidak berlaku", "Link not valid"),
            say("Tautan ini sudah dipakai, kedaluwarsa, atau salah.", "This link has been used, has expired, or is wrong."),
        )
        .hint(say("Minta tautan baru.", "Ask for a new one.")),
        ApiError::TooManyAttempts { .. } => wording(
            StatusCode::TOO_MANY_REQUESTS,
            "/problems/too-many-requests",
            say("Terlalu sering", "Too many requests"),
            say("Tunggu dahulu; lihat `Retry-After`.", "Wait first; see `Retry-After`."),
        ),
        _ => wording(
            StatusCode::UNAUTHORIZED,
            "/problems/invalid-token",
            say("Token tidak berlaku", "Token not valid"),
            say("Token ini tidak berlaku.", "This token is not valid."),
        )
        .hint(again),
    }
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
