//! The words for what operators ask for and what its state does not allow.

use super::language::Language;

/// What is so, and what to do next.
pub(super) fn words(rule: &str, language: Language) -> (&'static str, &'static str) {
    let say = |indonesian, english| language.choose(indonesian, english);
    match rule {
        "backfill_is_running" => (
            say("Pengisian ulang ini sedang berjalan.", "This backfill is running."),
            say("Tunggu sampai siap, atau jeda atau batalkan.", "Wait until it is ready, or pause or cancel it."),
        ),
        "backfill_is_paused" => (
            say("Pengisian ulang ini sedang dijeda.", "This backfill is paused."),
            say("Lanjutkan, atau batalkan.", "Resume it, or cancel it."),
        ),
        "backfill_is_ready" => (
            say("Pengisian ulang ini sudah selesai dan lolos pemeriksaan.", "This backfill is made and its gates have passed."),
            say("Terbitkan, atau mulai yang lain.", "Publish it, or start another."),
        ),
        "backfill_is_refused" => (
            say("Pengisian ulang ini tidak lolos pemeriksaan.", "The gates of this backfill have not passed."),
            say(
                "`gates` menyebutkan yang mana; perbaiki, lalu mulai yang lain.",
                "`gates` says which; mend what they saw, then start another.",
            ),
        ),
        "backfill_is_published" => (
            say("Pengisian ulang ini sudah terbit.", "This backfill is published."),
            say("Terbitannya dapat ditarik kembali (rollback).", "It can be rolled back."),
        ),
        "backfill_is_rolled_back" => (
            say("Terbitan pengisian ulang ini sudah ditarik kembali.", "This backfill is rolled back."),
            say("Terbitkan lagi, atau mulai yang lain.", "Publish it again, or start another."),
        ),
        "backfill_has_no_shadow" => (
            say(
                "Hasilnya langsung ada begitu dibuat; tidak ada yang dapat ditarik kembali.",
                "What it makes is there at once: nothing can be taken back.",
            ),
            say("Perbaiki faktanya di sumbernya, lalu buat ulang.", "Correct the facts at their source, then make it again."),
        ),
        "dead_letter_is_alive" => (
            say(
                "Pekerjaan ini tidak lagi menyerah: sudah diulang, atau sudah selesai.",
                "This job has not given up any more: it was replayed, or has ended.",
            ),
            say("Lihat antrean: GET /api/v1/queue.", "Look at the queue: GET /api/v1/queue."),
        ),
        "dead_letter_has_successor" => (
            say("Pekerjaan lain dengan tugas yang sama sedang menunggu atau berjalan.", "Another job does the same already, or will."),
            say("Tunggu hasilnya.", "Wait for what comes of it."),
        ),
        _ => (say("Pengisian ulang ini dibatalkan.", "This backfill is cancelled."), say("Mulai yang lain.", "Start another one.")),
    }
}
