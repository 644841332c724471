//! Errors that tell the reader what to do next.

/// The next step for the reader of an error, printed on a line of its own (`hint: ...`) by the terminal and carried in
/// the API's problem documents.
pub trait Hint: std::error::Error {
    /// One imperative sentence, or `None` when there is nothing useful to do.
    fn hint(&self) -> Option<String> {
        None
    }
}
