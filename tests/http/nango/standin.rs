//! A stand-in for the API of a vendor: it answers the exchanges of a test, in their order, and
//! says what came that should not. The form of exchanges is told in
//! `tests/nango/functions/README.md`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// One that listens on a port of its own until it is dropped.
pub struct StandIn {
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    /// Its port.
    pub port: u16,
    script: Arc<Mutex<Script>>,
    serving: AbortHandle,
}

#[derive(Default)]
struct Script {
    /// Before that everything is answered with 200 and `{}`.
    armed: bool,
    unordered: bool,
    left: Vec<Value>,
    faults: Vec<String>,
    calls: Vec<Call>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its method.
    pub method: String,
    /// The decoded path.
    pub path: String,
    /// Names and values of the query, sorted.
    pub query: Vec<(String, String)>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// Threads of tests come and go with their runtimes; servers need one that stays.
fn runtime() -> &'static Handle {
    static RUNTIME: OnceLock<Handle> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let handle = runtime.handle().clone();
        std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
        handle
    })
}

impl StandIn {
    /// A new one, which answers anything with `{}`.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("an address").port();
        let script = Arc::new(Mutex::new(Script::default()));
        let router = Router::new().fallback(answer).with_state(script.clone());
        let serving = runtime().spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            axum::serve(listener, router).await
        });
        Self {
            url: format!("http://127.0.0.1:{port}"),
            port,
            script,
            serving: serving.abort_handle(),
        }
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on only these may come, in this order unless it does not matter.
    pub fn expect(&self, exchanges: &[Value], unordered: bool) {
        let mut script = self.script();
        script.armed = true;
        script.unordered = unordered;
        script.calls.clear();
        script.left = exchanges
            .iter()
            .flat_map(|one| {
                let times = one["repeat"].as_u64().unwrap_or(1) as usize;
                std::iter::repeat_n(one.clone(), times)
            })
            .collect();
    }

    /// What came that should not, and what did not come.
    pub fn faults(&self) -> Vec<String> {
        let script = self.script();
        let mut faults = script.faults.clone();
        for one in &script.left {
            faults.push(format!("did not come: {} {}", one["method"], one["path"]));
        }
        faults
    }

    /// What came since it was told what to expect, or since it started.
    pub fn calls(&self) -> Vec<Call> {
        self.script().calls.clone()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    let mut query = pairs(parts.uri.query().unwrap_or_default());
    query.sort();
    let call = Call {
        method: parts.method.to_string(),
        path: decoded(parts.uri.path()),
        query,
        headers: parts.headers,
        body: body.unwrap_or_default().to_vec(),
    };
    let reply = {
        let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
        let reply = script.reply(&call);
        script.calls.push(call);
        reply
    };
    if let Some(delay) = reply["delay_ms"].as_u64() {
        tokio::time::sleep(std::time::Duration::from_millis(delay)).await;
    }
    shown(&reply)
}

impl Script {
    fn reply(&mut self, call: &Call) -> Value {
        if !self.armed {
            return json!({"json": {}});
        }
        let candidates = if self.unordered { self.left.len() } else { 1 };
        let mut why = "nothing more should come".to_owned();
        for index in 0..candidates.min(self.left.len()) {
            match call.fits(&self.left[index]) {
                Ok(()) => return self.left.remove(index)["reply"].clone(),
                Err(text) => why = text,
            }
        }
        let came = format!("{} {} {:?}", call.method, call.path, call.query);
        let body = String::from_utf8_lossy(&call.body);
        self.faults.push(format!(
            "came: {came} {}: {why}",
            &body[..body.len().min(400)]
        ));
        // A status that nobody tries again.
        json!({"status": 418, "text": "no exchange fits"})
    }
}

impl Call {
    fn fits(&self, exchange: &Value) -> Result<(), String> {
        let (path, query) = wanted(exchange);
        if exchange["method"] != *self.method || path != self.path {
            return Err(format!("{} {path} was expected", exchange["method"]));
        }
        if query != self.query {
            return Err(format!("the query {query:?} was expected"));
        }
        for (name, value) in exchange["headers"].as_object().into_iter().flatten() {
            let have = self.headers.get(name).and_then(|value| value.to_str().ok());
            if have != value.as_str() {
                return Err(format!(
                    "the header {name}: {value} was expected, not {have:?}"
                ));
            }
        }
        if let Some(fields) = exchange.get("multipart") {
            let have = self.fields()?;
            if json!(have) != *fields {
                return Err(format!("the fields {fields} were expected, not {have:?}"));
            }
        }
        match exchange.get("body") {
            None => Ok(()),
            Some(Value::String(text)) if text.as_bytes() == self.body => Ok(()),
            Some(Value::String(text)) => Err(format!("the body {text:?} was expected")),
            Some(wanted) => {
                let have = serde_json::from_slice(&self.body).unwrap_or(Value::Null);
                subset(wanted, &have, "body")
            }
        }
    }

    /// Fields of a form and their texts.
    fn fields(&self) -> Result<BTreeMap<String, String>, String> {
        let kind = self.headers.get("content-type");
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let boundary = kind
            .strip_prefix("multipart/form-data")
            .and_then(|rest| rest.split_once("boundary="))
            .ok_or_else(|| format!("a form was expected, not {kind:?}"))?
            .1
            .trim_matches('"');
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let mut fields = BTreeMap::new();
        for part in text.split(&format!("--{boundary}")) {
            let Some((head, value)) = part.split_once("\r\n\r\n") else {
                continue;
            };
            let name = head.split_once("; name=\"").map(|(_, rest)| rest);
            let name = name.and_then(|rest| rest.split('"').next());
            let value = value.strip_suffix("\r\n").unwrap_or(value);
            fields.insert(name.unwrap_or_default().to_owned(), value.to_owned());
        }
        Ok(fields)
    }
}

/// Path and query that an exchange asks for.
fn wanted(exchange: &Value) -> (String, Vec<(String, String)>) {
    let path = exchange["path"].as_str().unwrap_or_default();
    let (path, in_path) = path.split_once('?').unwrap_or((path, ""));
    let mut query = match exchange["query"].as_object() {
        None => pairs(in_path),
        Some(query) => query
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
    };
    query.sort();
    (decoded(path), query)
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn decoded(path: &str) -> String {
    // A plus stands for itself in a path.
    let path = path.replace('+', "%2B");
    pairs(&format!(
        "p={}",
        path.replace('&', "%26").replace('=', "%3D")
    ))
    .remove(0)
    .1
}

/// Whether a value has all of another: some of the keys of an object; arrays of the same length.
pub fn subset(wanted: &Value, have: &Value, at: &str) -> Result<(), String> {
    match (wanted, have) {
        (Value::Object(wanted), Value::Object(map)) => {
            for (name, value) in wanted {
                let have = map.get(name).unwrap_or(&Value::Null);
                subset(value, have, &format!("{at}.{name}"))?;
            }
            Ok(())
        }
        (Value::Array(wanted), Value::Array(list)) if wanted.len() == list.len() => {
            for (index, (value, have)) in wanted.iter().zip(list).enumerate() {
                subset(value, have, &format!("{at}[{index}]"))?;
            }
            Ok(())
        }
        _ if same(wanted, have) => Ok(()),
        _ => Err(format!("{at} is {have}, not {wanted}")),
    }
}

/// Whether two values are the same to JavaScript: 2 is 2.0.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

fn shown(reply: &Value) -> Response {
    let status = reply["status"].as_u64().unwrap_or(200) as u16;
    let mut response = Response::builder().status(StatusCode::from_u16(status).expect("a status"));
    let (kind, bytes) = if let Some(value) = reply.get("json") {
        (Some("application/json"), value.to_string().into_bytes())
    } else if let Some(text) = reply["text"].as_str() {
        (None, text.as_bytes().to_vec())
    } else if let Some(text) = reply["base64"].as_str() {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text);
        (None, bytes.expect("base64"))
    } else {
        (None, Vec::new())
    };
    let own = reply["headers"].as_object();
    let typed = own.is_some_and(|own| {
        own.keys()
            .any(|name| name.eq_ignore_ascii_case("content-type"))
    });
    if let Some(kind) = kind.filter(|_| !typed) {
        response = response.header("content-type", kind);
    }
    for (name, value) in own.into_iter().flatten() {
        response = response.header(name, text(value));
    }
    response.body(Body::from(bytes)).expect("a reply")
}
