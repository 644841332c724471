mod database;
mod embedded;
mod testing;
