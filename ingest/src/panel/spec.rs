//! What the user says about a panel's columns.

use super::filter::Filter;
use super::step::Step;
use crate::tabular::Locale;

/// Names and kinds of the columns, and what to make of what is not there.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelSpec {
    /// Column that names the series; a file without it is one series, named by the file.
    pub id: String,
    /// Column of dates, timestamps or integers.
    pub ds: String,
    /// Column of the target.
    pub y: String,
    /// `--known-future`: known ahead (calendar, promo plan, issued weather forecast).
    pub known_future: Vec<String>,
    /// `--observed-past`: known only once it happened; also the kind of every column that is not named.
    pub observed_past: Vec<String>,
    /// `--static`: one value per series.
    pub statics: Vec<String>,
    /// `--exclude`: not used at all.
    pub exclude: Vec<String>,
    /// `--where`: the rows to use; a column named by them and nowhere else plays no other part.
    pub filters: Vec<Filter>,
    /// `--closed`: no sale is possible where it is set.
    pub closed: Option<String>,
    /// `--freq`; told from `ds` if absent.
    pub step: Option<Step>,
    /// `--gaps`
    pub gaps: Gaps,
    pub locale: Locale,
}

impl Default for PanelSpec {
    fn default() -> Self {
        Self {
            id: Self::ID.to_owned(),
            ds: "ds".to_owned(),
            y: "y".to_owned(),
            known_future: Vec::new(),
            observed_past: Vec::new(),
            statics: Vec::new(),
            exclude: Vec::new(),
            filters: Vec::new(),
            closed: None,
            step: None,
            gaps: Gaps::default(),
            locale: Locale::default(),
        }
    }
}

impl PanelSpec {
    pub(super) const ID: &'static str = "unique_id";
}

/// What the absence of a row between a series' first and last one means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gaps {
    /// Nothing is known about that period.
    #[default]
    Missing,
    /// Nothing was sold.
    Zero,
    /// A mistake in the file.
    Error,
}

impl std::str::FromStr for Gaps {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "missing" => Ok(Self::Missing),
            "zero" => Ok(Self::Zero),
            "error" => Ok(Self::Error),
            _ => Err(format!("`{text}` is none of `missing`, `zero` and `error`")),
        }
    }
}
