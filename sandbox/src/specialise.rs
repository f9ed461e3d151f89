//! Tier 1.

/// What became of a request for a tier-1 component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Specialised {
    /// The component is there; executions use it from now on.
    Done,
    /// The program cannot be snapshotted and stays on tier 0.
    Refused {
        /// What its top level does that a snapshot must not hold.
        reason: String,
    },
}
