//! Loopback stand-ins of the outside services, and the seeded demo world they serve.
//!
//! [`world`] simulates three invented shops for three years: orders, weather with its issued forecasts, promos, prices,
//! news, and beside them the true effects. [`services`] answers on the loopback as the outside services would,
//! [`smtp`] as a mail server.
//! Everything here is synthetic and says so wherever it is written.

pub mod faults;
mod limiter;
pub mod server;
pub mod services;
pub mod smtp;
pub mod world;
