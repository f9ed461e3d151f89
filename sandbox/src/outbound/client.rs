//! HTTP clients whose name resolution refuses addresses.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::Client;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;

use super::network::{Network, allowed};
use crate::Error;

/// One client per set of networks that are open beside the public ones; there
/// are few of them in an installation.
pub(crate) struct Clients {
    known: Mutex<Vec<(Vec<Network>, Client)>>,
    unguarded: Client,
}

impl Clients {
    pub(crate) fn new() -> Result<Self, Error> {
        // Another part of the process may have chosen a provider before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            known: Mutex::default(),
            unguarded: client(None)?,
        })
    }

    /// A client that reaches public addresses and those in `networks`.
    pub(crate) fn guarded(&self, networks: &[Network]) -> Result<Client, Error> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = known.iter().find(|(its, _)| its == networks) {
            return Ok(client.clone());
        }
        let made = client(Some(Guard(networks.to_vec())))?;
        if known.len() >= 64 {
            known.remove(0);
        }
        known.push((networks.to_vec(), made.clone()));
        Ok(made)
    }

    /// A client that reaches any address, for the platform's own endpoints.
    pub(crate) fn unguarded(&self) -> Client {
        self.unguarded.clone()
    }
}

fn client(guard: Option<Guard>) -> Result<Client, Error> {
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        // A proxy would resolve names where no check reaches.
        .no_proxy()
        .connect_timeout(Duration::from_secs(10))
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(8);
    if let Some(guard) = guard {
        builder = builder.dns_resolver(guard);
    }
    builder
        .build()
        .map_err(|error| Error::Outbound(error.into()))
}

/// Resolves names to the addresses that may be reached.
#[derive(Clone)]
struct Guard(Vec<Network>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = self.0.clone();
        Box::pin(async move {
            let name = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0))
                .await
                .map_err(|_| super::Error::Name(name.to_owned()))?
                .collect();
            let usable: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| allowed(address.ip(), &networks))
                .collect();
            if usable.is_empty() {
                return Err(super::Error::Private(name.to_owned()).into());
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}
