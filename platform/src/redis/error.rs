use std::time::Duration;

use domain::Hint;

/// Why there is no answer from Redis. None of these tells the password.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    #[error("REDIS_URL is not the address of a Redis")]
    Address(#[source] redis::RedisError),
    #[error("Redis did not answer within {} ms", waited.as_millis())]
    Silent { waited: Duration },
    #[error("Redis has just failed and is not asked for a moment")]
    Resting,
    #[error("Redis could not be asked")]
    Failed(#[source] redis::RedisError),
}

impl Hint for RedisError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Address(_) => "name it as redis://HOST:6379/0, rediss://USER:PASSWORD@HOST:6379/0 with TLS, or unix:///PATH".to_owned(),
            Self::Silent { .. } | Self::Resting | Self::Failed(_) => {
                "see that it runs and that REDIS_URL is right: `viralcast doctor`; reads go to the database meanwhile".to_owned()
            }
        })
    }
}
