//! Which modules await at their top level, by themselves or through an import.

use rustc_hash::FxHashSet;

use super::{
    Module, Target,
    usage::{Reads, Usage},
};
use crate::unit::{DepKind, Kind};

#[derive(Debug, Default)]
pub(super) struct Waits {
    /// Modules whose function is async.
    pub(super) modules: FxHashSet<usize>,
    /// Imports (module, dep) that close a circle: awaiting them would never end.
    pub(super) back: FxHashSet<(usize, usize)>,
}

/// Static imports of a module that are evaluated: (dep, target).
fn imports<'a>(
    modules: &'a [Module],
    usage: &'a Usage,
    module: usize,
) -> impl Iterator<Item = (usize, usize)> + 'a {
    let this = &modules[module];
    this.unit
        .deps
        .iter()
        .zip(&this.targets)
        .enumerate()
        .filter_map(move |(index, (dep, target))| match target {
            Target::Module(target)
                if dep.kind == DepKind::Import && usage[module].reads[index] != Reads::Nothing =>
            {
                Some((index, *target))
            }
            _ => None,
        })
}

pub(super) fn analyse(modules: &[Module], usage: &Usage) -> Waits {
    let mut waits = Waits::default();
    let mut importers: Vec<Vec<usize>> = vec![Vec::new(); modules.len()];
    let mut queue = Vec::new();
    for (index, module) in modules.iter().enumerate() {
        if !usage[index].included {
            continue;
        }
        for (_, target) in imports(modules, usage, index) {
            importers[target].push(index);
        }
        if module.unit.kind == Kind::Esm && module.unit.top_level_await {
            queue.push(index);
        }
    }
    while let Some(module) = queue.pop() {
        if modules[module].unit.kind == Kind::Esm && waits.modules.insert(module) {
            queue.extend(&importers[module]);
        }
    }
    if waits.modules.is_empty() {
        return waits;
    }
    // Depth-first over the async modules: an edge to a module on the path closes a circle.
    let mut done = FxHashSet::default();
    for root in 0..modules.len() {
        if !waits.modules.contains(&root) || done.contains(&root) {
            continue;
        }
        let mut path: Vec<(usize, Vec<(usize, usize)>)> =
            vec![(root, imports(modules, usage, root).collect())];
        let mut on_path = FxHashSet::from_iter([root]);
        while let Some((module, rest)) = path.last_mut() {
            let module = *module;
            match rest.pop() {
                Some((dep, target)) if on_path.contains(&target) => {
                    waits.back.insert((module, dep));
                }
                Some((_, target)) if waits.modules.contains(&target) && !done.contains(&target) => {
                    on_path.insert(target);
                    path.push((target, imports(modules, usage, target).collect()));
                }
                Some(_) => {}
                None => {
                    done.insert(module);
                    on_path.remove(&module);
                    path.pop();
                }
            }
        }
    }
    waits
}
