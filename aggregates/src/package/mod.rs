//! A package: revisions of functions that are deployed together, and test inputs for them. What a
//! revision holds never changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::aggregate::{aggregate, kinds};
use crate::deployment::Artefact;
use crate::{Blob, Handler, HandlerId, HandlerRevisionId, RevisionId, TestInputId, Text, Trigger};

/// What can be asked of a package.
#[derive(Clone, Debug)]
pub enum Command {
    /// Makes it with its first revision.
    Create {
        /// What describes it.
        settings: Settings,
        /// Made by a program rather than by a person.
        api_managed: bool,
        /// What it was imported from.
        blueprint: Option<String>,
        /// The first revision.
        revision: NewRevision,
    },
    /// Changes what describes it. Nothing happens when it is so already.
    Update {
        /// The new values, some of which may be left as they are.
        change: Change,
    },
    /// Adds a revision.
    AddRevision {
        /// The revision.
        revision: NewRevision,
    },
    /// Changes what describes a revision.
    UpdateRevision {
        /// The revision.
        revision: RevisionId,
        /// The new name; none: as it is.
        name: Option<String>,
        /// The new description; the inner `None` takes it away.
        description: Option<Option<String>>,
    },
    /// Removes a revision. That nothing of it runs is known to whoever sends this.
    DeleteRevision {
        /// The revision.
        revision: RevisionId,
    },
    /// Adds a test input.
    AddTestInput {
        /// The test input.
        id: TestInputId,
        /// The function at one revision.
        handler: HandlerRevisionId,
        /// What it is.
        input: TestInput,
    },
    /// Replaces a test input.
    UpdateTestInput {
        /// The test input.
        id: TestInputId,
        /// The function at one revision.
        handler: HandlerRevisionId,
        /// What it is to be.
        input: TestInput,
    },
    /// Removes a test input.
    DeleteTestInput {
        /// The test input.
        id: TestInputId,
        /// The function at one revision.
        handler: HandlerRevisionId,
    },
    /// Ends it with all of its revisions. That nothing of it runs is known to whoever sends this.
    Delete,
}

/// What describes a package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Unique in its project; whoever sends this sees to that.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// To find it by.
    pub tags: Vec<String>,
}

/// New values of [`Settings`]; `None` leaves one as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "fields are those of `Settings`")]
pub struct Change {
    pub name: Option<String>,
    /// The inner `None` takes it away.
    pub description: Option<Option<String>>,
    pub tags: Option<Vec<String>>,
}

/// A revision that is to be.
#[derive(Clone, Debug)]
pub struct NewRevision {
    /// Its id, new.
    pub id: RevisionId,
    /// Unique in its package; none: `v1` for the first revision ever made, and so on.
    pub name: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Its functions, with names and paths that do not meet.
    pub handlers: Vec<NewHandler>,
}

/// A function of a revision that is to be.
#[derive(Clone, Debug)]
pub struct NewHandler {
    /// Its id, unless the package had a function of this name before.
    pub id: HandlerId,
    /// Its id at this revision, new.
    pub revision: HandlerRevisionId,
    /// Unique in its revision.
    pub name: String,
    /// When it runs.
    pub trigger: Trigger,
    /// Its place among those of the same trigger.
    pub sort_order: u32,
    /// The source text.
    pub code: Blob,
    /// What runs.
    pub artefact: Artefact,
}

/// Something to try a function with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestInput {
    /// JSON.
    pub payload: Text,
    /// Its type, as given.
    pub mime_type: String,
    /// For people.
    pub description: Option<String>,
}

/// What happened to a package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields repeat those of the commands")]
pub enum Event {
    /// The package exists; its first revision follows.
    PackageCreated {
        settings: Settings,
        api_managed: bool,
        blueprint: Option<String>,
    },
    /// What describes it, as it is now.
    PackageUpdated { settings: Settings },
    /// The revision exists.
    RevisionCreated {
        revision: RevisionId,
        name: String,
        description: Option<String>,
        handlers: Vec<Handler>,
    },
    /// What describes the revision, as it is now.
    RevisionUpdated {
        revision: RevisionId,
        name: String,
        description: Option<String>,
    },
    /// The revision is gone, with its test inputs.
    RevisionDeleted { revision: RevisionId },
    /// The test input exists.
    TestInputAdded {
        id: TestInputId,
        handler: HandlerRevisionId,
        input: TestInput,
    },
    /// The test input as it is now.
    TestInputUpdated {
        id: TestInputId,
        handler: HandlerRevisionId,
        input: TestInput,
    },
    /// The test input is gone.
    TestInputDeleted {
        id: TestInputId,
        handler: HandlerRevisionId,
    },
    /// The package is gone with all that is below it.
    PackageDeleted {},
}

kinds!(Event: PackageCreated, PackageUpdated, RevisionCreated, RevisionUpdated, RevisionDeleted,
    TestInputAdded, TestInputUpdated, TestInputDeleted, PackageDeleted);

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such package.
    #[error("the package does not exist")]
    NotFound,
    /// The id is taken.
    #[error("a package with this id exists already")]
    AlreadyExists,
    /// There is no such revision.
    #[error("revision {0} does not exist")]
    RevisionNotFound(RevisionId),
    /// The package has a revision of this name.
    #[error("a revision with the name '{0}' exists already")]
    RevisionNameTaken(String),
    /// There is no such function at any revision.
    #[error("function revision {0} does not exist")]
    HandlerNotFound(HandlerRevisionId),
    /// There is no such test input of this function.
    #[error("test input {0} does not exist")]
    TestInputNotFound(TestInputId),
    /// The function has as many as it may have.
    #[error("a function revision has at most {0} test inputs")]
    TooManyTestInputs(usize),
}

/// The state of a package.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Package {
    /// What describes it; none: it does not exist.
    pub settings: Option<Settings>,
    /// Revisions that exist.
    pub revisions: BTreeMap<RevisionId, Revision>,
    /// How many revisions there ever were.
    pub made: u32,
    /// The id of each function name that there ever was.
    pub names: BTreeMap<String, HandlerId>,
}

/// A revision that exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// Unique in its package.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Its functions.
    pub handlers: Vec<Handler>,
    /// Test inputs of its functions.
    pub inputs: BTreeMap<HandlerRevisionId, BTreeSet<TestInputId>>,
}

aggregate!(Package, "package", fold 1);

impl Package {
    /// Most test inputs of a function at one revision.
    pub const TEST_INPUTS: usize = 50;

    /// A function at one revision.
    pub fn handler(&self, id: &HandlerRevisionId) -> Option<(&RevisionId, &Handler)> {
        self.revisions.iter().find_map(|(revision, found)| {
            let mut handlers = found.handlers.iter();
            let handler = handlers.find(|handler| handler.revision == *id)?;
            Some((revision, handler))
        })
    }

    fn decide(&self, command: Command) -> Result<Vec<Event>, Error> {
        let Some(settings) = &self.settings else {
            return match command {
                Command::Create {
                    settings,
                    api_managed,
                    blueprint,
                    revision,
                } => Ok(vec![
                    Event::PackageCreated {
                        settings,
                        api_managed,
                        blueprint,
                    },
                    self.added(revision)?,
                ]),
                _ => Err(Error::NotFound),
            };
        };
        let event = match command {
            Command::Create { .. } => return Err(Error::AlreadyExists),
            Command::Update { change } => {
                let new = Settings {
                    name: change.name.unwrap_or_else(|| settings.name.clone()),
                    description: change
                        .description
                        .unwrap_or_else(|| settings.description.clone()),
                    tags: change.tags.unwrap_or_else(|| settings.tags.clone()),
                };
                if new == *settings {
                    return Ok(vec![]);
                }
                Event::PackageUpdated { settings: new }
            }
            Command::AddRevision { revision } => self.added(revision)?,
            Command::UpdateRevision {
                revision,
                name,
                description,
            } => {
                let found = self.revision(&revision)?;
                let name = name.unwrap_or_else(|| found.name.clone());
                let description = description.unwrap_or_else(|| found.description.clone());
                if name == found.name && description == found.description {
                    return Ok(vec![]);
                }
                if name != found.name {
                    self.name_free(&name)?;
                }
                Event::RevisionUpdated {
                    revision,
                    name,
                    description,
                }
            }
            Command::DeleteRevision { revision } => {
                self.revision(&revision)?;
                Event::RevisionDeleted { revision }
            }
            Command::AddTestInput { id, handler, input } => {
                let inputs = self.inputs(&handler)?;
                if inputs.is_some_and(|inputs| inputs.len() >= Self::TEST_INPUTS) {
                    return Err(Error::TooManyTestInputs(Self::TEST_INPUTS));
                }
                Event::TestInputAdded { id, handler, input }
            }
            Command::UpdateTestInput { id, handler, input } => {
                self.has_input(&handler, &id)?;
                Event::TestInputUpdated { id, handler, input }
            }
            Command::DeleteTestInput { id, handler } => {
                self.has_input(&handler, &id)?;
                Event::TestInputDeleted { id, handler }
            }
            Command::Delete => Event::PackageDeleted {},
        };
        Ok(vec![event])
    }

    fn added(&self, revision: NewRevision) -> Result<Event, Error> {
        let name = match revision.name {
            Some(name) => name,
            None => format!("v{}", self.made + 1),
        };
        self.name_free(&name)?;
        let handlers = revision.handlers.into_iter().map(|new| Handler {
            id: self.names.get(&new.name).cloned().unwrap_or(new.id),
            revision: new.revision,
            name: new.name,
            trigger: new.trigger,
            sort_order: new.sort_order,
            code: new.code,
            artefact: new.artefact,
        });
        let mut handlers: Vec<Handler> = handlers.collect();
        handlers.sort_by(|a, b| (a.sort_order, &a.name).cmp(&(b.sort_order, &b.name)));
        Ok(Event::RevisionCreated {
            revision: revision.id,
            name,
            description: revision.description,
            handlers,
        })
    }

    fn revision(&self, id: &RevisionId) -> Result<&Revision, Error> {
        let missing = || Error::RevisionNotFound(id.clone());
        self.revisions.get(id).ok_or_else(missing)
    }

    fn name_free(&self, name: &str) -> Result<(), Error> {
        match self.revisions.values().any(|have| have.name == name) {
            true => Err(Error::RevisionNameTaken(name.to_owned())),
            false => Ok(()),
        }
    }

    fn inputs(&self, handler: &HandlerRevisionId) -> Result<Option<&BTreeSet<TestInputId>>, Error> {
        let missing = || Error::HandlerNotFound(handler.clone());
        let (revision, _) = self.handler(handler).ok_or_else(missing)?;
        Ok(self.revision(revision)?.inputs.get(handler))
    }

    fn has_input(&self, handler: &HandlerRevisionId, id: &TestInputId) -> Result<(), Error> {
        match self
            .inputs(handler)?
            .is_some_and(|inputs| inputs.contains(id))
        {
            true => Ok(()),
            false => Err(Error::TestInputNotFound(id.clone())),
        }
    }

    fn fold(&mut self, event: Event) {
        match event {
            Event::PackageCreated { settings, .. } => {
                *self = Self {
                    settings: Some(settings),
                    ..Self::default()
                };
            }
            Event::PackageUpdated { settings } => self.settings = Some(settings),
            Event::RevisionCreated {
                revision,
                name,
                description,
                handlers,
            } => {
                self.made += 1;
                for handler in &handlers {
                    self.names.insert(handler.name.clone(), handler.id.clone());
                }
                let inputs = BTreeMap::new();
                let made = Revision {
                    name,
                    description,
                    handlers,
                    inputs,
                };
                self.revisions.insert(revision, made);
            }
            Event::RevisionUpdated {
                revision,
                name,
                description,
            } => {
                if let Some(found) = self.revisions.get_mut(&revision) {
                    found.name = name;
                    found.description = description;
                }
            }
            Event::RevisionDeleted { revision } => {
                self.revisions.remove(&revision);
            }
            Event::TestInputAdded { id, handler, .. } => {
                let revision = self.handler(&handler).map(|(revision, _)| revision.clone());
                let revision = revision.and_then(|id| self.revisions.get_mut(&id));
                if let Some(revision) = revision {
                    revision.inputs.entry(handler).or_default().insert(id);
                }
            }
            Event::TestInputUpdated { .. } => {}
            Event::TestInputDeleted { id, handler } => {
                for revision in self.revisions.values_mut() {
                    if let Some(inputs) = revision.inputs.get_mut(&handler) {
                        inputs.remove(&id);
                    }
                }
            }
            Event::PackageDeleted {} => *self = Self::default(),
        }
    }
}
