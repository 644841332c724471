use std::sync::LazyLock;

use ::redis::Script;
use async_trait::async_trait;
use secrecy::SecretString;

use super::gcra::Gcra;
use super::{MemoryLimiter, Quota, RateLimiter, Verdict, events};
use crate::cache::keys;
use crate::redis::{Redis, RedisError};

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("gcra.lua")));

/// The limiter of many machines: Redis 7 counts, by its own clock. Where it does not answer, each process counts for itself.
#[derive(Debug)]
pub struct RedisLimiter {
    redis: Redis,
    /// Counts along, so that losing Redis is no fresh start for whoever has used his quota up here.
    own: MemoryLimiter,
}

impl RedisLimiter {
    /// `redis://`, `rediss://` or `unix://`. Within a Tokio runtime; a server that is not there yet is no error.
    ///
    /// # Errors
    /// [`RedisError::Address`].
    pub fn open(url: &SecretString) -> Result<Self, RedisError> {
        Ok(Self { redis: Redis::open(url, "limits")?, own: MemoryLimiter::default() })
    }

    async fn ask(&self, key: &str, quota: Quota) -> Result<Verdict, RedisError> {
        let gcra = Gcra::of(quota);
        let mut script = TAKE.prepare_invoke();
        script.key(keys::rate_limit(key).name).arg(gcra.interval).arg(gcra.capacity);
        let (allowed, ahead) = self.redis.ask(async |mut connection| script.invoke_async(&mut connection).await).await?;
        Ok(gcra.verdict(allowed, ahead))
    }
}

#[async_trait]
impl RateLimiter for RedisLimiter {
    async fn take(&self, key: &str, quota: Quota) -> Verdict {
        let verdict = match self.ask(key, quota).await {
            Ok(verdict) => {
                if verdict.allowed {
                    self.own.take_now(key, quota);
                }
                verdict
            }
            Err(_) => {
                events::fell_back();
                self.own.take_now(key, quota)
            }
        };
        events::taken(&verdict);
        verdict
    }

    fn is_degraded(&self) -> bool {
        self.redis.is_down()
    }
}
