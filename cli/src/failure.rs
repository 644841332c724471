//! How a failure looks at the terminal: what, because of what, and what to do next.

use std::fmt::Write as _;

use domain::Hint;

/// The causes of an error, outermost first, and the hint of the innermost error that has one.
pub fn render(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}");
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Some libraries repeat their source in their own message.
        if !last.contains(&cause) {
            let _ = write!(text, "\n  because: {cause}");
        }
        last = cause;
    }
    if let Some(hint) = hint(error) {
        let _ = write!(text, "\nhint: {hint}");
    }
    text
}

/// Prints it to stderr.
pub fn print(error: &anyhow::Error) {
    eprintln!("{}", render(error));
}

/// An error with its own next step, for failures that are the command's.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub message: String,
    pub hint: String,
}

impl Failure {
    pub fn with_hint(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        Self { message: message.into(), hint: hint.into() }.into()
    }
}

fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().filter_map(hint_of).last()
}

fn hint_of(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    fn from<E: Hint + 'static>(error: &(dyn std::error::Error + 'static)) -> Option<String> {
        error.downcast_ref::<E>()?.hint()
    }
    error
        .downcast_ref::<Failure>()
        .map(|failure| failure.hint.clone())
        .or_else(|| from::<api::ApiError>(error))
        .or_else(|| from::<platform::auth::AuthError>(error))
        .or_else(|| from::<jobs::NightError>(error))
        .or_else(|| from::<payments::PaymentError>(error))
        .or_else(|| from::<payments::gateway::GatewayError>(error))
        .or_else(|| from::<jobs::ScheduleError>(error))
        .or_else(|| from::<jobs::backfill::BackfillError>(error))
        .or_else(|| from::<ingest::panel::PanelError>(error))
        .or_else(|| from::<ingest::tabular::TabularError>(error))
        .or_else(|| from::<pipeline::PipelineError>(error))
        .or_else(|| from::<models::ModelError>(error))
        .or_else(|| from::<domain::FeatureError>(error))
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn what_stops_the_server_comes_with_a_next_step() {
        let taken = std::io::Error::from(std::io::ErrorKind::AddrInUse);
        let error = api::ApiError::Listen { address: ([127, 0, 0, 1], 4000).into(), source: taken };
        let error = Err::<(), _>(error).context("the API stopped").expect_err("an error");
        assert!(hint(&error).is_some_and(|hint| hint.contains("VIRALCAST_HTTP__PORT")));
    }
}
