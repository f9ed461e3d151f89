//! What a random history would show too seldom, or not plainly.
