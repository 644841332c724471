//! What cannot be done with a payment, in words.

use axum::http::StatusCode;
use payments::PaymentError;
use payments::gateway::GatewayError;

use super::language::Language;
use super::wording::Wording;

/// `None` where it is our own fault, which is worded like any other.
pub(super) fn wording(error: &PaymentError, language: Language) -> Option<Wording> {
    let say = |indonesian: &'static str, english: &'static str| language.choose(indonesian, english);
    let refused = |indonesian: String, english: String| {
        let title = say("Pembayaran tidak dapat diproses", "Payment refused");
        Some(Wording::new(StatusCode::CONFLICT, "/problems/payment-refused", title, language.choose(indonesian, english)))
    };
    let plain = |indonesian: &str, english: &str| refused(indonesian.to_owned(), english.to_owned());
    match error {
        PaymentError::NotConfigured => Some(Wording::new(
            StatusCode::CONFLICT,
            "/problems/payments-not-configured",
            say("Pembayaran belum disiapkan", "Payments not configured"),
            say("Server ini belum terhubung dengan penyedia QRIS.", "This server is not connected with a QRIS provider."),
        )),
        PaymentError::NotFound { what, id } => Some(Wording::new(
            StatusCode::NOT_FOUND,
            "/problems/not-found",
            say("Tidak ditemukan", "Not found"),
            language.choose(format!("Tidak ada {what} `{id}`."), format!("There is no {what} `{id}`.")),
        )),
        PaymentError::OrderNotOpen { status } => refused(
            format!("Pesanan berstatus `{status}` dan tidak menerima pembayaran."),
            format!("The order is `{status}` and takes no payment."),
        ),
        PaymentError::NoTotal => {
            plain("Pesanan tidak punya jumlah: ada barang tanpa harga.", "The order has no total: a line of it has no price.")
        }
        PaymentError::OutOfRange { amount } => refused(
            format!("QRIS menerima Rp1 sampai Rp10.000.000, bukan {amount}."),
            format!("QRIS takes Rp1 to Rp10,000,000, not {amount}."),
        ),
        PaymentError::NotOpen { status } => {
            refused(format!("Pembayaran berstatus `{}`.", status.as_str()), format!("The payment is `{}`.", status.as_str()))
        }
        PaymentError::MayBePaid => {
            plain("Mungkin baru saja dibayar; sedang diperiksa.", "It may have been paid just now; that is being looked at.")
        }
        PaymentError::MoreThanPaid { asked, left } => refused(
            format!("Diminta {asked}, yang masih dapat dikembalikan {left}."),
            format!("{asked} was asked for, {left} can still be given back."),
        ),
        PaymentError::KeyReused { .. } => Some(Wording::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "/problems/idempotency-key-reused",
            say("Kunci dipakai ulang", "Key reused"),
            say("`Idempotency-Key` ini milik pengembalian lain.", "This `Idempotency-Key` belongs to another refund."),
        )),
        PaymentError::BeingAsked { .. } => Some(Wording::new(
            StatusCode::CONFLICT,
            "/problems/in-flight",
            say("Sedang dikerjakan", "In flight"),
            say("Kode QR sedang diminta dari penyedia.", "The provider is being asked for the code."),
        )),
        PaymentError::Gateway(GatewayError::Refused { code, .. }) => {
            refused(format!("Penyedia QRIS menolak: {code}."), format!("The QRIS provider refuses: {code}."))
        }
        PaymentError::Gateway(GatewayError::TryLater { .. } | GatewayError::MayHaveHappened { .. }) => Some(Wording::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "/problems/unavailable",
            say("Penyedia QRIS tidak menjawab", "The QRIS provider does not answer"),
            say("Coba lagi sebentar lagi; tidak ada yang ditagih dua kali.", "Try again in a moment; nobody is charged twice."),
        )),
        _ => None,
    }
}
