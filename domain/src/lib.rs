//! Pure types: facts, time, quantiles, plans, job arguments, events
