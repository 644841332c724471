//! Feature matrix to forecast
