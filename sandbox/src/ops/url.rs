//! URL parsing and the setters of the URL Standard.

use ::url::{Url, quirks};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, args, value};

#[derive(Deserialize)]
struct Parse<'a> {
    #[serde(borrow)]
    input: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    base: Option<std::borrow::Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Set {
    href: String,
    prop: String,
    value: String,
}

pub(super) fn dispatch(name: &str, arg: &Value) -> Option<Answer> {
    Some(match name {
        "parse" => parse(arg),
        "set" => set(arg),
        "domain" => domain(arg),
        _ => return None,
    })
}

/// The parts of the URL, or null when it cannot be parsed.
fn parse(arg: &Value) -> Answer {
    let Parse { input, base } = args(arg)?;
    let url = match base {
        None => Url::parse(&input),
        Some(base) => Url::parse(&base).and_then(|base| base.join(&input)),
    };
    value(url.map_or(Value::Null, |url| parts(&url)))
}

/// The parts after an assignment, or null when it changes nothing.
fn set(arg: &Value) -> Answer {
    let Set {
        href,
        prop,
        value: new,
    } = args(arg)?;
    let mut url = Url::parse(&href).map_err(|error| format!("TypeError: {error}"))?;
    let done = match prop.as_str() {
        "href" => quirks::set_href(&mut url, &new).is_ok(),
        "protocol" => quirks::set_protocol(&mut url, &new).is_ok(),
        "username" => quirks::set_username(&mut url, &new).is_ok(),
        "password" => quirks::set_password(&mut url, &new).is_ok(),
        "host" => quirks::set_host(&mut url, &new).is_ok(),
        "hostname" => quirks::set_hostname(&mut url, &new).is_ok(),
        "port" => quirks::set_port(&mut url, &new).is_ok(),
        "pathname" => {
            quirks::set_pathname(&mut url, &new);
            true
        }
        "search" => {
            quirks::set_search(&mut url, &new);
            true
        }
        "hash" => {
            quirks::set_hash(&mut url, &new);
            true
        }
        other => return Err(format!("TypeError: a URL has no {other}")),
    };
    value(if done { parts(&url) } else { Value::Null })
}

/// `{ domain, to: "ascii" | "unicode" }`: IDNA for node:url and node:punycode.
fn domain(arg: &Value) -> Answer {
    let domain = arg["domain"].as_str().unwrap_or_default();
    value(match arg["to"].as_str() {
        Some("unicode") => quirks::domain_to_unicode(domain),
        _ => quirks::domain_to_ascii(domain),
    })
}

fn parts(url: &Url) -> Value {
    json!({
        "href": quirks::href(url),
        "origin": quirks::origin(url),
        "protocol": quirks::protocol(url),
        "username": quirks::username(url),
        "password": quirks::password(url),
        "host": quirks::host(url),
        "hostname": quirks::hostname(url),
        "port": quirks::port(url),
        "pathname": quirks::pathname(url),
        "search": quirks::search(url),
        "hash": quirks::hash(url),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::ops::dispatch;

    fn call(op: &str, arg: Value) -> Value {
        dispatch(op, &arg, &[]).unwrap().unwrap().0
    }

    #[test]
    fn parses_against_a_base() {
        let url = call(
            "url.parse",
            json!({ "input": "../b?q=1#h", "base": "https://u:p@EXAMPLE.com:8443/a/c/d" }),
        );
        assert_eq!(url["href"], "https://u:p@example.com:8443/a/b?q=1#h");
        assert_eq!(url["origin"], "https://example.com:8443");
        assert_eq!(url["search"], "?q=1");
        assert!(call("url.parse", json!({ "input": "/no-base" })).is_null());
    }

    #[test]
    fn sets_parts() {
        let set = |prop: &str, value: &str| {
            call(
                "url.set",
                json!({ "href": "https://example.com/a?b#c", "prop": prop, "value": value }),
            )
        };
        assert_eq!(set("port", "443")["href"], "https://example.com/a?b#c");
        assert_eq!(
            set("pathname", "x y")["href"],
            "https://example.com/x%20y?b#c"
        );
        assert_eq!(set("search", "")["href"], "https://example.com/a#c");
        assert_eq!(set("host", "other:81")["href"], "https://other:81/a?b#c");
        assert!(set("href", "nonsense").is_null());
    }
}
