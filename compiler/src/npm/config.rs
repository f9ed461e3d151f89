//! Registry addresses and tokens, from `.npmrc` and the environment.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use url::Url;

/// The registry that npm itself uses unless told otherwise.
pub const PUBLIC_REGISTRY: &str = "https://registry.npmjs.org/";

/// Which registry to ask for which package, and with which token.
#[derive(Clone, Default)]
pub struct Config {
    registry: Option<Url>,
    scopes: BTreeMap<String, Url>,
    /// Address without its scheme (`//host/path/`) → token.
    tokens: BTreeMap<String, String>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Tokens do not get into logs.
        f.debug_struct("Config")
            .field("registry", &self.registry.as_ref().map(Url::as_str))
            .field("scopes", &self.scopes.keys())
            .finish_non_exhaustive()
    }
}

fn address(text: &str) -> Option<Url> {
    let mut url = Url::parse(text.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return None;
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Some(url)
}

impl Config {
    /// Reads `registry=`, `@scope:registry=` and `//host/:_authToken=`; other settings, and values
    /// that refer to the environment, have no meaning here.
    #[must_use]
    pub fn parse(npmrc: &str) -> Self {
        let mut config = Self::default();
        for line in npmrc.lines() {
            let line = line.trim();
            if line.starts_with(['#', ';']) {
                continue;
            }
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            let (key, value) = (key.trim(), value.trim().trim_matches(['"', '\'']));
            if value.is_empty() || value.contains("${") {
                continue;
            }
            if key == "registry" {
                config.registry = address(value).or(config.registry);
            } else if let Some(scope) = key
                .strip_suffix(":registry")
                .filter(|scope| scope.starts_with('@'))
            {
                if let Some(url) = address(value) {
                    config.scopes.insert(scope.to_owned(), url);
                }
            } else if let Some(place) = key
                .strip_suffix(":_authToken")
                .filter(|place| place.starts_with("//"))
            {
                let place = if place.ends_with('/') {
                    place.to_owned()
                } else {
                    format!("{place}/")
                };
                config.tokens.insert(place, value.to_owned());
            }
        }
        config
    }

    /// The configuration with what is not set taken from `base`.
    #[must_use]
    pub(crate) fn over(mut self, base: &Self) -> Self {
        self.registry = self.registry.or_else(|| base.registry.clone());
        for (scope, url) in &base.scopes {
            self.scopes
                .entry(scope.clone())
                .or_insert_with(|| url.clone());
        }
        for (place, token) in &base.tokens {
            self.tokens
                .entry(place.clone())
                .or_insert_with(|| token.clone());
        }
        self
    }

    pub(crate) fn with_registry(mut self, registry: &str) -> Self {
        self.registry = address(registry).or(self.registry);
        self
    }

    /// The registry of a package, with a path that ends in a slash.
    pub(crate) fn registry(&self, name: &str) -> Url {
        let scope = name
            .split_once('/')
            .map(|(scope, _)| scope)
            .filter(|scope| scope.starts_with('@'));
        scope
            .and_then(|scope| self.scopes.get(scope))
            .or(self.registry.as_ref())
            .cloned()
            .unwrap_or_else(|| {
                Url::parse(PUBLIC_REGISTRY).unwrap_or_else(|_| unreachable!("a constant"))
            })
    }

    /// The token for an address: that of the longest place it is below.
    pub(crate) fn token(&self, url: &Url) -> Option<&str> {
        let place = format!("//{}{}", authority(url), url.path());
        self.tokens
            .iter()
            .filter(|(prefix, _)| place.starts_with(prefix.as_str()))
            .max_by_key(|(prefix, _)| prefix.len())
            .map(|(_, token)| token.as_str())
    }

    /// Whether an address belongs to a registry of this configuration.
    pub(crate) fn names(&self, url: &Url) -> bool {
        self.registry
            .iter()
            .chain(self.scopes.values())
            .any(|registry| {
                authority(registry) == authority(url) && registry.scheme() == url.scheme()
            })
    }

    /// The public registry's addresses in lock files mean whatever registry is used, as in npm.
    pub(crate) fn rewrite(&self, name: &str, resolved: &Url) -> Url {
        let registry = self.registry(name);
        if resolved.host_str() != Some("registry.npmjs.org")
            || registry.host_str() == resolved.host_str()
        {
            return resolved.clone();
        }
        registry
            .join(resolved.path().trim_start_matches('/'))
            .unwrap_or(registry)
    }

    /// A name for everything that decides what a registry answers, tokens included, as a hash.
    pub(crate) fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.registry.as_ref().map_or("", Url::as_str));
        for (scope, url) in &self.scopes {
            hash.update(scope);
            hash.update(url.as_str());
        }
        for (place, token) in &self.tokens {
            hash.update(place);
            hash.update(token);
        }
        hex(&hash.finalize())
    }
}

fn authority(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// What npm would use for the account this process runs as: its `.npmrc`, then the environment.
pub(crate) fn of_process() -> Config {
    let file = std::env::var_os("NPM_CONFIG_USERCONFIG")
        .or_else(|| std::env::var_os("npm_config_userconfig"))
        .map(std::path::PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".npmrc")));
    let config = file
        .and_then(|file| std::fs::read_to_string(file).ok())
        .map(|text| Config::parse(&text))
        .unwrap_or_default();
    ["npm_config_registry", "NPM_CONFIG_REGISTRY"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .fold(config, |config, registry| config.with_registry(&registry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_and_tokens_are_found_by_name_and_address() {
        let base = Config::parse("registry=https://base.test/npm");
        let config = Config::parse(
            "# comment\n@own:registry=https://own.test/r/\n//own.test/r/:_authToken=secret\n//own.test/:_authToken=\"wider\"\nregistry=${HOST}\nignore-scripts=false",
        )
        .over(&base);
        assert_eq!(config.registry("zod").as_str(), "https://base.test/npm/");
        assert_eq!(config.registry("@own/zod").as_str(), "https://own.test/r/");
        let token = |url: &str| config.token(&Url::parse(url).unwrap());
        assert_eq!(token("https://own.test/r/zod"), Some("secret"));
        assert_eq!(token("https://own.test/other"), Some("wider"));
        assert_eq!(token("https://base.test/npm/zod"), None);
        assert!(!format!("{config:?}").contains("secret"));
        let public = Url::parse("https://registry.npmjs.org/zod/-/zod-4.0.0.tgz").unwrap();
        assert_eq!(
            config.rewrite("zod", &public).as_str(),
            "https://base.test/npm/zod/-/zod-4.0.0.tgz"
        );
    }
}
