//! The schemas of section 5, for the description of the API.

use serde_json::{Map, Value, json};

/// All of them; names begin with `Pubnub`.
pub fn schemas() -> Value {
    let time = json!({"type": "string", "format": "date-time"});
    let uuid = json!({"type": "string", "format": "uuid"});
    let text = json!({"type": "string"});
    let maybe = json!({"type": ["string", "null"]});
    let texts = json!({"type": "array", "items": text});
    let count = json!({"type": "integer", "minimum": 0});
    let any = json!({});
    let of = |name: &str| json!({"$ref": format!("#/components/schemas/Pubnub{name}")});
    let list = |name: &str| json!({"type": "array", "items": of(name)});
    let object = |required: &[&str], properties: &[(&str, &Value)]| {
        let properties: Map<String, Value> = properties
            .iter()
            .map(|(name, schema)| ((*name).to_owned(), (*schema).clone()))
            .collect();
        json!({"type": "object", "required": required, "properties": properties})
    };
    let all = |properties: &[(&str, &Value)]| {
        let names: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
        object(&names, properties)
    };
    let dated = [("createdDttm", &time), ("updatedDttm", &time)];
    let error = all(&[("code", &text), ("message", &text)]);
    let errors = json!({"type": "array", "minItems": 1, "items": error});
    let meta = object(
        &["timestamp", "correlationId"],
        &[
            ("timestamp", &time),
            ("correlationId", &uuid),
            ("paging", &json!({"type": "object"})),
        ],
    );
    json!({
        "PubnubMeta": meta,
        "PubnubRefusal": all(&[("meta", &of("Meta")), ("errors", &errors)]),
        "PubnubPackage": all(&[
            &[
                ("id", &uuid),
                ("packageBlueprintId", &json!({"type": ["string", "null"], "format": "uuid"})),
                ("name", &text),
                ("description", &maybe),
                ("apiManaged", &json!({"type": "boolean"})),
                ("tags", &texts),
                ("revisionsTotal", &count),
                ("revisionsRunning", &count),
                ("packageDeploymentsTotal", &count),
                ("packageDeploymentsRunning", &count),
            ][..],
            &dated,
        ].concat()),
        "PubnubPackageRevision": all(&[
            &[
                ("id", &uuid),
                ("packageId", &uuid),
                ("name", &text),
                ("description", &maybe),
                ("packageDeploymentsTotal", &count),
                ("packageDeploymentsRunning", &count),
            ][..],
            &dated,
            &[("functions", &list("FunctionRevision"))],
        ].concat()),
        "PubnubFunctionRevision": all(&[
            &[
                ("id", &uuid),
                ("functionRevisionId", &uuid),
                ("packageRevisionId", &uuid),
                ("name", &text),
                ("language", &text),
                ("type", &text),
                ("sortOrder", &count),
                ("code", &text),
                ("config", &of("FunctionConfig")),
            ][..],
            &dated,
        ].concat()),
        "PubnubFunctionConfig": object(&["type"], &[
            ("type", &text),
            ("inputChannel", &text),
            ("outputChannel", &maybe),
            ("path", &text),
            ("interval", &json!({"type": "integer", "minimum": 1000, "maximum": 3_600_000})),
        ]),
        "PubnubFunctionInput": object(&["name", "type", "config", "code"], &[
            ("name", &text),
            ("type", &text),
            ("config", &of("FunctionConfig")),
            ("code", &text),
            ("language", &text),
            ("sortOrder", &count),
        ]),
        "PubnubPackageInput": object(&["name", "revisionName", "functions"], &[
            ("name", &text),
            ("revisionName", &text),
            ("functions", &list("FunctionInput")),
            ("description", &maybe),
            ("tags", &texts),
            ("apiManaged", &json!({"type": "boolean"})),
        ]),
        "PubnubPackageChange": object(&[], &[
            ("name", &text),
            ("description", &maybe),
            ("tags", &texts),
        ]),
        "PubnubPackageRevisionInput": object(&["packageId", "functions"], &[
            ("packageId", &uuid),
            ("functions", &list("FunctionInput")),
            ("name", &text),
            ("description", &maybe),
        ]),
        "PubnubPackageRevisionChange": object(&[], &[("name", &text), ("description", &maybe)]),
        "PubnubTestInput": all(&[
            &[
                ("id", &uuid),
                ("functionRevisionId", &uuid),
                ("payload", &any),
                ("mimeType", &text),
                ("description", &maybe),
            ][..],
            &dated,
        ].concat()),
        "PubnubTestInputInput": object(&[], &[
            ("payload", &any),
            ("mimeType", &text),
            ("description", &maybe),
        ]),
        "PubnubPackageDeployment": all(&[
            &[
                ("id", &uuid),
                ("packageRevisionId", &uuid),
                ("keysetId", &json!({"type": "integer", "minimum": 1})),
                ("state", &of("State")),
                ("functionDeployments", &list("FunctionDeployment")),
            ][..],
            &dated,
        ].concat()),
        "PubnubPackageDeploymentInput": all(&[
            ("packageRevisionId", &uuid),
            ("keysetId", &json!({"type": "integer", "minimum": 1})),
        ]),
        "PubnubRollingUpdate": all(&[("newPackageDeploymentId", &uuid)]),
        "PubnubIntersection": all(&[
            ("channel", &text),
            ("packageDeployments", &list("PackageDeployment")),
        ]),
        "PubnubScheduledEvent": all(&[
            &[
                ("id", &uuid),
                ("dttmBegin", &time),
                ("dttmEnd", &time),
                ("description", &maybe),
                ("state", &text),
                ("scheduledActions", &list("ScheduledAction")),
            ][..],
            &dated,
        ].concat()),
        "PubnubScheduledAction": all(&[
            &[
                ("id", &uuid),
                ("accountId", &json!({"type": "integer"})),
                ("packageDeploymentId", &uuid),
                ("type", &text),
                ("dttm", &time),
                ("description", &maybe),
                ("state", &text),
            ][..],
            &dated,
        ].concat()),
        "PubnubScheduledEventInput": object(&["packageDeploymentId", "dttmBegin", "dttmEnd"], &[
            ("packageDeploymentId", &uuid),
            ("dttmBegin", &time),
            ("dttmEnd", &time),
            ("description", &maybe),
        ]),
        "PubnubScheduledEventChange": object(&[], &[
            ("dttmBegin", &time),
            ("dttmEnd", &time),
            ("description", &maybe),
        ]),
        "PubnubFunctionDeployment": all(&[
            &[("functionRevisionId", &uuid), ("state", &of("State"))][..],
            &dated,
        ].concat()),
        "PubnubState": {
            "type": "string",
            "enum": ["STOPPED", "STARTING", "RUNNING", "STOPPING", "FAILED"],
        },
        "PubnubPackageBlueprint": all(&[
            &[
                ("id", &uuid),
                ("parentId", &maybe),
                ("name", &text),
                ("version", &text),
                ("description", &maybe),
                ("iconBase64", &maybe),
                ("iconMediaType", &maybe),
                ("state", &text),
                ("tags", &list("BlueprintTag")),
            ][..],
            &dated,
        ].concat()),
        "PubnubBlueprintTag": all(&[
            &[("id", &uuid), ("name", &text), ("visibility", &text)][..],
            &dated,
        ].concat()),
        "PubnubFunctionBlueprint": all(&[
            &[
                ("id", &uuid),
                ("packageBlueprintId", &uuid),
                ("name", &text),
                ("type", &text),
                ("language", &text),
                ("code", &text),
                ("params", &list("BlueprintParam")),
                ("testInputs", &list("TestInput")),
                ("config", &of("FunctionConfig")),
                ("sortOrder", &count),
            ][..],
            &dated,
        ].concat()),
        "PubnubBlueprintParam": all(&[
            &[
                ("id", &uuid),
                ("name", &text),
                ("sourceName", &text),
                ("type", &text),
                ("valueType", &text),
                ("storage", &text),
                ("description", &maybe),
                ("defaultValue", &maybe),
            ][..],
            &dated,
        ].concat()),
        "PubnubImport": object(&["keysetId", "revisionName", "functions"], &[
            ("keysetId", &json!({"type": "integer", "minimum": 1})),
            ("revisionName", &text),
            ("functions", &json!({"type": "array", "items": {"type": "object"}})),
            ("name", &text),
            ("description", &maybe),
            ("tags", &texts),
        ]),
        "PubnubStringEntry": all(&[("key", &text), ("value", &text), ("ttlSeconds", &count)]),
        "PubnubJsonEntry": all(&[("key", &text), ("value", &any), ("ttlSeconds", &count)]),
        "PubnubEntryInput": object(&["value"], &[
            ("value", &any),
            ("ttlSeconds", &json!({"type": "integer", "minimum": 20, "maximum": 31_536_000})),
        ]),
        "PubnubCounter": all(&[("key", &text), ("value", &json!({"type": "integer"}))]),
        "PubnubCounterAmount": object(&[], &[("value", &json!({"type": "integer"}))]),
        "PubnubSecret": all(&[("key", &text)]),
        "PubnubSecretInput": object(&["value"], &[("value", &text)]),
        "PubnubLimit": all(&[
            ("name", &text),
            ("description", &text),
            ("maxValue", &text),
            ("currentValue", &text),
        ]),
    })
}
