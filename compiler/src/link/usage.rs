//! Which modules, and which of their exports, a bundle needs.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::{
    Module, Target,
    exports::{self, Found},
};
use crate::unit::{DepKind, ExportFrom, Kind, Names, Props};

/// What one module reads of one of its imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reads {
    /// The import is not evaluated at all.
    Nothing,
    /// Evaluated for its effects and for these names.
    Names(BTreeSet<String>),
    /// The namespace is used as a value.
    Everything,
}

/// What is used of a module.
#[derive(Debug, Default)]
pub(super) struct Used {
    pub(super) included: bool,
    pub(super) everything: bool,
    pub(super) names: FxHashMap<String, Props>,
    /// One per dep.
    pub(super) reads: Vec<Reads>,
}

pub(super) type Usage = Vec<Used>;

enum Step {
    Include(usize),
    Need(usize, String, Props),
    NeedEverything(usize),
}

struct Analysis<'a> {
    modules: &'a [Module],
    usage: Usage,
    queue: Vec<Step>,
}

pub(super) fn analyse(modules: &[Module]) -> Usage {
    let usage = modules
        .iter()
        .map(|module| Used {
            reads: vec![Reads::Nothing; module.targets.len()],
            ..Used::default()
        })
        .collect();
    let mut analysis = Analysis {
        modules,
        usage,
        queue: vec![Step::NeedEverything(0)],
    };
    while let Some(step) = analysis.queue.pop() {
        match step {
            Step::Include(module) => analysis.include(module),
            Step::Need(module, name, props) => analysis.need(module, name, props),
            Step::NeedEverything(module) => analysis.need_everything(module),
        }
    }
    analysis.usage
}

impl Analysis<'_> {
    /// Notes that `module` reads something of its dep.
    fn read(&mut self, module: usize, dep: usize, name: Option<&str>) {
        let reads = &mut self.usage[module].reads[dep];
        match (&mut *reads, name) {
            (Reads::Nothing, Some(name)) => {
                *reads = Reads::Names(BTreeSet::from([name.to_owned()]))
            }
            (Reads::Names(names), Some(name)) => {
                names.insert(name.to_owned());
            }
            (Reads::Everything, _) => {}
            (_, None) => *reads = Reads::Everything,
        }
    }

    fn include(&mut self, module: usize) {
        if std::mem::replace(&mut self.usage[module].included, true) {
            return;
        }
        let this = &self.modules[module];
        for (index, (dep, target)) in this.unit.deps.iter().zip(&this.targets).enumerate() {
            if dep.kind != DepKind::Import {
                if let Target::Module(target) = target {
                    self.queue.push(Step::NeedEverything(*target));
                }
                continue;
            }
            let pure = match target {
                Target::Module(target) => self.modules[*target].pure,
                Target::Provided(_) => true,
                Target::Missing => false,
            };
            if !pure {
                if self.usage[module].reads[index] == Reads::Nothing {
                    self.usage[module].reads[index] = Reads::Names(BTreeSet::new());
                }
                if let Target::Module(target) = target {
                    self.queue.push(Step::Include(*target));
                }
            }
            match &dep.names {
                Names::All => {
                    self.read(module, index, None);
                    if let Target::Module(target) = target {
                        self.queue.push(Step::NeedEverything(*target));
                    }
                }
                Names::Some(names) => {
                    for (name, props) in names {
                        self.read(module, index, Some(name));
                        if let Target::Module(target) = target {
                            self.queue
                                .push(Step::Need(*target, name.clone(), props.clone()));
                        }
                    }
                }
            }
        }
    }

    fn need(&mut self, module: usize, name: String, props: Props) {
        self.queue.push(Step::Include(module));
        if self.modules[module].unit.kind != Kind::Esm {
            return;
        }
        // Only what is new goes on.
        let known = self.usage[module].names.get_mut(&name);
        let props = match (known, props) {
            (Some(Props::All), _) => return,
            (Some(known), Props::All) => {
                *known = Props::All;
                Props::All
            }
            (Some(Props::Some(known)), Props::Some(wanted)) => {
                let new: BTreeSet<String> = wanted.difference(known).cloned().collect();
                if new.is_empty() {
                    return;
                }
                known.extend(new.iter().cloned());
                Props::Some(new)
            }
            (None, props) => {
                self.usage[module].names.insert(name.clone(), props.clone());
                props
            }
        };
        let this = &self.modules[module];
        if let Some(export) = this.unit.exports.get(&name) {
            match &export.from {
                ExportFrom::Local(_) => {}
                ExportFrom::Name(dep, original) => {
                    self.read(module, *dep, Some(original));
                    if let Target::Module(target) = this.targets[*dep] {
                        self.queue.push(Step::Need(target, original.clone(), props));
                    }
                }
                ExportFrom::Namespace(dep) => {
                    self.read(module, *dep, None);
                    if let Target::Module(target) = this.targets[*dep] {
                        self.queue.push(Step::Include(target));
                        match props {
                            Props::All => self.queue.push(Step::NeedEverything(target)),
                            Props::Some(names) => self.queue.extend(
                                names
                                    .into_iter()
                                    .map(|name| Step::Need(target, name, Props::All)),
                            ),
                        }
                    }
                }
            }
            return;
        }
        if name == "default" {
            return;
        }
        for star in &this.unit.stars {
            match this.targets[*star] {
                Target::Module(target) => match exports::find(self.modules, target, &name) {
                    Found::At(_) => {
                        self.read(module, *star, Some(&name));
                        self.queue
                            .push(Step::Need(target, name.clone(), props.clone()));
                    }
                    Found::Unknown => {
                        self.read(module, *star, Some(&name));
                        self.queue.push(Step::NeedEverything(target));
                    }
                    Found::Ambiguous | Found::No => {}
                },
                Target::Provided(_) => self.read(module, *star, Some(&name)),
                Target::Missing => {}
            }
        }
    }

    fn need_everything(&mut self, module: usize) {
        if std::mem::replace(&mut self.usage[module].everything, true) {
            return;
        }
        self.queue.push(Step::Include(module));
        let this = &self.modules[module];
        for export in this.unit.exports.iter() {
            self.queue
                .push(Step::Need(module, export.name.clone(), Props::All));
        }
        for star in &this.unit.stars {
            if self.usage[module].reads[*star] == Reads::Nothing {
                self.usage[module].reads[*star] = Reads::Names(BTreeSet::new());
            }
            if let Target::Module(target) = this.targets[*star] {
                self.queue.push(Step::NeedEverything(target));
            }
        }
    }
}
