//! Argon2id (RFC 9106) with a bound on how many run at a time.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::RngCore as _;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::AuthError;

/// 64 MiB, in KiB.
const MEMORY: u32 = 64 * 1024;
const ITERATIONS: u32 = 3;
const LANES: u32 = 4;
const SALT_BYTES: usize = 32;
const HASH_BYTES: usize = 32;
/// How long a sign-in may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(3);

/// What became of a password that was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Right,
    /// Right, but hashed as we no longer hash: hash it again now that it is known.
    RightButStale,
    Wrong,
}

/// Hashes and checks passwords, off the async threads and never more at a time than half of the processors: 64 MiB each, and reads
/// go on while everybody signs in.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    patience: Duration,
}

impl Default for Passwords {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self::at_once((processors / 2).max(1))
    }
}

impl Passwords {
    #[must_use]
    pub fn at_once(most: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(most)), patience: PATIENCE }
    }

    /// PHC string of the password under a new random salt.
    ///
    /// # Errors
    /// [`AuthError::Busy`] when no turn came in time.
    pub async fn hash(&self, password: SecretString) -> Result<String, AuthError> {
        self.in_turn(move || hash(&password)).await?
    }

    /// Checks a password against what is stored. Where nothing is stored, because nobody has that address, the same work is done for
    /// nothing: the time of an answer does not tell who has an account.
    ///
    /// # Errors
    /// [`AuthError::Busy`] when no turn came in time, [`AuthError::BrokenHash`].
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<Verdict, AuthError> {
        self.in_turn(move || verify(&password, stored.as_deref())).await?
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AuthError> {
        let turn = timeout(self.patience, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(AuthError::Busy)?;
        // The turn is given back by the work itself: a caller that goes away does not stop the hashing.
        let work = spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        work.await.map_err(|_| AuthError::Crypto("hash a password"))
    }
}

fn hasher() -> Result<Argon2<'static>, AuthError> {
    let params = Params::new(MEMORY, ITERATIONS, LANES, Some(HASH_BYTES)).map_err(|_| AuthError::Crypto("take Argon2's parameters"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &SecretString) -> Result<String, AuthError> {
    let mut salt = [0; SALT_BYTES];
    OsRng.fill_bytes(&mut salt);
    let hashed = hasher()?.hash_password_with_salt(password.expose_secret().as_bytes(), &salt);
    Ok(hashed.map_err(|_| AuthError::Crypto("hash a password"))?.to_string())
}

fn verify(password: &SecretString, stored: Option<&str>) -> Result<Verdict, AuthError> {
    /// Of a password that nobody knows.
    static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| {
        let mut random = [0; 32];
        OsRng.fill_bytes(&mut random);
        hash(&hex::encode(random).into()).ok()
    });
    let text = stored.or(NOBODYS.as_deref()).ok_or(AuthError::Crypto("hash a password"))?;
    let parsed = PasswordHash::new(text).map_err(|_| AuthError::BrokenHash)?;
    let matches = Argon2::default().verify_password(password.expose_secret().as_bytes(), &parsed).is_ok();
    Ok(match matches && stored.is_some() {
        false => Verdict::Wrong,
        true if is_current(&parsed) => Verdict::Right,
        true => Verdict::RightButStale,
    })
}

fn is_current(hash: &PasswordHash) -> bool {
    let salt_bytes = hash.salt.as_ref().map_or(0, |salt| salt.len());
    let ours = |params: Params| (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY, ITERATIONS, LANES);
    hash.algorithm.as_str() == "argon2id" && salt_bytes >= SALT_BYTES && Params::try_from(hash).is_ok_and(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = Passwords::at_once(1);
        let stored = passwords.hash("tiga gajah lewat".into()).await.expect("a hash");
        assert!(stored.starts_with("$argon2id$v=19$m=65536,t=3,p=4$"), "{stored}");
        assert_ne!(stored, passwords.hash("tiga gajah lewat".into()).await.expect("a hash"), "salts differ");
        let check = async |password: &str, stored: Option<String>| passwords.verify(password.into(), stored).await;
        assert_eq!(check("tiga gajah lewat", Some(stored.clone())).await.expect("checked"), Verdict::Right);
        assert_eq!(check("tiga gajah lewat ", Some(stored)).await.expect("checked"), Verdict::Wrong);
        assert_eq!(check("tiga gajah lewat", None).await.expect("checked"), Verdict::Wrong);
        assert!(matches!(check("x", Some("not a hash".to_owned())).await, Err(AuthError::BrokenHash)));
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_right_but_stale() {
        let weaker = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).expect("parameters"));
        let stored = weaker.hash_password_with_salt(b"tiga gajah lewat", &[7; 16]).expect("a hash").to_string();
        let verdict = Passwords::at_once(1).verify("tiga gajah lewat".into(), Some(stored)).await;
        assert_eq!(verdict.expect("checked"), Verdict::RightButStale);
    }

    #[tokio::test]
    async fn who_gets_no_turn_is_told_to_come_back() {
        let passwords = Passwords { patience: Duration::from_millis(10), ..Passwords::at_once(1) };
        let _taken = passwords.turns.acquire().await.expect("a turn");
        assert!(matches!(passwords.hash("tiga gajah lewat".into()).await, Err(AuthError::Busy)));
    }
}
