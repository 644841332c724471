//! The stand-in services: one file each, registered in [`all`].
//!
//! Each answers under its own name (`/bmkg/...`) as the outside service answers at its root, so a client's base URL is
//! all that changes. Add a service: a file (or folder) with `pub fn service()`, its `mod` line and its `.add` line here.

pub mod bapanas;
pub mod bmkg;
pub mod groq;
pub mod open_meteo;
pub mod pihps;
pub mod pos;
pub mod serper;
pub mod xendit;

use std::sync::Arc;

use axum::Router;
use chrono::{DateTime, Utc};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::faults::Faults;
use crate::smtp::{self, Mailbox};
use crate::world::SimulatedWorld;

/// Every stand-in service.
pub fn all() -> Services {
    Services::default()
        .add(bapanas::service())
        .add(bmkg::service())
        .add(groq::service())
        .add(open_meteo::service())
        .add(pihps::service())
        .add(pos::service())
        .add(serper::service())
        .add(xendit::service())
}

/// What the services answer from.
#[derive(Clone)]
pub struct Context {
    /// The world they describe.
    pub world: Arc<SimulatedWorld>,
    /// The time they believe it is.
    pub now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// Faults to show on demand.
    pub faults: Faults,
    /// What the keys of the news search have left.
    pub credits: serper::Credits,
    /// What the language model is told to answer.
    pub script: groq::Script,
    /// Orders that change while the point of sale is paged through.
    pub paging: pos::Paging,
    /// What the payment gateway remembers, and how it is told to behave.
    pub gateway: xendit::Gateway,
    /// The mails of a [`smtp::MailServer`], which has a port of its own.
    pub mailbox: Mailbox,
}

impl Context {
    /// A context on the real clock, without planned faults.
    pub fn new(world: Arc<SimulatedWorld>) -> Self {
        Context {
            world,
            now: Arc::new(Utc::now),
            faults: Faults::default(),
            credits: serper::Credits::default(),
            script: groq::Script::default(),
            paging: pos::Paging::default(),
            gateway: xendit::Gateway::default(),
            mailbox: Mailbox::default(),
        }
    }

    /// The same at a fixed time.
    pub fn at(mut self, now: DateTime<Utc>) -> Self {
        self.now = Arc::new(move || now);
        self
    }
}

/// One stand-in service.
#[derive(Clone, Copy)]
pub struct Service {
    /// First path segment, and the name faults are planned for.
    pub name: &'static str,
    /// One line for a listing.
    pub about: &'static str,
    /// Builds its routes as they are at the outside service's root.
    pub routes: fn(&Context) -> Router,
    /// Builds the routes by which it is told how to behave, where it can be: they answer under `/standin/NAME`, free of faults.
    pub control: Option<fn(&Context) -> Router>,
}

/// A set of services on one server.
#[derive(Clone, Default)]
pub struct Services(Vec<Service>);

impl Services {
    /// Adds a service.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "the verb of a registry")]
    pub fn add(mut self, service: Service) -> Self {
        self.0.push(service);
        self
    }

    /// The services, in order of registration.
    pub fn iter(&self) -> impl Iterator<Item = &Service> {
        self.0.iter()
    }

    /// All routes: each service under its name, with faults; what it can be told under `/standin/NAME`;
    /// `POST /standin/faults` to plan faults; and the mails under `/standin/smtp`.
    pub fn router(&self, context: &Context) -> Router {
        let mut router = context.faults.routes().nest("/standin/smtp", smtp::routes(&context.mailbox));
        for service in &self.0 {
            router = router.nest(&format!("/{}", service.name), context.faults.wrap(service.name, (service.routes)(context)));
            if let Some(control) = service.control {
                router = router.nest(&format!("/standin/{}", service.name), control(context));
            }
        }
        router
    }
}

/// A JSON object whose fields keep their order (`serde_json`'s own map sorts them).
struct Ordered(Vec<(String, Value)>);

impl Serialize for Ordered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            fields.serialize_entry(name, value)?;
        }
        fields.end()
    }
}

/// `43550` as `43,550`.
pub(crate) fn with_thousands(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_have_commas() {
        assert_eq!([0, 950, 1_000, 43_550, 1_234_567].map(with_thousands), ["0", "950", "1,000", "43,550", "1,234,567"]);
    }
}
