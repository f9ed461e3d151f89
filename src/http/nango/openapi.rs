//! The description of this dialect, made from the table of routes.

use serde_json::{Map, Value, json};

use super::routes::{ALL, Route};

/// `paths` and `components.schemas` of an OpenAPI 3.1 document.
pub fn openapi() -> Value {
    let mut paths = Map::new();
    for route in ALL {
        let path = route.path.replace("{*", "{");
        let path = paths.entry(path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation(route);
    }
    json!({"paths": paths, "components": {"schemas": schemas()}})
}

fn schemas() -> Value {
    let text = json!({"type": "string"});
    json!({
        "NangoError": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": {
                "type": "object",
                "required": ["code"],
                "properties": {
                    "code": text,
                    "message": text,
                    "errors": {"type": "array", "items": {"type": "object"}},
                    "payload": {},
                },
            }},
        },
        "FunctionCompileRequest": {
            "type": "object",
            "additionalProperties": false,
            "required": ["code"],
            "properties": {
                "code": {"type": "string", "minLength": 1},
                "files": {
                    "type": "object",
                    "additionalProperties": text,
                    "description": "Texts of what the code imports, by relative paths",
                },
            },
        },
        "FunctionDeploymentRequest": {
            "oneOf": [
                {
                    "type": "object",
                    "additionalProperties": false,
                    "required": [
                        "type", "integration_id", "function_name", "function_type", "code",
                    ],
                    "properties": {
                        "type": {"type": "string", "enum": ["function"]},
                        "integration_id": text,
                        "function_name": text,
                        "function_type": {"type": "string", "enum": ["action", "sync"]},
                        "code": {"type": "string", "minLength": 1},
                        "version": text,
                        "allow_destructive": {"type": "boolean"},
                        "files": {"type": "object", "additionalProperties": text},
                    },
                },
                {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["type", "integration_id", "template"],
                    "properties": {
                        "type": {"type": "string", "enum": ["template"]},
                        "integration_id": text,
                        "template": text,
                        "function_type": {"type": "string", "enum": ["action", "sync"]},
                    },
                },
            ],
        },
        "FunctionDeploymentResponse": {
            "type": "object",
            "required": ["id", "status", "created_at"],
            "properties": {
                "id": text,
                "status": {"type": "string", "enum": ["waiting", "running", "success", "failed"]},
                "created_at": {"type": "string", "format": "date-time"},
            },
        },
        "FunctionCompileResponse": {
            "type": "object",
            "required": ["bundle_size_bytes", "bundled_js", "compiled_at"],
            "properties": {
                "bundle_size_bytes": {"type": "integer", "minimum": 0},
                "bundled_js": text,
                "compiled_at": {"type": "string", "format": "date-time"},
                "warnings": {"type": "array", "items": {"type": "object"}},
            },
        },
    })
}

fn operation(route: &Route) -> Value {
    let (status, schema) = route.answer;
    let content = |schema: &str| match schema {
        "" => json!({"application/json": {}}),
        schema => {
            let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
            json!({"application/json": {"schema": schema}})
        }
    };
    let mut operation = json!({
        "operationId": format!("nango_{}", route.name),
        "summary": route.summary,
        "tags": ["Nango"],
        "security": [{"nangoKey": route.scopes}],
        "parameters": parameters(route),
        "responses": {
            status.to_string(): {"description": "Done", "content": content(schema)},
            "default": {"description": "Refused", "content": content("NangoError")},
        },
    });
    if !route.takes.is_empty() {
        operation["requestBody"] = json!({"required": true, "content": content(route.takes)});
    }
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let mut parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let name = name.trim_start_matches('*');
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
        })
        .collect();
    if route.method == http::Method::GET {
        parameters.push(json!({
            "name": "as_of",
            "in": "query",
            "description": "A position, or an RFC 3339 time",
            "schema": {"type": "string"},
        }));
    }
    parameters
}
