//! Whether an article speaks well or ill, by a small Indonesian lexicon. Crude on purpose: it is a signal among others.

const GOOD: [&str; 36] = [
    "viral",
    "laris",
    "favorit",
    "lezat",
    "enak",
    "nikmat",
    "murah",
    "diskon",
    "promo",
    "untung",
    "ramai",
    "diserbu",
    "diburu",
    "rekomendasi",
    "terbaik",
    "sukses",
    "populer",
    "hits",
    "kekinian",
    "lancar",
    "stabil",
    "melimpah",
    "panen",
    "segar",
    "sehat",
    "gratis",
    "juara",
    "penghargaan",
    "digemari",
    "diminati",
    "meningkat",
    "bertambah",
    "khas",
    "legendaris",
    "antusias",
    "senang",
];
const BAD: [&str; 36] = [
    "keracunan",
    "mahal",
    "langka",
    "rugi",
    "merugi",
    "sepi",
    "basi",
    "kedaluwarsa",
    "kadaluarsa",
    "ditutup",
    "tutup",
    "larangan",
    "dilarang",
    "protes",
    "keluhan",
    "mengeluh",
    "wabah",
    "palsu",
    "berbahaya",
    "bahaya",
    "gagal",
    "anjlok",
    "boikot",
    "penipuan",
    "kotor",
    "sakit",
    "meninggal",
    "banjir",
    "kebakaran",
    "inflasi",
    "melonjak",
    "meroket",
    "kekurangan",
    "bangkrut",
    "menurun",
    "lesu",
];
/// They turn the next word around.
const NOT: [&str; 5] = ["tidak", "bukan", "tak", "belum", "tanpa"];

/// From -1 to 1; 0 for a text that says neither.
#[must_use]
pub fn sentiment(text: &str) -> f32 {
    let text = text.to_lowercase();
    let (mut good, mut bad, mut turned) = (0.0_f32, 0.0_f32, false);
    for word in text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
        match (GOOD.contains(&word), BAD.contains(&word), turned) {
            (true, _, false) | (_, true, true) => good += 1.0,
            (_, true, false) | (true, _, true) => bad += 1.0,
            _ => {}
        }
        turned = NOT.contains(&word);
    }
    if good + bad == 0.0 { 0.0 } else { (good - bad) / (good + bad) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_speak_well_or_ill() {
        assert_eq!(sentiment("Ayam geprek viral, laris manis diserbu pembeli"), 1.0);
        assert_eq!(sentiment("Puluhan siswa KERACUNAN nasi kotak"), -1.0);
        assert_eq!(sentiment("Harga cabai tidak mahal"), 1.0);
        assert_eq!(sentiment("Enak tapi mahal"), 0.0);
        assert_eq!(sentiment("Jadwal kereta"), 0.0);
    }
}
