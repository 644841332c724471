use std::path::PathBuf;

use domain::Hint;

use crate::db::DbError;

/// What can go wrong with keys, tokens and passwords.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("the installation's secret has {length} characters")]
    ShortSecret { length: usize },
    #[error("the installation's secret could be guessed")]
    GuessableSecret,
    #[error("the installation's secret in `{path}` cannot be read or written")]
    SecretFile {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// Sealed with another secret, or damaged.
    #[error("{what} cannot be opened with this installation's secret")]
    Sealed { what: String },
    #[error("there is no signing key")]
    NoSigningKey,
    /// Not said more precisely: whoever sends a false token learns nothing from us.
    #[error("the token is not valid")]
    InvalidToken,
    #[error("the token has expired")]
    ExpiredToken,
    #[error("too many passwords are being checked")]
    Busy,
    #[error("the stored password hash cannot be read")]
    BrokenHash,
    #[error("the cryptographic library refused to {0}")]
    Crypto(&'static str),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl Hint for AuthError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::ShortSecret { .. } | Self::GuessableSecret => {
                "set VIRALCAST_AUTH__SECRET to random bytes in base64 or hexadecimal, at least 32 characters: `openssl rand -base64 32`; where something is sealed with the present one, put that in VIRALCAST_AUTH__FORMER_SECRET and run `viralcast keys reseal`"
            }
            Self::SecretFile { .. } => "make the file readable to this user alone, or set VIRALCAST_AUTH__SECRET",
            Self::Sealed { .. } => {
                "set VIRALCAST_AUTH__SECRET to that of the other servers; where it was exchanged, VIRALCAST_AUTH__FORMER_SECRET to the one before, and run `viralcast keys reseal`; if it is lost, `viralcast keys generate --at-once` makes a key of this secret, and everyone signs in again"
            }
            Self::NoSigningKey => "make one with `viralcast keys generate --at-once`",
            Self::Database(error) => return error.hint(),
            Self::Busy => "try again in a moment",
            Self::BrokenHash => "let the person reset their password",
            Self::InvalidToken | Self::ExpiredToken => "sign in again",
            Self::Crypto(_) => return None,
        };
        Some(hint.to_owned())
    }
}
