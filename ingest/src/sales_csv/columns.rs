//! Which column plays which part, told by the names that tills and owners use, in Indonesian and English.

use serde::{Deserialize, Serialize};

use super::options::ColumnMap;
use crate::source::SourceError;
use crate::tabular::{TabularError, closest, find};

/// What a column of a sales file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Date, or date and time.
    Ds,
    /// Time of day, where the date stands alone.
    Time,
    /// Order number: lines with the same one belong together.
    Order,
    Product,
    Category,
    /// Quantity, in selling units.
    Y,
    /// Rupiah a unit.
    Price,
    /// Rupiah of the row.
    Revenue,
    SoldOut,
}

impl Part {
    pub const ALL: [Self; 9] =
        [Self::Ds, Self::Time, Self::Order, Self::Product, Self::Category, Self::Y, Self::Price, Self::Revenue, Self::SoldOut];

    /// The name in `--map`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ds => "ds",
            Self::Time => "time",
            Self::Order => "order",
            Self::Product => "product",
            Self::Category => "category",
            Self::Y => "y",
            Self::Price => "price",
            Self::Revenue => "revenue",
            Self::SoldOut => "sold_out",
        }
    }

    /// Completes "a column that holds ...".
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::Ds => "the date",
            Self::Time => "the time of day",
            Self::Order => "the order number",
            Self::Product => "the product",
            Self::Category => "the category",
            Self::Y => "the quantity sold",
            Self::Price => "the price of a unit",
            Self::Revenue => "the revenue",
            Self::SoldOut => "whether it sold out",
        }
    }

    /// Usual headers in lower case, words joined by `_`, the most telling first.
    fn synonyms(self) -> &'static [&'static str] {
        match self {
            Self::Ds => &[
                "ds",
                "tanggal",
                "tgl",
                "date",
                "datetime",
                "tanggal_transaksi",
                "tanggal_pesanan",
                "tanggal_order",
                "tanggal_penjualan",
                "tgl_transaksi",
                "tanggal_waktu",
                "waktu_transaksi",
                "waktu_pesanan",
                "order_date",
                "ordered_at",
                "created_at",
                "business_date",
                "sale_date",
                "transaction_date",
                "timestamp",
                "waktu",
                "hari",
            ],
            Self::Time => &["jam", "pukul", "jam_transaksi", "waktu", "time", "order_time"],
            Self::Order => &[
                "order",
                "order_id",
                "no_order",
                "nomor",
                "nomor_order",
                "nomor_pesanan",
                "no_pesanan",
                "id_pesanan",
                "nomor_transaksi",
                "no_transaksi",
                "id_transaksi",
                "transaction_id",
                "nomor_nota",
                "no_nota",
                "nota",
                "nomor_struk",
                "no_struk",
                "struk",
                "receipt",
                "receipt_number",
                "invoice",
                "no_invoice",
                "order_number",
                "bill",
            ],
            Self::Product => &[
                "product",
                "produk",
                "menu",
                "item",
                "unique_id",
                "nama_produk",
                "nama_menu",
                "nama_item",
                "nama_barang",
                "barang",
                "product_name",
                "item_name",
                "menu_item",
                "sku",
                "nama",
            ],
            Self::Category => &["category", "kategori", "jenis", "kelompok", "nama_kategori", "category_name"],
            Self::Y => &[
                "y",
                "jumlah",
                "qty",
                "quantity",
                "kuantitas",
                "terjual",
                "jumlah_terjual",
                "banyak",
                "banyaknya",
                "jml",
                "kuantiti",
                "units",
                "sold",
                "quantity_sold",
                "qty_sold",
                "porsi",
                "pcs",
            ],
            Self::Price => &["price", "harga", "harga_satuan", "unit_price", "harga_jual", "harga_per_unit"],
            Self::Revenue => &[
                "revenue",
                "total",
                "total_harga",
                "omzet",
                "omset",
                "pendapatan",
                "subtotal",
                "sub_total",
                "total_price",
                "jumlah_harga",
                "total_penjualan",
                "amount",
                "nilai",
                "gross_sales",
                "net_sales",
            ],
            Self::SoldOut => &["sold_out", "soldout", "habis", "stok_habis", "is_sold_out", "stockout"],
        }
    }
}

impl std::str::FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|part| part.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|part| part.name()).collect();
            format!("`{text}` is not a part of a sales file; the parts are {}", names.join(", "))
        })
    }
}

/// Columns by part, named as in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    found: Vec<(Part, String)>,
    pub unused: Vec<String>,
}

impl Columns {
    /// Columns that are named in `map` first, the others by their headers.
    ///
    /// # Errors
    /// [`SourceError`] when a named column is missing, or date, product or quantity cannot be told.
    pub fn assign(file: &str, names: &[String], map: &ColumnMap) -> Result<Self, SourceError> {
        let mut found: Vec<(Part, String)> = Vec::new();
        for (&part, wanted) in &map.0 {
            let name = find(names, wanted).ok_or_else(|| missing(file, names, wanted))?;
            found.push((part, name.to_owned()));
        }
        for part in Part::ALL {
            if found.iter().all(|(known, _)| *known != part)
                && let Some(name) = told_by_name(part, names, &found)
            {
                found.push((part, name));
            }
        }
        let unused = names.iter().filter(|name| !name.is_empty() && found.iter().all(|(_, used)| used != *name)).cloned().collect();
        let columns = Self { found, unused };
        for part in [Part::Ds, Part::Product, Part::Y] {
            if columns.get(part).is_none() {
                return Err(SourceError::NoColumn { file: file.to_owned(), part: part.name(), what: part.what(), present: names.to_vec() });
            }
        }
        Ok(columns)
    }

    #[must_use]
    pub fn get(&self, part: Part) -> Option<&str> {
        self.found.iter().find(|(known, _)| *known == part).map(|(_, name)| name.as_str())
    }

    /// Parts and their columns, in the order of [`Part::ALL`].
    #[must_use]
    pub fn listed(&self) -> Vec<(&'static str, String)> {
        Part::ALL.into_iter().filter_map(|part| Some((part.name(), self.get(part)?.to_owned()))).collect()
    }

    /// Leaves a column out after all.
    pub fn drop(&mut self, part: Part) {
        if let Some(index) = self.found.iter().position(|(known, _)| *known == part) {
            self.unused.push(self.found.remove(index).1);
        }
    }
}

fn told_by_name(part: Part, names: &[String], taken: &[(Part, String)]) -> Option<String> {
    let is_free = |name: &&String| taken.iter().all(|(_, used)| used != *name);
    part.synonyms().iter().find_map(|synonym| names.iter().filter(is_free).find(|name| folded(name) == *synonym).cloned())
}

/// `No. Pesanan` as `no_pesanan`.
fn folded(name: &str) -> String {
    let words: Vec<String> =
        name.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    words.join("_")
}

fn missing(file: &str, names: &[String], wanted: &str) -> SourceError {
    SourceError::Table(TabularError::MissingColumn {
        file: file.to_owned(),
        wanted: wanted.to_owned(),
        present: names.to_vec(),
        closest: closest(names, wanted).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(header: &str, map: &str) -> Vec<(&'static str, String)> {
        let names: Vec<String> = header.split(',').map(str::to_owned).collect();
        let map = if map.is_empty() { ColumnMap::default() } else { map.parse().expect("a map") };
        Columns::assign("sales.csv", &names, &map).expect("all parts").listed()
    }

    #[test]
    fn usual_headers_are_known() {
        let parts = |header: &str, map: &str| {
            assigned(header, map).iter().map(|(part, name)| format!("{part}={name}")).collect::<Vec<_>>().join(",")
        };
        assert_eq!(parts("ds,unique_id,y,is_closed", ""), "ds=ds,product=unique_id,y=y");
        assert_eq!(
            parts("No. Pesanan,Waktu,Menu,Kategori,Qty,Harga Satuan,Total", ""),
            "ds=Waktu,order=No. Pesanan,product=Menu,category=Kategori,y=Qty,price=Harga Satuan,revenue=Total"
        );
        assert_eq!(parts("Tanggal,Jam,Produk,Jumlah", ""), "ds=Tanggal,time=Jam,product=Produk,y=Jumlah");
        assert_eq!(parts("Tanggal,Item,Jumlah,Porsi", "y=Porsi"), "ds=Tanggal,product=Item,y=Porsi");
    }

    #[test]
    fn what_cannot_be_told_is_asked_for() {
        use domain::Hint;
        let names = ["Tanggal", "Apa", "Jumlah"].map(str::to_owned);
        let error = Columns::assign("kas.csv", &names, &ColumnMap::default()).expect_err("no product");
        assert_eq!(error.to_string(), "no column of `kas.csv` can be told to hold the product; it has `Tanggal`, `Apa`, `Jumlah`");
        assert_eq!(error.hint().as_deref(), Some("name it: `--map product=COLUMN`"));
    }
}
