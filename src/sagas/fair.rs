//! A queue that is fair between projects: each gets its turn, whatever it has
//! waiting.

use std::collections::{HashMap, VecDeque};

/// First in, first out within a project; round robin between projects.
pub(super) struct Fair<T> {
    by_project: HashMap<String, VecDeque<T>>,
    turns: VecDeque<String>,
}

impl<T> Default for Fair<T> {
    fn default() -> Self {
        Self {
            by_project: HashMap::new(),
            turns: VecDeque::new(),
        }
    }
}

impl<T> Fair<T> {
    pub(super) fn push(&mut self, project: &str, item: T) {
        let waiting = self.by_project.entry(project.to_owned()).or_default();
        if waiting.is_empty() {
            self.turns.push_back(project.to_owned());
        }
        waiting.push_back(item);
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let project = self.turns.pop_front()?;
        let waiting = self.by_project.get_mut(&project)?;
        let item = waiting.pop_front();
        if waiting.is_empty() {
            self.by_project.remove(&project);
        } else {
            self.turns.push_back(project);
        }
        item
    }

    pub(super) fn len(&self) -> usize {
        self.by_project.values().map(VecDeque::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Fair;

    #[test]
    fn a_busy_project_does_not_hold_up_another() {
        let mut queue = Fair::default();
        for (project, item) in [("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("b", 6)] {
            queue.push(project, item);
        }
        assert_eq!(queue.len(), 6);
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [1, 4, 5, 2, 6, 3]);
    }
}
