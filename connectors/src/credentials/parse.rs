//! Reading the credentials of `POST /connections`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    ApiKey, AwsSigV4, Basic, ClientCredentials, ConfigOverride, Credentials, Exchanged,
    Installation, OAuth1, OAuth2, Raw, Secret, Signature, Tba,
};
use crate::issue::Issue;
use crate::provider::{AuthMode, Provider};

/// The longest text of one field, private keys included.
const LONGEST: usize = 16_384;

impl Credentials {
    /// Reads `credentials` of a `POST /connections` for a connection of `provider`.
    ///
    /// # Errors
    ///
    /// One [`Issue`] for each thing that is wrong, fields first, unknown keys last; paths start
    /// at the credentials. `custom` is the type that the provider does not take.
    pub fn parse(value: &Value, provider: &Provider) -> Result<Self, Vec<Issue>> {
        let Some(object) = value.as_object() else {
            return Err(vec![Issue::wrong_type(&[], "object", Some(value))]);
        };
        let mode = match object.get("type") {
            Some(Value::String(name)) => serde_json::from_value(Value::String(name.clone()))
                .map_err(|_| vec![union(&["type"])])?,
            other => return Err(vec![Issue::wrong_type(&["type"], "string", other)]),
        };
        let offered = provider.auth_mode;
        if offered != mode {
            let message = format!("Provider {offered} does not support {mode} auth");
            return Err(vec![Issue::custom(&["type"], message)]);
        }
        let mut fields = Fields::new(object);
        let credentials = read(mode, provider, &mut fields);
        fields.check(provider);
        fields.finish()?;
        Ok(credentials)
    }
}

fn union(path: &[&str]) -> Issue {
    Issue {
        code: "invalid_union",
        message: "Invalid input".to_owned(),
        path: path.iter().map(|&part| part.to_owned()).collect(),
    }
}

/// The credentials; of no use when `fields` has collected an issue.
fn read(mode: AuthMode, provider: &Provider, fields: &mut Fields<'_>) -> Credentials {
    match mode {
        AuthMode::OAuth2 => Credentials::OAuth2(OAuth2 {
            access_token: fields.text("access_token"),
            refresh_token: fields.optional("refresh_token"),
            expires_at: fields.moment("expires_at"),
            raw: fields.raw(),
        }),
        AuthMode::OAuth2Cc => Credentials::OAuth2Cc(ClientCredentials {
            token: fields.optional("token"),
            expires_at: fields.moment("expires_at"),
            client_id: fields.text("client_id"),
            client_secret: fields.text("client_secret"),
            scopes: fields.optional("scopes").map(|s| s.reveal().to_owned()),
            raw: fields.raw(),
        }),
        AuthMode::OAuth1 => Credentials::OAuth1(OAuth1 {
            oauth_token: fields.text("oauth_token"),
            oauth_token_secret: fields.text("oauth_token_secret"),
            raw: fields.raw(),
        }),
        AuthMode::ApiKey => Credentials::ApiKey(ApiKey {
            api_key: fields.text("apiKey"),
        }),
        AuthMode::Basic => Credentials::Basic(Basic {
            username: fields.text_or_usual("username", provider),
            password: fields.text_or_usual("password", provider),
        }),
        AuthMode::Tba => Credentials::Tba(Tba {
            token_id: fields.text("token_id"),
            token_secret: fields.text("token_secret"),
            config_override: fields.config_override(),
        }),
        AuthMode::App => Credentials::App(installation(fields)),
        AuthMode::Custom => Credentials::Custom(installation(fields)),
        AuthMode::None => Credentials::None {},
        AuthMode::TwoStep => Credentials::TwoStep(exchanged(provider, fields)),
        AuthMode::Jwt => Credentials::Jwt(exchanged(provider, fields)),
        AuthMode::Bill => Credentials::Bill(exchanged(provider, fields)),
        AuthMode::Signature => Credentials::Signature(Signature {
            username: fields.text("username"),
            password: fields.text("password"),
        }),
        AuthMode::AwsSigV4 => Credentials::AwsSigV4(AwsSigV4 {
            access_key_id: fields.text("access_key_id"),
            secret_access_key: fields.text("secret_access_key"),
            session_token: fields.optional("session_token"),
            expires_at: fields.moment("expires_at"),
        }),
    }
}

fn installation(fields: &mut Fields<'_>) -> Installation {
    Installation {
        app_id: fields.id("app_id"),
        installation_id: fields.id("installation_id"),
        access_token: None,
        expires_at: None,
        raw: Raw::default(),
    }
}

fn exchanged(provider: &Provider, fields: &mut Fields<'_>) -> Exchanged {
    let mut own = BTreeMap::new();
    for (name, field) in &provider.credentials {
        let given = fields.take(name);
        match given {
            None if field.optional => {
                if let Some(default) = &field.default_value {
                    own.insert(name.clone(), default.as_str().into());
                }
            }
            None => fields
                .issues
                .push(Issue::wrong_type(&[name], "string", None)),
            Some(value) => match (field.check(&[name], value), value.as_str()) {
                (Some(issue), _) => fields.issues.push(issue),
                (None, Some(text)) => {
                    own.insert(name.clone(), text.into());
                }
                (None, None) => {
                    own.insert(name.clone(), value.to_string().into());
                }
            },
        }
    }
    Exchanged {
        token: fields.optional("token"),
        expires_at: fields.moment("expires_at"),
        raw: Raw::default(),
        fields: own,
    }
}

/// The fields of an object, taken one by one.
struct Fields<'a> {
    object: &'a Map<String, Value>,
    taken: Vec<String>,
    issues: Vec<Issue>,
}

impl<'a> Fields<'a> {
    fn new(object: &'a Map<String, Value>) -> Self {
        Self {
            object,
            taken: vec!["type".to_owned()],
            issues: Vec::new(),
        }
    }

    fn take(&mut self, name: &str) -> Option<&'a Value> {
        self.taken.push(name.to_owned());
        self.object.get(name)
    }

    fn string(&mut self, name: &str, value: Option<&Value>) -> Option<String> {
        match value {
            Some(Value::String(text)) if text.chars().count() > LONGEST => {
                self.issues.push(Issue::too_long(&[name], LONGEST));
                None
            }
            Some(Value::String(text)) => Some(text.clone()),
            other => {
                self.issues
                    .push(Issue::wrong_type(&[name], "string", other));
                None
            }
        }
    }

    /// A text that may be empty, and may be left out where the provider has a default for it.
    fn text_or_usual(&mut self, name: &str, provider: &Provider) -> Secret {
        let value = self.take(name);
        let field = provider.credentials.get(name);
        match (
            value,
            field.and_then(|field| field.default_value.as_deref()),
        ) {
            (None, Some(usual)) => usual.into(),
            _ => self.string(name, value).unwrap_or_default().into(),
        }
    }

    /// Patterns and options that the provider has for texts that are well formed so far.
    fn check(&mut self, provider: &Provider) {
        for (name, field) in &provider.credentials {
            let known = self
                .issues
                .iter()
                .any(|issue| issue.path.first() == Some(name));
            if !known
                && let Some(value @ Value::String(text)) = self.object.get(name)
                && !text.is_empty()
            {
                self.issues.extend(field.check(&[name], value));
            }
        }
    }

    fn text(&mut self, name: &str) -> Secret {
        let value = self.take(name);
        let text = self.string(name, value);
        if text.as_deref() == Some("") {
            self.issues.push(Issue::empty(&[name]));
        }
        text.unwrap_or_default().into()
    }

    /// An identifier, which callers write as a text or as a number.
    fn id(&mut self, name: &str) -> String {
        match self.object.get(name) {
            Some(Value::Number(number)) => {
                self.taken.push(name.to_owned());
                number.to_string()
            }
            _ => self.text(name).reveal().to_owned(),
        }
    }

    fn optional(&mut self, name: &str) -> Option<Secret> {
        let value = self.take(name)?;
        self.string(name, Some(value)).map(Secret::from)
    }

    /// A moment: RFC 3339, or milliseconds since 1970.
    fn moment(&mut self, name: &str) -> Option<Timestamp> {
        let value = self.take(name)?;
        let moment = match value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number
                .as_i64()
                .and_then(|millis| Timestamp::from_millisecond(millis).ok()),
            Value::Null => return None,
            _ => None,
        };
        if moment.is_none() {
            self.issues.push(Issue {
                code: "invalid_type",
                message: "Invalid input: expected date, received Invalid Date".to_owned(),
                path: vec![name.to_owned()],
            });
        }
        moment
    }

    fn raw(&mut self) -> Raw {
        match self.take("raw") {
            None => Raw::default(),
            Some(Value::Object(raw)) => Raw(raw.clone()),
            other => {
                self.issues
                    .push(Issue::wrong_type(&["raw"], "record", other));
                Raw::default()
            }
        }
    }

    fn config_override(&mut self) -> Option<ConfigOverride> {
        let value = self.take("config_override")?;
        let Some(object) = value.as_object() else {
            self.issues.push(Issue::wrong_type(
                &["config_override"],
                "object",
                Some(value),
            ));
            return None;
        };
        let mut inner = Fields::new(object);
        let config = ConfigOverride {
            client_id: inner.text("client_id"),
            client_secret: inner.text("client_secret"),
        };
        if let Err(issues) = inner.finish() {
            self.issues.extend(issues.into_iter().map(|mut issue| {
                issue.path.insert(0, "config_override".to_owned());
                issue
            }));
        }
        Some(config)
    }

    fn finish(mut self) -> Result<(), Vec<Issue>> {
        let unknown: Vec<String> = self
            .object
            .keys()
            .filter(|key| !self.taken.contains(key))
            .cloned()
            .collect();
        if !unknown.is_empty() {
            self.issues.push(Issue::unknown(&unknown));
        }
        if self.issues.is_empty() {
            Ok(())
        } else {
            Err(self.issues)
        }
    }
}
