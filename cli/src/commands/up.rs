//! `viralcast up`

use super::serve::{Roles, until_told};
use crate::context::{Global, with_context};

/// API, workers and scheduler in one process, on the private database unless DATABASE_URL is set
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast up")]
pub struct Arguments {}

impl Arguments {
    pub fn run(self, global: &Global) -> anyhow::Result<()> {
        with_context(global, async |context| {
            context.db.migrate().await?;
            eprintln!("API on {}://{} (docs at /docs); Ctrl-C stops", context.config.http.scheme(), context.config.http.address());
            until_told(&context, Roles::ALL).await
        })
    }
}
