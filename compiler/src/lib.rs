//! From an uploaded source tree to one checked JavaScript bundle.
