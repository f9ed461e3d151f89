//! What tests of packages, keysets and deployments are made of.

use aggregates::deployment::{Artefact, ArtefactKind};
use aggregates::{Handler, Trigger, TriggerKind};

use super::deployment::blob;

pub(crate) fn artefact(code: &str) -> Artefact {
    Artefact {
        kind: ArtefactKind::JavaScript,
        code: blob(&format!("{code}-js"), 9),
        source_map: None,
        script: None,
    }
}

pub(crate) fn listens(kind: TriggerKind, channel: &str) -> Trigger {
    Trigger {
        kind,
        input_channel: Some(channel.into()),
        output_channel: None,
        path: None,
        interval: None,
    }
}

pub(crate) fn answers(path: &str) -> Trigger {
    Trigger {
        kind: TriggerKind::OnRequest,
        input_channel: None,
        output_channel: None,
        path: Some(path.into()),
        interval: None,
    }
}

pub(crate) fn handler(id: &str, revision: &str, name: &str, trigger: Trigger) -> Handler {
    Handler {
        id: id.into(),
        revision: revision.into(),
        name: name.into(),
        trigger,
        sort_order: 0,
        code: blob("ts", 9),
        artefact: artefact("ts"),
    }
}
