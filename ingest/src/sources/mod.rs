//! Every source, one file each. To add one: its file here, its `mod` line and its `.add` line.

mod bapanas_prices;
mod bmkg_forecast;
mod calendar;
mod pihps_prices;
mod sales_csv;
mod sales_http;
mod serper_news;
mod weather_history;

use crate::source::Source;
pub(crate) use weather_history::{day_end, is_told_by};

/// The sources by name.
pub struct Sources(Vec<Box<dyn Source>>);

impl Sources {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn add(mut self, source: impl Source + 'static) -> Self {
        self.0.push(Box::new(source));
        self
    }

    /// The source of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&dyn Source> {
        self.0.iter().map(Box::as_ref).find(|source| source.name() == name)
    }

    /// In the order of registration.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Source> {
        self.0.iter().map(Box::as_ref)
    }

    /// Names in the order of registration.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|source| source.name()).collect()
    }
}

/// Every source of the product.
#[must_use]
pub fn all() -> Sources {
    Sources::new()
        .add(sales_csv::source())
        .add(bmkg_forecast::source())
        .add(pihps_prices::source())
        .add(bapanas_prices::source())
        .add(weather_history::source())
        .add(calendar::source())
        .add(serper_news::source())
        .add(sales_http::source())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_file_of_this_folder_is_registered() {
        let folder = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where")).join("src/sources");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned())
            .filter(|name| name != "mod")
            .collect();
        files.sort();
        let mut names = all().names();
        names.sort_unstable();
        assert_eq!(names, files);
        assert!(names.iter().all(|name| all().find(name).is_some()));
    }
}
