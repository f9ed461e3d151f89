//! The read models, from outside.

mod history;
mod home;
mod journal;
mod lists;
mod measure;
mod naive;
mod nango;
mod nodes;
mod property;
mod pubnub;
mod runner;
mod server;
mod texts;
