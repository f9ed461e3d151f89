//! The read models, from outside.

mod history;
mod journal;
mod lists;
mod measure;
mod naive;
mod property;
mod runner;
