//! What the user says about a sales file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::columns::Part;
use crate::tabular::Locale;

/// How to read a sales file. Stored with the raw record, so that it can be read again the same way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SalesCsvOptions {
    /// `--map ds=Tanggal,y=Jumlah`: columns by the part they play; others are told by their names.
    pub map: ColumnMap,
    /// `--date-format` and `--decimal`
    pub locale: Locale,
    /// `--sum-duplicates`: add up rows of one product and day instead of keeping the first.
    pub sum_duplicates: bool,
    /// `--totals-only`: add order lines up by product and business day and do not keep them.
    pub totals_only: bool,
}

/// Columns by part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnMap(pub BTreeMap<Part, String>);

impl std::str::FromStr for ColumnMap {
    type Err = String;

    /// `part=column` pairs separated by commas.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut map = BTreeMap::new();
        for pair in text.split(',') {
            let (part, column) = pair.split_once('=').ok_or_else(|| format!("`{pair}` is not of the form part=column"))?;
            let part: Part = part.trim().parse()?;
            if map.insert(part, column.trim().to_owned()).is_some() {
                return Err(format!("`{}` is mapped twice", part.name()));
            }
        }
        Ok(Self(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_names_parts_and_columns() {
        let map: ColumnMap = "ds=Tanggal, y=Jumlah Terjual".parse().expect("a map");
        assert_eq!(map.0, BTreeMap::from([(Part::Ds, "Tanggal".to_owned()), (Part::Y, "Jumlah Terjual".to_owned())]));
        for wrong in ["", "ds", "when=Tanggal", "y=a,y=b"] {
            assert!(wrong.parse::<ColumnMap>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn options_survive_storage() {
        let options = SalesCsvOptions { map: "ds=Tanggal".parse().expect("a map"), sum_duplicates: true, ..SalesCsvOptions::default() };
        let stored = serde_json::to_value(&options).expect("serialisable");
        assert_eq!(serde_json::from_value::<SalesCsvOptions>(stored).expect("ours"), options);
    }
}
