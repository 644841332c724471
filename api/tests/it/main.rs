//! The API against a real PostgreSQL, in-process except where the socket itself is the subject.

mod accounts;
mod app;
mod catalogue;
mod contract;
mod document;
mod drain;
mod errors;
mod front;
mod members;
mod operators;
mod pages;
mod permissions;
mod plan;
mod predictions;
mod profiles;
mod runs;
mod sessions;
mod stores;
mod tenancy;
mod webhooks;
mod world;
mod xendit_webhooks;
