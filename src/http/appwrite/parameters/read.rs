//! From a query string or a body to parameters.

use axum::body::Body;
use axum::extract::{FromRequest, Multipart};
use http::request::Parts;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::super::error::{Error, Kind};
use super::{File, Parameters, bracketed};

/// Most parts of one multipart body.
const MOST_PARTS: usize = 1000;

/// The parameters of a GET.
pub fn from_query(query: Option<&str>) -> Parameters {
    Parameters {
        values: bracketed::tree(
            form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned(),
        ),
        files: Vec::new(),
        textual: true,
    }
}

/// The parameters of any other request, from a body of at most `limit` bytes
/// (`too_large` is what a larger one is refused with).
/// A body that cannot be read as what it says it is counts as empty, so that
/// the first required parameter is what the caller hears of.
pub async fn from_body(
    parts: &Parts,
    body: Body,
    limit: usize,
    too_large: Kind,
) -> Result<Parameters, Error> {
    let declared = parts
        .headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(Error::new(too_large));
    }
    let bytes = axum::body::to_bytes(body, limit)
        .await
        .map_err(|_| Error::new(too_large))?;
    let media_type = parts
        .headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match media_type.as_str() {
        "multipart/form-data" => {
            let request = axum::extract::Request::from_parts(parts.clone(), Body::from(bytes));
            Ok(multipart(request).await.unwrap_or_default())
        }
        "application/x-www-form-urlencoded" => Ok(Parameters {
            values: bracketed::tree(form_urlencoded::parse(&bytes).into_owned()),
            files: Vec::new(),
            textual: true,
        }),
        _ => {
            let values: Map<String, Value> = serde_json::from_slice(&bytes).unwrap_or_default();
            Ok(Parameters {
                values,
                ..Parameters::default()
            })
        }
    }
}

async fn multipart(request: axum::extract::Request) -> Option<Parameters> {
    let mut multipart = Multipart::from_request(request, &()).await.ok()?;
    let mut pairs = Vec::new();
    let mut files = Vec::new();
    for _ in 0..MOST_PARTS {
        let Some(field) = multipart.next_field().await.ok()? else {
            break;
        };
        let part = field.name()?.to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let bytes = field.bytes().await.ok()?;
        let text = match &file_name {
            None => std::str::from_utf8(&bytes).ok(),
            Some(_) => None,
        };
        match text {
            Some(text) => pairs.push((part, text.to_owned())),
            None => files.push(File {
                part,
                name: file_name.unwrap_or_default(),
                bytes,
            }),
        }
    }
    Some(Parameters {
        values: bracketed::tree(pairs),
        files,
        textual: true,
    })
}
