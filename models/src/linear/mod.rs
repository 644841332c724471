//! Linear models of any number of rows: features become columns ([`Encoding`]), rows become sufficient statistics
//! ([`Statistics`]), and linfa solves the small problem that is left ([`elastic_net`]).

mod encoding;
mod solve;
mod statistics;

pub(crate) use encoding::Encoding;
pub(crate) use solve::elastic_net;
pub(crate) use statistics::Statistics;
