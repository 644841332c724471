//! Where ingest, pipeline and models meet.
