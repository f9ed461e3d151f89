//! The description of the data plane.

use serde_json::{Value, json};

/// Adds the paths.
pub(in crate::http::pubnub) fn describe(paths: &mut serde_json::Map<String, Value>) {
    let sends = [
        "store",
        "norep",
        "ttl",
        "meta",
        "uuid",
        "custom_message_type",
        "auth",
        "pnsdk",
    ];
    let sent = json!({
        "type": "array",
        "description": "1 or 0, a text, and the timetoken",
        "prefixItems": [{"type": "integer"}, {"type": "string"}, {"type": "string"}],
    });
    let publish = "/publish/{publish_key}/{subscribe_key}/{signature}/{channel}/{callback}";
    let signal = "/signal/{publish_key}/{subscribe_key}/{signature}/{channel}/{callback}";
    let mut post = operation(
        "publish_body",
        "Publishes a message",
        publish,
        &sends,
        &sent,
    );
    let any = json!({"required": true, "content": {"application/json": {"schema": {}}}});
    post["requestBody"] = any.clone();
    paths.insert(publish.to_owned(), json!({ "post": post }));
    for (name, summary, path) in [
        ("publish", "Publishes or fires a message", publish),
        ("signal", "Sends a signal", signal),
    ] {
        let path = format!("{path}/{{payload}}");
        let get = operation(name, summary, &path, &sends, &sent);
        paths.insert(path, json!({ "get": get }));
    }
    let path = "/v2/subscribe/{subscribe_key}/{channels}/{callback}";
    let heard = json!({
        "type": "object",
        "properties": {
            "t": {"type": "object", "properties": {"t": {"type": "string"}, "r": {"type": "integer"}}},
            "m": {"type": "array", "items": {"type": "object"}},
        },
    });
    let query = ["tt", "uuid", "heartbeat"];
    let get = operation("subscribe", "Waits for messages", path, &query, &heard);
    paths.insert(path.to_owned(), json!({ "get": get }));
    let path = "/x/data/{subscribe_key}/presence";
    let mut post = operation("presence", "Says that a user has moved", path, &[], &sent);
    post["requestBody"] = any;
    paths.insert(path.to_owned(), json!({ "post": post }));
    let path = "/v1/blocks/sub-key/{subscribe_key}/{path}";
    let mut methods = serde_json::Map::new();
    for method in ["get", "post", "put", "patch", "delete", "options", "head"] {
        let name = format!("request_{method}");
        let asked = operation(&name, "Asks the function of a path", path, &[], &json!({}));
        methods.insert(method.to_owned(), asked);
    }
    paths.insert(path.to_owned(), methods.into());
}

fn operation(name: &str, summary: &str, path: &str, query: &[&str], answer: &Value) -> Value {
    let parameter = |name: &str, place: &str| {
        json!({
            "name": name,
            "in": place,
            "required": place == "path",
            "schema": {"type": "string"},
        })
    };
    let parts = path.split('/');
    let parts = parts.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<_> = parts.map(|name| parameter(name, "path")).collect();
    parameters.extend(query.iter().map(|name| parameter(name, "query")));
    json!({
        "operationId": format!("pubnub_data_{name}"),
        "summary": summary,
        "tags": ["PubNub data"],
        "security": [],
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "Done",
                "content": {"application/json": {"schema": answer}},
            },
        },
    })
}
