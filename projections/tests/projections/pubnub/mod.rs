//! Packages, keysets, package deployments, and what functions share.

pub mod check;
mod directed;
mod history;
pub mod lists;
pub mod naive;
