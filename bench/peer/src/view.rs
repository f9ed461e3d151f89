//! The simplest read model: the folded aggregate itself.

use std::fmt::Debug;

use cqrs_es::{Aggregate, EventEnvelope, View};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The state of one aggregate, as a view.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Folded<A>(A);

impl<A> View<A> for Folded<A>
where
    A: Aggregate + Debug + Default + Serialize + DeserializeOwned,
    A::Event: Clone,
{
    fn update(&mut self, event: &EventEnvelope<A>) {
        self.0.apply(event.payload.clone());
    }
}
