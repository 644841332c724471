//! The booster from outside: against other boosters' numbers, and what it promises for each kind of column and loss.

mod columns;
mod data;
mod losses;
mod oracles;
mod promises;
