//! The description of this dialect, made from the table of routes.

use serde_json::{Map, Value, json};

use super::PREFIX;
use super::routes::{ALL, Route, Verb};

/// `paths` and `components.schemas` of an OpenAPI 3.1 document.
pub fn openapi() -> Value {
    let mut paths = Map::new();
    for route in ALL {
        let path = paths
            .entry(format!("{PREFIX}{}", route.path))
            .or_insert_with(|| json!({}));
        path[route.verb.method().as_str().to_ascii_lowercase()] = operation(route);
    }
    super::data::describe(&mut paths);
    json!({"paths": paths, "components": {"schemas": super::schemas::schemas()}})
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/Pubnub{schema}")})
}

fn operation(route: &Route) -> Value {
    let content = |schema: Value| json!({"application/json": {"schema": schema}});
    let mut good = json!({"description": "Done"});
    if !route.data.is_empty() {
        let one = reference(route.data);
        let data = match route.list {
            true => json!({"type": "array", "items": one}),
            false => one,
        };
        good["content"] = content(json!({
            "type": "object",
            "required": ["data", "meta", "errors"],
            "properties": {
                "data": data,
                "meta": reference("Meta"),
                "errors": {"type": "array", "maxItems": 0},
            },
        }));
    }
    let permissions = [route.permissions, route.on_keyset].concat();
    let mut operation = json!({
        "operationId": format!("pubnub_{}", route.name),
        "summary": route.summary,
        "tags": ["PubNub"],
        "security": [{"pubnubKey": permissions}],
        "parameters": parameters(route),
        "responses": {
            route.status.to_string(): good,
            "default": {"description": "Refused", "content": content(reference("Refusal"))},
        },
    });
    if !route.takes.is_empty() {
        let required = !route.takes.ends_with("Amount");
        let content = content(reference(route.takes));
        operation["requestBody"] = json!({"required": required, "content": content});
    }
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let text = json!({"type": "string"});
    let parameter = |name: &str, place: &str, required: bool, schema: &Value| json!({"name": name, "in": place, "required": required, "schema": schema});
    let version = json!({"type": "string", "format": "date"});
    let mut parameters = vec![parameter("PubNub-Version", "header", true, &version)];
    for part in route.path.split('/') {
        if let Some(name) = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'))
        {
            parameters.push(parameter(name, "path", true, &text));
        }
    }
    for name in route.query {
        let required = matches!(*name, "subkey" | "keyset_id");
        parameters.push(parameter(name, "query", required, &text));
    }
    if route.verb == Verb::Get {
        let mut as_of = parameter("as_of", "query", false, &text);
        as_of["description"] = "A position, or an RFC 3339 time".into();
        parameters.push(as_of);
    }
    parameters
}
