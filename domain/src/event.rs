//! Versioned event envelopes: what the outbox stores and the bus carries.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::forecast::Rung;
use crate::ids::{EventId, RunId, StoreId};

/// An event with everything needed to route, order, de-duplicate and decode it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Consumers de-duplicate by it (the `inbox` table).
    pub id: EventId,
    /// `run.published`, ...: see [`Event::name`].
    pub name: String,
    /// Version of the payload's shape; a consumer that does not know it leaves the event for a newer one.
    pub version: u16,
    /// Events of one subject keep their order; usually a store's id.
    pub subject: String,
    pub occurred_at: DateTime<Utc>,
    /// W3C trace id of the request or tick that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    pub payload: serde_json::Value,
}

/// Every event of the product. Adding a field is a new version only if old readers would misread it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Event {
    SalesIngested(SalesIngested),
    RunPublished(RunPublished),
    PaymentChanged(PaymentChanged),
    OrderChanged(OrderChanged),
    OrdersImported(OrdersImported),
    PlanChanged(PlanChanged),
}

/// New or corrected sales facts have landed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SalesIngested {
    pub store_id: StoreId,
    /// First and last business day touched.
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub rows: u64,
}

/// The pointer of a store's published predictions has moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunPublished {
    pub store_id: StoreId,
    pub run_id: RunId,
    pub business_date: NaiveDate,
    pub rung: Rung,
}

/// A payment of an order has become something else, or wants a person's attention.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentChanged {
    pub store_id: StoreId,
    pub payment_id: Uuid,
    pub order_id: Uuid,
    /// As in `payments.status`.
    pub status: String,
    /// As in `payment_receipts.attention`: why a person should look.
    pub attention: Option<String>,
}

/// An order was taken, paid, completed, cancelled or refunded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderChanged {
    pub store_id: StoreId,
    pub order_id: Uuid,
    /// As in `orders.status`.
    pub order_status: String,
}

/// Many orders came at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrdersImported {
    pub store_id: StoreId,
    pub imported: u64,
}

/// The plan of the published run was made again: somebody put a number in the place of a forecast, or took one back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanChanged {
    pub store_id: StoreId,
    /// The run that is published, as it was before.
    pub run_id: RunId,
    pub business_date: NaiveDate,
}

/// An envelope whose payload this program cannot read.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error("event `{name}` version {version} is not known to this program; a newer one must handle it")]
    Unknown { name: String, version: u16 },
    #[error("payload of event `{name}` version {version} is malformed")]
    Malformed {
        name: String,
        version: u16,
        #[source]
        source: serde_json::Error,
    },
}

impl Event {
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::SalesIngested(_) => "sales.ingested",
            Self::RunPublished(_) => "run.published",
            Self::PaymentChanged(_) => "payment.changed",
            Self::OrderChanged(_) => "order.changed",
            Self::OrdersImported(_) => "orders.imported",
            Self::PlanChanged(_) => "plan.changed",
        }
    }

    #[must_use]
    pub fn version(&self) -> u16 {
        1
    }

    #[must_use]
    pub fn subject(&self) -> String {
        let store = match self {
            Self::SalesIngested(event) => event.store_id,
            Self::RunPublished(event) => event.store_id,
            Self::PaymentChanged(event) => event.store_id,
            Self::OrderChanged(event) => event.store_id,
            Self::OrdersImported(event) => event.store_id,
            Self::PlanChanged(event) => event.store_id,
        };
        store.to_string()
    }

    /// Wraps the event for the outbox.
    ///
    /// # Errors
    /// [`EventError::Malformed`] if the payload has no JSON form.
    pub fn seal(&self, occurred_at: DateTime<Utc>) -> Result<Envelope, EventError> {
        let payload = serde_json::to_value(self).map_err(|source| EventError::Malformed {
            name: self.name().to_owned(),
            version: self.version(),
            source,
        })?;
        Ok(Envelope {
            id: EventId::new(),
            name: self.name().to_owned(),
            version: self.version(),
            subject: self.subject(),
            occurred_at,
            trace_id: None,
            payload,
        })
    }

    /// Reads an envelope's payload by its name and version.
    ///
    /// # Errors
    /// [`EventError`] for a name or version from the future, and for a malformed payload.
    pub fn open(envelope: &Envelope) -> Result<Self, EventError> {
        let payload = envelope.payload.clone();
        let read = match (envelope.name.as_str(), envelope.version) {
            ("sales.ingested", 1) => serde_json::from_value(payload).map(Self::SalesIngested),
            ("run.published", 1) => serde_json::from_value(payload).map(Self::RunPublished),
            ("payment.changed", 1) => serde_json::from_value(payload).map(Self::PaymentChanged),
            ("order.changed", 1) => serde_json::from_value(payload).map(Self::OrderChanged),
            ("orders.imported", 1) => serde_json::from_value(payload).map(Self::OrdersImported),
            ("plan.changed", 1) => serde_json::from_value(payload).map(Self::PlanChanged),
            (name, version) => return Err(EventError::Unknown { name: name.to_owned(), version }),
        };
        read.map_err(|source| EventError::Malformed { name: envelope.name.clone(), version: envelope.version, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_its_envelope() {
        let event = Event::RunPublished(RunPublished {
            store_id: StoreId::new(),
            run_id: RunId::new(),
            business_date: "2026-11-23".parse().expect("a date"),
            rung: Rung::Fresh,
        });
        let envelope = event.seal(Utc::now()).expect("serialisable");
        assert_eq!(Event::open(&envelope).expect("known"), event);
        let newer = Envelope { version: 9, ..envelope };
        assert!(matches!(Event::open(&newer), Err(EventError::Unknown { version: 9, .. })));
    }
}
