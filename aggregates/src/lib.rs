//! Commands, events and aggregates of Strata: pure decisions, no I/O.
