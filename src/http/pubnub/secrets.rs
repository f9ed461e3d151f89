//! `/kv/secrets`: values go in and never come out.

use serde_json::json;

use super::error::{Error, Kind};
use super::kv::{keyset, subkey};
use super::reply::Reply;
use super::request::Request;
use super::rules::Object;
use crate::pubnub::secrets;

const LONGEST_NAME: usize = 1000;
const LONGEST_VALUE: usize = 32_000;

/// S1.
pub async fn list(request: Request) -> Result<Reply, Error> {
    let subkey = subkey(&request)?;
    let paging = ["page", "size", "sort", "page_token"];
    if let Some(name) = paging.iter().find(|name| request.in_query(name).is_some()) {
        let message = format!("This list has no pages: {name} is not supported");
        return Err(Error::new(Kind::NotPaged, message));
    }
    let keyset = keyset(&request, subkey).await?;
    request.must_be_allowed_on(keyset.number)?;
    let names = keyset.secrets.iter();
    let rows = names.map(|name| json!({"key": name})).collect();
    Ok(Reply::data(200, rows))
}

/// S2.
pub async fn set(request: Request) -> Result<Reply, Error> {
    let (subkey, name) = (subkey(&request)?, name(&request)?);
    let mut sent = Object::body(request.body.as_ref())?;
    let value = match sent.any("value").map(|value| value.as_str()) {
        Some(Some(value)) => value.to_owned(),
        Some(None) => {
            sent.wrong("value", "must be a string");
            String::new()
        }
        None => {
            sent.wrong("value", "is missing");
            String::new()
        }
    };
    if sent.any("value").is_some_and(serde_json::Value::is_string)
        && !(1..=LONGEST_VALUE).contains(&value.chars().count())
    {
        sent.wrong(
            "value",
            format!("must have 1 to {LONGEST_VALUE} characters"),
        );
    }
    sent.finish_as(Kind::Parameter)?;
    let keyset = keyset(&request, subkey).await?;
    request.must_be_allowed_on(keyset.number)?;
    let (shared, project) = (request.shared(), &request.project);
    let pair = (name, &*value);
    let set = secrets::set(shared, project, keyset.number, pair, &request.context);
    let committed = set.await.map_err(|error| refused(error, subkey))?;
    Ok(Reply::data(200, json!({"key": name})).committed(&committed))
}

/// S3.
pub async fn delete(request: Request) -> Result<Reply, Error> {
    let (subkey, name) = (subkey(&request)?, name(&request)?);
    let keyset = keyset(&request, subkey).await?;
    request.must_be_allowed_on(keyset.number)?;
    let (shared, project) = (request.shared(), &request.project);
    let delete = secrets::delete(shared, project, keyset.number, name, &request.context);
    let committed = delete.await.map_err(|error| refused(error, subkey))?;
    Ok(Reply::empty().committed(&committed))
}

/// The name in the path. What cannot be seen at its ends was not meant to be there.
fn name(request: &Request) -> Result<&str, Error> {
    let name = request.in_path("key");
    check_name(name).map_err(|what| {
        let message = format!("The name of a secret {what}");
        Error::new(Kind::Parameter, message)
    })?;
    Ok(name)
}

/// What is wrong with a name.
pub fn check_name(name: &str) -> Result<(), String> {
    let unseen = |c: char| {
        c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    if !(1..=LONGEST_NAME).contains(&name.chars().count()) {
        return Err(format!("has 1 to {LONGEST_NAME} characters"));
    }
    if name.chars().any(char::is_control) {
        return Err("has no control characters".to_owned());
    }
    if name.starts_with(unseen) || name.ends_with(unseen) {
        return Err("neither begins nor ends with white space".to_owned());
    }
    Ok(())
}

/// What the store of secrets says.
pub fn refused(error: secrets::Error, subkey: &str) -> Error {
    match error {
        secrets::Error::Store(cause) => {
            tracing::error!(%cause, "a secret cannot be stored");
            let message = "The secret store could not carry out the operation";
            Error::new(Kind::SecretStore, message)
        }
        secrets::Error::Keyset(error) => Error::of_bus(error, |_| {
            let message = format!("There is no subscribe key {subkey}");
            Error::new(Kind::UnknownSubkey, message)
        }),
        secrets::Error::Project(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_of_secrets() {
        for good in ["a", "API KEY", "ключ/1", &"x".repeat(1000)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " a",
            "a\u{200b}",
            "a\tb",
            "\u{feff}a",
            &"x".repeat(1001),
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
