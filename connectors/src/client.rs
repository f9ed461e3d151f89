//! What an integration holds: the client that a provider knows us by.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::credentials::Secret;
use crate::issue::Issue;
use crate::provider::Provider;

/// The client of an integration, as `POST /integrations` takes it and `include=credentials`
/// shows it. `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Client {
    /// OAuth 1.0a.
    #[serde(rename = "OAUTH1")]
    OAuth1(OAuthClient),
    /// OAuth 2.
    #[serde(rename = "OAUTH2")]
    OAuth2(OAuthClient),
    /// NetSuite.
    #[serde(rename = "TBA")]
    Tba(OAuthClient),
    /// A GitHub App.
    #[serde(rename = "APP")]
    App(AppClient),
    /// A GitHub App with OAuth 2.
    #[serde(rename = "CUSTOM")]
    Custom(CustomClient),
}

/// A client of an OAuth provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuthClient {
    /// The client's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// Scopes, divided by commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
    /// What webhooks are signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<Secret>,
}

/// A GitHub App.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppClient {
    /// The app's id.
    pub app_id: String,
    /// Where it is installed from.
    pub app_link: String,
    /// Its key, PEM.
    pub private_key: Secret,
}

/// A GitHub App with OAuth 2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomClient {
    /// The client's id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// The app's id.
    pub app_id: String,
    /// Where it is installed from.
    pub app_link: String,
    /// Its key, PEM.
    pub private_key: Secret,
}

impl Client {
    /// Reads `credentials` of a `POST /integrations` for an integration of `provider`.
    ///
    /// # Errors
    ///
    /// One [`Issue`] for each thing that is wrong; paths start at the credentials. `custom` is
    /// a type that the provider does not take.
    pub fn parse(value: &Value, provider: &Provider) -> Result<Self, Vec<Issue>> {
        let Some(object) = value.as_object() else {
            return Err(vec![Issue::wrong_type(&[], "object", Some(value))]);
        };
        let (required, optional): (&[&str], &[&str]) =
            match object.get("type").and_then(Value::as_str) {
                Some("OAUTH1" | "OAUTH2" | "TBA") => (
                    &["client_id", "client_secret"],
                    &["scopes", "webhook_secret"],
                ),
                Some("APP") => (&["app_id", "app_link", "private_key"], &[]),
                Some("CUSTOM") => (
                    &[
                        "client_id",
                        "client_secret",
                        "app_id",
                        "app_link",
                        "private_key",
                    ],
                    &[],
                ),
                _ => {
                    return Err(vec![Issue {
                        code: "invalid_union",
                        message: "Invalid input".to_owned(),
                        path: vec!["type".to_owned()],
                    }]);
                }
            };
        let mut issues = Vec::new();
        for &name in required {
            match object.get(name) {
                Some(Value::String(text)) if text.is_empty() => issues.push(Issue::empty(&[name])),
                Some(Value::String(text)) if name == "private_key" => {
                    if !text.contains("-----BEGIN") {
                        issues.push(Issue::custom(&[name], "must be a PEM private key"));
                    }
                }
                Some(Value::String(text)) if text.chars().count() > 255 => {
                    issues.push(Issue::too_long(&[name], 255));
                }
                Some(Value::String(_)) => {}
                other => issues.push(Issue::wrong_type(&[name], "string", other)),
            }
        }
        for &name in optional {
            match object.get(name) {
                Some(Value::String(text)) if name == "scopes" && !is_scopes(text) => {
                    issues.push(Issue::pattern(
                        &[name],
                        "^[0-9a-zA-Z:/_.*-]+(,[0-9a-zA-Z:/_.*-]+)*$",
                    ));
                }
                None | Some(Value::String(_)) => {}
                other => issues.push(Issue::wrong_type(&[name], "string", other)),
            }
        }
        let known = |key: &String| {
            key == "type" || required.contains(&key.as_str()) || optional.contains(&key.as_str())
        };
        let unknown: Vec<String> = object.keys().filter(|key| !known(key)).cloned().collect();
        if !unknown.is_empty() {
            issues.push(Issue::unknown(&unknown));
        }
        if issues.is_empty() && object["type"] != provider.auth_mode.name() {
            issues.push(Issue::custom(
                &[],
                "incompatible credentials auth type and provider auth",
            ));
        }
        if !issues.is_empty() {
            return Err(issues);
        }
        serde_json::from_value(value.clone())
            .map_err(|error| vec![Issue::custom(&[], error.to_string())])
    }

    /// The id and secret of an OAuth client.
    #[must_use]
    pub fn oauth(&self) -> Option<(&str, &Secret)> {
        match self {
            Self::OAuth1(it) | Self::OAuth2(it) | Self::Tba(it) => {
                Some((&it.client_id, &it.client_secret))
            }
            Self::Custom(it) => Some((&it.client_id, &it.client_secret)),
            Self::App(_) => None,
        }
    }

    /// The id and private key of an app.
    #[must_use]
    pub fn app(&self) -> Option<(&str, &Secret)> {
        match self {
            Self::App(it) => Some((&it.app_id, &it.private_key)),
            Self::Custom(it) => Some((&it.app_id, &it.private_key)),
            Self::OAuth1(_) | Self::OAuth2(_) | Self::Tba(_) => None,
        }
    }
}

fn is_scopes(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ":/_.*-".contains(c);
    text.split(',')
        .all(|scope| !scope.is_empty() && scope.chars().all(allowed))
}
