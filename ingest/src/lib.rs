#![doc = include_str!("../README.md")]

mod bmkg_data_online;
mod checks;
mod events;
pub mod feed;
mod json;
pub mod news;
pub mod panel;
pub mod sales_csv;
pub mod sales_files;
pub mod source;
pub mod sources;
mod store;
pub mod store_orders;
pub mod tabular;
pub mod take;
