//! A plain cqrs-es program on our journal.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{
    PersistedEventRepository, PersistedEventStore, PersistenceError, QueryReplay,
    SemanticVersionEventUpcaster,
};
use cqrs_es::{
    Aggregate, AggregateError, CqrsFramework, DomainEvent, EventEnvelope, EventStore, Query,
};
use journal::cqrs::Repository;
use journal::{Clock, StreamId};
use serde::{Deserialize, Serialize};

use crate::bed::{Bed, everything};

#[derive(Debug, Default, Serialize, Deserialize)]
struct Account {
    balance: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Happened {
    Deposited { amount: i64 },
    Withdrawn { amount: i64 },
}

impl DomainEvent for Happened {
    fn event_type(&self) -> String {
        match self {
            Self::Deposited { .. } => "Deposited".to_owned(),
            Self::Withdrawn { .. } => "Withdrawn".to_owned(),
        }
    }

    fn event_version(&self) -> String {
        "1.0.0".to_owned()
    }
}

#[derive(Debug)]
struct TooLittle;

impl fmt::Display for TooLittle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too little money")
    }
}

impl std::error::Error for TooLittle {}

/// Deposits or, when negative, withdraws each amount.
struct Move(Vec<i64>);

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = Move;
    type Event = Happened;
    type Error = TooLittle;
    type Services = ();

    async fn handle(
        &mut self,
        command: Move,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), TooLittle> {
        for amount in command.0 {
            if self.balance + amount < 0 {
                return Err(TooLittle);
            }
            let event = match amount {
                0.. => Happened::Deposited { amount },
                _ => Happened::Withdrawn { amount: -amount },
            };
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Happened) {
        match event {
            Happened::Deposited { amount } => self.balance += amount,
            Happened::Withdrawn { amount } => self.balance -= amount,
        }
    }
}

type Seen = Arc<Mutex<Vec<(String, usize, Happened)>>>;

struct Watch(Seen);

#[async_trait::async_trait]
impl Query<Account> for Watch {
    async fn dispatch(&self, id: &str, events: &[EventEnvelope<Account>]) {
        let mut seen = self.0.lock().expect("lock");
        for event in events {
            seen.push((id.to_owned(), event.sequence, event.payload.clone()));
        }
    }
}

type Store = PersistedEventStore<Repository, Account>;

pub async fn a_cqrs_program_runs_on_the_journal(bed: &impl Bed) {
    let journal = bed.open(Clock::system()).await;
    let repository = Repository::new(Arc::clone(&journal));
    // Every way of loading an aggregate gives the right balance, in all three
    // kinds of store, one after the other on the same streams.
    let stores: [fn(Repository) -> Store; 3] = [
        PersistedEventStore::new_event_store,
        |repository| PersistedEventStore::new_snapshot_store(repository, 2),
        PersistedEventStore::new_aggregate_store,
    ];
    let seen = Seen::default();
    for (round, store) in stores.into_iter().enumerate() {
        let program = CqrsFramework::new(
            store(repository.clone()),
            vec![Box::new(Watch(Arc::clone(&seen)))],
            (),
        );
        for _ in 0..5 {
            program.execute("x", Move(vec![10])).await.expect("deposit");
        }
        program.execute("y", Move(vec![3, -1])).await.expect("both");
        let refused = program.execute("x", Move(vec![1, -100_000])).await;
        assert!(matches!(refused, Err(AggregateError::UserError(_))));
        let round = round as i64 + 1;
        for (id, balance) in [("x", 50 * round), ("y", 2 * round)] {
            let loaded = store(repository.clone()).load_aggregate(id).await;
            let loaded = loaded.expect("load");
            assert_eq!(loaded.aggregate.balance, balance, "{id} in round {round}");
        }
    }

    // Metadata comes back as it went in, and fills the columns it names.
    let metadata = HashMap::from([
        ("actor".to_owned(), "user:7".to_owned()),
        ("tenant".to_owned(), "t".to_owned()),
    ]);
    let program = CqrsFramework::new(Store::new_event_store(repository.clone()), vec![], ());
    let executed = program.execute_with_metadata("y", Move(vec![1]), metadata.clone());
    executed.await.expect("execute");
    let store = Store::new_event_store(repository.clone());
    let events = EventStore::<Account>::load_events(&store, "y").await;
    let last = events.expect("load").pop().expect("event");
    assert_eq!((last.sequence, last.metadata), (7, metadata));
    let ours = journal
        .read_stream(&StreamId::new("account", "y"), 6, 9)
        .await;
    assert_eq!(ours.expect("read")[0].metadata.actor, "user:7");

    // Two that saw the same state: one of them is told.
    let stale = repository.get_events::<Account>("x").await.expect("get");
    let mut next = stale.last().expect("event").clone();
    next.sequence += 1;
    let next = [next];
    let first = repository.persist::<Account>(&next, None).await;
    first.expect("the first");
    let second = repository.persist::<Account>(&next, None).await;
    assert!(matches!(second, Err(PersistenceError::OptimisticLockError)));

    // Replaying gives a new query what the live one saw, in order.
    let replayed = Seen::default();
    let replay = QueryReplay::new(repository.clone(), Watch(Arc::clone(&replayed)));
    replay.replay_all().await.expect("replay");
    let mut replayed = replayed.lock().expect("lock").clone();
    assert_eq!(replayed.len(), 23);
    replayed.truncate(21);
    assert_eq!(replayed, *seen.lock().expect("lock"));
    everything(&*journal).await;
}

/// An event of an older shape reaches the aggregate through its upcaster also
/// where a snapshot is asked for.
pub async fn upcasters_are_honoured_in_every_kind_of_store(bed: &impl Bed) {
    let journal = bed.open(Clock::system()).await;
    let repository = Repository::new(Arc::clone(&journal));
    let mut old = crate::bed::append("z", 0, &[]);
    old.stream = StreamId::new("account", "z");
    old.events = vec![journal::NewEvent {
        kind: "Deposited".to_owned(),
        version: "0.1.0".to_owned(),
        ..crate::bed::event("{\"Paid\":7}")
    }];
    crate::bed::appended(&journal.append(old).await.expect("append"));
    let stores: [fn(Repository) -> Store; 3] = [
        PersistedEventStore::new_event_store,
        |repository| PersistedEventStore::new_snapshot_store(repository, 2),
        PersistedEventStore::new_aggregate_store,
    ];
    for store in stores {
        let upcaster = SemanticVersionEventUpcaster::new(
            "Deposited",
            "1.0.0",
            Box::new(|old| serde_json::json!({"Deposited": {"amount": old["Paid"]}})),
        );
        let store = store(repository.clone()).with_upcasters(vec![Box::new(upcaster)]);
        let loaded = store.load_aggregate("z").await.expect("load");
        assert_eq!(loaded.aggregate.balance, 7);
        assert_eq!(loaded.current_sequence, 1);
    }
}
