//! The owner's own number.

use serde::{Deserialize, Serialize};

/// An owner who knows better, and how much that has been worth so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Override {
    pub quantity: f64,
    pub reason: String,
    /// Weight of the owner's number in `[0, 1]`; 1 until overrides have been scored against the model.
    pub trust: f64,
}

impl Override {
    /// Weighted mean of the owner's and the model's number.
    #[must_use]
    pub fn blend(&self, model: f64) -> f64 {
        let trust = self.trust.clamp(0.0, 1.0);
        trust * self.quantity + (1.0 - trust) * model
    }
}
