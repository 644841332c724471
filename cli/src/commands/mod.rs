//! Every command, one file each.

mod backfill;
mod backtest;
mod demo;
mod doctor;
mod export;
mod forecast;
mod ingest;
mod keys;
mod migrate;
mod openapi;
mod queue;
mod queue_bench;
mod run;
mod runs;
mod serve;
mod standin;
mod store;
mod up;
mod user;
mod what_if;

pub use ingest::ingest_file;
pub use store::owner_id;
pub use user::set_new_password;

use clap::{Parser, Subcommand};

use crate::context::Global;

/// Demand forecasting for small food and retail shops: from a sales file to tomorrow's plan.
#[derive(Debug, Parser)]
#[command(
    name = "viralcast",
    version,
    max_term_width = 110,
    after_help = "Start with a file: viralcast forecast sales.csv --horizon 14\nSee everything: viralcast demo"
)]
pub struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Forecast(forecast::Arguments),
    Backtest(backtest::Arguments),
    Demo(demo::Arguments),
    Up(up::Arguments),
    Serve(serve::Arguments),
    Work(serve::WorkArguments),
    Schedule(serve::ScheduleArguments),
    Ingest(ingest::Arguments),
    Run(run::Arguments),
    Backfill(backfill::Arguments),
    Runs(runs::Arguments),
    Queue(queue::QueueArguments),
    Dead(queue::DeadArguments),
    Export(export::Arguments),
    WhatIf(what_if::Arguments),
    Store(store::Arguments),
    User(user::Arguments),
    Keys(keys::Arguments),
    Migrate(migrate::Arguments),
    Doctor(doctor::Arguments),
    Openapi(openapi::Arguments),
    Standin(standin::Arguments),
}

/// Does what the arguments say.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let global = &arguments.global;
    match arguments.command {
        Command::Forecast(command) => command.run(global),
        Command::Backtest(command) => command.run(global),
        Command::Demo(command) => command.run(global),
        Command::Up(command) => command.run(global),
        Command::Serve(command) => command.run(global),
        Command::Work(command) => command.run(global),
        Command::Schedule(command) => command.run(global),
        Command::Ingest(command) => command.run(global),
        Command::Run(command) => command.run(global),
        Command::Backfill(command) => command.run(global),
        Command::Runs(command) => command.run(global),
        Command::Queue(command) => command.run(global),
        Command::Dead(command) => command.run(global),
        Command::Export(command) => command.run(global),
        Command::WhatIf(command) => command.run(global),
        Command::Store(command) => command.run(global),
        Command::User(command) => command.run(global),
        Command::Keys(command) => command.run(global),
        Command::Migrate(command) => command.run(global),
        Command::Doctor(command) => command.run(global),
        Command::Openapi(command) => command.run(global),
        Command::Standin(command) => command.run(global),
    }
}
