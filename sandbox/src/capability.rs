//! The seam between a function and the outside world.

use std::pin::Pin;

/// What an operation answers: JSON text and bytes, or the text of an error.
/// Empty JSON text stands for `undefined`.
pub type Answer = Result<(String, Vec<u8>), String>;

/// An operation on its way.
pub type Pending = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Operations that a dialect adds to the built-in ones.
pub trait Capability: Send + Sync {
    /// Answers a quick operation at once; `None` when the name is not known here.
    fn call(&self, op: &str, arg: &str, data: &[u8]) -> Option<Answer> {
        let _ = (op, arg, data);
        None
    }

    /// Begins an operation that takes time; `None` when the name is not known here.
    fn start(&self, op: &str, arg: &str, data: &[u8]) -> Option<Pending> {
        let _ = (op, arg, data);
        None
    }
}

/// One answer of the host, as the function saw it.
#[derive(Debug)]
pub enum Answered<'a> {
    /// A quick operation: name, argument, answer.
    Call(&'a str, &'a str, &'a Answer),
    /// A started operation: its id and answer, in the order of delivery.
    Completed(u32, &'a Answer),
    /// Monotonic milliseconds.
    Now(f64),
    /// Wall clock, since the epoch.
    Wall(std::time::Duration),
}

/// Hears every answer that passes the seam, in order, so that an execution can
/// be told again exactly.
pub trait Recorder: Send + Sync {
    /// Called on the path of the execution: should be quick.
    fn answered(&self, answer: Answered<'_>);
}
