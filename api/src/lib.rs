//! Thin axum API over what was published
