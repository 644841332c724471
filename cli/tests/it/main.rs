mod backtest;
mod desk;
mod forecast;
mod help;
mod odd;
mod panels;
mod report;
mod structure;
