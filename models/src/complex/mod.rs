//! Complex exponential smoothing (Svetunkov, Kourentzes and Ord 2022): level and "information potential" as the two parts
//! of one complex number, with one complex smoothing parameter. It covers level and trend without choosing between them.

mod choose;
mod filter;
mod simplex;

pub(crate) use choose::Complex;
