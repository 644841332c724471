//! `viralcast migrate`

use anyhow::Context as _;
use platform::config::Config;
use platform::database::Database;

use crate::context::{Global, block_on};

/// Bring the database's schema up to date; safe to repeat
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: DATABASE_URL=postgres://owner@host/viralcast viralcast migrate")]
pub struct Arguments {}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        block_on(async {
            let config = Config::load(global.config.as_deref())?;
            let db = Database::open(&config.database, &config.data_dir()?).await.context("can't open the database")?;
            let done = db.migrate().await.context("can't migrate the database");
            db.close().await?;
            let done = done?;
            if global.json {
                println!("{}", serde_json::json!({ "applied": done.applied, "known": done.known }));
            } else {
                println!("{} migrations applied, {} in all", done.applied, done.known);
            }
            Ok(())
        })
    }
}
