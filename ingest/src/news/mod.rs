//! What articles are worth to a forecast: told once, dated, and added up by topic and day.

pub mod dates;
pub mod link;
pub mod sentiment;
pub mod signals;
