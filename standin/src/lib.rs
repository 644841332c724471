//! Loopback stand-ins of the outside services, and the seeded demo world they serve
