//! What runs leave for the next ones: checkpoints and locks.

use aggregates::sync::{Command, Error, Place, Sync};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::stop::stopped;
use super::{Answered, Failed, Host, just};
use crate::auth::now_ms;
use crate::bus;
use crate::nango::keys;

#[derive(Deserialize)]
pub(super) struct Checkpoint {
    op: String,
    value: Option<Map<String, Value>>,
    version: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Lock {
    key: String,
    #[serde(default)]
    ttl_ms: i64,
}

impl Host {
    /// The stream of this script's state on this connection.
    pub(super) fn state_key(&self) -> String {
        let run = self.run();
        let key = keys::sync(
            &run.integration,
            &run.connection,
            run.kind,
            &run.name,
            &run.variant,
        );
        key.key(&run.project)
    }

    /// Sends a command to the state, which is made when it is not there.
    pub(super) async fn change(&self, command: Command) -> Result<(), bus::Error<Error>> {
        let (bus, key) = (&self.shared().bus, self.state_key());
        let sent = bus
            .execute::<Sync>(&key, command.clone(), &self.context())
            .await;
        match sent {
            Err(bus::Error::Refused(Error::NotFound)) => {}
            other => return other.map(|_| ()),
        }
        let run = self.run();
        let create = Command::Create {
            place: Place {
                integration: run.integration.as_str().into(),
                connection_id: run.connection.clone(),
                connection: keys::connection(&run.integration, &run.connection),
                kind: run.kind,
                name: run.name.clone(),
                variant: run.variant.clone(),
            },
            started: false,
            frequency: None,
        };
        match bus.execute::<Sync>(&key, create, &self.context()).await {
            Ok(_) | Err(bus::Error::Refused(Error::AlreadyExists)) => {}
            Err(error) => return Err(error),
        }
        let sent = bus.execute::<Sync>(&key, command, &self.context()).await;
        sent.map(|_| ())
    }

    pub(super) async fn checkpoint(&self, asked: Checkpoint) -> Answered {
        if let Some(mut trial) = self.trying() {
            match asked.op.as_str() {
                "save" => trial.checkpoint = asked.value.map(Value::Object),
                "clear" => trial.checkpoint = None,
                _ => {}
            }
            return just(json!({ "checkpoint": trial.checkpoint, "version": 1 }));
        }
        if self.0.stop.is_asked() && asked.op != "save" {
            return just(stopped());
        }
        let (bus, key) = (&self.shared().bus, self.state_key());
        let command = match asked.op.as_str() {
            "save" => Command::SaveCheckpoint {
                value: asked.value.unwrap_or_default(),
                expected_version: asked.version,
            },
            "clear" => Command::ClearCheckpoint,
            _ => {
                let loaded = bus.load::<Sync>(&key).await?;
                return just(shown(&loaded.state));
            }
        };
        match self.change(command).await {
            Ok(()) => {
                let loaded = bus.load::<Sync>(&key).await?;
                let mut shown = shown(&loaded.state);
                if self.0.stop.is_asked() {
                    shown["interrupt"] = true.into();
                }
                just(shown)
            }
            Err(bus::Error::Refused(Error::Conflict { .. })) => just(json!({ "conflict": true })),
            Err(error) => Err(Failed(error.to_string())),
        }
    }

    pub(super) async fn lock(&self, lock: Lock) -> Answered {
        if self.trying().is_some() {
            return just(json!({ "acquired": true }));
        }
        let run = self.run();
        let records = &self.shared().records;
        let acquired = records.acquire(
            run.project.as_str(),
            &lock.key,
            &run.id,
            lock.ttl_ms,
            now_ms(),
        );
        just(json!({ "acquired": acquired.await? }))
    }

    pub(super) async fn unlock(&self, lock: Lock) -> Answered {
        if self.trying().is_some() {
            return just(json!({ "released": true }));
        }
        let run = self.run();
        let records = &self.shared().records;
        let released = records.release(run.project.as_str(), &lock.key, &run.id);
        just(json!({ "released": released.await? }))
    }

    pub(super) async fn unlock_all(&self) -> Answered {
        if self.trying().is_none() {
            self.shared().records.release_all(&self.run().id).await?;
        }
        just(json!({}))
    }
}

fn shown(state: &Sync) -> Value {
    match &state.checkpoint {
        Some(checkpoint) => {
            json!({ "checkpoint": checkpoint.value, "version": checkpoint.version })
        }
        None => json!({ "checkpoint": null, "version": 0 }),
    }
}
