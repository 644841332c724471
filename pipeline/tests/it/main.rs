//! A panel read as of a cutoff.

mod panels;
mod rows;
