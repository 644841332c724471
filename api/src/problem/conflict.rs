//! The words for what is stored and does not allow what was asked.

use axum::http::StatusCode;

use super::language::Language;
use super::wording::Wording;

pub(super) fn wording(rule: &'static str, language: Language) -> Wording {
    let say = |indonesian, english| language.choose(indonesian, english);
    let (detail, hint) = match rule {
        "store_keeps_an_admin" => (
            say("Toko harus punya paling sedikit satu admin.", "A store must have at least one admin."),
            say("Jadikan orang lain admin dahulu.", "Make someone else an admin first."),
        ),
        "store_slug_is_taken" => (
            say("Nama pendek toko itu sudah dipakai.", "That short name is taken by another store."),
            say("Pilih nama pendek lain.", "Choose another short name."),
        ),
        "promo_is_planned" => (
            say(
                "Promo dengan nama, produk, dan hari pertama itu sudah ada.",
                "A promo of that name, product and first day is planned already.",
            ),
            say("Ubah promo itu.", "Change that promo."),
        ),
        "event_is_planned" => (
            say(
                "Acara dengan jenis, nama, dan hari pertama itu sudah ada.",
                "An event of that kind, name and first day is planned already.",
            ),
            say("Ubah acara itu.", "Change that event."),
        ),
        "order_is_final" => (
            say("Pesanan ini sudah selesai atau batal.", "This order has already ended."),
            say("Muat ulang pesanan.", "Load the order again."),
        ),
        "order_is_paid" => (say("Pesanan ini sudah dibayar.", "This order is paid."), say("Kembalikan uangnya.", "Refund the payment.")),
        "order_is_being_paid" => (
            say("Pembayaran pesanan ini masih terbuka.", "A payment of this order is still open."),
            say("Batalkan pembayarannya dahulu, atau tunggu.", "Cancel the payment first, or wait for it."),
        ),
        _ => (
            say("Keadaan data tidak mengizinkannya.", "What is stored does not allow it."),
            say("Muat ulang, lalu coba lagi.", "Load it again, then try again."),
        ),
    };
    Wording::new(StatusCode::CONFLICT, "/problems/conflict", say("Bertentangan", "Conflict"), detail).hint(hint)
}
