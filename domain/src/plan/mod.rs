//! From forecasts to what a shop prepares and buys.
