//! Ending the lives of many things at once.

use super::{Row, Store, Versions};
use crate::Error;
use crate::table::endings_below;

impl<R: Row> Versions<R> {
    /// Ends the lives of everything below a parent.
    pub(crate) fn end_children(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
        parent: &str,
    ) -> Result<(), Error> {
        self.prepare(store)?;
        if let Some(counts) = &mut self.counts {
            counts.end(store, project, Some(parent))?;
        }
        let values = [store.position.into(), project.into(), parent.into()];
        for sql in &self.statements.end_children {
            store.db.execute(sql, &values)?;
        }
        Ok(())
    }

    /// Ends the lives of everything in a project.
    pub(crate) fn end_project(
        &mut self,
        store: &mut Store<'_>,
        project: &str,
    ) -> Result<(), Error> {
        self.prepare(store)?;
        if let Some(counts) = &mut self.counts {
            counts.end(store, project, None)?;
        }
        let values = [store.position.into(), project.into()];
        for sql in &self.statements.end_project {
            store.db.execute(sql, &values)?;
        }
        Ok(())
    }

    /// Ends the lives of everything below the children of a parent, which must
    /// not have ended yet. Nothing of it may be counted.
    pub(crate) fn end_grandchildren<P: Row>(
        &mut self,
        store: &mut Store<'_>,
        children: &mut Versions<P>,
        project: &str,
        parent: &str,
    ) -> Result<(), Error> {
        debug_assert!(self.counts.is_none(), "counts end by parent or project");
        children.prepare(store)?;
        self.prepare(store)?;
        let values = [store.position.into(), project.into(), parent.into()];
        for sql in &endings_below(&self.names, &children.names) {
            store.db.execute(sql, &values)?;
        }
        Ok(())
    }
}
