//! `viralcast keys generate | list | retire | alias | reseal`

use std::net::IpAddr;

use clap::Subcommand;
use platform::auth::NewSigningKey;
use platform::database::begin;
use platform::db::sealed::{Resealed, reseal};
use platform::db::signing_keys::{insert_signing_key, list_signing_keys, retire_signing_key};

use crate::context::{Global, with_context};
use crate::failure::Failure;
use crate::table::table;

/// Keys that access tokens are signed with, and what the installation's secret seals
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: viralcast keys generate\n\nTo rotate, generate a key; a quarter of an hour later nothing depends on the one before: retire it."
)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key; it signs ten minutes later, when every server knows it
    Generate {
        /// Sign with it now: for a first key, or after one was stolen
        #[arg(long)]
        at_once: bool,
    },
    /// List keys, newest first
    List,
    /// Refuse, from now on, what a key has signed
    Retire {
        /// As `keys list` shows it
        kid: String,
    },
    /// Show how log lines name whoever asks from an address (`client.alias`)
    Alias { address: IpAddr },
    /// Seal anew, with the secret of now, what VIRALCAST_AUTH__FORMER_SECRET sealed
    Reseal,
}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        with_context(global, async |context| {
            let now = context.clock.now();
            match &self.action {
                Action::Generate { at_once } => {
                    if !at_once {
                        context.require_known_secret().await?;
                    }
                    let key = NewSigningKey::generate(&context.secret()?, now, *at_once)?;
                    insert_signing_key(context.db.work(), &key).await?;
                    if context.json {
                        println!("{}", serde_json::json!({ "kid": key.kid, "signs_from": key.signs_from }));
                    } else {
                        println!("{}", key.kid);
                        eprintln!(
                            "it signs from {}; retire the one before a quarter of an hour later",
                            key.signs_from.format("%H:%M:%S UTC")
                        );
                    }
                }
                Action::List => {
                    let keys = list_signing_keys(context.db.work()).await?;
                    if context.json {
                        let keys: Vec<_> = keys
                            .iter()
                            .map(|key| serde_json::json!({ "kid": key.kid, "signs_from": key.signs_from, "retired_at": key.retired_at }))
                            .collect();
                        println!("{}", serde_json::to_string_pretty(&keys)?);
                        return Ok(());
                    }
                    let rows = keys.iter().map(|key| {
                        let retired =
                            key.retired_at.map_or_else(|| "in use".to_owned(), |at| format!("retired {}", at.format("%Y-%m-%d %H:%M UTC")));
                        vec![key.kid.clone(), key.signs_from.format("%Y-%m-%d %H:%M UTC").to_string(), retired]
                    });
                    println!("{}", table(&["key", "signs from", "state"], 3.., rows));
                }
                Action::Retire { kid } => {
                    if !retire_signing_key(context.db.work(), kid, now).await? {
                        return Err(Failure::with_hint(format!("no key `{kid}` is in use"), "see `viralcast keys list`"));
                    }
                    eprintln!("within a minute no server takes what `{kid}` has signed");
                }
                Action::Alias { address } => {
                    let alias = api::alias_of(*address, &context.secret()?);
                    match context.json {
                        true => println!("{}", serde_json::json!({ "address": address, "alias": alias })),
                        false => println!("{alias}"),
                    }
                }
                Action::Reseal => {
                    context.require_known_secret().await?;
                    let mut transaction = begin(context.db.work()).await?;
                    let resealed = reseal(&mut transaction, &context.secret()?, now).await?;
                    transaction.commit().await?;
                    if context.json {
                        println!("{}", serde_json::to_string_pretty(&resealed)?);
                    } else {
                        tell(&resealed);
                    }
                }
            }
            Ok(())
        })
    }
}

fn tell(Resealed { signing_keys, second_factors, push_secrets, till_tokens, closed }: &Resealed) {
    println!(
        "sealed anew: {signing_keys} signing keys, {second_factors} second factors, {push_secrets} push secrets, {till_tokens} tokens for tills"
    );
    for what in closed {
        println!("not opened, left as it is: {what}");
    }
    if closed.is_empty() {
        eprintln!("nothing needs the former secret any more but codes on paper that were handed out under it");
    }
    eprintln!(
        "if somebody may have had it with a copy of the database: keys generate --at-once, keys retire the others, store push-secret --at-once, store connect anew, and let people renew their second factors"
    );
}
