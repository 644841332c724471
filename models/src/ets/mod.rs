//! Exponential smoothing as a state-space model (Hyndman, Koehler, Ord and Snyder 2008): recursion, likelihood, choice.

mod choose;
mod filter;
mod form;
mod normal;
mod optimise;
mod start;
mod tangent;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

pub(crate) use choose::Smoothing;
pub(crate) use form::LONGEST_SEASON;
