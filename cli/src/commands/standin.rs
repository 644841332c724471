//! `viralcast standin`

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{NaiveDate, Utc};
use standin::server::Server;
use standin::services::{self, Context};
use standin::smtp::MailServer;
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
    /// Address of the mail server
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4125")]
    smtp_bind: SocketAddr,
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
            let context = Context::new(Arc::new(world));
            let server = Server::bind(self.bind, &all, &context).await?;
            let mail_server = MailServer::bind(self.smtp_bind, &context.mailbox).await?;
            for service in all.iter() {
                eprintln!("http://{}/{}  {}", server.address(), service.name, service.about);
            }
            eprintln!("smtp://{}  mails, listed at http://{}/standin/smtp/mails", mail_server.address(), server.address());
            // It ends with the runtime.
            tokio::spawn(mail_server.run(std::future::pending()));
            server.run(async { drop(tokio::signal::ctrl_c().await) }).await?;
            Ok(())
        })
    }
}
