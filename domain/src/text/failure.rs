//! What went wrong with what a person asked for, and what they can do.

use super::Language;
use crate::failure::Failure;

/// A sentence about what happened, and one about what to do next.
#[must_use]
pub fn failure_words(failure: &Failure, language: Language) -> (String, String) {
    let (indonesian, english) = both(failure);
    let (detail, hint) = if language == Language::Indonesian { indonesian } else { english };
    (detail, hint.to_owned())
}

type Words = (String, &'static str);

fn both(failure: &Failure) -> (Words, Words) {
    let plain = |detail: &str, hint| (detail.to_owned(), hint);
    match failure {
        Failure::NoSales { last_day } => (
            (format!("Tidak ada penjualan dalam 56 hari sampai {last_day}."), "Masukkan penjualan toko, lalu minta lagi."),
            (format!("No sales are known of the 56 days up to {last_day}."), "Load the store's sales, then ask again."),
        ),
        Failure::NothingPublished => (
            plain("Toko belum punya prakiraan yang diterbitkan.", "Minta prakiraan baru dahulu."),
            plain("The store has no published forecast yet.", "Ask for a fresh forecast first."),
        ),
        Failure::NoModels => (
            plain("Belum ada model yang disimpan untuk toko ini.", "Tunggu malam ini, atau minta prakiraan baru dahulu."),
            plain("No models of this store are kept yet.", "Wait for tonight, or ask for a fresh forecast first."),
        ),
        Failure::OutdatedModels => (
            plain("Model yang disimpan berasal dari versi program lain.", "Minta prakiraan baru dahulu."),
            plain("The kept models are of another version of the program.", "Ask for a fresh forecast first."),
        ),
        Failure::NothingBetter => (
            plain(
                "Prakiraan baru tidak lolos pemeriksaan; yang sudah terbit tetap berlaku.",
                "Periksa penjualan beberapa minggu terakhir: mungkin ada hari yang hilang.",
            ),
            plain(
                "No new forecast passed its checks; what was published stays.",
                "Look at the sales of the last weeks: a day may be missing.",
            ),
        ),
        Failure::NothingSupposed => (
            plain("Tidak ada yang diandaikan.", "Andaikan hujan, diskon, atau toko tutup."),
            plain("Nothing is supposed.", "Suppose rain, a discount, or that the store is closed."),
        ),
        Failure::OutOfReach { first, last } => (
            (format!("Yang dapat diprakirakan hanya {first} sampai {last}."), "Pilih hari di antaranya."),
            (format!("Only {first} to {last} can be forecast."), "Choose days in that range."),
        ),
        Failure::UnknownProduct { product, known } => {
            let known = known.join(", ");
            (
                (format!("Tidak ada prakiraan untuk produk bernama `{product}`. Yang ada: {known}."), "Tulis produknya seperti di daftar."),
                (format!("No product called `{product}` is forecast. There are: {known}."), "Write the product as it is listed."),
            )
        }
        Failure::OutOfRange { what, range } => (
            (format!("`{what}` di luar batas: {range}."), "Beri angka lain."),
            (format!("`{what}` is out of range: {range}."), "Give another number."),
        ),
        Failure::NeverHappened => (
            plain("Toko belum pernah mengalaminya: tidak ada yang tahu apa pengaruhnya.", "Andaikan hal lain."),
            plain("The store has no past of it: nobody knows what it would change.", "Suppose something else."),
        ),
        Failure::StoreClosed => (
            plain("Toko ini sudah tidak aktif.", "Aktifkan tokonya dahulu."),
            plain("This store is no longer active.", "Make it active first."),
        ),
        Failure::NoTimeZone => (
            plain("Zona waktu toko tidak dikenal.", "Isi zona waktu toko, misalnya Asia/Jakarta."),
            plain("The time zone of the store is not known.", "Set the store's time zone, such as Asia/Jakarta."),
        ),
        Failure::Stopped => (
            plain("Pekerjaan ini dihentikan oleh pengelola.", "Minta lagi nanti."),
            plain("Someone who runs the platform stopped it.", "Ask again later."),
        ),
        Failure::Internal => (
            plain("Terjadi kesalahan di pihak kami.", "Minta lagi; bila terulang, sebutkan nomor pekerjaan ini."),
            plain("Something went wrong on our side.", "Ask again; if it repeats, quote the id of this job."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_in_both_languages() {
        let failure = Failure::UnknownProduct { product: "pizza".to_owned(), known: vec!["nasi".to_owned(), "es teh".to_owned()] };
        let told = [Language::Indonesian, Language::English].map(|language| failure_words(&failure, language).0);
        assert_eq!(
            told,
            [
                "Tidak ada prakiraan untuk produk bernama `pizza`. Yang ada: nasi, es teh.",
                "No product called `pizza` is forecast. There are: nasi, es teh."
            ]
        );
    }
}
