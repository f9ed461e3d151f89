//! The OpenAPI fragment of this API.

use serde_json::{Map, Value, json};

struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    query: &'static [&'static str],
    body: Option<&'static str>,
    success: u16,
    answer: &'static str,
}

const fn read(path: &'static str, summary: &'static str, answer: &'static str) -> Operation {
    Operation {
        method: "get",
        path,
        summary,
        query: &["as_of"],
        body: None,
        success: 200,
        answer,
    }
}

const fn send(path: &'static str, summary: &'static str) -> Operation {
    Operation {
        method: "post",
        query: &[],
        body: Some("StrataMessage"),
        ..read(path, summary, "StrataSent")
    }
}

const OPERATIONS: &[Operation] = &[
    Operation {
        query: &["as_of", "limit", "after"],
        ..read("/projects", "List projects", "StrataProjectList")
    },
    Operation {
        method: "post",
        query: &[],
        body: Some("StrataNewProject"),
        success: 201,
        ..read("/projects", "Create a project", "StrataProject")
    },
    read("/projects/{project}", "Get a project", "StrataProject"),
    Operation {
        method: "delete",
        query: &[],
        success: 204,
        ..read(
            "/projects/{project}",
            "Delete a project and everything in it",
            "",
        )
    },
    Operation {
        query: &["as_of", "limit", "after"],
        ..read("/projects/{project}/keys", "List API keys", "StrataKeyList")
    },
    Operation {
        method: "post",
        query: &[],
        body: Some("StrataNewKey"),
        success: 201,
        ..read(
            "/projects/{project}/keys",
            "Create an API key; its secret is shown once",
            "StrataKey",
        )
    },
    Operation {
        method: "delete",
        query: &[],
        success: 204,
        ..read("/projects/{project}/keys/{key}", "Revoke an API key", "")
    },
    Operation {
        query: &["as_of", "project", "limit", "after"],
        ..read("/keysets", "List keysets", "StrataKeysetList")
    },
    Operation {
        method: "post",
        query: &["project"],
        body: Some("StrataKeysetSettings"),
        success: 201,
        ..read("/keysets", "Create a keyset", "StrataKeyset")
    },
    Operation {
        query: &["as_of", "project"],
        ..read("/keysets/{keyset}", "Get a keyset", "StrataKeyset")
    },
    Operation {
        method: "patch",
        query: &["project"],
        body: Some("StrataKeysetSettings"),
        ..read(
            "/keysets/{keyset}",
            "Change the name or the settings of a keyset",
            "StrataKeyset",
        )
    },
    Operation {
        method: "delete",
        query: &["project"],
        success: 204,
        ..read(
            "/keysets/{keyset}",
            "Delete a keyset on which nothing runs, with what was stored for it",
            "",
        )
    },
    read(
        "/projections",
        "How far the read models are",
        "StrataProjectionList",
    ),
    Operation {
        method: "post",
        query: &[],
        success: 202,
        ..read(
            "/projections/{name}/rebuild",
            "Build a read model again, beside the one in use",
            "StrataRebuild",
        )
    },
    read(
        "/nodes",
        "The servers that work together, what each leads and how far it is",
        "StrataNodeList",
    ),
    Operation {
        query: &[
            "as_of",
            "project",
            "stream",
            "actor",
            "event",
            "correlation",
            "after",
            "before",
            "limit",
        ],
        ..read(
            "/audit",
            "Every event, who caused it and how",
            "StrataAuditList",
        )
    },
    Operation {
        query: &["as_of", "state", "limit", "offset"],
        ..read(
            "/keysets/{keyset}/deployments",
            "What is deployed on a keyset",
            "StrataKeysetDeploymentList",
        )
    },
    Operation {
        query: &["as_of", "after", "before", "limit"],
        ..read(
            "/keysets/{keyset}/history",
            "What happened to a keyset and to the deployments on it",
            "StrataKeysetHistory",
        )
    },
    Operation {
        query: &["from", "to"],
        ..read(
            "/keysets/{keyset}/diff",
            "How a keyset differs between two moments",
            "StrataKeysetDiff",
        )
    },
    Operation {
        query: &["after"],
        ..read(
            "/keysets/{keyset}/watch",
            "State transitions of a keyset's deployments as server-sent events",
            "StrataKeysetTransition",
        )
    },
    send("/keysets/{keyset}/publish", "Publish a message on a keyset"),
    send(
        "/keysets/{keyset}/fire",
        "Fire a message, for functions only",
    ),
    send("/keysets/{keyset}/signal", "Send a signal"),
    send("/keysets/{keyset}/files", "Tell that a file was shared"),
    Operation {
        body: Some("StrataPresenceEvent"),
        success: 202,
        ..send("/keysets/{keyset}/presence", "Say that a user has moved")
    },
    Operation {
        query: &["as_of", "limit", "offset", "functionRevisionId", "status"],
        ..read(
            "/keysets/{keyset}/executions",
            "What ran on a keyset, newest first",
            "StrataHandlerExecutionList",
        )
    },
    Operation {
        query: &["as_of", "limit", "offset", "functionRevisionId"],
        ..read(
            "/keysets/{keyset}/dead-letters",
            "Functions after messages that failed and are not tried again",
            "StrataDeadLetterList",
        )
    },
    Operation {
        method: "post",
        query: &[],
        success: 202,
        ..read(
            "/keysets/{keyset}/dead-letters/{execution}/retry",
            "Have a dead letter tried once more",
            "StrataRetry",
        )
    },
    Operation {
        method: "delete",
        query: &[],
        success: 204,
        ..read(
            "/keysets/{keyset}/dead-letters/{execution}",
            "Throw a dead letter away",
            "",
        )
    },
    Operation {
        method: "post",
        query: &["project"],
        body: Some("StrataNewHandlerRun"),
        ..read(
            "/handler-runs",
            "Run a function of the PubNub dialect that is not deployed",
            "StrataHandlerRun",
        )
    },
    read(
        "/head",
        "The last position, and the one that as_of names",
        "StrataHead",
    ),
];

/// Paths and schemas of `/strata/v1`.
pub fn openapi() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let path = format!("/strata/v1{}", operation.path);
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        entry[operation.method] = describe(operation);
    }
    json!({"paths": paths, "components": {"schemas": schemas()}})
}

fn describe(operation: &Operation) -> Value {
    let in_path = operation.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
    });
    let in_query = operation
        .query
        .iter()
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}}));
    let success = if operation.answer.is_empty() {
        json!({"description": "Done"})
    } else {
        let mut content = content(operation.answer);
        // What is told as it happens is no single document.
        if operation.path.ends_with("/watch") {
            content = json!({"text/event-stream": content["application/json"]});
        }
        json!({"description": "Done", "content": content})
    };
    let mut described = json!({
        "tags": ["Strata"],
        "summary": operation.summary,
        "security": [{"strataKey": []}],
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": {
            operation.success.to_string(): success,
            "default": {"description": "Refused", "content": content("StrataError")},
        },
    });
    if let Some(body) = operation.body {
        described["requestBody"] = json!({"required": true, "content": content(body)});
    }
    described
}

fn content(schema: &str) -> Value {
    json!({"application/json": {"schema": {"$ref": format!("#/components/schemas/{schema}")}}})
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

fn list(name: &str, of: &str) -> Value {
    let items = json!({"$ref": format!("#/components/schemas/{of}")});
    object(json!({"total": {"type": "integer"}, name: {"type": "array", "items": items}}))
}

fn schemas() -> Value {
    let text = json!({"type": "string"});
    let number = json!({"type": "integer"});
    let time = json!({"type": "string", "format": "date-time"});
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let mut all = json!({
        "StrataError": object(json!({"error": object(json!({"code": text, "message": text}))})),
        "StrataNewProject": object(json!({"id": text, "name": text})),
        "StrataProject": object(json!({"id": text, "name": text, "createdAt": time, "updatedAt": time})),
        "StrataProjectList": list("projects", "StrataProject"),
        "StrataNewKey": object(json!({"name": text, "scopes": texts, "expiresAt": time,
            "format": {"type": "string", "enum": ["standard", "uuid"]}})),
        "StrataKey": object(json!({"id": text, "name": text, "scopes": texts, "secret": text,
            "createdAt": time, "expiresAt": {"type": ["string", "null"]}})),
        "StrataKeyList": list("keys", "StrataKey"),
        "StrataKeysetSettings": object(json!({"name": text,
            "onFunctionError": {"type": "string", "enum": ["block", "pass"]},
            "afterRetries": number, "retryDelayMs": number})),
        "StrataKeyset": object(json!({"id": number, "name": text, "publishKey": text,
            "subscribeKey": text, "onFunctionError": text, "afterRetries": number,
            "retryDelayMs": number, "connected": texts, "createdAt": time, "updatedAt": time})),
        "StrataKeysetList": list("keysets", "StrataKeyset"),
        "StrataProjection": object(json!({"name": text, "checkpoint": number, "lag": number,
            "parked": {"type": ["string", "null"]}, "rebuild": {"type": ["object", "null"]}})),
        "StrataProjectionList": list("projections", "StrataProjection"),
        "StrataRebuild": object(json!({"name": text, "head": number})),
        "StrataNode": object(json!({"id": text, "address": text, "version": text,
            "startedAt": time, "state": text, "position": number, "lag": number, "leases": texts})),
        "StrataNodeList": object(json!({"node": text, "head": number, "nodes": {"type": "array",
            "items": {"$ref": "#/components/schemas/StrataNode"}}})),
        "StrataEvent": object(json!({"position": number, "recordedAt": time, "project": text,
            "stream": text, "sequence": number, "event": text, "actor": text, "commandId": text,
            "correlationId": text, "causationId": text, "requestId": text, "payload": {}})),
        "StrataAuditList": list("events", "StrataEvent"),
        "StrataHead": object(json!({"head": number, "position": number})),
    });
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), keyset_schemas()) {
        all.extend(more);
    }
    all
}

/// What is told of keysets.
fn keyset_schemas() -> Value {
    let text = json!({"type": "string"});
    let number = json!({"type": "integer"});
    let time = json!({"type": "string", "format": "date-time"});
    let texts = json!({"type": "array", "items": {"type": "string"}});
    json!({
        "StrataKeysetDeployment": object(json!({"id": text, "packageId": text, "packageName": text,
            "packageRevisionId": text, "packageRevisionName": text, "state": text,
            "place": {"type": ["integer", "null"]}, "runningSince": {"type": ["string", "null"]},
            "replacing": {"type": ["string", "null"]}, "failure": {"type": ["object", "null"]},
            "functions": {"type": "array", "items": {"type": "object"}},
            "createdAt": time, "updatedAt": time})),
        "StrataKeysetDeploymentList": list("deployments", "StrataKeysetDeployment"),
        "StrataKeysetChange": object(json!({"position": number, "recordedAt": time, "event": text,
            "actor": text, "correlationId": text, "requestId": text,
            "deployment": {"type": ["string", "null"]}, "package": {"type": ["string", "null"]},
            "revision": {"type": ["string", "null"]}, "change": {"type": "object"}})),
        "StrataKeysetHistory": object(json!({"events": {"type": "array",
            "items": {"$ref": "#/components/schemas/StrataKeysetChange"}}})),
        "StrataKeysetDiff": object(json!({"from": number, "to": number,
            "name": {"type": ["object", "null"]}, "settings": {"type": "object"},
            "secrets": object(json!({"added": texts, "removed": texts, "changed": texts})),
            "routing": {"type": ["object", "null"]}, "functions": {"type": "object"}})),
        "StrataKeysetTransition": object(json!({"position": number, "recordedAt": time,
            "deployment": text, "package": text, "revision": text, "keyset": number,
            "from": {"type": ["string", "null"]}, "to": {"type": ["string", "null"]},
            "replacing": {"type": ["string", "null"]}, "failure": {"type": ["object", "null"]},
            "actor": text})),
        "StrataMessage": object(json!({"channel": text, "message": {}, "meta": {}, "uuid": text,
            "file": object(json!({"id": text, "name": text}))})),
        "StrataPresenceEvent": object(json!({"action": text, "uuid": text, "channel": text,
            "data": {}})),
        "StrataSent": object(json!({
            "outcome": {"type": "string", "enum": ["sent", "aborted", "failed"]},
            "text": text, "timetoken": text})),
        "StrataHandlerExecution": object(json!({"id": text, "functionRevisionId": text,
            "functionName": text, "type": text, "packageId": text, "packageRevisionId": text,
            "packageDeploymentId": {"type": ["string", "null"]},
            "channel": {"type": ["string", "null"]}, "hop": number, "attempt": number,
            "retryOf": {"type": ["string", "null"]}, "isLast": {"type": "boolean"},
            "trigger": text, "method": text, "path": text, "status": text, "statusCode": number,
            "reason": text, "logs": text, "errors": text, "durationUs": number,
            "scheduledAt": {"type": ["string", "null"]}, "createdAt": time, "updatedAt": time})),
        "StrataHandlerExecutionList": list("executions", "StrataHandlerExecution"),
        "StrataDeadLetterList": list("deadLetters", "StrataHandlerExecution"),
        "StrataRetry": object(json!({"id": text})),
        "StrataNewHandlerRun": object(json!({"handler": text, "test_input": text,
            "event": {"type": "object"}, "keyset": number,
            "mode": {"type": "string", "enum": ["dry", "live"]}})),
        "StrataHandlerRun": object(json!({"id": text, "mode": text,
            "decision": {"type": "string", "enum": ["ok", "abort", "send", "error"]},
            "text": {"type": ["string", "null"]}, "message": {}, "response": {"type": "object"},
            "logs": {"type": "array", "items": {"type": "object"}}, "errors": text,
            "calls": {"type": "array", "items": {"type": "object"}}, "durationUs": number})),
    })
}
