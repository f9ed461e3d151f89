//! Since when each interval of a keyset counts: from when its deployment was connected or, where
//! it took the place of one that had a function of the same name and interval, from when that one
//! counted. Folded from the events of the keyset, so that every leader comes to the same.

use std::collections::HashMap;

use aggregates::keyset::{Connected, Event};
use aggregates::{Handler, HandlerRevisionId, PackageDeploymentId};

/// One line of runs that do not overlap: a function, through all deployments that have taken one
/// another's place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// Position of the event that began it: with the name, its identity in a keyset.
    pub(super) begun: u64,
    /// When that was, in milliseconds since the Unix epoch.
    pub(super) since: i64,
    /// What has run in it so far, the newest last.
    pub(super) past: Vec<(PackageDeploymentId, HandlerRevisionId)>,
    /// What runs in it now.
    pub(super) handler: Handler,
    /// Milliseconds between the end of a run and the next.
    pub(super) interval: i64,
}

/// The lines of a keyset, as of some sequence of its stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Phases {
    /// Sequence of the last event folded.
    pub(super) sequence: u64,
    /// By deployment.
    pub(super) lines: HashMap<PackageDeploymentId, Vec<Line>>,
}

impl Phases {
    /// Takes one event into account.
    pub(super) fn fold(&mut self, event: Event, position: u64, recorded_at: i64) {
        match event {
            Event::KeysetDeleted {} => self.lines.clear(),
            Event::FunctionsConnected { connected } => {
                let lines = lines(&connected, &[], position, recorded_at);
                self.lines.insert(connected.deployment, lines);
            }
            Event::FunctionsDisconnected { deployment } => {
                self.lines.remove(&deployment);
            }
            Event::FunctionsSwitched { from, to } => {
                let old = self.lines.remove(&from).unwrap_or_default();
                let lines = lines(&to, &old, position, recorded_at);
                self.lines.insert(to.deployment, lines);
            }
            Event::KeysetCreated { .. }
            | Event::KeysetUpdated { .. }
            | Event::SecretSet { .. }
            | Event::SecretDeleted { .. } => {}
        }
    }
}

fn lines(connected: &Connected, old: &[Line], position: u64, recorded_at: i64) -> Vec<Line> {
    let timed = connected
        .handlers
        .iter()
        .filter(|handler| handler.trigger.kind.is_timed());
    let with_interval = timed.filter_map(|handler| {
        let interval = i64::from(handler.trigger.interval?);
        Some((handler, interval))
    });
    let line = |(handler, interval): (&Handler, i64)| {
        let taken_over = old
            .iter()
            .find(|line| line.handler.name == handler.name && line.interval == interval);
        let mut line = match taken_over {
            Some(line) => Line {
                handler: handler.clone(),
                ..line.clone()
            },
            None => Line {
                begun: position,
                since: recorded_at,
                past: Vec::new(),
                handler: handler.clone(),
                interval,
            },
        };
        line.past
            .push((connected.deployment.clone(), handler.revision.clone()));
        line
    };
    with_interval.map(line).collect()
}

#[cfg(test)]
mod tests {
    use aggregates::deployment::{Artefact, ArtefactKind};
    use aggregates::{Blob, Trigger, TriggerKind};

    use super::*;

    fn connected(deployment: &str, handlers: &[(&str, u32)]) -> Connected {
        let blob = Blob {
            sha256: String::new(),
            size: 0,
        };
        let handler = |(name, interval): &(&str, u32)| Handler {
            id: (*name).into(),
            revision: format!("{deployment}/{name}").into(),
            name: (*name).to_owned(),
            trigger: Trigger {
                kind: TriggerKind::OnInterval,
                input_channel: None,
                output_channel: None,
                path: None,
                interval: Some(*interval),
            },
            sort_order: 0,
            code: blob.clone(),
            artefact: Artefact {
                kind: ArtefactKind::JavaScript,
                code: blob.clone(),
                source_map: None,
                script: None,
            },
        };
        Connected {
            deployment: deployment.into(),
            package: "p".into(),
            revision: "r".into(),
            handlers: handlers.iter().map(handler).collect(),
        }
    }

    #[test]
    fn a_roll_keeps_the_phase_of_the_same_name_and_interval() {
        let mut phases = Phases::default();
        let old = connected("old", &[("same", 1000), ("slower", 1000), ("gone", 1000)]);
        phases.fold(Event::FunctionsConnected { connected: old }, 7, 70);
        let to = connected("new", &[("same", 1000), ("slower", 2000), ("fresh", 1000)]);
        let from = "old".into();
        phases.fold(Event::FunctionsSwitched { from, to }, 9, 90);
        assert_eq!(phases.lines.len(), 1);
        let lines = &phases.lines[&PackageDeploymentId::from("new")];
        let told: Vec<_> = lines
            .iter()
            .map(|line| {
                (
                    line.handler.name.as_str(),
                    line.begun,
                    line.since,
                    line.past.len(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("same", 7, 70, 2),
                ("slower", 9, 90, 1),
                ("fresh", 9, 90, 1)
            ]
        );
        assert_eq!(lines[0].handler.revision, "new/same".into());
    }

    #[test]
    fn a_further_start_begins_anew_and_a_stop_ends() {
        let mut phases = Phases::default();
        for (position, at) in [(1, 10), (2, 20)] {
            let connected = connected("one", &[("f", 1000)]);
            phases.fold(Event::FunctionsConnected { connected }, position, at);
        }
        let one = PackageDeploymentId::from("one");
        assert_eq!(phases.lines[&one][0].since, 20);
        let deployment = one.clone();
        phases.fold(Event::FunctionsDisconnected { deployment }, 3, 30);
        assert!(phases.lines.is_empty());
    }
}
