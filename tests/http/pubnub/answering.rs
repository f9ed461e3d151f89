//! Functions that answer HTTP. Reference: sections 10.6, 12.2 and 12.3.

use http::Method;
use serde_json::{Value, json};

use super::stage::{Stage, function};

fn at_path(name: &str, path: &str, code: &str) -> Value {
    function(name, "ON_REQUEST", json!({"path": path}), code)
}

/// Says who answers and where.
fn says(name: &str) -> String {
    format!(
        "export default (request, response) => response.send({{ name: '{name}', path: request.path }});"
    )
}

#[tokio::test]
async fn paths_find_their_function() {
    let stage = Stage::new().await;
    let functions = [
        at_path("users", "users", &says("users")),
        at_path("below", "users/*", &says("below")),
        at_path("odd", "o d/é", &says("odd")),
    ];
    stage.play(&functions).await;
    for (path, name, seen) in [
        ("users", "users", "/users"),
        ("users/", "below", "/users/"),
        ("users/1/posts?x=1", "below", "/users/1/posts"),
        ("o%20d/%C3%A9", "odd", "/o d/é"),
    ] {
        let told = stage.answer(path).await;
        assert_eq!(
            (&told["name"], &told["path"]),
            (&json!(name), &json!(seen)),
            "{path}"
        );
    }
    for path in ["", "user", "Users", "usersx", "a/users"] {
        let answer = stage.request(Method::GET, path).await;
        assert_eq!(answer.status, 404, "{path}");
        let body = json!({"status": 404, "error": "No function for this path"});
        assert_eq!(answer.json(), body);
    }
    let guest = stage.bed.client.with("authorization", "");
    assert_eq!(
        guest.get("/v1/blocks/sub-key/sub-c-0/users").await.status,
        400
    );
}

#[tokio::test]
async fn requests_and_responses_pass_through() {
    let stage = Stage::new().await;
    let echo = "export default async (request, response) => {\n\
        const { method, params, query, headers, body, uri, message } = request;\n\
        let parsed; try { parsed = await request.json(); } catch (error) { parsed = error.name; }\n\
        response.headers['X-Own'] = 'yes'; response.headers['Content-Length'] = '3';\n\
        return response.send({ method, params, same: params === query, header: headers['x-given'], body, uri, message, parsed }, 201);\n\
      };";
    let text = "export default (request, response) => { response.status = 418; return response.send('short'); };";
    let page = "export default (request, response) => { response.headers['content-type'] = 'text/html'; return response.send('<b>'); };";
    let throws = "export default () => { throw new Error('secret detail'); };";
    let empty = "export default (request, response) => response.send();";
    stage
        .play(&[
            at_path("echo", "echo", echo),
            at_path("text", "text", text),
            at_path("page", "page", page),
            at_path("throws", "throws", throws),
            at_path("empty", "empty", empty),
        ])
        .await;
    let guest = stage.bed.client.with("authorization", "");
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let method: Method = method.parse().expect("a method");
        let ask = guest.ask(method.clone(), &stage.blocks("echo?a=1&a=5&b=x%20y"));
        let answer = ask.header("x-given", "v").body("{\"n\":1}").send().await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(answer.header("x-own"), "yes");
        assert_eq!(
            answer.header("content-type"),
            "application/json; charset=utf-8"
        );
        let told = answer.json();
        assert_eq!(told["method"], method.as_str());
        assert_eq!(
            (&told["params"], &told["same"]),
            (&json!({"a": "5", "b": "x y"}), &json!(true))
        );
        assert_eq!(
            (&told["header"], &told["body"]),
            (&json!("v"), &json!("{\"n\":1}"))
        );
        assert_eq!(
            (&told["message"], &told["parsed"]),
            (&json!({"n": 1}), &json!({"n": 1}))
        );
        assert_eq!(told["uri"], "/echo?a=1&a=5&b=x%20y");
    }
    let head = stage.request(Method::HEAD, "text").await;
    assert_eq!((head.status, head.bytes.len()), (418, 0));
    let answer = stage.request(Method::GET, "text").await;
    assert_eq!((answer.status, &answer.bytes[..]), (418, &b"short"[..]));
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    let answer = stage.request(Method::GET, "page").await;
    assert_eq!(answer.header("content-type"), "text/html");
    let answer = stage.request(Method::GET, "empty").await;
    assert_eq!((answer.status, answer.bytes.len()), (200, 0));
    let answer = stage.request(Method::GET, "throws").await;
    assert_eq!(answer.status, 500);
    assert_eq!(
        answer.json(),
        json!({"status": 500, "error": "Function error"})
    );
    for (length, status) in [(1 << 20, 201), ((1 << 20) + 1, 413)] {
        let ask = guest.ask(Method::POST, &stage.blocks("echo"));
        assert_eq!(ask.body("x".repeat(length)).send().await.status, status);
    }
    // What was asked is recorded without its query, which may hold credentials.
    let ran = stage.executions(12).await;
    assert!(
        ran.iter()
            .all(|row| !row["path"].as_str().unwrap_or("?").contains('?'))
    );
}
