mod database;
mod db;
mod embedded;
mod testing;
