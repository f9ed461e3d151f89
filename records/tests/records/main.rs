//! The store of records as its users see it.

#[macro_use]
mod bed;
mod crash;
mod lists;
mod naive;
mod nodes;
mod property;
mod suite;
