//! Everything the product stands on: config, database, queue, cache, bus, objects, mail, telemetry, clock

pub mod db;
