//! However a state came about (in the cache, from a snapshot and the events
//! after it, after a restart), it is the fold of all events of its stream.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use aggregates::function::{Function, Settings, Value};
use aggregates::project::{Key, Project};
use aggregates::{Dialect, Fold, function, project};
use journal::{Journal, StreamId};

use super::{Bus, Context, Error, Options};

const STREAMS: [&str; 5] = ["a:1", "a:2", "a:3", "b:1", "b:2"];

/// Reproducible random numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn project(dice: &mut Dice) -> project::Command {
    let id = format!("k{}", dice.below(4)).as_str().into();
    match dice.below(12) {
        0 => project::Command::Delete,
        1..=3 => project::Command::Create {
            name: format!("P{}", dice.below(100)),
            data_key: "d".to_owned(),
        },
        4..=8 => project::Command::CreateKey {
            id,
            key: Key {
                name: "n".to_owned(),
                hash: format!("{:x}", dice.below(u64::MAX)),
                scopes: vec!["*".to_owned()],
                expires_at: None,
            },
        },
        _ => project::Command::RevokeKey { id },
    }
}

fn function(dice: &mut Dice) -> function::Command {
    let id = format!("v{}", dice.below(4)).as_str().into();
    let key = format!("KEY_{}", dice.below(3));
    let value = Value::Clear(dice.below(1000).to_string());
    match dice.below(20) {
        0 => function::Command::Delete,
        1..=3 => function::Command::Create {
            origin: Dialect::Appwrite,
            settings: Settings {
                name: format!("F{}", dice.below(100)),
                runtime: "node-22".to_owned(),
                execute: Vec::new(),
                events: Vec::new(),
                schedule: String::new(),
                timeout: 15,
                enabled: true,
                logging: true,
                entrypoint: String::new(),
                commands: String::new(),
                scopes: Vec::new(),
                provider: function::Provider::default(),
                build_specification: String::new(),
                runtime_specification: String::new(),
                deployment_retention: 0,
                script: None,
            },
        },
        4..=7 => function::Command::ActivateDeployment {
            deployment: format!("d{}", dice.below(9)).as_str().into(),
            queued_at: Some(dice.below(50)),
        },
        8..=12 => function::Command::CreateVariable { id, key, value },
        13..=16 => function::Command::UpdateVariable {
            id,
            key: (dice.below(2) == 0).then_some(key),
            value: Some(value),
        },
        _ => function::Command::DeleteVariable { id },
    }
}

fn open(path: &Path) -> (Arc<dyn Journal>, Bus) {
    let journal: Arc<dyn Journal> = journal::sqlite::Options::new(path).build().unwrap();
    let bus = Options {
        journal: journal.clone(),
        follower: None,
        // Fewer than there are streams, so that states come and go.
        cached_aggregates: 2,
        snapshot_every: 3,
        shared: false,
    };
    (journal, bus.build())
}

/// Plays random commands and gives how many had an effect.
async fn play<A>(bus: &Bus, dice: &mut Dice, command: fn(&mut Dice) -> A::Command) -> usize
where
    A: Fold + 'static,
    A::Command: Clone + Send,
{
    let mut done = 0;
    for _ in 0..150 {
        let key = STREAMS[dice.below(STREAMS.len() as u64) as usize];
        let context = Context::once("test", "a");
        match bus.execute::<A>(key, command(dice), &context).await {
            Ok(_) => done += 1,
            Err(Error::Refused(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    done
}

/// Compares what the bus has with a fold of everything; gives how many streams
/// had a snapshot.
async fn compare<A>(journal: &dyn Journal, bus: &Bus, when: &str) -> usize
where
    A: Fold + PartialEq + Debug + 'static,
{
    let mut snapshots = 0;
    for key in STREAMS {
        let stream = StreamId::new(A::TYPE, key);
        let mut state = A::default();
        let events = journal.read_stream(&stream, 0, 10_000).await.unwrap();
        for event in &events {
            state.apply(serde_json::from_str(event.payload.get()).unwrap());
        }
        let loaded = bus.load::<A>(key).await.unwrap();
        assert_eq!(loaded.sequence, events.len() as u64, "{when}: {stream}");
        assert_eq!(*loaded.state, state, "{when}: {stream}");
        let snapshot = journal.load_snapshot(&stream, A::FOLD_VERSION).await;
        snapshots += usize::from(snapshot.unwrap().is_some());
    }
    snapshots
}

async fn check<A>(seed: u64, command: fn(&mut Dice) -> A::Command)
where
    A: Fold + PartialEq + Debug + 'static,
    A::Command: Clone + Send,
{
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut dice = Dice(seed);
    let mut snapshots = 0;
    for restart in 0..4 {
        let (journal, bus) = open(&path);
        compare::<A>(&*journal, &bus, "after a restart").await;
        let done = play::<A>(&bus, &mut dice, command).await;
        assert!(done > 20, "seed {seed}: only {done} commands had an effect");
        snapshots += compare::<A>(&*journal, &bus, "after commands").await;
        journal.close().await;
        if restart == 2 {
            // Snapshots can be thrown away at any time.
            for entry in std::fs::read_dir(folder.path()).unwrap() {
                let file = entry.unwrap().path();
                if file.to_string_lossy().contains("snapshots") {
                    std::fs::remove_file(file).unwrap();
                }
            }
        }
    }
    assert!(snapshots > 0, "seed {seed}: no snapshot was ever taken");
}

#[tokio::test]
async fn random_aggregates_are_the_fold_of_their_events() {
    for seed in 1..=4 {
        check::<Project>(seed * 7919, project).await;
        check::<Function>(seed * 7919, function).await;
    }
}
