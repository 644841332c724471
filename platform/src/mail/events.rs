//! Log line and metric of each thing that happens, together, so that they cannot disagree. Addresses are personal and left out.

use lettre::Message;

use super::MailError;

pub(super) fn sent(mail: &Message, result: &Result<(), MailError>) {
    let outcome = match result {
        Ok(()) => "sent",
        Err(MailError::Refused { .. } | MailError::Invalid { .. }) => "refused",
        Err(MailError::MaybeSent { .. }) => "maybe_sent",
        Err(MailError::Transport { .. }) => "failed",
    };
    metrics::counter!("mails_total", "outcome" => outcome).increment(1);
    let id = mail.headers().get_raw("Message-ID").unwrap_or_default();
    match result {
        Ok(()) => tracing::info!(mail.id = id, outcome, "mail {id} is handed over"),
        Err(error) => tracing::warn!(mail.id = id, outcome, error = error as &dyn std::error::Error, "mail {id} is not handed over"),
    }
}
