//! Integration tests of the crate, in one binary.

mod feeds;
mod handed_over;
mod load;
mod panel;
mod parsers;
mod sales_csv;
mod shop;
mod tabular;
