//! `${apiKey}`, `${connectionConfig.subdomain}`, `${base64(${username}:${password})}`, `a || b`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::encoding;

/// A value of the catalogue with places for what a connection knows.
///
/// Alternatives are divided by `||`; the first whose variables all have a value counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    alternatives: Vec<Vec<Part>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(Variable),
    Base64(Vec<Part>),
}

/// What may stand between `${` and `}`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Variable {
    /// `apiKey`, of API_KEY credentials.
    ApiKey,
    /// `accessToken`, of every kind of credentials that has a token.
    AccessToken,
    /// `username`.
    Username,
    /// `password`.
    Password,
    /// `clientId`, of the integration, or of OAUTH2_CC credentials.
    ClientId,
    /// `clientSecret`, likewise.
    ClientSecret,
    /// `connectionConfig.<path>`.
    ConnectionConfig(String),
    /// `metadata.<path>`, of the connection.
    Metadata(String),
    /// `credentials.<name>`, a field of the credentials by its name on the wire.
    Credentials(String),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// A `${` without its `}`.
    #[error("`{0}` has a `${{` that is not closed")]
    Open(String),
    /// A name that means nothing.
    #[error(
        "`${{{0}}}` is not known; there are apiKey, accessToken, username, password, clientId, \
         clientSecret, connectionConfig.*, metadata.*, credentials.* and base64(…)"
    )]
    Unknown(String),
}

/// A variable that the connection has no value for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{template}` needs `{variable}`, which the connection does not have")]
pub struct Unresolved {
    /// The template.
    pub template: String,
    /// The first variable without a value.
    pub variable: Variable,
}

/// Where values come from.
pub trait Values {
    /// The value of `variable`, if there is one.
    fn value(&self, variable: &Variable) -> Option<String>;
}

impl Template {
    /// Reads `text`.
    ///
    /// # Errors
    ///
    /// A [`SyntaxError`] for a variable that is not known or not closed.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let alternatives = text
            .split("||")
            .map(|alternative| {
                // A text without alternatives keeps its blanks.
                let alternative = if text.contains("||") {
                    alternative.trim()
                } else {
                    alternative
                };
                parts(alternative, text)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            text: text.to_owned(),
            alternatives,
        })
    }

    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Every variable that occurs, in order.
    #[must_use]
    pub fn variables(&self) -> Vec<&Variable> {
        fn collect<'a>(parts: &'a [Part], into: &mut Vec<&'a Variable>) {
            for part in parts {
                match part {
                    Part::Literal(_) => {}
                    Part::Variable(variable) => into.push(variable),
                    Part::Base64(inner) => collect(inner, into),
                }
            }
        }
        let mut all = Vec::new();
        for alternative in &self.alternatives {
            collect(alternative, &mut all);
        }
        all
    }

    /// The text with values in the places of the variables.
    ///
    /// # Errors
    ///
    /// [`Unresolved`] with the first missing variable of the last alternative. An empty value
    /// counts as missing while there is another alternative.
    pub fn resolve(&self, values: &dyn Values) -> Result<String, Unresolved> {
        self.resolve_with(&|variable| values.value(variable))
    }

    pub(crate) fn resolve_with(
        &self,
        values: &dyn Fn(&Variable) -> Option<String>,
    ) -> Result<String, Unresolved> {
        let (last, others) = self
            .alternatives
            .split_last()
            .expect("splitting gives at least one piece");
        for alternative in others {
            let present = |variable: &Variable| values(variable).filter(|v| !v.is_empty());
            if let Ok(text) = fill(alternative, &present) {
                return Ok(text);
            }
        }
        fill(last, values).map_err(|variable| Unresolved {
            template: self.text.clone(),
            variable,
        })
    }

    /// As [`Template::resolve`], for a URL: what stands in for a variable in the host cannot
    /// lead to another host.
    pub(crate) fn resolve_url(&self, values: &dyn Values) -> Result<String, UrlError> {
        let bad = std::cell::RefCell::new(None);
        let host: Vec<Variable> = self.host_variables().into_iter().cloned().collect();
        let text = self.resolve_with(&|variable| {
            let value = values.value(variable)?;
            let harmless =
                |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
            if host.contains(variable) && !value.chars().all(harmless) {
                *bad.borrow_mut() = Some(variable.clone());
            }
            Some(value)
        })?;
        match bad.into_inner() {
            Some(variable) => Err(UrlError::Host {
                template: self.text.clone(),
                variable,
            }),
            None => Ok(text),
        }
    }

    /// Variables between the scheme and the path.
    fn host_variables(&self) -> Vec<&Variable> {
        let mut found = Vec::new();
        for alternative in &self.alternatives {
            let mut inside = false;
            for part in alternative {
                match part {
                    Part::Literal(text) => {
                        let rest = match text.split_once("://") {
                            Some((_, rest)) => {
                                inside = true;
                                rest
                            }
                            None => text,
                        };
                        if inside && rest.contains(['/', '?', '#']) {
                            break;
                        }
                    }
                    Part::Variable(variable) if inside => found.push(variable),
                    Part::Variable(_) | Part::Base64(_) => {}
                }
            }
        }
        found
    }
}

/// Why a template gives no usable URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// A variable has no value.
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    /// The value of a variable would change which host is called.
    #[error("the value of `{variable}` cannot stand in the host name of `{template}`")]
    Host {
        /// The template.
        template: String,
        /// The variable.
        variable: Variable,
    },
    /// The result is not an absolute `http` or `https` URL.
    #[error("`{0}` is not an http(s) URL")]
    NotHttp(String),
}

fn fill(parts: &[Part], values: &dyn Fn(&Variable) -> Option<String>) -> Result<String, Variable> {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Literal(text) => out.push_str(text),
            Part::Variable(variable) => {
                out.push_str(&values(variable).ok_or_else(|| variable.clone())?);
            }
            Part::Base64(inner) => out.push_str(&encoding::base64(fill(inner, values)?)),
        }
    }
    Ok(out)
}

fn parts(mut text: &str, whole: &str) -> Result<Vec<Part>, SyntaxError> {
    let open = || SyntaxError::Open(whole.to_owned());
    let mut parts = Vec::new();
    while let Some((literal, rest)) = text.split_once("${") {
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.to_owned()));
        }
        if let Some(inner) = rest.strip_prefix("base64(") {
            let (inner, rest) = inner.split_once(")}").ok_or_else(open)?;
            parts.push(Part::Base64(self::parts(inner, whole)?));
            text = rest;
        } else {
            let (name, rest) = rest.split_once('}').ok_or_else(open)?;
            parts.push(Part::Variable(name.trim().parse()?));
            text = rest;
        }
    }
    if !text.is_empty() {
        parts.push(Part::Literal(text.to_owned()));
    }
    Ok(parts)
}

impl std::str::FromStr for Variable {
    type Err = SyntaxError;

    fn from_str(name: &str) -> Result<Self, SyntaxError> {
        Ok(match name {
            "apiKey" => Self::ApiKey,
            "accessToken" => Self::AccessToken,
            "username" => Self::Username,
            "password" => Self::Password,
            "clientId" => Self::ClientId,
            "clientSecret" => Self::ClientSecret,
            _ => match name.split_once('.') {
                Some(("connectionConfig", path)) => Self::ConnectionConfig(path.to_owned()),
                Some(("metadata", path)) => Self::Metadata(path.to_owned()),
                Some(("credentials", path)) => Self::Credentials(path.to_owned()),
                _ => return Err(SyntaxError::Unknown(name.to_owned())),
            },
        })
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiKey => f.write_str("apiKey"),
            Self::AccessToken => f.write_str("accessToken"),
            Self::Username => f.write_str("username"),
            Self::Password => f.write_str("password"),
            Self::ClientId => f.write_str("clientId"),
            Self::ClientSecret => f.write_str("clientSecret"),
            Self::ConnectionConfig(path) => write!(f, "connectionConfig.{path}"),
            Self::Metadata(path) => write!(f, "metadata.{path}"),
            Self::Credentials(name) => write!(f, "credentials.{name}"),
        }
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Template;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Template, E> {
                Template::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
