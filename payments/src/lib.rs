#![doc = include_str!("../README.md")]

mod cancel;
mod create;
mod error;
mod events;
pub mod gateway;
mod inbox;
pub mod life;
mod payment;
pub mod picture;
mod poll;
mod reconcile;
mod refund;
mod returned;
mod settle;
mod take;
pub mod told;

use std::time::Duration;

use platform::clock::SharedClock;
use platform::config::{OutsideConfig, XenditConfig};
use platform::db::tenant::{Tenant, begin_write, set_tenant};
use secrecy::SecretString;
use sqlx::{PgPool, Postgres, Transaction};

pub use error::PaymentError;
pub use gateway::{Gateways, Reason};
pub use payment::{Payment, Refund};
pub use platform::db::payment_reconciliations::Reconciliation;

use gateway::GatewayError;

/// Everything that is done with payments. Cheap to clone. What a person asks for names the tenant and works under the serving role; what
/// jobs do needs a pool that sees every store.
#[derive(Clone)]
pub struct Payments {
    pool: PgPool,
    clock: SharedClock,
    gateways: Option<Gateways>,
    callback_token: Option<SecretString>,
}

/// What is left to do of a piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Done,
    /// After this long.
    Again(Duration),
    /// It makes no sense, and never will.
    GiveUp(String),
}

impl Payments {
    /// Without a key everything is there and payments cannot be made.
    ///
    /// # Errors
    /// [`GatewayError::Client`] if TLS cannot be set up.
    pub fn new(pool: PgPool, clock: SharedClock, config: &XenditConfig, outside: &OutsideConfig) -> Result<Self, GatewayError> {
        Ok(Self { pool, clock, gateways: Gateways::new(config, outside)?, callback_token: config.callback_token.clone() })
    }

    /// With another gateway: for tests.
    #[must_use]
    pub fn asking(self, gateways: Option<Gateways>) -> Self {
        Self { gateways, ..self }
    }

    /// Whether there is a gateway to ask.
    #[must_use]
    pub fn are_possible(&self) -> bool {
        self.gateways.is_some()
    }

    fn gateways(&self) -> Result<&Gateways, PaymentError> {
        self.gateways.as_ref().ok_or(PaymentError::NotConfigured)
    }

    /// `None`: a job, which sees every store.
    async fn begin(&self, tenant: Option<Tenant>) -> Result<Transaction<'static, Postgres>, PaymentError> {
        let mut transaction = begin_write(&self.pool).await?;
        if let Some(tenant) = tenant {
            set_tenant(&mut transaction, tenant).await?;
        }
        Ok(transaction)
    }
}
