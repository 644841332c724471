//! For tests of forecasters, here and elsewhere: a synthetic panel with its own features, and the conformance suite.

mod conformance;
mod synthetic;

pub use conformance::conformance;
pub use synthetic::{Poison, SyntheticPanel};
