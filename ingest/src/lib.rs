//! Outside world to raw record to facts
