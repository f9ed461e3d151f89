//! `/v1/functions/{functionId}/executions`.

use http::Method;
use serde_json::{Value, json};

use crate::client::{Client, Part, column, encode, unique};
use crate::server::until;

const FUNCTION: &str = r#"
export default async ({ req, res, log, error }) => {
  switch (req.path) {
    case "/binary": return res.binary(req.bodyBinary, 200, { "content-type": "application/octet-stream" });
    case "/length": return res.json([req.bodyBinary.length, req.headers["content-type"] ?? null, req.headers["content-length"] ?? null]);
    case "/request": return res.json({ method: req.method, scheme: req.scheme, host: req.host, port: req.port, path: req.path, queryString: req.queryString, url: req.url });
    case "/headers": return res.json(req.headers);
    case "/cookies": return res.text("", 200, { "set-cookie": ["a=1", "b=2"], "X-Upper": "1" });
    case "/env": return res.json(process.env);
    case "/500": return res.text("broken", 500);
    case "/nothing": return;
    case "/sleep": await new Promise((done) => setTimeout(done, 60000)); return res.empty();
    case "/spin": for (;;);
    case "/log": log("one", { two: 2 }); error("three"); console.log("native"); return res.empty();
    default: return res.text("at " + req.path);
  }
};
"#;

async fn deployed(client: &Client, more: Value) -> String {
    let function = client.function(more).await;
    client.deploy(&function, FUNCTION).await;
    function
}

#[tokio::test]
async fn the_function_sees_the_request_and_the_caller_its_answer() {
    let client = Client::new();
    let function = deployed(&client, json!({"scopes": ["functions.read"]})).await;
    let body = |ran: &Value| -> Value {
        serde_json::from_str(ran["responseBody"].as_str().unwrap()).unwrap()
    };

    let ran = client
        .execute(&function, json!({"path": "/request?a=1&b=%20", "method": "PATCH", "headers": {"Host": "example.org:8443", "x-forwarded-proto": "https"}}))
        .await;
    assert_eq!(
        body(&ran),
        json!({"method": "PATCH", "scheme": "https", "host": "example.org", "port": 8443, "path": "/request",
            "queryString": "a=1&b=%20", "url": "https://example.org:8443/request?a=1&b=%20"})
    );
    assert_eq!(ran["requestPath"], "/request?a=1&b=%20");
    assert_eq!(
        ran["requestHeaders"][0],
        json!({"name": "host", "value": "example.org:8443"})
    );

    let ran = client
        .execute(&function, json!({"path": "/headers", "headers": {"X-Mine": "yes", "Cookie": "a=b"}, "body": "{}"}))
        .await;
    let headers = body(&ran);
    for (name, value) in [
        ("x-mine", json!("yes")),
        ("cookie", json!("a=b")),
        ("content-type", json!("application/x-www-form-urlencoded")),
        ("content-length", json!("2")),
        ("x-appwrite-trigger", json!("http")),
        ("x-appwrite-execution-id", ran["$id"].clone()),
        ("x-appwrite-user-id", json!("")),
        ("x-appwrite-client-ip", json!("127.0.0.1")),
        ("x-appwrite-continent-eu", json!("false")),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    // The key of the execution is good for the function's scopes.
    let key = client.with(
        "x-appwrite-key",
        headers["x-appwrite-key"].as_str().unwrap(),
    );
    assert_eq!(
        key.get(&format!("/v1/functions/{function}")).await.status,
        200
    );
    key.post("/v1/functions", json!({}))
        .await
        .refused(401, "general_unauthorized_scope");
    let recorded = column(&ran, "requestHeaders", "name").join(" ");
    assert_eq!(
        recorded, "x-appwrite-client-ip",
        "no credential is recorded"
    );

    let ran = client.execute(&function, json!({"path": "/env"})).await;
    let environment = body(&ran);
    for (name, value) in [
        ("APPWRITE_FUNCTION_ID", json!(function)),
        ("APPWRITE_FUNCTION_NAME", json!("test")),
        ("APPWRITE_FUNCTION_PROJECT_ID", json!("default")),
        ("APPWRITE_FUNCTION_DEPLOYMENT", ran["deploymentId"].clone()),
        ("APPWRITE_FUNCTION_RUNTIME_NAME", json!("Node.js")),
        ("APPWRITE_FUNCTION_RUNTIME_VERSION", json!("22")),
        ("APPWRITE_FUNCTION_CPUS", json!("1")),
        ("APPWRITE_FUNCTION_MEMORY", json!("512")),
        ("APPWRITE_DEPLOYMENT_TYPE", json!("manual")),
        ("APPWRITE_VCS_COMMIT_HASH", json!("")),
    ] {
        assert_eq!(environment[name], value, "{name}");
    }

    let ran = client.execute(&function, json!({"path": "/cookies"})).await;
    let names = column(&ran, "responseHeaders", "name");
    assert!(
        names.contains(&"x-upper") && names.contains(&"x-appwrite-execution-id"),
        "{names:?}"
    );
    let stored = client
        .get(&format!(
            "/v1/functions/{function}/executions/{}",
            ran["$id"].as_str().unwrap()
        ))
        .await
        .json();
    assert_eq!(column(&stored, "responseHeaders", "name"), ["content-type"]);
    let head = client.execute(&function, json!({"method": "HEAD"})).await;
    assert_eq!(head["responseBody"], "");
}

#[tokio::test]
async fn bodies_are_bytes() {
    let client = Client::new();
    let function = deployed(&client, json!({})).await;
    let path = format!("/v1/functions/{function}/executions");
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let send = async |accept: &str| {
        client
            .ask(Method::POST, &path)
            .header("accept", accept)
            .multipart(&[
                Part::file("body", "", &bytes),
                Part::field("path", "/binary"),
                Part::field("method", "PUT"),
                Part::field("headers[content-type]", "image/png"),
                Part::field("async", "0"),
            ])
            .await
    };
    let answer = send("multipart/form-data").await;
    assert_eq!(answer.status, 201);
    let kind = answer.header("content-type").to_owned();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let needle = b"name=\"responseBody\"\r\n\r\n";
    let start = answer
        .bytes
        .windows(needle.len())
        .position(|window| window == needle)
        .unwrap()
        + needle.len();
    assert_eq!(answer.bytes[start..start + bytes.len()], bytes);
    assert!(
        answer.bytes[start + bytes.len()..].starts_with(format!("\r\n--{boundary}").as_bytes())
    );
    // As JSON, bytes that are no text cannot be shown.
    let answer = send("application/json, multipart/form-data").await;
    assert!(
        answer
            .refused(400, "general_bad_request")
            .starts_with("Failed to parse response")
    );

    let large = "x".repeat(10_485_760);
    let ran = client
        .execute(
            &function,
            json!({"path": "/length", "body": large, "headers": {"content-type": "text/plain"}}),
        )
        .await;
    assert_eq!(
        ran["responseBody"], "[10485760,\"text/plain\",\"10485760\"]",
        "{}",
        ran["errors"]
    );
    client
        .post(&path, json!({"body": format!("{large}x")}))
        .await
        .refused(400, "general_argument_invalid");
    let headers = json!({"content-type": "application/json"}).to_string();
    let ran = client
        .execute(
            &function,
            json!({"path": "/length", "body": "é", "headers": headers}),
        )
        .await;
    assert_eq!(ran["responseBody"], "[2,\"application/json\",\"2\"]");
    let ran = client
        .execute(&function, json!({"path": "/length", "headers": []}))
        .await;
    assert_eq!(ran["responseBody"], "[0,null,null]");
}

#[tokio::test]
async fn how_executions_end() {
    let client = Client::new();
    let function = deployed(&client, json!({"timeout": 1})).await;
    for (path, status, code, errors) in [
        ("/", "completed", 200, ""),
        ("/500", "failed", 500, ""),
        (
            "/nothing",
            "failed",
            500,
            "Return statement missing. return context.res.empty() if no response is expected.",
        ),
        ("/sleep", "failed", 500, "Execution timed out."),
        ("/spin", "failed", 500, "Execution timed out."),
    ] {
        let ran = client.execute(&function, json!({"path": path})).await;
        assert_eq!(
            (&ran["status"], &ran["responseStatusCode"]),
            (&json!(status), &json!(code)),
            "{ran}"
        );
        assert!(
            ran["errors"]
                .as_str()
                .is_some_and(|text| text.contains(errors)),
            "{ran}"
        );
        assert!(
            ran["duration"]
                .as_f64()
                .is_some_and(|seconds| seconds > 0.0),
            "{ran}"
        );
    }
    let ran = client.execute(&function, json!({"path": "/log"})).await;
    assert_eq!(ran["errors"], "three\n");
    assert_eq!(
        ran["logs"],
        "one {\"two\":2}\nNative logs detected. Use context.log() or context.error() for better experience.\nnative\n"
    );
    let path = format!("/v1/functions/{function}");
    client
        .put(
            &path,
            json!({"name": "test", "execute": ["any"], "logging": false}),
        )
        .await;
    let ran = client.execute(&function, json!({"path": "/log"})).await;
    assert_eq!((&ran["logs"], &ran["errors"]), (&json!(""), &json!("")));
}

#[tokio::test]
async fn what_cannot_be_executed() {
    let client = Client::new();
    let function = deployed(&client, json!({"execute": ["users"]})).await;
    let path = format!("/v1/functions/{function}/executions");
    for (field, value, kind) in [
        ("method", json!("get"), "general_argument_invalid"),
        ("path", json!(""), "general_argument_invalid"),
        ("path", json!("x".repeat(2049)), "general_argument_invalid"),
        ("async", json!("perhaps"), "general_argument_invalid"),
        (
            "headers",
            json!({"X-Appwrite-Key": "mine"}),
            "general_argument_invalid",
        ),
        ("headers", json!("no json"), "general_argument_invalid"),
        ("body", json!({"an": "object"}), "general_argument_invalid"),
        (
            "scheduledAt",
            json!("2999-01-01T00:00:00.000+00:00"),
            "general_bad_request",
        ),
    ] {
        let mut body = json!({});
        body[field] = value.clone();
        let answer = client.post(&path, body).await;
        assert_eq!(answer.error(), (400, kind.to_owned()), "{field} {value}");
    }
    for at in ["2020-01-01T00:00:00Z", "2999-01-01T00:00:30Z", "tomorrow"] {
        client
            .post(&path, json!({"async": true, "scheduledAt": at}))
            .await
            .refused(400, "general_bad_request");
    }
    let guest = client.guest();
    guest
        .post(&path, json!({}))
        .await
        .refused(401, "user_unauthorized");
    client
        .put(
            &format!("/v1/functions/{function}"),
            json!({"name": "test", "execute": ["guests"]}),
        )
        .await;
    let ran = guest.post(&path, json!({"path": "/log"})).await;
    assert_eq!(ran.status, 201);
    assert_eq!(
        (ran.text("logs"), ran.text("errors")),
        (String::new(), String::new())
    );
    client
        .put(
            &format!("/v1/functions/{function}"),
            json!({"name": "test", "execute": ["any"], "enabled": false}),
        )
        .await;
    guest
        .post(&path, json!({}))
        .await
        .refused(404, "function_not_found");
    assert_eq!(
        client.execute(&function, json!({})).await["status"],
        "completed",
        "keys still may"
    );

    let one = format!("{path}/{}", ran.text("$id"));
    guest
        .get(&one)
        .await
        .refused(401, "general_unauthorized_scope");
    guest.delete(&one).await.refused(401, "user_unauthorized");
    let other = client.function(json!({})).await;
    client
        .get(&one.replace(&function, &other))
        .await
        .refused(404, "execution_not_found");
    client
        .get(&format!("{path}/nobody"))
        .await
        .refused(404, "execution_not_found");
    assert_eq!(client.delete(&one).await.status, 204);
    client
        .delete(&one)
        .await
        .refused(404, "execution_not_found");
}

#[tokio::test]
async fn background_executions_and_their_lists() {
    let client = Client::new();
    let function = deployed(&client, json!({"timeout": 2})).await;
    let path = format!("/v1/functions/{function}/executions");
    let asked = client
        .post(
            &path,
            json!({"async": "true", "path": "/log", "method": "PUT"}),
        )
        .await;
    assert_eq!(asked.status, 202);
    let asked = asked.json();
    assert_eq!(
        (&asked["status"], &asked["responseStatusCode"]),
        (&json!("waiting"), &json!(0))
    );
    let one = format!("{path}/{}", asked["$id"].as_str().unwrap());
    let ended = async |one: &str| {
        until("an execution", async || {
            let now = client.get(one).await.json();
            (now["status"] == "completed" || now["status"] == "failed").then_some(now)
        })
        .await
    };
    let done = ended(&one).await;
    assert_eq!(
        (&done["status"], &done["requestMethod"]),
        (&json!("completed"), &json!("PUT"))
    );
    assert_eq!(
        (&done["responseStatusCode"], &done["errors"]),
        (&json!(204), &json!("three\n"))
    );

    let slow = client
        .post(&path, json!({"async": true, "path": "/sleep"}))
        .await
        .text("$id");
    client
        .delete(&format!("{path}/{slow}"))
        .await
        .refused(400, "execution_in_progress");
    let cut = ended(&format!("{path}/{slow}")).await;
    assert_eq!(cut["status"], "failed");
    let failed = json!({"method": "equal", "attribute": "status", "values": ["failed"]});
    let list = client.list(&path, &[failed]).await.json();
    assert_eq!(column(&list, "executions", "$id"), [&slow]);
    let queries = [
        json!({"method": "equal", "attribute": "requestMethod", "values": ["PUT"]}),
        json!({"method": "equal", "attribute": "trigger", "values": ["http"]}),
        json!({"method": "lessThan", "attribute": "duration", "values": [1.5]}),
        json!({"method": "between", "attribute": "responseStatusCode", "values": [200, 299]}),
    ];
    let found = client.list(&path, &queries).await.json();
    assert_eq!(
        column(&found, "executions", "$id"),
        [asked["$id"].as_str().unwrap()]
    );

    let at = "2999-01-01T00:00:00.000+00:00";
    let scheduled = client
        .post(&path, json!({"async": true, "scheduledAt": at}))
        .await;
    assert_eq!(scheduled.status, 202);
    assert_eq!(
        (scheduled.text("status"), scheduled.text("scheduledAt")),
        ("scheduled".to_owned(), at.to_owned())
    );
    assert_eq!(scheduled.text("trigger"), "schedule");
    assert_eq!(
        client
            .delete(&format!("{path}/{}", scheduled.text("$id")))
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn code_that_does_not_load_fails_every_execution() {
    let client = Client::new();
    for (code, expected) in [
        (
            "export default 7;",
            "Function signature invalid. Did you forget to export a 'main' function?",
        ),
        (
            "throw new Error('at the top');\nexport default ({ res }) => res.empty();",
            "at the top",
        ),
    ] {
        let function = client.function(json!({"functionId": unique("load")})).await;
        client.deploy(&function, code).await;
        let ran = client.execute(&function, json!({})).await;
        assert_eq!(
            (&ran["status"], &ran["responseStatusCode"]),
            (&json!("failed"), &json!(503)),
            "{ran}"
        );
        assert!(
            ran["errors"]
                .as_str()
                .is_some_and(|text| text.contains(expected)),
            "{ran}"
        );
    }
    // Paths survive any encoding.
    let function = deployed(&client, json!({})).await;
    let path = format!("/a/{}", encode("ö/ü"));
    let ran = client.execute(&function, json!({"path": path})).await;
    assert_eq!(ran["responseBody"], format!("at {path}"));
}
