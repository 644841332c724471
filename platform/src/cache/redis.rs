use std::sync::LazyLock;
use std::time::Duration;

use ::redis::{Cmd, FromRedisValue, Script, cmd};
use async_trait::async_trait;
use secrecy::SecretString;

use super::{Cache, CacheError};
use crate::redis::{Redis, RedisError};

/// Keys that one round of looking for a prefix goes through.
const ROUND: u32 = 1_000;

static REPLACE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("replace.lua")));

/// The cache of many machines: Redis 7. A slow or dead server costs an operation at most 50 ms, and soon nothing.
#[derive(Debug)]
pub struct RedisCache {
    redis: Redis,
}

impl RedisCache {
    /// `redis://`, `rediss://` or `unix://`. Within a Tokio runtime; a server that is not there yet is no error.
    ///
    /// # Errors
    /// [`RedisError::Address`].
    pub fn open(url: &SecretString) -> Result<Self, RedisError> {
        Ok(Self { redis: Redis::open(url, "cache")? })
    }

    async fn ask<T: FromRedisValue>(&self, command: Cmd) -> Result<T, CacheError> {
        let answer = self.redis.ask(async |mut connection| command.query_async(&mut connection).await).await;
        answer.map_err(CacheError::unavailable)
    }
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, CacheError> {
        self.ask(cmd("GET").arg(key).take()).await
    }

    async fn set(&self, key: &str, value: Vec<u8>, time_to_live: Duration) -> Result<(), CacheError> {
        if time_to_live.is_zero() {
            return self.delete(key).await;
        }
        self.ask(cmd("SET").arg(key).arg(value).arg("PX").arg(millis(time_to_live)).take()).await
    }

    async fn add(&self, key: &str, value: Vec<u8>, time_to_live: Duration) -> Result<bool, CacheError> {
        let added: Option<String> = self.ask(cmd("SET").arg(key).arg(value).arg("NX").arg("PX").arg(millis(time_to_live)).take()).await?;
        Ok(added.is_some())
    }

    async fn replace(&self, key: &str, expected: &[u8], value: Vec<u8>, time_to_live: Duration) -> Result<bool, CacheError> {
        let mut script = REPLACE.prepare_invoke();
        script.key(key).arg(expected).arg(value).arg(millis(time_to_live));
        let answer = self.redis.ask(async |mut connection| script.invoke_async(&mut connection).await).await;
        answer.map_err(CacheError::unavailable)
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        self.ask(cmd("UNLINK").arg(key).take()).await
    }

    /// Round by round, so that the server answers others meanwhile.
    async fn delete_prefix(&self, prefix: &str) -> Result<(), CacheError> {
        let pattern = format!("{}*", literally(prefix));
        let mut cursor = 0;
        loop {
            let scan = cmd("SCAN").arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(ROUND).take();
            let (next, keys): (u64, Vec<Vec<u8>>) = self.ask(scan).await?;
            if !keys.is_empty() {
                self.ask::<()>(cmd("UNLINK").arg(keys).take()).await?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    fn is_degraded(&self) -> bool {
        self.redis.is_down()
    }
}

/// Redis knows no time to live of zero, and none of centuries.
fn millis(time_to_live: Duration) -> u64 {
    u64::try_from(time_to_live.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 50)
}

/// As a pattern that matches only itself.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}
