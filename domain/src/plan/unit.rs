//! Units of measure and conversion within a dimension.

use serde::{Deserialize, Serialize};

/// Units that Indonesian kitchens buy and cook in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    #[serde(rename = "g")]
    Gram,
    #[serde(rename = "kg")]
    Kilogram,
    #[serde(rename = "ml")]
    Millilitre,
    #[serde(rename = "l")]
    Litre,
    #[serde(rename = "pcs")]
    Piece,
}

/// Two units that do not measure the same thing, or a word that is no unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    #[error("`{from}` can't be converted to `{to}`")]
    Dimension { from: Unit, to: Unit },
    #[error("`{text}` is not a unit; use one of g, kg, ml, l, pcs")]
    Unknown { text: String },
}

impl Unit {
    /// Dimension and size in its base unit.
    fn measure(self) -> (u8, f64) {
        match self {
            Self::Gram => (0, 1.0),
            Self::Kilogram => (0, 1000.0),
            Self::Millilitre => (1, 1.0),
            Self::Litre => (1, 1000.0),
            Self::Piece => (2, 1.0),
        }
    }

    /// How many `to` one `self` is.
    ///
    /// # Errors
    /// [`UnitError::Dimension`] between weight, volume and count.
    pub fn factor(self, to: Self) -> Result<f64, UnitError> {
        let ((from_dimension, from_size), (to_dimension, to_size)) = (self.measure(), to.measure());
        if from_dimension == to_dimension { Ok(from_size / to_size) } else { Err(UnitError::Dimension { from: self, to }) }
    }
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gram => "g",
            Self::Kilogram => "kg",
            Self::Millilitre => "ml",
            Self::Litre => "l",
            Self::Piece => "pcs",
        })
    }
}

impl std::str::FromStr for Unit {
    type Err = UnitError;

    /// Accepts the short names and the words that owners write.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_lowercase().as_str() {
            "g" | "gr" | "gram" => Ok(Self::Gram),
            "kg" | "kilo" | "kilogram" => Ok(Self::Kilogram),
            "ml" | "mililiter" => Ok(Self::Millilitre),
            "l" | "lt" | "liter" | "litre" => Ok(Self::Litre),
            "pcs" | "pc" | "piece" | "buah" | "butir" | "biji" | "porsi" | "lembar" | "bungkus" | "gelas" | "potong" | "botol"
            | "saset" | "sachet" | "ikat" | "kemasan" | "pak" | "kotak" | "kaleng" | "cangkir" | "mangkuk" | "ekor" | "siung"
            | "batang" | "iris" | "tusuk" => Ok(Self::Piece),
            _ => Err(UnitError::Unknown { text: text.to_owned() }),
        }
    }
}
