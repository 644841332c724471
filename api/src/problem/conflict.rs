//! The words for what is stored and does not allow what was asked.

use axum::http::StatusCode;

use super::language::Language;
use super::operations;
use super::wording::Wording;

pub(super) fn wording(rule: &'static str, language: Language) -> Wording {
    let say = |indonesian, english| language.choose(indonesian, english);
    let (detail, hint) = match rule {
        "store_keeps_an_admin" => (
            say("Toko harus punya paling sedikit satu admin.", "A store must have at least one admin."),
            say("Jadikan orang lain admin dahulu.", "Make someone else an admin first."),
        ),
        "store_needs_another_admin" => (
            say("Anda satu-satunya admin toko yang masih punya anggota lain.", "You are the only admin of a store that has other members."),
            say(
                "Jadikan anggota lain admin dahulu (PATCH /api/v1/stores/TOKO/members/ANGGOTA), atau keluarkan semuanya.",
                "Make another member an admin first (PATCH /api/v1/stores/STORE/members/MEMBER), or remove them all.",
            ),
        ),
        "member_cannot_be_added" => (
            say("Alamat ini tidak dapat ditambahkan sekarang.", "This address cannot be added now."),
            say("Coba sekali lagi; jika tetap gagal, hubungi operator.", "Try once more; if it stays so, ask an operator."),
        ),
        "second_factor_is_on" => (
            say("Faktor kedua sudah aktif.", "There is a second factor already."),
            say(
                "Untuk ponsel baru, hapus dahulu: POST /api/v1/users/me/second-factor/removal.",
                "For a new phone remove it first: POST /api/v1/users/me/second-factor/removal.",
            ),
        ),
        "second_factor_is_not_begun" => (
            say("Belum ada faktor kedua yang dimulai.", "No second factor was begun."),
            say("Mulai: POST /api/v1/users/me/second-factor.", "Begin with POST /api/v1/users/me/second-factor."),
        ),
        "second_factor_is_off" => (
            say("Faktor kedua tidak aktif.", "There is no second factor."),
            say("Tidak ada yang perlu dihapus.", "There is nothing to remove."),
        ),
        "store_slug_is_taken" => (
            say("Nama pendek toko itu sudah dipakai.", "That short name is taken by another store."),
            say("Pilih nama pendek lain.", "Choose another short name."),
        ),
        "product_is_not_forecast" => (
            say(
                "Tidak ada prakiraan untuk produk ini pada hari itu, jadi tidak ada angka yang dapat diganti.",
                "This product is not forecast for that day: there is no number to replace.",
            ),
            say("Produk diprakirakan setelah penjualannya tercatat.", "A product is forecast once its sales are known."),
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
        "category_name_is_taken_in_store" => (
            say("Toko sudah punya kategori bernama itu.", "The store has a category of that name."),
            say("Pilih nama lain, atau pakai kategori yang ada.", "Choose another name, or use the category that is there."),
        ),
        "category_has_no_cycle" => (
            say("Kategori tidak dapat berada di dalam dirinya sendiri.", "A category cannot lie inside itself."),
            say("Pilih induk yang tidak berada di dalam kategori ini.", "Choose a parent that does not lie inside this category."),
        ),
        "category_is_in_use" => (
            say("Masih ada produk, bahan, atau kategori di bawahnya.", "Products, ingredients or categories are still sorted under it."),
            say("Pindahkan isinya ke kategori lain dahulu.", "Move them to another category first."),
        ),
        "product_name_is_taken_in_store" => (
            say("Toko sudah punya produk bernama itu.", "The store has a product of that name."),
            say(
                "Pilih nama lain. Yang tidak dijual lagi ada di GET .../products?inactive=true; jual lagi dengan `is_active`.",
                "Choose another name. Those no longer sold are in GET .../products?inactive=true; sell one again with `is_active`.",
            ),
        ),
        "ingredient_name_is_taken_in_store" => (
            say("Toko sudah punya bahan bernama itu.", "The store has an ingredient of that name."),
            say("Pilih nama lain, atau pakai bahan yang ada.", "Choose another name, or use the ingredient that is there."),
        ),
        "ingredient_is_in_a_recipe" => (
            say("Ada resep yang memakai bahan ini.", "A recipe uses this ingredient."),
            say("Keluarkan bahan ini dari resepnya dahulu.", "Take it out of the recipe first."),
        ),
        "ingredient_has_a_history" => (
            say(
                "Bahan ini pernah dihitung atau dibuang; catatannya tetap ada.",
                "This ingredient was counted or thrown away, and that stays on record.",
            ),
            say("Biarkan; bahan tanpa resep tidak ikut direncanakan.", "Leave it: what no recipe uses is not planned."),
        ),
        "ingredient_unit_fits_its_recipes" => (
            say(
                "Resep mengukur bahan ini dengan satuan yang tidak cocok dengan satuan baru.",
                "Recipes measure this ingredient in a unit that does not fit the new one.",
            ),
            say(
                "Pakai satuan sejenis (g dan kg, ml dan l, pcs), atau ubah resepnya dahulu.",
                "Use a unit of the same kind (g and kg, ml and l, pcs), or change the recipes first.",
            ),
        ),
        "recipe_has_no_cycle" => (
            say("Dengan resep ini bahan itu dibuat dari dirinya sendiri.", "With this recipe the ingredient would be made from itself."),
            say(
                "Keluarkan bahan yang resepnya menuju kembali ke bahan ini.",
                "Take out the ingredient whose own recipe leads back to this one.",
            ),
        ),
        rule if rule.starts_with("backfill_") || rule.starts_with("dead_letter_") => operations::words(rule, language),
        _ => (
            say("Keadaan data tidak mengizinkannya.", "What is stored does not allow it."),
            say("Muat ulang, lalu coba lagi.", "Load it again, then try again."),
        ),
    };
    Wording::new(StatusCode::CONFLICT, "/problems/conflict", say("Bertentangan", "Conflict"), detail).hint(hint)
}
