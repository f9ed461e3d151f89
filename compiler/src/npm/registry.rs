//! Talking to a registry.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::{
    StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
};
use url::{Host, Url};

use super::Error;

/// A document that a registry gives.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Its content, and the tag under which a later request may ask whether it changed.
    Content {
        /// The document.
        body: Bytes,
        /// `ETag`, where the registry sends one.
        etag: Option<String>,
    },
    /// It is as it was under the tag of the request.
    Unchanged,
    /// There is no such document.
    Absent,
}

/// What is asked of a registry.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The package, for messages.
    pub package: &'a str,
    /// The address.
    pub url: Url,
    /// `Accept`.
    pub accept: &'static str,
    /// `If-None-Match`.
    pub etag: Option<&'a str>,
    /// `Authorization: Bearer`.
    pub token: Option<&'a str>,
    /// Largest answer, in bytes.
    pub limit: u64,
    /// The operator chose the address, so it may be in a private network.
    pub trusted: bool,
}

/// A source of package metadata and tarballs.
#[async_trait]
pub trait Registry: Send + Sync + std::fmt::Debug {
    /// Gets one document.
    ///
    /// # Errors
    /// When the registry cannot be reached, refuses, or answers with too much.
    async fn get(&self, ask: Ask<'_>) -> Result<Answer, Error>;
}

/// A registry over HTTP. Failed connections and answers of 429 and 5xx are tried again three times.
#[derive(Debug)]
pub struct Http {
    trusted: reqwest::Client,
    public: reqwest::Client,
    private: bool,
}

const RETRIES: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(100);

impl Http {
    /// A client; `private` lets uploads name registries in private networks.
    pub(crate) fn new(private: bool) -> Result<Self, reqwest::Error> {
        // Another part of the process may have installed a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .connect_timeout(Duration::from_secs(10))
                .read_timeout(Duration::from_secs(30))
                .user_agent(concat!("strata/", env!("CARGO_PKG_VERSION")))
        };
        let trusted = builder().build()?;
        let public = if private {
            trusted.clone()
        } else {
            builder()
                .dns_resolver(Arc::new(PublicOnly))
                .redirect(reqwest::redirect::Policy::custom(|attempt| {
                    if attempt.previous().len() > 5 || !is_public_host(attempt.url()) {
                        attempt.error("the redirect is not allowed")
                    } else {
                        attempt.follow()
                    }
                }))
                .build()?
        };
        Ok(Self {
            trusted,
            public,
            private,
        })
    }

    async fn once(&self, ask: &Ask<'_>) -> Result<Answer, Attempt> {
        if !ask.trusted && !self.private && !is_public_host(&ask.url) {
            return Err(Attempt::Final(Error::Address {
                package: ask.package.to_owned(),
                host: ask.url.host_str().unwrap_or_default().to_owned(),
            }));
        }
        let client = if ask.trusted {
            &self.trusted
        } else {
            &self.public
        };
        let mut request = client
            .get(ask.url.clone())
            .header(header::ACCEPT, ask.accept);
        if let Some(etag) = ask.etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(token) = ask.token {
            request = request.bearer_auth(token);
        }
        let unreachable = |error: reqwest::Error| {
            Attempt::Again(Error::Unreachable {
                package: ask.package.to_owned(),
                // The address may hold a password.
                source: error.without_url(),
            })
        };
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let refused = || Error::Status {
            package: ask.package.to_owned(),
            status: status.as_u16(),
        };
        match status {
            StatusCode::NOT_MODIFIED => return Ok(Answer::Unchanged),
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(Answer::Absent),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                return Err(Attempt::Again(refused()));
            }
            status if status.is_server_error() => return Err(Attempt::Again(refused())),
            status if !status.is_success() => return Err(Attempt::Final(refused())),
            _ => {}
        }
        let etag = response
            .headers()
            .get(header::ETAG)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if (body.len() + chunk.len()) as u64 > ask.limit {
                return Err(Attempt::Final(Error::Size {
                    package: ask.package.to_owned(),
                    limit: ask.limit,
                }));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer::Content {
            body: body.freeze(),
            etag,
        })
    }
}

enum Attempt {
    Again(Error),
    Final(Error),
}

#[async_trait]
impl Registry for Http {
    async fn get(&self, ask: Ask<'_>) -> Result<Answer, Error> {
        let mut wait = FIRST_WAIT;
        let mut retries = 0;
        loop {
            match self.once(&ask).await {
                Ok(answer) => return Ok(answer),
                Err(Attempt::Final(error)) => return Err(error),
                Err(Attempt::Again(error)) if retries == RETRIES => return Err(error),
                Err(Attempt::Again(error)) => {
                    tracing::debug!(package = ask.package, %error, "asking the registry again");
                    retries += 1;
                    tokio::time::sleep(wait).await;
                    wait *= 4;
                }
            }
        }
    }
}

/// Resolves names, and gives only public addresses.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(format!("{} has no public address", name.as_str()).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// A host that is a name, or a public address.
fn is_public_host(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(name)) => name != "localhost" && !name.ends_with(".localhost"),
        None => false,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && v4.octets()[2] == 0)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(v6) => {
            if let Some(v4) = v6.to_ipv4_mapped() {
                return is_public(v4.into());
            }
            let first = v6.segments()[0];
            // Global unicast, without documentation, 6to4, Teredo and NAT64, which embed IPv4.
            (first & 0xe000) == 0x2000
                && first != 0x2002
                && !(first == 0x2001 && matches!(v6.segments()[1], 0 | 0x0db8))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for (address, expected) in [
            ("93.184.216.34", true),
            ("10.1.2.3", false),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("::1", false),
            ("fd00::1", false),
            ("fe80::1", false),
            ("::ffff:10.0.0.1", false),
            ("64:ff9b::a00:1", false),
            ("2606:2800:220:1::1", true),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }
}
