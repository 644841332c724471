#![doc = include_str!("../README.md")]

mod events;
pub mod panel;
pub mod sales_csv;
pub mod source;
pub mod sources;
pub mod tabular;
