//! What goes wrong, and what goes on all the same.
