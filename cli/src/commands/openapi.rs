//! `viralcast openapi`

use crate::context::Global;

/// Print the OpenAPI 3.1 document of the HTTP API
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast openapi > openapi.json")]
pub struct Arguments {}

impl Arguments {
    pub fn run(self, _global: &Global) -> anyhow::Result<()> {
        println!("{}", serde_json::to_string_pretty(&api::openapi())?);
        Ok(())
    }
}
