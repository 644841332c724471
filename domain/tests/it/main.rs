mod plan;
mod qris;
