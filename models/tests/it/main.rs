//! The crate from outside: conformance of every forecaster, accuracy and calibration on a synthetic panel, time travel.

mod accuracy;
mod conformance;
mod engine;
mod oracle;
