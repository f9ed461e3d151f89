//! The description of this dialect, made from the table of routes and the
//! tables of models.

use serde_json::{Map, Value, json};

use super::model::{self, Fields};
use super::routes::{ALL, Access, Parameter, Route};

/// Models that have no table beside their function.
const RUNTIME: Fields = &[
    ("$id", "string"),
    ("key", "string"),
    ("name", "string"),
    ("version", "string"),
    ("base", "string"),
    ("image", "string"),
    ("logo", "string"),
    ("supports", "strings"),
];
const SPECIFICATION: Fields = &[
    ("memory", "integer"),
    ("cpus", "number"),
    ("enabled", "boolean"),
    ("slug", "string"),
];
const TEMPLATE: Fields = &[
    ("icon", "string"),
    ("id", "string"),
    ("name", "string"),
    ("tagline", "string"),
    ("permissions", "strings"),
    ("events", "strings"),
    ("cron", "string"),
    ("timeout", "integer"),
    ("useCases", "strings"),
    ("runtimes", "objects"),
    ("instructions", "string"),
    ("vcsProvider", "string"),
    ("providerRepositoryId", "string"),
    ("providerOwner", "string"),
    ("providerVersion", "string"),
    ("variables", "objects"),
    ("scopes", "strings"),
];
const HEADER: Fields = &[("name", "string"), ("value", "string")];
const ERROR: Fields = &[
    ("message", "string"),
    ("code", "integer"),
    ("type", "string"),
    ("version", "string"),
];

/// `paths` and `components.schemas` of an OpenAPI 3.1 document.
pub fn openapi() -> Value {
    let mut paths = Map::new();
    for route in ALL {
        let path = paths
            .entry(format!("/v1{}", route.path))
            .or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation(route);
    }
    let mut schemas = Map::new();
    for (name, fields) in [
        ("Function", model::FUNCTION),
        ("Deployment", model::DEPLOYMENT),
        ("Execution", model::EXECUTION),
        ("Variable", model::VARIABLE),
        ("Runtime", RUNTIME),
        ("Specification", SPECIFICATION),
        ("TemplateFunction", TEMPLATE),
        ("Header", HEADER),
        ("Error", ERROR),
        ("HealthVersion", &[("version", "string")]),
        (
            "ProxyRuleList",
            &[("total", "integer"), ("rules", "objects")],
        ),
        ("ConsoleVariables", &[("_APP_DOMAIN_FUNCTIONS", "string")]),
    ] {
        schemas.insert(schema_name(name), object(fields));
    }
    for (name, key, item) in [
        ("FunctionList", "functions", "Function"),
        ("DeploymentList", "deployments", "Deployment"),
        ("ExecutionList", "executions", "Execution"),
        ("VariableList", "variables", "Variable"),
        ("RuntimeList", "runtimes", "Runtime"),
        ("SpecificationList", "specifications", "Specification"),
        ("TemplateFunctionList", "templates", "TemplateFunction"),
    ] {
        let mut properties = Map::new();
        properties.insert("total".to_owned(), json!({"type": "integer"}));
        let items = json!({"type": "array", "items": reference(item)});
        properties.insert(key.to_owned(), items);
        let schema =
            json!({"type": "object", "required": ["total", key], "properties": properties});
        schemas.insert(schema_name(name), schema);
    }
    json!({"paths": paths, "components": {"schemas": schemas}})
}

fn schema_name(name: &str) -> String {
    format!("Appwrite{name}")
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{}", schema_name(name))})
}

fn object(fields: Fields) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), type_of(kind)))
        .collect();
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    json!({"type": "object", "required": names, "properties": properties})
}

fn type_of(kind: &str) -> Value {
    match kind {
        "strings" => json!({"type": "array", "items": {"type": "string"}}),
        "objects" => json!({"type": "array", "items": {"type": "object"}}),
        "date" => json!({"type": "string", "description": "ISO 8601; empty when there is none."}),
        "date or null" => json!({"type": ["string", "null"], "format": "date-time"}),
        "file" => json!({"type": "string", "format": "binary"}),
        kind => match kind.strip_suffix("[]") {
            Some(item) => json!({"type": "array", "items": reference(item)}),
            None => json!({"type": kind}),
        },
    }
}

fn operation(route: &Route) -> Value {
    let reads = route.method == http::Method::GET;
    let mut parameters: Vec<Value> = path_parameters(route.path);
    let mut operation = json!({
        "operationId": format!("functions.{}", route.name),
        "summary": route.summary,
        "tags": ["Appwrite"],
    });
    match route.access {
        Access::Open => operation["security"] = json!([]),
        Access::Project(scopes) => {
            parameters.push(json!({
                "name": "X-Appwrite-Project", "in": "header", "required": true,
                "schema": {"type": "string"},
            }));
            operation["security"] = match scopes {
                [] => json!([{}, {"appwriteKey": []}]),
                _ => json!([{"appwriteKey": scopes}]),
            };
            if !scopes.is_empty() {
                operation["x-scopes"] = json!(scopes);
            }
        }
    }
    if reads {
        parameters.extend(route.parameters.iter().map(in_query));
        if matches!(route.access, Access::Project(_)) {
            parameters.push(json!({
                "name": "as_of", "in": "query", "required": false,
                "description": "A position or an RFC 3339 time: the answer is the one of that moment.",
                "schema": {"type": "string"},
            }));
        }
    } else {
        parameters.extend([
            json!({"name": "Idempotency-Key", "in": "header", "required": false,
                "description": "The same request with the same key has one effect and one answer.",
                "schema": {"type": "string", "maxLength": 255}}),
            json!({"name": "If-Match", "in": "header", "required": false,
                "description": "The sequence that the resource must be at, as ETag gave it.",
                "schema": {"type": "string"}}),
        ]);
        if !route.parameters.is_empty() {
            operation["requestBody"] = body(route.parameters);
        }
    }
    operation["parameters"] = parameters.into();
    operation["responses"] = responses(route);
    operation
}

fn path_parameters(path: &str) -> Vec<Value> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({"name": name, "in": "path", "required": true,
                "schema": {"type": "string", "maxLength": 36}})
        })
        .collect()
}

fn schema_of(parameter: &Parameter) -> Value {
    let mut schema = type_of(parameter.kind);
    let default = parameter
        .default
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    match default {
        None | Some(Value::Null) => {}
        Some(default) => schema["default"] = default,
    }
    schema["description"] = parameter.about.into();
    schema
}

fn in_query(parameter: &Parameter) -> Value {
    let name = match parameter.kind {
        "strings" => format!("{}[]", parameter.name),
        _ => parameter.name.to_owned(),
    };
    json!({
        "name": name,
        "in": "query",
        "required": parameter.default.is_none(),
        "schema": schema_of(parameter),
    })
}

fn body(parameters: &[Parameter]) -> Value {
    let properties: Map<String, Value> = parameters
        .iter()
        .map(|parameter| (parameter.name.to_owned(), schema_of(parameter)))
        .collect();
    let required: Vec<&str> = parameters
        .iter()
        .filter(|parameter| parameter.default.is_none())
        .map(|parameter| parameter.name)
        .collect();
    let file = parameters.iter().any(|parameter| parameter.kind == "file");
    let media_type = if file {
        "multipart/form-data"
    } else {
        "application/json"
    };
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let mut content = Map::new();
    content.insert(media_type.to_owned(), json!({"schema": schema}));
    json!({"required": !required.is_empty(), "content": content})
}

fn responses(route: &Route) -> Value {
    let (status, name) = route.answer;
    let mut good = json!({"description": http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("OK")});
    let content = match name {
        "" => None,
        "file" => Some(("application/octet-stream", type_of("file"))),
        "text" => Some(("text/plain", type_of("string"))),
        name => Some(("application/json", reference(name))),
    };
    if let Some((media_type, schema)) = content {
        let mut types = Map::new();
        types.insert(media_type.to_owned(), json!({"schema": schema}));
        good["content"] = types.into();
    }
    let mut all = Map::new();
    all.insert(status.to_string(), good);
    if route.name == "createExecution" {
        let mut accepted = all["201"].clone();
        accepted["description"] = "Accepted: it runs in the background.".into();
        all.insert("202".to_owned(), accepted);
    }
    all.insert(
        "default".to_owned(),
        json!({
            "description": "An error",
            "content": {"application/json": {"schema": reference("Error")}},
        }),
    );
    all.into()
}
