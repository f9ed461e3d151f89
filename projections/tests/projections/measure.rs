//! Numbers, when asked for.
