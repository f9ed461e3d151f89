//! The built-in catalogue, and files that operators add.

use std::collections::{BTreeMap, BTreeSet};

use connectors::credentials::Credentials;
use connectors::provider::{AuthMode, Pagination};
use connectors::{Catalogue, Provider, Stamp, Target, build};
use serde_json::{Map, Value, json};

use crate::fake;

const NEEDED: &str = "github gitlab slack hubspot stripe notion airtable jira linear zendesk intercom \
    shopify asana google-drive google-calendar microsoft salesforce greenhouse lever bamboohr \
    freshdesk pipedrive mailchimp sendgrid twilio zoom okta datadog sentry netsuite-tba trello \
    unauthenticated";

#[test]
fn everything_that_is_needed_is_there() {
    let catalogue = Catalogue::built_in();
    for name in NEEDED.split_whitespace() {
        assert!(catalogue.get(name).is_some(), "{name}");
    }
    let modes: BTreeSet<&str> = catalogue.iter().map(|(_, p)| p.auth_mode.name()).collect();
    let all = "API_KEY APP AWS_SIGV4 BASIC BILL CUSTOM JWT NONE OAUTH1 OAUTH2 OAUTH2_CC SIGNATURE \
               TBA TWO_STEP";
    assert_eq!(modes, all.split_whitespace().collect());
    let mut kinds: Vec<Pagination> = Vec::new();
    for (_, provider) in catalogue.iter() {
        let paginate = provider
            .proxy
            .as_ref()
            .and_then(|proxy| proxy.paginate.as_ref());
        if let Some(paginate) = paginate
            && !kinds.contains(&paginate.kind)
        {
            kinds.push(paginate.kind);
        }
    }
    assert_eq!(kinds.len(), 3);
}

/// Credentials of `provider`, made of its own field names.
fn sample(provider: &Provider) -> Credentials {
    let mut value = match provider.auth_mode {
        AuthMode::OAuth2 => json!({"access_token": "t"}),
        AuthMode::OAuth2Cc => json!({"token": "t", "client_id": "c", "client_secret": "s"}),
        AuthMode::OAuth1 => json!({"oauth_token": "t", "oauth_token_secret": "s"}),
        AuthMode::ApiKey => json!({"apiKey": "sk_k"}),
        AuthMode::Basic | AuthMode::Signature => json!({"username": "u", "password": "p"}),
        AuthMode::Tba => json!({"token_id": "t", "token_secret": "s"}),
        AuthMode::App | AuthMode::Custom => {
            json!({"app_id": "1", "installation_id": "2", "access_token": "t"})
        }
        AuthMode::None => json!({}),
        AuthMode::TwoStep | AuthMode::Jwt | AuthMode::Bill => {
            let mut fields = json!({"token": "t"});
            for name in provider.credentials.keys() {
                fields[name] = "f".into();
            }
            fields
        }
        AuthMode::AwsSigV4 => json!({"access_key_id": "a", "secret_access_key": "s"}),
    };
    value["type"] = provider.auth_mode.name().into();
    serde_json::from_value(value).unwrap()
}

/// With the examples of its own configuration every provider makes a request: no template has a
/// variable without a value, and the base URL is one.
#[test]
fn every_provider_makes_a_request() {
    let client =
        serde_json::from_value(json!({"type": "OAUTH2", "client_id": "c", "client_secret": "s"}))
            .unwrap();
    for (name, provider) in Catalogue::built_in().iter() {
        let mut config = Map::new();
        for (field, spec) in &provider.connection_config {
            let text = spec.example.clone().or(spec.default_value.clone());
            let text = text.or(spec.options.first().cloned());
            let text = text.unwrap_or_else(|| "x1".to_owned());
            config.insert(field.clone(), text.into());
        }
        let config = provider.check_connection_config(&config);
        let config = config.unwrap_or_else(|issues| panic!("{name}: {issues:?}"));
        let credentials = sample(provider);
        let target = Target {
            provider,
            credentials: &credentials,
            connection_config: &config,
            metadata: None,
            client: Some(&client),
            user_agent: "strata",
        };
        let call = serde_json::from_value(json!({"endpoint": "/x"})).unwrap();
        let stamp = Stamp {
            now: fake::now(),
            nonce: "nonce0123456789abcdef".to_owned(),
        };
        let request = build(&call, &target, &stamp).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(request.url.scheme(), "https", "{name}");
        assert!(
            request
                .url
                .host_str()
                .is_some_and(|host| host.contains('.')),
            "{name}"
        );
        let url = request.url.as_str();
        assert!(!url.contains("%7B") && !url.contains("$"), "{name}: {url}");
        for (header, value) in &request.headers {
            assert!(!value.to_str().unwrap().contains("${"), "{name}: {header}");
        }
    }
}

#[test]
fn what_is_shown_can_be_read_again() {
    for (name, provider) in Catalogue::built_in().iter() {
        let mut shown = provider.to_json(name);
        assert_eq!(shown["name"], name);
        assert_eq!(shown["auth_mode"], provider.auth_mode.name());
        assert!(shown["display_name"].is_string());
        shown.as_object_mut().unwrap().remove("name");
        let again: Provider = serde_json::from_value(shown).unwrap();
        assert_eq!(again.proxy, provider.proxy, "{name}");
    }
}

#[test]
fn pagination_defaults_have_the_known_names() {
    let catalogue = Catalogue::built_in();
    assert_eq!(
        catalogue.get("hubspot").unwrap().paginate_json(),
        json!({
            "type": "cursor", "cursor_path_in_response": "paging.next.after",
            "cursor_name_in_request": "after", "limit_name_in_request": "limit",
            "response_path": "results", "limit": 100,
        })
    );
    assert_eq!(
        catalogue.get("typeform").unwrap().paginate_json(),
        json!({
            "type": "offset", "offset_name_in_request": "page", "offset_start_value": 1,
            "offset_calculation_method": "per-page", "limit_name_in_request": "page_size",
            "response_path": "items", "limit": 200,
        })
    );
    // Another kind replaces what would be inherited.
    assert_eq!(
        catalogue.get("confluence").unwrap().paginate_json(),
        json!({
            "type": "link", "link_path_in_response_body": "_links.next",
            "response_path": "results", "limit_name_in_request": "limit",
        })
    );
    assert_eq!(
        catalogue.get("linear").unwrap().paginate_json(),
        Value::Null
    );
}

#[test]
fn an_operator_adds_replaces_and_inherits() {
    let built_in = Catalogue::built_in();
    let catalogue = built_in
        .with_file(
            "
# Ours
acme:
  auth_mode: API_KEY
  proxy:
    base_url: https://api.acme.test
    headers: {X-Key: '${apiKey}'}
    retry: {error_code: '418'}
acme-eu: &eu
  alias: acme
  proxy:
    base_url: https://eu.acme.test
acme-de: {alias: acme-eu, display_name: Acme DE}
hubspot:
  alias: hubspot
  proxy: {base_url: 'https://hubspot.test'}
stripe:
  auth_mode: NONE
  proxy: {base_url: 'https://stripe.test'}
",
        )
        .unwrap();
    let base = |name: &str| {
        let proxy = catalogue.get(name).unwrap().proxy.clone().unwrap();
        (
            proxy.base_url.unwrap().as_str().to_owned(),
            proxy.headers.len(),
        )
    };
    assert_eq!(base("acme"), ("https://api.acme.test".to_owned(), 1));
    assert_eq!(base("acme-de"), ("https://eu.acme.test".to_owned(), 1));
    assert_eq!(base("hubspot"), ("https://hubspot.test".to_owned(), 0));
    assert_eq!(
        catalogue.get("hubspot").unwrap().auth_mode,
        AuthMode::OAuth2
    );
    assert_eq!(catalogue.get("stripe").unwrap().auth_mode, AuthMode::None);
    assert!(catalogue.get("slack").is_some());
    assert!(built_in.get("acme").is_none());
    let count = built_in
        .with_file("# nothing yet\n")
        .unwrap()
        .iter()
        .count();
    assert_eq!(count, built_in.iter().count());
}

#[test]
fn errors_name_provider_field_and_line() {
    let cases: BTreeMap<&str, &str> = BTreeMap::from([
        (
            "\na:\n  auth_mode: API_KEY\n  proxy:\n    base_url: https://a.test\n    retries: 3\n",
            "line 6: a.proxy",
        ),
        ("a:\n  auth_mode: OAUTH3\n", "line 2: a.auth_mode"),
        (
            "a:\n  auth_mode: NONE\n  proxy:\n    base_url: https://${host}\n",
            "line 4: a.proxy.base_url",
        ),
        (
            "a:\n  auth_mode: NONE\n  proxy:\n    base_url: https://${connectionConfig.h\n",
            "is not closed",
        ),
        (
            "a:\n  auth_mode: NONE\n",
            "line 2: provider a: proxy.base_url is missing",
        ),
        (
            "a:\n  display_name: A\n  proxy: {base_url: 'https://a.test'}\n",
            "line 2: provider a: auth_mode is missing",
        ),
        (
            "a:\n  auth_mode: NONE\n  proxy: {base_url: 'https://${connectionConfig.h}.test'}\n",
            "proxy.base_url `${connectionConfig.h}`: is neither in connection_config",
        ),
        (
            "a:\n  auth_mode: BASIC\n  proxy:\n    base_url: https://a.test\n    headers: {x: '${apiKey}'}\n",
            "proxy.headers.x `${apiKey}`: there is none with BASIC credentials",
        ),
        (
            "a:\n  auth_mode: TWO_STEP\n  proxy: {base_url: 'https://a.test'}\n",
            "provider a: token_url is needed for TWO_STEP",
        ),
        (
            "a:\n  alias: nobody\n",
            "alias names `nobody`, which is not known",
        ),
        (
            "a: {alias: b}\nb: {alias: a}\n",
            "alias leads back to itself",
        ),
        (
            "a:\n  auth_mode: NONE\n  connection_config:\n    x: {type: string, pattern: '(?=a)'}\n  proxy: {base_url: 'https://a.test'}\n",
            "connection_config.x.pattern",
        ),
        (
            "a: {auth_mode: NONE, proxy: {base_url: 'https://a.test', retry: {error_code: [42]}}}",
            "42 is no HTTP status",
        ),
        (
            "a:\n  auth_mode: API_KEY\n  credentials: {token: {type: string}}\n  proxy: {base_url: 'https://a.test'}\n",
            "line 2: provider a: credentials.token is a name that every kind",
        ),
        ("a: [", "line"),
        ("a: {alias: slack}\na: {alias: slack}\n", "line 2"),
    ]);
    for (text, expected) in cases {
        let error = Catalogue::built_in()
            .with_file(text)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(expected),
            "{text}\n→ {error}\nwithout: {expected}"
        );
    }
}

#[test]
fn the_configuration_of_a_connection_is_checked() {
    let catalogue = Catalogue::built_in();
    let check = |name: &str, config: Value| {
        let config = fake::object(config);
        let result = catalogue
            .get(name)
            .unwrap()
            .check_connection_config(&config);
        result.map(Value::Object).map_err(|issues| {
            let issues = issues
                .iter()
                .map(|issue| issue.to_json(&["connection_config"]));
            Value::Array(issues.collect())
        })
    };
    assert_eq!(
        check("gitlab", json!({})),
        Ok(json!({"hostname": "gitlab.com"}))
    );
    assert_eq!(
        check("zendesk", json!({"subdomain": "a", "x": 1})),
        Ok(json!({"subdomain": "a", "x": 1}))
    );
    assert_eq!(check("jira", json!({})), Ok(json!({})));
    assert_eq!(
        check("zendesk", json!({})),
        Err(json!([{
            "code": "invalid_type", "path": ["connection_config", "subdomain"],
            "message": "Invalid input: expected string, received undefined",
        }]))
    );
    assert_eq!(
        check("zendesk", json!({"subdomain": "a/b"})),
        Err(json!([{
            "code": "invalid_format", "path": ["connection_config", "subdomain"],
            "message": "Invalid string: must match pattern /^[a-zA-Z0-9-]+$/",
        }]))
    );
    assert_eq!(
        check("paypal", json!({"hostname": "evil.test"})),
        Err(json!([{
            "code": "invalid_value", "path": ["connection_config", "hostname"],
            "message": "Invalid option: expected one of \"api-m.paypal.com\"|\"api-m.sandbox.paypal.com\"",
        }]))
    );
}
