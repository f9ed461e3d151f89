//! The journal as its users see it.
//!
//! [`suite`] and [`model`] hold for every backend and know only the port; a
//! backend runs them by giving a [`bed::Bed`].

mod bed;
mod cqrs;
#[cfg(feature = "kurrentdb")]
mod kurrentdb;
mod measure;
mod model;
mod nodes;
mod outage;
mod postgres;
mod server;
mod sqlite;
mod suite;
