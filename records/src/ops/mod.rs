//! What the store does, in statements that both backends understand. Each
//! function here runs within one transaction if it writes, and reads what it
//! decides on in it.

pub(crate) mod changes;
pub(crate) mod decide;
pub(crate) mod delete;
pub(crate) mod drops;
pub(crate) mod head;
pub(crate) mod lists;
pub(crate) mod lives;
pub(crate) mod locks;
pub(crate) mod prune;
pub(crate) mod save;
