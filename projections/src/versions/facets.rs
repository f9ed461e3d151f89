//! Opening and closing the intervals in which a thing had a value.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Current, Row, Versions, next};
use crate::db::{Buffer, Cell};
use crate::table::{Facet, GLOBAL, number};

/// A value that a thing has now.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub facet: i64,
    /// The value is a word among others.
    pub word: bool,
    pub value: Box<str>,
    /// The interval; none: the database knows.
    pub interval: Option<i64>,
    /// It is in the database.
    pub written: bool,
}

impl Held {
    pub(super) fn scope<'a>(&self, own: (&'a str, &'a str)) -> (&'a str, &'a str) {
        match self.facet {
            GLOBAL => ("", ""),
            _ => own,
        }
    }
}

impl<R: Row> Versions<R> {
    /// Opens and closes facets, now that the row has changed.
    pub(super) fn see_facets(&mut self, current: &mut Current<R>, position: i64) {
        let mut columns = std::mem::take(&mut self.scratch);
        columns.clear();
        current.row.columns(&mut columns);
        for (facet, column) in R::TABLE.columns.iter().enumerate() {
            match (column.facet, columns.get(facet)) {
                (Facet::No, _) => {}
                (Facet::Value | Facet::Counted, cell) => {
                    let text = facet_text(cell);
                    self.see_facet(current, position, facet as i64, Some(&text));
                }
                (Facet::Words, Cell::Text(text)) => {
                    if *current.words != *text {
                        self.see_words(current, position, facet as i64, text);
                    }
                }
                (Facet::Words, Cell::Integer(_)) => {}
            }
        }
        self.scratch = columns;
        let global = current.row.global().map(Box::<str>::from);
        self.see_facet(current, position, GLOBAL, global.as_deref());
    }

    fn see_facet(
        &mut self,
        current: &mut Current<R>,
        position: i64,
        facet: i64,
        value: Option<&str>,
    ) {
        let held = current
            .facets
            .iter()
            .position(|held| held.facet == facet && !held.word);
        if let Some(index) = held {
            if Some(&*current.facets[index].value) == value {
                return;
            }
            let gone = current.facets.swap_remove(index);
            self.close(current, gone, position);
        }
        if let Some(value) = value {
            self.count(
                (facet, &current.project, &current.parent),
                value,
                position,
                1,
            );
            let held = self.open(position, facet, false, value);
            current.facets.push(held);
        }
    }

    /// Notes one more, or one less, of a value, if it is of those that are
    /// counted.
    fn count(
        &mut self,
        (facet, project, parent): (i64, &Arc<str>, &Arc<str>),
        value: &str,
        position: i64,
        by: i64,
    ) {
        let column = usize::try_from(facet)
            .ok()
            .and_then(|facet| R::TABLE.columns.get(facet));
        if let Some(counts) = &mut self.counts
            && column.is_some_and(|column| column.facet == Facet::Counted)
        {
            let key = (facet, Arc::clone(project), Arc::clone(parent), value.into());
            counts.change(key, position, by);
        }
    }

    fn see_words(&mut self, current: &mut Current<R>, position: i64, facet: i64, text: &str) {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        words.sort_unstable();
        words.dedup();
        let (before, others) = std::mem::take(&mut current.facets)
            .into_iter()
            .partition(|held| held.word);
        current.facets = others;
        for held in before as Vec<Held> {
            match words.iter().position(|word| **word == *held.value) {
                Some(index) => {
                    words.swap_remove(index);
                    current.facets.push(held);
                }
                None => self.close(current, held, position),
            }
        }
        for word in words {
            let held = self.open(position, facet, true, word);
            current.facets.push(held);
        }
        current.words = text.into();
    }

    fn open(&mut self, position: i64, facet: i64, word: bool, value: &str) -> Held {
        Held {
            facet,
            word,
            value: value.into(),
            interval: Some(next(&mut self.numbered, position, |(_, _, facets)| facets)),
            written: false,
        }
    }

    pub(super) fn close(&mut self, current: &Current<R>, held: Held, position: i64) {
        if !held.word {
            let scope = (held.facet, &current.project, &current.parent);
            self.count(scope, &held.value, position, -1);
        }
        let scope = held.scope((&current.project, &current.parent));
        let (facet, value, sequence) = (held.facet, &held.value, current.sequence);
        match held.interval {
            Some(interval) if held.written => {
                self.closed.push([position, interval]);
            }
            Some(interval) if interval < number(position, 0) => {
                write_facet(
                    &mut self.facets,
                    interval,
                    facet,
                    scope,
                    value,
                    sequence,
                    position,
                );
            }
            Some(_) => {}
            None => {
                let facet = [
                    facet.into(),
                    scope.0.into(),
                    scope.1.into(),
                    (&**value).into(),
                    sequence.into(),
                ];
                self.closed_by_value.push((facet, position));
            }
        }
    }
}

/// The text of a value as a facet has it.
pub(super) fn facet_text(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::Text(text) => text.into(),
        Cell::Integer(number) => number.to_string().into(),
    }
}

pub(super) fn write_facet(
    to: &mut Buffer,
    interval: i64,
    facet: i64,
    (project, parent): (&str, &str),
    value: &str,
    sequence: i64,
    until: i64,
) {
    to.integer(interval);
    to.integer(facet);
    to.text(project);
    to.text(parent);
    to.text(value);
    to.integer(sequence);
    to.integer(until);
}
