//! The API against a real PostgreSQL, in-process except where the socket itself is the subject.

mod accounts;
mod app;
mod calendar;
mod contract;
mod document;
mod drain;
mod errors;
mod front;
mod manners;
mod members;
mod operators;
mod orders;
mod payments;
mod permissions;
mod plan;
mod predictions;
mod runs;
mod sessions;
mod stock;
mod stores;
mod tenancy;
mod webhooks;
mod world;
mod xendit_webhooks;
