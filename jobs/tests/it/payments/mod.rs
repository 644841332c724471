//! Payments with real workers, a real gateway's faults, and many people at once.

mod counter;
mod crowd;
mod sales;
mod storm;
