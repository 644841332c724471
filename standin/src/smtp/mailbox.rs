//! The mails that came, and what the server is told.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use super::behaviour::Behaviour;

/// Mails and bytes beyond these push out the oldest mails.
const MOST_MAILS: usize = 1_000;
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Recipients that are remembered as greylisted.
const MOST_GREYLISTED: usize = 10_000;

/// One mail.
#[derive(Debug, Clone, Serialize)]
pub struct Mail {
    /// Counts from 1.
    pub number: u64,
    /// When it came, by the clock of the machine.
    pub received_at: DateTime<Utc>,
    /// Who was logged in.
    pub user: Option<String>,
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope that were accepted.
    pub to: Vec<String>,
    /// Header and body as they were sent, without the dots of the transport.
    #[serde(serialize_with = "as_text")]
    pub message: Vec<u8>,
}

fn as_text<S: Serializer>(message: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(message))
}

impl Mail {
    /// The first header of that name, its lines joined.
    pub fn header(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.message);
        let head = text.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
        let named = |line: &str| {
            line.split_once(':').filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
        };
        head.split("\r\n").find_map(named)
    }
}

/// Shared by all connections of a mail server.
#[derive(Debug, Clone, Default)]
pub struct Mailbox(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    behaviour: Behaviour,
    mails: VecDeque<Mail>,
    bytes: usize,
    came: u64,
    greylisted: HashSet<String>,
}

impl Mailbox {
    /// Sets how the server behaves from now on, and forgets who was greylisted.
    pub fn behave(&self, behaviour: Behaviour) {
        let mut state = self.lock();
        state.behaviour = behaviour;
        state.greylisted.clear();
    }

    /// The latest mails, the oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.lock().mails.iter().cloned().collect()
    }

    /// Forgets every mail.
    pub fn clear(&self) {
        let mut state = self.lock();
        state.mails.clear();
        state.bytes = 0;
    }

    pub(super) fn behaviour(&self) -> Behaviour {
        self.lock().behaviour.clone()
    }

    /// Counts a planned thing down; false where none is planned.
    pub(super) fn take(&self, planned: impl FnOnce(&mut Behaviour) -> &mut u32) -> bool {
        let mut state = self.lock();
        let left = planned(&mut state.behaviour);
        let is_planned = *left > 0;
        *left = left.saturating_sub(1);
        is_planned
    }

    /// Whether this recipient is named for the first time while recipients are greylisted.
    pub(super) fn greylists(&self, recipient: &str) -> bool {
        let mut state = self.lock();
        if state.greylisted.len() >= MOST_GREYLISTED {
            state.greylisted.clear();
        }
        state.behaviour.greylist && state.greylisted.insert(recipient.to_lowercase())
    }

    /// Keeps a mail; its number.
    pub(super) fn keep(&self, user: Option<String>, from: String, to: Vec<String>, message: Vec<u8>) -> u64 {
        let mut state = self.lock();
        state.came += 1;
        state.bytes += message.len();
        let mail = Mail { number: state.came, received_at: Utc::now(), user, from, to, message };
        state.mails.push_back(mail);
        while state.mails.len() > MOST_MAILS || (state.bytes > MOST_BYTES && state.mails.len() > 1) {
            let oldest = state.mails.pop_front().map_or(0, |mail| mail.message.len());
            state.bytes = state.bytes.saturating_sub(oldest);
        }
        state.came
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_mails_are_pushed_out() {
        let mailbox = Mailbox::default();
        for _ in 0..=MOST_MAILS {
            mailbox.keep(None, String::new(), Vec::new(), vec![0; 10]);
        }
        assert_eq!((mailbox.mails().len(), mailbox.mails()[0].number), (MOST_MAILS, 2));
        mailbox.keep(None, String::new(), Vec::new(), vec![0; MOST_BYTES]);
        assert_eq!(mailbox.mails().len(), 1);
    }

    #[test]
    fn headers_are_unfolded() {
        let message = b"To: a@example.test\r\nSubject: Rencana\r\n besok\r\n\r\nSubject: not this\r\n".to_vec();
        let mail = Mail { number: 1, received_at: Utc::now(), user: None, from: String::new(), to: Vec::new(), message };
        assert_eq!((mail.header("subject").as_deref(), mail.header("cc")), (Some("Rencana besok"), None));
    }
}
