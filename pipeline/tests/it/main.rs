//! A panel read as of a cutoff.

mod consistency;
mod frequencies;
mod oracle;
mod panels;
mod regressors;
mod rows;
mod time_travel;
