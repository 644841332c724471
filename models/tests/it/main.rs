//! The crate from outside: conformance of every forecaster, accuracy and calibration on a synthetic panel, time
//! travel, generalised linear models against their oracle.

mod accuracy;
mod conformance;
mod engine;
mod glm;
