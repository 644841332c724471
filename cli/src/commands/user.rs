//! `viralcast user create | password | list`

use std::io::BufRead as _;

use anyhow::Context as _;
use base64::Engine as _;
use clap::Subcommand;
use platform::auth::{Passwords, Weakness, weakness};
use platform::database::begin;
use platform::db::auth_sessions::{Revocation, revoke_others};
use platform::db::users::{NewUser, create_user, find_user_id, list_users, set_password, verify_email};
use rand::RngCore as _;
use uuid::Uuid;

use crate::context::{Context, Global, with_context};
use crate::failure::Failure;
use crate::table::table;

/// Create and list people who sign in
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast user create sri@example.com --name 'Bu Sri'")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create an account; prints a random password unless one is given
    Create {
        email: String,
        #[arg(long)]
        name: Option<String>,
        /// May see every store, runs, backfills and the queue
        #[arg(long)]
        operator: bool,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Set a new password and end every session; prints a random one unless one is given
    Password {
        email: String,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// List accounts
    List,
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        with_context(global, async |context| match &self.action {
            Action::Create { email, name, operator, password_stdin } => {
                let given = given_password(*password_stdin, &[email, name.as_deref().unwrap_or_default()])?;
                if find_user_id(context.db.work(), email).await?.is_some() {
                    return Err(Failure::with_hint(format!("`{email}` has an account"), "a new password: viralcast user password EMAIL"));
                }
                let new = NewUser { email: email.clone(), name: name.clone(), password_hash: None, is_operator: *operator };
                let id = create_user(context.db.work(), &new).await?;
                say(&context, id, email, given).await
            }
            Action::Password { email, password_stdin } => {
                let given = given_password(*password_stdin, &[email])?;
                let missing = || Failure::with_hint(format!("`{email}` has no account"), "see `viralcast user list`");
                let id = find_user_id(context.db.work(), email).await?.ok_or_else(missing)?;
                say(&context, id, email, given).await
            }
            Action::List => {
                let users = list_users(context.db.work()).await?;
                if context.json {
                    let users: Vec<_> = users.iter().map(|user| serde_json::json!({ "id": user.id, "email": user.email, "name": user.name, "role": user.role, "email_verified_at": user.email_verified_at })).collect();
                    println!("{}", serde_json::to_string_pretty(&users)?);
                    return Ok(());
                }
                let rows = users.iter().map(|user| {
                    let verified = if user.email_verified_at.is_some() { "yes" } else { "no" };
                    vec![user.email.clone(), user.name.clone().unwrap_or_default(), user.role.clone(), verified.to_owned()]
                });
                println!("{}", table(&["e-mail", "name", "role", "verified"], 4.., rows));
                Ok(())
            }
        })
    }
}

/// Prints what was not given: the password alone on standard output.
async fn say(context: &Context, id: Uuid, email: &str, given: Option<String>) -> anyhow::Result<()> {
    let is_given = given.is_some();
    let password = set_new_password(context, id, given).await?;
    if context.json {
        let password = (!is_given).then_some(password);
        println!("{}", serde_json::json!({ "id": id, "email": email, "password": password }));
    } else if !is_given {
        println!("{password}");
        eprintln!("the password of {email}; it is shown once");
    }
    Ok(())
}

/// Sets a password, a random one unless it is given, verifies the address and ends every session. Returns the password.
pub async fn set_new_password(context: &Context, id: Uuid, given: Option<String>) -> anyhow::Result<String> {
    let now = context.clock.now();
    let password = match given {
        Some(password) => password,
        None => random_password()?,
    };
    let hash = Passwords::default().hash(password.clone().into()).await?;
    let mut transaction = begin(context.db.work()).await?;
    set_password(&mut *transaction, id, &hash, Some(now)).await?;
    verify_email(&mut *transaction, id, now).await?;
    revoke_others(&mut transaction, id, None, Revocation::ByOperator, now).await?;
    transaction.commit().await?;
    Ok(password)
}

fn given_password(is_given: bool, about: &[&str]) -> anyhow::Result<Option<String>> {
    if !is_given {
        return Ok(None);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("can't read the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    match weakness(&password, about) {
        None => Ok(Some(password)),
        Some(Weakness::TooShort) => Err(Failure::with_hint("the password has fewer than 10 characters".to_owned(), "take several words")),
        Some(Weakness::TooLong) => Err(Failure::with_hint("the password has more than 128 characters".to_owned(), "take a shorter one")),
        Some(Weakness::Guessable) => {
            Err(Failure::with_hint("the password is easily guessed".to_owned(), "take several words that do not belong together"))
        }
    }
}

/// 96 random bits.
fn random_password() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).context("the machine gives no random bytes")?;
    Ok(base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
