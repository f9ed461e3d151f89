//! Outbound HTTP.

use crate::capability::Pending;

/// Where a project's functions may send requests.
#[derive(Clone, Debug, Default)]
pub struct Policy {}

/// A function's way out.
#[derive(Clone)]
pub(crate) struct Access {}

impl Access {
    pub(crate) fn fetch(&self, _arg: &str, _body: Vec<u8>, _connections: usize) -> Pending {
        Box::pin(std::future::ready(Err("fetch is not there yet".to_owned())))
    }
}
