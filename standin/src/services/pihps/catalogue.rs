//! What PIHPS lists: ten categories, 21 commodities, 34 provinces in its own numbering.

/// A group of commodities; its id is `cat_` and its position from 1.
pub(super) struct Category {
    pub(super) name: &'static str,
    pub(super) commodities: &'static [Commodity],
}

/// One commodity.
pub(super) struct Commodity {
    /// Number of `com_`.
    pub(super) number: u8,
    pub(super) name: &'static str,
    /// The world's ingredient whose price it follows.
    pub(super) ingredient: &'static str,
    /// Price against that ingredient's; 1 is the ingredient itself.
    pub(super) level: f64,
}

/// One province with a survey. Which two cities of it are surveyed is our choice.
pub(super) struct Province {
    pub(super) id: u8,
    /// First part of its adm4 codes.
    pub(super) adm1: &'static str,
    pub(super) name: &'static str,
    pub(super) cities: [&'static str; 2],
}

const fn commodity(number: u8, name: &'static str, ingredient: &'static str, level: f64) -> Commodity {
    Commodity { number, name, ingredient, level }
}

pub(super) const CATEGORIES: [Category; 10] = [
    Category {
        name: "Beras",
        commodities: &[
            commodity(1, "Beras Kualitas Bawah I", "beras", 0.93),
            commodity(2, "Beras Kualitas Bawah II", "beras", 0.90),
            commodity(3, "Beras Kualitas Medium I", "beras", 1.0),
            commodity(4, "Beras Kualitas Medium II", "beras", 0.98),
            commodity(5, "Beras Kualitas Super I", "beras", 1.11),
            commodity(6, "Beras Kualitas Super II", "beras", 1.07),
        ],
    },
    Category { name: "Daging Ayam", commodities: &[commodity(7, "Daging Ayam Ras Segar", "ayam", 1.0)] },
    Category {
        name: "Daging Sapi",
        commodities: &[
            commodity(8, "Daging Sapi Kualitas 1", "daging-sapi", 1.0),
            commodity(9, "Daging Sapi Kualitas 2", "daging-sapi", 0.93),
        ],
    },
    Category { name: "Telur Ayam", commodities: &[commodity(10, "Telur Ayam Ras Segar", "telur", 1.0)] },
    Category { name: "Bawang Merah", commodities: &[commodity(11, "Bawang Merah Ukuran Sedang", "bawang-merah", 1.0)] },
    Category { name: "Bawang Putih", commodities: &[commodity(12, "Bawang Putih Ukuran Sedang", "bawang-putih", 1.0)] },
    Category {
        name: "Cabai Merah",
        commodities: &[
            commodity(13, "Cabai Merah Besar", "cabai-merah", 0.94),
            commodity(14, "Cabai Merah Keriting ", "cabai-merah", 1.0), // the blank at the end is theirs
        ],
    },
    Category {
        name: "Cabai Rawit",
        commodities: &[commodity(15, "Cabai Rawit Hijau", "cabai-rawit", 0.78), commodity(16, "Cabai Rawit Merah", "cabai-rawit", 1.0)],
    },
    Category {
        name: "Minyak Goreng",
        commodities: &[
            commodity(17, "Minyak Goreng Curah", "minyak-curah", 1.0),
            commodity(18, "Minyak Goreng Kemasan Bermerk 1", "minyak-curah", 1.17),
            commodity(19, "Minyak Goreng Kemasan Bermerk 2", "minyak-curah", 1.12),
        ],
    },
    Category {
        name: "Gula Pasir",
        commodities: &[
            commodity(20, "Gula Pasir Kualitas Premium", "gula-pasir", 1.09),
            commodity(21, "Gula Pasir Lokal", "gula-pasir", 1.0),
        ],
    },
];

const fn province(id: u8, adm1: &'static str, name: &'static str, cities: [&'static str; 2]) -> Province {
    Province { id, adm1, name, cities }
}

/// Written from facts; the four provinces split off Papua are not surveyed and have no number.
pub(super) const PROVINCES: [Province; 34] = [
    province(1, "11", "Aceh", ["Kota Banda Aceh", "Kota Lhokseumawe"]),
    province(2, "12", "Sumatera Utara", ["Kota Medan", "Kota Pematang Siantar"]),
    province(3, "13", "Sumatera Barat", ["Kota Padang", "Kota Bukittinggi"]),
    province(4, "14", "Riau", ["Kota Pekanbaru", "Kota Dumai"]),
    province(5, "21", "Kepulauan Riau", ["Kota Batam", "Kota Tanjung Pinang"]),
    province(6, "15", "Jambi", ["Kota Jambi", "Kab. Bungo"]),
    province(7, "17", "Bengkulu", ["Kota Bengkulu", "Kab. Rejang Lebong"]),
    province(8, "16", "Sumatera Selatan", ["Kota Palembang", "Kota Lubuk Linggau"]),
    province(9, "19", "Kepulauan Bangka Belitung", ["Kota Pangkal Pinang", "Kab. Belitung"]),
    province(10, "18", "Lampung", ["Kota Bandar Lampung", "Kota Metro"]),
    province(11, "36", "Banten", ["Kota Serang", "Kota Tangerang"]),
    province(12, "32", "Jawa Barat", ["Kota Bandung", "Kab. Bandung"]), // two of one name but for the prefix
    province(13, "31", "DKI Jakarta", ["Kota Jakarta Pusat", "Kota Jakarta Timur"]),
    province(14, "33", "Jawa Tengah", ["Kota Semarang", "Kota Surakarta"]),
    province(15, "34", "DI Yogyakarta", ["Kota Yogyakarta", "Kab. Sleman"]),
    province(16, "35", "Jawa Timur", ["Kota Surabaya", "Kota Malang"]),
    province(17, "51", "Bali", ["Kota Denpasar", "Kab. Buleleng"]),
    province(18, "52", "Nusa Tenggara Barat", ["Kota Mataram", "Kab. Lombok Timur"]),
    province(19, "53", "Nusa Tenggara Timur", ["Kota Kupang", "Kab. Sikka"]),
    province(20, "61", "Kalimantan Barat", ["Kota Pontianak", "Kota Singkawang"]),
    province(21, "63", "Kalimantan Selatan", ["Kota Banjarmasin", "Kab. Kotabaru"]),
    province(22, "62", "Kalimantan Tengah", ["Kota Palangka Raya", "Kab. Kotawaringin Timur"]),
    province(23, "64", "Kalimantan Timur", ["Kota Samarinda", "Kota Balikpapan"]),
    province(24, "65", "Kalimantan Utara", ["Kota Tarakan", "Kab. Bulungan"]),
    province(25, "75", "Gorontalo", ["Kota Gorontalo", "Kab. Gorontalo"]),
    province(26, "73", "Sulawesi Selatan", ["Kota Makassar", "Kota Parepare"]),
    province(27, "74", "Sulawesi Tenggara", ["Kota Kendari", "Kota Baubau"]),
    province(28, "72", "Sulawesi Tengah", ["Kota Palu", "Kab. Banggai"]),
    province(29, "71", "Sulawesi Utara", ["Kota Manado", "Kota Kotamobagu"]),
    province(30, "76", "Sulawesi Barat", ["Kab. Mamuju", "Kab. Majene"]),
    province(31, "81", "Maluku", ["Kota Ambon", "Kota Tual"]),
    province(32, "82", "Maluku Utara", ["Kota Ternate", "Kota Tidore Kepulauan"]),
    province(33, "91", "Papua", ["Kota Jayapura", "Kab. Jayapura"]),
    province(34, "92", "Papua Barat", ["Kab. Manokwari", "Kab. Fakfak"]),
];
