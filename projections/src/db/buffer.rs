//! Rows on their way into the database, without an allocation for each value.

/// A sequence of values. What rows they make up is known to whoever fills and
/// empties it.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    text: Vec<u8>,
    cells: Vec<Place>,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Integer(i64),
    /// From where to where in the text.
    Text(usize, usize),
}

/// A value of a buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Integer(i64),
    Text(&'a str),
}

impl Buffer {
    pub(crate) fn integer(&mut self, value: i64) {
        self.cells.push(Place::Integer(value));
    }

    /// A number that is smaller than any database's greatest.
    pub(crate) fn number(&mut self, value: u64) {
        self.integer(value as i64);
    }

    pub(crate) fn flag(&mut self, value: bool) {
        self.integer(value.into());
    }

    pub(crate) fn text(&mut self, value: &str) {
        let begin = self.text.len();
        self.text.extend_from_slice(value.as_bytes());
        self.cells.push(Place::Text(begin, self.text.len()));
    }

    /// Adds a text that `write` makes; what it adds must be UTF-8.
    pub(crate) fn write<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let begin = self.text.len();
        write(&mut self.text)?;
        self.cells.push(Place::Text(begin, self.text.len()));
        Ok(())
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.cells.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// As [`Buffer::get`], for a database that takes texts as they are.
    pub(crate) fn raw(&self, index: usize) -> Result<i64, &[u8]> {
        match self.cells[index] {
            Place::Integer(value) => Ok(value),
            Place::Text(begin, end) => Err(&self.text[begin..end]),
        }
    }

    pub(crate) fn get(&self, index: usize) -> Cell<'_> {
        match self.cells[index] {
            Place::Integer(value) => Cell::Integer(value),
            Place::Text(begin, end) => {
                Cell::Text(std::str::from_utf8(&self.text[begin..end]).unwrap_or_default())
            }
        }
    }
}
