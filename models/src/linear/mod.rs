//! Linear models of any number of rows: features become columns ([`Encoding`]), rows become sufficient statistics
//! ([`Statistics`]), and linfa solves the small problem that is left
//! ([`elastic_net`], [`least_squares`]).

mod cholesky;
mod contributions;
mod encoding;
mod solve;
mod statistics;

pub(crate) use cholesky::{back_substitute, cholesky, forward_substitute};
pub(crate) use encoding::{Encoding, View};
pub(crate) use solve::{elastic_net, least_squares};
pub(crate) use statistics::Statistics;
