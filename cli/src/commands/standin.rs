//! `viralcast standin`

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{NaiveDate, Utc};
use standin::server::Server;
use standin::services::{self, Context};
use standin::world::{World, simulate};

use crate::context::{Global, block_on};

/// Stand-ins of the outside services on the loopback, answering from the demo world
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: viralcast standin, then: curl 'http://127.0.0.1:4100/bmkg/publik/prakiraan-cuaca?adm4=32.73.09.1001'")]
pub struct Arguments {
    #[arg(long, default_value = "127.0.0.1:4100")]
    bind: SocketAddr,
    #[arg(long, default_value_t = super::demo::SEED)]
    seed: u64,
    /// Day of the demo world; without it today
    #[arg(long, value_name = "YYYY-MM-DD")]
    today: Option<NaiveDate>,
}

impl Arguments {
    pub fn run(self, _global: &Global) -> anyhow::Result<()> {
        let today = self.today.unwrap_or_else(|| Utc::now().date_naive());
        let world = simulate(self.seed, today, World::definition()).context("can't simulate the demo world")?;
        block_on(async {
            let all = services::all();
            let server = Server::bind(self.bind, &all, &Context::new(Arc::new(world))).await?;
            for service in all.iter() {
                eprintln!("http://{}/{}  {}", server.address(), service.name, service.about);
            }
            server.run(async { drop(tokio::signal::ctrl_c().await) }).await?;
            Ok(())
        })
    }
}
