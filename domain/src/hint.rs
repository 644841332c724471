//! Errors that tell the reader what to do next.

/// The next step for the reader of an error, printed on a line of its own (`hint: ...`) by the terminal and carried in
/// the API's problem documents.
pub trait Hint: std::error::Error {
    /// One imperative sentence, or `None` when there is nothing useful to do.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// An error and its causes on one line, as it is kept with a job, a run or a log line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_follow_their_error() {
        #[derive(Debug, thiserror::Error)]
        #[error("the night failed")]
        struct Outer(#[source] std::io::Error);
        assert_eq!(chain(&Outer(std::io::Error::other("the disk is full"))), "the night failed: the disk is full");
    }
}
