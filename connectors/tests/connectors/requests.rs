//! A table of calls and the requests that they become.

use connectors::{Catalogue, Client, Credentials, Stamp, Target, build};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fake;

/// Of a header that is null nothing may be sent; others are not looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    provider: String,
    credentials: Credentials,
    #[serde(default)]
    connection_config: Map<String, Value>,
    metadata: Option<Map<String, Value>>,
    client: Option<Client>,
    call: connectors::CallConfig,
    method: Option<String>,
    url: Option<String>,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, Option<String>>,
    #[serde(default, deserialize_with = "given")]
    body: Option<Option<String>>,
    error: Option<String>,
}

fn given<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(d).map(Some)
}

const EVERYTHING: &str = "
everything:
  auth_mode: BASIC
  connection_config:
    site: {type: string}
  proxy:
    base_url: https://api.test/${connectionConfig.site.name}
    headers:
      X-Auth: Token ${base64(${username}:${password})}
    query:
      tenant: ${metadata.tenant}
    body:
      user: ${username}
";

#[test]
fn calls_become_requests() {
    let catalogue = Catalogue::built_in().with_file(EVERYTHING).unwrap();
    let cases: Vec<Case> = serde_json::from_str(include_str!("requests.json")).unwrap();
    for case in cases {
        let name = &case.name;
        let target = Target {
            provider: catalogue.get(&case.provider).unwrap(),
            credentials: &case.credentials,
            connection_config: &case.connection_config,
            metadata: case.metadata.as_ref(),
            client: case.client.as_ref(),
            user_agent: "strata",
        };
        let stamp = Stamp {
            now: fake::now(),
            nonce: "nonce0123456789abcdef".to_owned(),
        };
        let request = match (build(&case.call, &target, &stamp), &case.error) {
            (Ok(request), None) => request,
            (Err(error), Some(expected)) => {
                assert_eq!(&error.to_string(), expected, "{name}");
                continue;
            }
            (Ok(request), Some(error)) => panic!("{name}: {request:?} in place of: {error}"),
            (Err(error), None) => panic!("{name}: {error}"),
        };
        assert_eq!(request.url.as_str(), case.url.expect("a URL"), "{name}");
        if let Some(method) = case.method {
            assert_eq!(request.method, method.as_str(), "{name}");
        }
        for (header, expected) in case.headers {
            let found = request.headers.get(&header);
            let found = found.map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(found, expected, "{name}: {header}");
        }
        if let Some(expected) = case.body {
            let body = request.body.map(|body| String::from_utf8(body).unwrap());
            assert_eq!(body, expected, "{name}");
        }
    }
}

#[test]
fn debug_shows_no_secret() {
    let catalogue = Catalogue::built_in();
    let credentials: Credentials = serde_json::from_value(serde_json::json!({
        "type": "OAUTH2", "access_token": "hidden1", "refresh_token": "hidden2",
        "raw": {"id_token": "hidden3"}
    }))
    .unwrap();
    let client: Client = serde_json::from_value(serde_json::json!({
        "type": "OAUTH2", "client_id": "shown", "client_secret": "hidden4"
    }))
    .unwrap();
    let config = Map::new();
    let target = Target {
        provider: catalogue.get("hubspot").unwrap(),
        credentials: &credentials,
        connection_config: &config,
        metadata: None,
        client: Some(&client),
        user_agent: "strata",
    };
    let call = serde_json::from_value(serde_json::json!({
        "endpoint": "/x", "method": "POST", "params": {"k": "hidden5"}, "data": "hidden6"
    }));
    let stamp = Stamp {
        now: fake::now(),
        nonce: "n".to_owned(),
    };
    let request = build(&call.unwrap(), &target, &stamp).unwrap();
    let text = format!("{target:?} {request:?}");
    assert!(
        text.contains("shown") && text.contains("api.hubapi.com"),
        "{text}"
    );
    assert!(!text.contains("hidden"), "{text}");
}
