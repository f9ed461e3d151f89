//! Whether an entry of the catalogue holds together.

use super::{AuthMode, Field, Provider};
use crate::template::{Template, Variable};

/// The first thing that does not fit, as the path of a field and a sentence.
pub(crate) fn check(provider: &Provider) -> Result<(), (String, String)> {
    let proxy = provider.proxy.as_ref();
    if proxy.and_then(|proxy| proxy.base_url.as_ref()).is_none() {
        return Err(("proxy.base_url".to_owned(), "is missing".to_owned()));
    }
    needed(provider)?;
    // These stand beside the fields of the provider's own wherever credentials are shown.
    if let Some(name) = ["type", "token", "expires_at", "raw"]
        .iter()
        .find(|name| provider.credentials.contains_key(**name))
    {
        let message = "is a name that every kind of credentials has".to_owned();
        return Err((format!("credentials.{name}"), message));
    }
    for (path, template) in templates(provider) {
        for variable in template.variables() {
            if let Some(why) = unknown(provider, variable, &path) {
                return Err((path, format!("`${{{variable}}}`: {why}")));
            }
        }
    }
    let fields = |part: &'static str, fields: &std::collections::BTreeMap<String, Field>| {
        for (name, field) in fields {
            if let Some(pattern) = &field.pattern
                && let Err(error) = regex::Regex::new(pattern)
            {
                let error = error.to_string();
                let line = error.lines().last().unwrap_or_default().to_owned();
                return Err((format!("{part}.{name}.pattern"), line));
            }
        }
        Ok(())
    };
    fields("connection_config", &provider.connection_config)?;
    fields("credentials", &provider.credentials)
}

/// What an auth mode cannot do without.
fn needed(provider: &Provider) -> Result<(), (String, String)> {
    let mode = provider.auth_mode;
    let missing: &[(&str, bool)] = match mode {
        AuthMode::OAuth2 | AuthMode::OAuth1 | AuthMode::Custom => &[
            ("authorization_url", provider.authorization_url.is_none()),
            ("token_url", provider.token_url.is_none()),
        ],
        AuthMode::OAuth2Cc | AuthMode::App => &[("token_url", provider.token_url.is_none())],
        AuthMode::TwoStep | AuthMode::Bill => &[
            ("token_url", provider.token_url.is_none()),
            ("token_response", provider.token_response.is_none()),
        ],
        AuthMode::Jwt => &[("token", provider.token.is_none())],
        AuthMode::Signature => &[("signature", provider.signature.is_none())],
        AuthMode::ApiKey
        | AuthMode::Basic
        | AuthMode::Tba
        | AuthMode::None
        | AuthMode::AwsSigV4 => &[],
    };
    match missing.iter().find(|(_, missing)| *missing) {
        Some((field, _)) => Err(((*field).to_owned(), format!("is needed for {mode}"))),
        None => Ok(()),
    }
}

/// Why a connection of this provider can never have a value for `variable`.
fn unknown(provider: &Provider, variable: &Variable, path: &str) -> Option<String> {
    let mode = provider.auth_mode;
    let of_mode = |modes: &[AuthMode]| {
        (!modes.contains(&mode)).then(|| format!("there is none with {mode} credentials"))
    };
    match variable {
        Variable::ApiKey => of_mode(&[AuthMode::ApiKey]),
        Variable::Username | Variable::Password => of_mode(&[
            AuthMode::Basic,
            AuthMode::Signature,
            AuthMode::Bill,
            AuthMode::TwoStep,
        ]),
        Variable::AccessToken => of_mode(&[
            AuthMode::OAuth2,
            AuthMode::OAuth2Cc,
            AuthMode::OAuth1,
            AuthMode::App,
            AuthMode::Custom,
            AuthMode::TwoStep,
            AuthMode::Jwt,
            AuthMode::Signature,
            AuthMode::Bill,
        ])
        .or_else(|| {
            // The exchange of a signed token for another is the one request that may carry it.
            (path.starts_with("token") && mode != AuthMode::Jwt)
                .then(|| "a token request has no token yet".to_owned())
        }),
        Variable::ClientId | Variable::ClientSecret => of_mode(&[
            AuthMode::OAuth2,
            AuthMode::OAuth2Cc,
            AuthMode::OAuth1,
            AuthMode::Tba,
            AuthMode::Custom,
        ]),
        Variable::ConnectionConfig(path) => {
            let name = path.split('.').next().unwrap_or_default();
            let declared = provider.connection_config.contains_key(name)
                || provider
                    .token_response_metadata
                    .iter()
                    .any(|field| field.rsplit('.').next() == Some(name));
            (!declared).then(|| {
                "is neither in connection_config nor in token_response_metadata".to_owned()
            })
        }
        Variable::Credentials(name) => {
            (!provider.credentials.contains_key(name)).then(|| "is not in credentials".to_owned())
        }
        Variable::Metadata(_) => None,
    }
}

/// Every template with the path of its field.
fn templates(provider: &Provider) -> Vec<(String, &Template)> {
    let mut all: Vec<(String, &Template)> = Vec::new();
    let single = [
        ("authorization_url", provider.authorization_url.as_ref()),
        ("request_url", provider.request_url.as_ref()),
        ("realm", provider.realm.as_ref()),
        ("token_url", provider.token_url.as_ref()),
        ("refresh_url", provider.refresh_url.as_ref()),
    ];
    for (path, template) in single {
        all.extend(template.map(|template| (path.to_owned(), template)));
    }
    let mut maps = vec![
        ("authorization_params", &provider.authorization_params),
        ("token_params", &provider.token_params),
        ("refresh_params", &provider.refresh_params),
        ("token_headers", &provider.token_headers),
    ];
    if let Some(token) = &provider.token {
        all.push(("token.signing_key".to_owned(), &token.signing_key));
        maps.push(("token.headers", &token.headers));
        maps.push(("token.payload", &token.payload));
    }
    if let Some(proxy) = &provider.proxy {
        all.extend(
            proxy
                .base_url
                .as_ref()
                .map(|url| ("proxy.base_url".to_owned(), url)),
        );
        maps.push(("proxy.headers", &proxy.headers));
        maps.push(("proxy.query", &proxy.query));
        maps.push(("proxy.body", &proxy.body));
        if let Some(url) = proxy
            .verification
            .as_ref()
            .and_then(|v| v.base_url_override.as_ref())
        {
            all.push(("proxy.verification.base_url_override".to_owned(), url));
        }
    }
    for (path, map) in maps {
        all.extend(
            map.iter()
                .map(|(name, value)| (format!("{path}.{name}"), value)),
        );
    }
    all
}
