//! A queue that is fair between projects: each gets its turn, whatever it has
//! waiting.

use std::collections::{HashMap, HashSet, VecDeque};

/// First in, first out within a project; round robin between projects. An item
/// is in it once. What is urgent goes before everything that is not.
pub(super) struct Fair<T> {
    by_project: HashMap<String, VecDeque<(String, T)>>,
    turns: VecDeque<String>,
    keys: HashSet<String>,
    urgent: VecDeque<(String, T)>,
}

impl<T> Default for Fair<T> {
    fn default() -> Self {
        Self {
            by_project: HashMap::new(),
            turns: VecDeque::new(),
            keys: HashSet::new(),
            urgent: VecDeque::new(),
        }
    }
}

impl<T> Fair<T> {
    /// Does nothing when an item with this key is waiting already.
    pub(super) fn push(&mut self, project: &str, key: String, item: T) {
        if !self.keys.insert(key.clone()) {
            return;
        }
        let waiting = self.by_project.entry(project.to_owned()).or_default();
        if waiting.is_empty() {
            self.turns.push_back(project.to_owned());
        }
        waiting.push_back((key, item));
    }

    /// As [`Fair::push`], before its turn.
    pub(super) fn push_urgent(&mut self, key: String, item: T) {
        if self.keys.insert(key.clone()) {
            self.urgent.push_back((key, item));
        }
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        if let Some((key, item)) = self.urgent.pop_front() {
            self.keys.remove(&key);
            return Some(item);
        }
        let project = self.turns.pop_front()?;
        let waiting = self.by_project.get_mut(&project)?;
        let (key, item) = waiting.pop_front()?;
        self.keys.remove(&key);
        if waiting.is_empty() {
            self.by_project.remove(&project);
        } else {
            self.turns.push_back(project);
        }
        Some(item)
    }

    /// Takes an item out before its turn.
    pub(super) fn remove(&mut self, project: &str, key: &str) {
        if !self.keys.remove(key) {
            return;
        }
        self.urgent.retain(|(other, _)| other != key);
        let Some(waiting) = self.by_project.get_mut(project) else {
            return;
        };
        waiting.retain(|(other, _)| other != key);
        if waiting.is_empty() {
            self.by_project.remove(project);
            self.turns.retain(|turn| turn != project);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Fair;

    #[test]
    fn a_busy_project_does_not_hold_up_another() {
        let mut queue = Fair::default();
        for (project, item) in [("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("b", 6)] {
            queue.push(project, format!("{project}:{item}"), item);
        }
        queue.push("b", "b:4".to_owned(), 4);
        queue.push_urgent("b:4".to_owned(), 4);
        queue.push_urgent("a:7".to_owned(), 7);
        queue.push_urgent("a:8".to_owned(), 8);
        queue.remove("a", "a:7");
        assert_eq!(queue.len(), 7);
        queue.remove("a", "a:2");
        queue.remove("c", "c:5");
        queue.remove("c", "c:9");
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [8, 1, 4, 3, 6]);
        assert_eq!(queue.len(), 0);
    }
}
