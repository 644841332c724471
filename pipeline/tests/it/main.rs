//! A panel read as of a cutoff.

mod consistency;
mod extension;
mod frequencies;
mod oracle;
mod panels;
mod pooled;
mod regressors;
mod rows;
mod suppositions;
mod time_travel;
mod worlds;
