//! Facts to feature matrix as of a cutoff
