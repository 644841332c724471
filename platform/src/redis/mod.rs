//! Redis, reached within a bounded time or not at all: whoever asks has another way to go on.
//!
//! A question that has no answer after [`PATIENCE`] counts as failed. After a few failures in a row nothing is asked for a moment, so that
//! a dead server does not cost each request the wait; the connection is thrown away and a new one made meanwhile, since one that
//! fell silent never says that it is dead.

mod breaker;
mod error;
mod events;

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, ConnectionAddr, InfoDict, RedisResult};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use crate::host::is_this_machine;
use breaker::{Breaker, Change};
pub use error::RedisError;

/// What an answer may take. One from the same network takes less than a millisecond.
const PATIENCE: Duration = Duration::from_millis(50);
/// What a new connection, with TLS and login, may take; it is made in the background.
const CONNECTING: Duration = Duration::from_secs(1);
/// What an operator who asks how Redis is waits for the answer.
const EXAMINING: Duration = Duration::from_secs(3);

/// One connection, shared by all who ask, that comes back by itself.
#[derive(Debug)]
pub(crate) struct Redis {
    client: Client,
    connection: Mutex<ConnectionManager>,
    breaker: Mutex<Breaker>,
    /// What it is used for, in metrics and log lines.
    purpose: &'static str,
}

impl Redis {
    /// Begins to connect, within a Tokio runtime. A server that is not there yet is no error.
    pub(crate) fn open(url: &SecretString, purpose: &'static str) -> Result<Self, RedisError> {
        let client = client(url)?;
        let connection = connect(&client)?;
        Ok(Self { client, connection: Mutex::new(connection), breaker: Mutex::default(), purpose })
    }

    /// Asks, and waits no longer than [`PATIENCE`].
    pub(crate) async fn ask<T, F>(&self, question: impl FnOnce(ConnectionManager) -> F) -> Result<T, RedisError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        if !self.with_breaker(|breaker| breaker.lets_through(Instant::now())) {
            return Err(RedisError::Resting);
        }
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let error = match timeout(PATIENCE, question(connection)).await {
            Ok(Ok(answer)) => {
                self.note(None);
                return Ok(answer);
            }
            Ok(Err(error)) => RedisError::Failed(error),
            Err(_) => RedisError::Silent { waited: PATIENCE },
        };
        self.note(Some(&error));
        Err(error)
    }

    /// Whether the last question failed.
    pub(crate) fn is_down(&self) -> bool {
        self.with_breaker(|breaker| breaker.has_failed())
    }

    fn note(&self, error: Option<&RedisError>) {
        let change = self.with_breaker(|breaker| match error {
            None => breaker.succeeded(),
            Some(_) => breaker.failed(Instant::now()),
        });
        match (change, error) {
            (Change::Opened { again }, Some(error)) => {
                self.renew();
                events::lost(self.purpose, &self.address(), error, again);
            }
            (Change::Closed, _) => events::found(self.purpose, &self.address()),
            _ => {}
        }
    }

    /// Whoever still waits on the old connection keeps it until then.
    fn renew(&self) {
        if let Ok(fresh) = connect(&self.client) {
            *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }

    /// Host and port, or path; never the password.
    fn address(&self) -> impl Display {
        self.client.get_connection_info().addr().clone()
    }

    fn with_breaker<T>(&self, act: impl FnOnce(&mut Breaker) -> T) -> T {
        act(&mut self.breaker.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The version of the server at `url`, asked on a connection of its own.
pub(crate) async fn version(url: &SecretString) -> Result<String, RedisError> {
    let client = client(url)?;
    let asked = async {
        let mut connection = client.get_multiplexed_async_connection().await?;
        let info: InfoDict = ::redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
        Ok(info.get("redis_version").unwrap_or_default())
    };
    match timeout(EXAMINING, asked).await {
        Ok(answer) => answer.map_err(RedisError::Failed),
        Err(_) => Err(RedisError::Silent { waited: EXAMINING }),
    }
}

/// Whether what is said to this Redis can be heard between two machines. Nothing is asked.
///
/// # Errors
/// [`RedisError::Address`].
pub(crate) fn goes_in_the_clear(url: &SecretString) -> Result<bool, RedisError> {
    let client = client(url)?;
    Ok(matches!(client.get_connection_info().addr(), ConnectionAddr::Tcp(host, _) if !is_this_machine(host)))
}

fn client(url: &SecretString) -> Result<Client, RedisError> {
    Client::open(url.expose_secret()).map_err(RedisError::Address)
}

/// A first connection is only made while somebody waits for it, and nobody waits long: a task of its own does.
fn connect(client: &Client) -> Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECTING))
        .set_response_timeout(Some(CONNECTING))
        .set_number_of_retries(0)
        // Reads of a busy API must not queue for a place in the pipeline.
        .set_pipeline_buffer_size(1024);
    let manager = ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(RedisError::Failed)?;
    let mut first = manager.clone();
    tokio::spawn(async move { ::redis::cmd("PING").exec_async(&mut first).await.ok() });
    Ok(manager)
}
