//! stub
mod pack;
use crate::{Options, Source, manifest::Dependencies};
pub(crate) use pack::Pack;
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
#[error("npm")]
pub struct Error;
#[derive(Debug)]
pub(crate) struct Client;
#[derive(Debug)]
pub(crate) struct Install;
impl Install {
    pub(crate) fn directories(&self) -> impl Iterator<Item = &str> {
        [].into_iter()
    }
    pub(crate) fn used<'a>(&self, _: impl Iterator<Item = &'a str>) -> Vec<String> {
        vec![]
    }
    pub(crate) fn warnings(&self) -> &[String] {
        &[]
    }
    pub(crate) fn len(&self) -> usize {
        0
    }
    pub(crate) fn origin(&self) -> &str {
        ""
    }
}
pub(crate) fn default_registry() -> String {
    String::new()
}
impl Client {
    pub(crate) fn new(_: &Options) -> Self {
        Self
    }
    pub(crate) async fn resolve(
        &self,
        _: &Source,
        _: &Dependencies,
        _: bool,
    ) -> Result<Arc<Install>, Error> {
        Err(Error)
    }
    pub(crate) async fn fetch(&self, _: &Install, _: &str) -> Result<Arc<Pack>, Error> {
        Err(Error)
    }
}
