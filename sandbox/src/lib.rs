//! Building components from bundles and running them in wasmtime.
