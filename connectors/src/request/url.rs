//! The URL of a call.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use url::Url;

use super::{Error, Target};
use crate::call::{CallConfig, Params};
use crate::encoding;
use crate::template::UrlError;

/// Base, endpoint, `params`, and what the provider adds to the query.
pub(super) fn url(
    config: &CallConfig,
    target: &Target<'_>,
    query: &BTreeMap<String, String>,
) -> Result<Url, Error> {
    let base = base(config, target)?;
    let base = base.trim_end_matches('/');
    let endpoint = match config.endpoint.strip_prefix(base) {
        // `https://api.example.com.evil.org` starts with `https://api.example.com`, too.
        Some(rest) if rest.is_empty() || rest.starts_with(['/', '?', '#']) => rest,
        _ => &config.endpoint,
    };
    let endpoint = endpoint.trim_start_matches('/');
    let text = if endpoint.is_empty() || endpoint.starts_with('?') {
        format!("{base}{endpoint}")
    } else {
        format!("{base}/{endpoint}")
    };
    let mut url = Url::parse(&text).map_err(|reason| Error::Url {
        endpoint: config.endpoint.clone(),
        reason,
    })?;
    match &config.params {
        Some(Params::Text(params)) if !params.is_empty() => {
            if config.endpoint.contains('?') {
                return Err(Error::TwoQueries);
            }
            url.set_query(Some(params.trim_start_matches('?')));
        }
        Some(Params::Object(params)) => set(&mut url, &texts(params)?),
        Some(Params::Text(_)) | None => {}
    }
    let added: Vec<_> = query.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    set(&mut url, &added);
    Ok(url)
}

/// The base URL without templates.
fn base(config: &CallConfig, target: &Target<'_>) -> Result<String, Error> {
    let proxy = target.provider.proxy.as_ref();
    // What is shown in an error is not what was filled in: that may be a secret.
    let (base, shown) = match config.base_url_override.as_deref() {
        Some(base) if !base.is_empty() => (base.to_owned(), base),
        _ => {
            let template = proxy.and_then(|proxy| proxy.base_url.as_ref());
            let template = template.ok_or(Error::NoBase)?;
            (template.resolve_url(target)?, template.as_str())
        }
    };
    if is_http(&base) {
        Ok(base)
    } else {
        Err(Error::Base(UrlError::NotHttp(shown.to_owned())))
    }
}

fn is_http(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Parameters as texts. Null leaves one out; a list is joined by commas, as JavaScript does.
fn texts(params: &Map<String, Value>) -> Result<Vec<(String, String)>, Error> {
    let mut pairs = Vec::new();
    for (name, value) in params {
        let text = match value {
            Value::Null => continue,
            Value::Array(items) => {
                let items: Option<Vec<String>> = items.iter().map(encoding::scalar).collect();
                items.map(|items| items.join(","))
            }
            other => encoding::scalar(other),
        };
        let text = text.ok_or_else(|| Error::Parameter(name.clone()))?;
        pairs.push((name.clone(), text));
    }
    Ok(pairs)
}

/// Sets query keys; what the URL has under other names stays, to the byte if nothing is replaced.
fn set(url: &mut Url, pairs: &[(String, String)]) {
    if pairs.is_empty() {
        return;
    }
    let given = |name: &str| pairs.iter().any(|(key, _)| key == name);
    if url.query_pairs().any(|(name, _)| given(&name)) {
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| !given(name))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(kept);
    }
    url.query_pairs_mut().extend_pairs(pairs);
}
