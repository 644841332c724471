//! The crate from outside: conformance of every forecaster, accuracy and calibration on a synthetic panel, time travel, the
//! booster and generalised linear models against others.

mod accuracy;
mod analogue;
mod boosting;
mod conformance;
mod demand;
mod engine;
mod glm;
mod guards;
mod oracle;
mod refit;
mod resume;
