//! Integration tests of the crate, in one binary.

mod feeds;
mod files;
mod fuzz;
mod handed_over;
mod load;
mod month;
mod panel;
mod parsers;
#[path = "../../../platform/tests/it/s3_server.rs"]
mod s3_server;
mod sales_csv;
mod shop;
mod tabular;
mod till;
mod workbooks;
