//! Background jobs on PostgreSQL.
//!
//! - [`enqueue`] writes a job in the caller's transaction: it exists if and only if the transaction commits.
//! - [`run`] claims jobs and hands them to the [`Worker`]s of a registry ([`Workers`]). apalis drives the workers through
//!   tower layers; its backend is [`PgQueue`], over our own table.
//! - A claim is a lease with a fencing token. The lease is extended by a heartbeat; one that expires is rescued and its
//!   attempt counted; whoever lost it can no longer change the job ([`QueueError::LeaseLost`]).
//! - [`stats`], [`list`], [`show`], [`replay`] and [`request_cancel`] are for operators.
//!
//! Delivery is at least once. An effect in the same database is exactly once when the worker commits it together with
//! [`JobContext::complete_in`].

mod backend;
mod claim;
mod claim_limited;
mod detour;
mod enqueue;
mod error;
mod events;
mod family;
mod fetch;
mod health;
mod inspect;
mod job;
mod keep;
mod leases;
mod prune;
mod rescue;
mod run;
mod service;
mod settle;
mod settle_layer;
mod settler;
mod shares;
mod slots;
mod worker;

pub use backend::PgQueue;
pub use claim::{Ask, Claim, claim, stage};
pub use claim_limited::{claim_limited, limited_lanes};
pub use enqueue::{EnqueueOptions, Enqueued, NewJob, enqueue, enqueue_all, enqueue_new};
pub use error::QueueError;
pub use family::{Children, Family, children, enqueue_family, hurry_children};
pub use health::{Alert, LaneHealth, alerts, health, patience};
pub use inspect::{
    DeadLetter, JobFilter, JobRow, QueueStat, dead_letters, dead_list, forget_kind, list, replay, request_cancel, show, state_of, stats,
    unfinished,
};
pub use job::{Job, Lease, State};
pub use prune::{Retention, prune};
pub use rescue::{Heartbeat, Rescued, heartbeat, rescue};
pub use run::{WorkerOptions, run};
pub use settle::{cancel, complete, complete_and_forget, discard, hand_back, progress, retry, snooze};
pub use settler::{complete_all, forget_all};
pub use worker::{JobContext, Worker, Workers};

/// Channel of `NOTIFY` by which a commit wakes idle workers; the payload is the lane.
pub const CHANNEL: &str = "viralcast_jobs";
