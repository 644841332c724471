#![doc = include_str!("../README.md")]

pub mod panel;
pub mod tabular;
