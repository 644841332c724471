//! `viralcast user create | password | forget-second-factor | disable | enable | list`

use std::io::BufRead as _;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::Subcommand;
use platform::auth::{Passwords, Purpose, Weakness, weakness};
use platform::database::begin;
use platform::db::audit_log::{NewAuditEntry, record};
use platform::db::auth_sessions::{Revocation, revoke_others};
use platform::db::disabled_accounts::{Disabled, disable_account, enable_account, is_disabled};
use platform::db::one_time_tokens::{create_one_time_token, use_up_one_time_tokens};
use platform::db::second_factors::remove_second_factor;
use platform::db::users::{NewUser, create_user, find_user_id, list_users, set_password, take_password_away, verify_email};
use serde_json::json;
use sqlx::PgConnection;
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
    /// Create an account; prints a link by which its owner chooses a password, unless one is given
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
    /// End every session and set the given password, or take the old one away and print a link by which a new one is chosen
    Password {
        email: String,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Forget the second factor of somebody who lost it, and end every session: they sign in with their password alone
    ForgetSecondFactor { email: String },
    /// Let somebody in no more: ends every session and link. Nothing of theirs is lost
    Disable { email: String },
    /// Let somebody in again, who signs in anew
    Enable { email: String },
    /// List accounts
    List,
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        with_context(global, async |context| match &self.action {
            Action::Create { email, name, operator, password_stdin } => {
                let given = given_password(&context, *password_stdin, &[email, name.as_deref().unwrap_or_default()]).await?;
                if find_user_id(context.db.work(), email).await?.is_some() {
                    return Err(Failure::with_hint(format!("`{email}` has an account"), "a new password: viralcast user password EMAIL"));
                }
                if given.is_none() {
                    context.require_known_secret().await?;
                }
                let new = NewUser { email: email.clone(), name: name.clone(), password_hash: None, is_operator: *operator };
                let id = create_user(context.db.work(), &new).await?;
                give_way_in(&context, id, email, given).await
            }
            Action::Password { email, password_stdin } => {
                let given = given_password(&context, *password_stdin, &[email]).await?;
                let id = existing(&context, email).await?;
                if is_disabled(context.db.work(), id).await? {
                    let hint = format!("let them in first: viralcast user enable {email}");
                    return Err(Failure::with_hint(format!("`{email}` is disabled"), hint));
                }
                if given.is_none() {
                    context.require_known_secret().await?;
                }
                give_way_in(&context, id, email, given).await
            }
            Action::ForgetSecondFactor { email } => forget_second_factor(&context, email).await,
            Action::Disable { email } => disable(&context, email).await,
            Action::Enable { email } => enable(&context, email).await,
            Action::List => {
                let users = list_users(context.db.work()).await?;
                if context.json {
                    let users: Vec<_> = users.iter().map(|user| json!({ "id": user.id, "email": user.email, "name": user.name, "role": user.role, "email_verified_at": user.email_verified_at, "disabled_at": user.disabled_at, "has_second_factor": user.has_second_factor })).collect();
                    println!("{}", serde_json::to_string_pretty(&users)?);
                    return Ok(());
                }
                let rows = users.iter().map(|user| {
                    let verified = if user.email_verified_at.is_some() { "yes" } else { "no" };
                    let factor = if user.has_second_factor { "yes" } else { "no" };
                    let disabled = user.disabled_at.map(|since| since.format("%Y-%m-%d").to_string()).unwrap_or_default();
                    vec![
                        user.email.clone(),
                        user.name.clone().unwrap_or_default(),
                        user.role.clone(),
                        verified.to_owned(),
                        factor.to_owned(),
                        disabled,
                    ]
                });
                println!("{}", table(&["e-mail", "name", "role", "verified", "second factor", "disabled"], 6.., rows));
                Ok(())
            }
        })
    }
}

async fn existing(context: &Context, email: &str) -> anyhow::Result<Uuid> {
    let missing = || Failure::with_hint(format!("`{email}` has no account"), "see `viralcast user list`");
    find_user_id(context.db.work(), email).await?.ok_or_else(missing)
}

async fn forget_second_factor(context: &Context, email: &str) -> anyhow::Result<()> {
    let (id, now) = (existing(context, email).await?, context.clock.now());
    let mut transaction = begin(context.db.work()).await?;
    let sessions_ended = revoke_others(&mut transaction, id, None, Revocation::ByOperator, now).await?.len();
    if !remove_second_factor(&mut *transaction, id).await? {
        return Err(Failure::with_hint(format!("`{email}` has no second factor"), "nothing was changed"));
    }
    remember(&mut transaction, id, "second_factor_forgotten", now).await?;
    transaction.commit().await?;
    if context.json {
        println!("{}", json!({ "id": id, "email": email, "sessions_ended": sessions_ended }));
    } else {
        println!("{email} signs in with the password alone; sessions that ended: {sessions_ended}");
    }
    Ok(())
}

/// What whoever has the machine did to an account.
async fn remember(transaction: &mut PgConnection, id: Uuid, action: &'static str, now: DateTime<Utc>) -> anyhow::Result<()> {
    let (subject, details) = (id.to_string(), json!({}));
    let entry = NewAuditEntry { user_id: None, store_id: None, action, subject: &subject, details, ip_address: None, now };
    Ok(record(transaction, &entry).await?)
}

/// To find it so already is no error.
async fn disable(context: &Context, email: &str) -> anyhow::Result<()> {
    let id = existing(context, email).await?;
    let mut transaction = begin(context.db.work()).await?;
    let Disabled { is_new, sessions_ended } = disable_account(&mut transaction, id, context.clock.now()).await?;
    transaction.commit().await?;
    if context.json {
        println!("{}", json!({ "id": id, "email": email, "is_new": is_new, "sessions_ended": sessions_ended }));
    } else if is_new {
        println!("{email} may not come in any more; sessions that ended: {sessions_ended}");
    } else {
        println!("{email} was disabled before");
    }
    Ok(())
}

async fn enable(context: &Context, email: &str) -> anyhow::Result<()> {
    let id = existing(context, email).await?;
    let mut transaction = begin(context.db.work()).await?;
    let is_new = enable_account(&mut transaction, id, context.clock.now()).await?;
    transaction.commit().await?;
    if context.json {
        println!("{}", json!({ "id": id, "email": email, "is_new": is_new }));
    } else if is_new {
        println!("{email} may come in again, and signs in anew");
    } else {
        println!("{email} was not disabled");
    }
    Ok(())
}

/// The password that was given; else prints a link, alone on standard output. Whoever runs this has not chosen, and does not know, what
/// somebody else signs in with for good.
async fn give_way_in(context: &Context, id: Uuid, email: &str, given: Option<String>) -> anyhow::Result<()> {
    if let Some(password) = given {
        set_new_password(context, id, &password).await?;
        if context.json {
            println!("{}", json!({ "id": id, "email": email }));
        }
        return Ok(());
    }
    let (links, now, purpose) = (context.links()?, context.clock.now(), Purpose::VerifyEmail);
    let mut transaction = begin(context.db.work()).await?;
    revoke_others(&mut transaction, id, None, Revocation::ByOperator, now).await?;
    let had_one = take_password_away(&mut *transaction, id, now).await?;
    use_up_one_time_tokens(&mut *transaction, id, now).await?;
    let token = create_one_time_token(&mut *transaction, id, purpose, &links.secret, now).await?;
    remember(&mut transaction, id, if had_one { "password_taken_away" } else { "link_handed_over" }, now).await?;
    transaction.commit().await?;
    let (link, until) = (links.to_choose_password(token, purpose), now + purpose.life());
    if context.json {
        println!("{}", json!({ "id": id, "email": email, "link": link, "expires_at": until }));
    } else {
        println!("{link}");
        eprintln!("by it {email} chooses a password; it works once, until {}, and is shown once", until.format("%Y-%m-%d %H:%M UTC"));
    }
    Ok(())
}

/// Verifies the address and ends every session.
pub async fn set_new_password(context: &Context, id: Uuid, password: &str) -> anyhow::Result<()> {
    let now = context.clock.now();
    let hash = Passwords::default().hash(password.to_owned().into()).await?;
    let mut transaction = begin(context.db.work()).await?;
    set_password(&mut *transaction, id, &hash, Some(now)).await?;
    verify_email(&mut *transaction, id, now).await?;
    revoke_others(&mut transaction, id, None, Revocation::ByOperator, now).await?;
    use_up_one_time_tokens(&mut *transaction, id, now).await?;
    remember(&mut transaction, id, "password_set", now).await?;
    Ok(transaction.commit().await?)
}

async fn given_password(context: &Context, is_given: bool, about: &[&str]) -> anyhow::Result<Option<String>> {
    if !is_given {
        return Ok(None);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("can't read the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    match weakness(&password, about) {
        None if context.breaches()?.have(&password.clone().into()).await => {
            Err(Failure::with_hint("somebody else has lost this password before: others try it".to_owned(), "take another one"))
        }
        None => Ok(Some(password)),
        Some(Weakness::TooShort) => Err(Failure::with_hint("the password has fewer than 10 characters".to_owned(), "take several words")),
        Some(Weakness::TooLong) => Err(Failure::with_hint("the password has more than 128 characters".to_owned(), "take a shorter one")),
        Some(Weakness::Guessable) => {
            Err(Failure::with_hint("the password is easily guessed".to_owned(), "take several words that do not belong together"))
        }
    }
}
