//! What every aggregate of Strata adds to the `cqrs-es` contract.

use cqrs_es::Aggregate;

/// An aggregate whose folded state can be kept as a snapshot.
pub trait Fold: Aggregate<Services = ()> + Clone {
    /// Changes whenever `apply` or the state's shape changes, so that snapshots
    /// of an older fold are never used.
    const FOLD_VERSION: u32;
}

/// Implements `cqrs_es::Aggregate` for a state type that has
/// `decide(&self, Command) -> Result<Vec<Event>, Error>` and `fold(&mut self, Event)`,
/// and `DomainEvent` for its event type.
macro_rules! aggregate {
    ($state:ty, $kind:literal, fold $version:literal) => {
        impl cqrs_es::Aggregate for $state {
            const TYPE: &'static str = $kind;
            type Command = Command;
            type Event = Event;
            type Error = Error;
            type Services = ();

            async fn handle(
                &mut self,
                command: Command,
                _services: &(),
                sink: &cqrs_es::event_sink::EventSink<Self>,
            ) -> Result<(), Error> {
                for event in self.decide(command)? {
                    sink.write(event, self).await;
                }
                Ok(())
            }

            fn apply(&mut self, event: Event) {
                self.fold(event);
            }
        }

        impl $crate::Fold for $state {
            const FOLD_VERSION: u32 = $version;
        }

        impl cqrs_es::DomainEvent for Event {
            fn event_type(&self) -> String {
                self.kind().to_owned()
            }

            fn event_version(&self) -> String {
                self.version().to_owned()
            }
        }
    };
}

/// Gives an event enum `kind()` (the variant's name) and `version()` (`1`
/// unless listed), the two typed columns beside its payload.
macro_rules! kinds {
    ($event:ident: $($variant:ident $(@ $version:literal)?),+ $(,)?) => {
        impl $event {
            /// The event type as stored, equal to the variant's name.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => stringify!($variant),)+
                }
            }

            /// The version of the payload's shape as stored.
            pub fn version(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => kinds!(@version $($version)?),)+
                }
            }

            /// Every event type of this aggregate.
            pub const KINDS: &'static [&'static str] = &[$(stringify!($variant)),+];
        }
    };
    (@version) => { "1" };
    (@version $version:literal) => { $version };
}

pub(crate) use {aggregate, kinds};

/// Reads a field that is there, so that a null in it is not taken for its absence.
pub(crate) fn given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
