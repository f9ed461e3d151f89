//! How a provider's API is called.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::template::Template;

/// How a provider's API is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// Where the API is. An entry that inherits may leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Template>,
    /// Headers of every call. Here as in the next two, what comes out empty is left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Template>,
    /// Query parameters of every call.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, Template>,
    /// Fields of every JSON or form body.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub body: BTreeMap<String, Template>,
    /// Where the provider says how long to wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySettings>,
    /// Defaults for pagination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paginate: Option<Paginate>,
    /// A call that tells whether API_KEY or BASIC credentials are good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
}

/// When and how to try again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrySettings {
    /// A header with the moment from which calls are let in: seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// A header with the time to wait: seconds, or an HTTP date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// A header with the calls that are left. Where it is there and not 0, a status of
    /// `error_code` below 429 is an answer like any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<String>,
    /// The statuses to try again on, in place of the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<Codes>,
}

/// Status codes: one or a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Codes(pub Vec<u16>);

impl<'de> Deserialize<'de> for Codes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> de::Visitor<'de> for OneOrMany {
            type Value = Codes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status code or a list of them")
            }

            fn visit_u64<E: de::Error>(self, code: u64) -> Result<Codes, E> {
                match u16::try_from(code) {
                    Ok(code) if (100..600).contains(&code) => Ok(Codes(vec![code])),
                    _ => Err(E::custom(format!("{code} is no HTTP status code"))),
                }
            }

            fn visit_i64<E: de::Error>(self, code: i64) -> Result<Codes, E> {
                self.visit_u64(u64::try_from(code).unwrap_or(0))
            }

            fn visit_str<E: de::Error>(self, code: &str) -> Result<Codes, E> {
                self.visit_u64(
                    code.parse()
                        .map_err(|_| E::custom(format!("`{code}` is no HTTP status code")))?,
                )
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Codes, A::Error> {
                let mut codes = Vec::new();
                while let Some(Codes(one)) = list.next_element()? {
                    codes.extend(one);
                }
                Ok(Codes(codes))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

/// Defaults for pagination. Everything but `type` may be left to the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paginate {
    /// The kind.
    #[serde(rename = "type")]
    pub kind: Pagination,
    /// Cursor: dotted path of the next cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor_path_in_response: Option<String>,
    /// Cursor: the parameter that takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor_name_in_request: Option<String>,
    /// The parameter with the size of a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_name_in_request: Option<String>,
    /// The size of a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Dotted path of the page in the answer; the whole answer unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_path: Option<String>,
    /// Link: the relation in the `Link` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_rel_in_response_header: Option<String>,
    /// Link: dotted path of the next URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_path_in_response_body: Option<String>,
    /// Offset: the parameter that takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_name_in_request: Option<String>,
    /// Offset: the first one; 0 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_start_value: Option<u32>,
    /// Offset: what is added for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_calculation_method: Option<OffsetStep>,
    /// Whether the parameters go to the body, whatever the method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_body: Option<bool>,
}

/// Kinds of pagination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pagination {
    /// An answer has the cursor of the next page.
    Cursor,
    /// An answer has the URL of the next page.
    Link,
    /// The caller counts.
    Offset,
}

/// Steps of an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OffsetStep {
    /// By the number of entries that came.
    ByResponseSize,
    /// By one: the offset counts pages.
    PerPage,
}

/// A call that tells whether credentials are good: they are on a status of 200–299.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// The method; GET unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The endpoint, below the base URL.
    pub endpoint: String,
    /// Another base URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url_override: Option<Template>,
    /// Further headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// A JSON body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}
