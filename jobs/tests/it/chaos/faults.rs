//! What breaks.

use std::sync::atomic::Ordering;
use std::time::Duration;

use platform::database::begin;
use platform::embedded::Cluster;
use platform::queue::{self, EnqueueOptions};
use sqlx::Connection as _;

use super::program::{Effect, NewEffect, Poison};
use super::world::{World, bring, kill};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    KillWorker,
    KillEveryWorker,
    KillScheduler,
    /// The server dies without a word and comes back.
    PostgresCrash,
    PostgresRestart,
    /// Every connection is ended.
    BackendKill,
    /// No connection is left for anybody.
    Exhaustion,
    ClockJump,
    SilentListen,
    PoisonJob,
    RetryStorm,
    IdleInTransaction,
    TwoVersions,
}

impl Fault {
    pub const ALL: [Self; 13] = [
        Self::KillWorker,
        Self::KillEveryWorker,
        Self::KillScheduler,
        Self::PostgresCrash,
        Self::PostgresRestart,
        Self::BackendKill,
        Self::Exhaustion,
        Self::ClockJump,
        Self::SilentListen,
        Self::PoisonJob,
        Self::RetryStorm,
        Self::IdleInTransaction,
        Self::TwoVersions,
    ];
}

impl World {
    /// Breaks something, and mends it where it does not mend itself.
    pub async fn inject(&mut self, fault: Fault) {
        match fault {
            Fault::KillWorker => kill(&mut self.workers[0]),
            Fault::KillEveryWorker => self.workers.iter_mut().for_each(kill),
            Fault::KillScheduler => self.schedulers.iter_mut().for_each(kill),
            Fault::PostgresCrash => self.restart("-KILL").await,
            Fault::PostgresRestart => self.restart("-INT").await,
            Fault::BackendKill => {
                let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'viralcast_work'";
                sqlx::query(end).execute(&self.admin).await.expect("connections end");
            }
            Fault::Exhaustion => self.exhaust().await,
            Fault::ClockJump => {
                for seconds in ["3600", "-3600", "0"] {
                    std::fs::write(&self.setup.clock_file, seconds).expect("a clock");
                    tokio::time::sleep(Duration::from_secs(6)).await;
                }
            }
            Fault::SilentListen => self.proxy.go_silent(),
            Fault::PoisonJob => {
                let mut connection = self.customer.acquire().await.expect("connect");
                queue::enqueue(&mut connection, &Poison {}, EnqueueOptions::default()).await.expect("a job");
                self.poisoned += 1;
            }
            Fault::RetryStorm => {
                for n in 0..100 {
                    let name = format!("storm {} {n}", self.brought.load(Ordering::SeqCst));
                    bring(&self.customer, &Effect { name, fails: 3, group: None }, &self.brought).await;
                }
            }
            Fault::IdleInTransaction => {
                let mut tx = begin(&self.admin).await.expect("a transaction");
                sqlx::query("select count(*), pg_current_xact_id() from jobs").execute(&mut *tx).await.expect("a snapshot");
                self.run_for(Duration::from_secs(3)).await;
                tx.rollback().await.expect("an end");
            }
            Fault::TwoVersions => self.two_versions().await,
        }
    }

    /// Stops the server by a signal and starts it again.
    async fn restart(&mut self, signal: &str) {
        let file = self.data.join("postgres/data/postmaster.pid");
        let pid = || std::fs::read_to_string(&file).ok().and_then(|text| text.lines().next().map(str::to_owned));
        let before = pid().expect("a running server");
        let killed = std::process::Command::new("kill").args([signal, &before]).status().expect("kill");
        assert!(killed.success());
        let process = std::path::PathBuf::from(format!("/proc/{before}"));
        // A process of ours that has ended stays until somebody asks for it; its memory map is gone at once.
        while std::fs::read_to_string(process.join("cmdline")).is_ok_and(|text| !text.is_empty()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.clusters.push(Cluster::start(&self.data).await.expect("the server again"));
    }

    async fn exhaust(&mut self) {
        let mut hoard = Vec::new();
        let options = self.customer.connect_options();
        for _ in 0..200 {
            match sqlx::PgConnection::connect_with(&options).await {
                Ok(connection) => hoard.push(connection),
                Err(_) => break,
            }
        }
        assert!(hoard.len() < 200, "the server takes any number of connections");
        let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where query like 'select%' and usename = 'viralcast_work'";
        // Those who had one lose it and find no other.
        let _ = sqlx::query(end).execute(&self.admin).await;
        for _ in 0..40 {
            if let Ok(connection) = sqlx::PgConnection::connect_with(&options).await {
                hoard.push(connection);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for connection in hoard {
            let _ = connection.close().await;
        }
    }

    /// A newer program with a kind that the others do not know works beside them for a while.
    async fn two_versions(&mut self) {
        let mut newer = self.setup.start("work new");
        for n in 0..10 {
            let name = format!("new {} {n}", self.brought.load(Ordering::SeqCst));
            bring(&self.customer, &NewEffect { name }, &self.brought).await;
        }
        let left = "select count(*) from jobs where kind = 'new_effect' and finished_at is null";
        while sqlx::query_scalar::<_, i64>(left).fetch_one(&self.admin).await.expect("count") > 0 {
            self.run_for(Duration::from_millis(50)).await;
        }
        kill(&mut newer);
    }
}
