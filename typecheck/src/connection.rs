//! JSON-RPC with the checker: `Content-Length` framing, one request at a time, and answers to what
//! the checker asks before it answers.

use std::io;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

/// A header is some thirty bytes.
const LONGEST_HEADER: u64 = 1024;
/// The diagnostics of a function are kilobytes; texts of types in them are cut by the checker.
const LONGEST_BODY: usize = 32 * 1024 * 1024;

/// Why there is no answer. The process is of no use after any of these.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("its pipe is closed")]
    Pipe(#[from] io::Error),
    #[error("its answer cannot be read: {0}")]
    Malformed(String),
    #[error("{method} was refused: {message}")]
    Refused {
        method: &'static str,
        message: String,
    },
}

/// Both directions of a conversation with one process.
pub struct Connection<R, W> {
    reader: BufReader<R>,
    writer: W,
    last: u64,
}

#[derive(Deserialize)]
struct Message<'a> {
    id: Option<Value>,
    method: Option<String>,
    params: Option<Value>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<R, W> {
    pub fn new(reader: R, writer: W) -> Self {
        Self {
            reader: BufReader::with_capacity(64 * 1024, reader),
            writer,
            last: 0,
        }
    }

    /// Sends a request and waits for its result. What the checker asks meanwhile goes to `answer`,
    /// by method and (only) argument.
    pub async fn request<T: DeserializeOwned>(
        &mut self,
        method: &'static str,
        params: impl Serialize,
        answer: impl Fn(&str, &str) -> Value,
    ) -> Result<T, Fault> {
        self.last += 1;
        let id = self.last;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
            .await?;
        loop {
            let body = self.receive().await?;
            let message: Message<'_> = serde_json::from_slice(&body).map_err(malformed)?;
            if let Some(asked) = message.method {
                // Without an id nobody waits for an answer.
                if let Some(id) = message.id {
                    let argument = message.params.as_ref().and_then(Value::as_str);
                    let result = answer(&asked, argument.unwrap_or_default());
                    self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }))
                        .await?;
                }
            } else if message.id != Some(id.into()) {
                return Err(Fault::Malformed("it answers another request".to_owned()));
            } else if let Some(refusal) = message.error {
                return Err(Fault::Refused {
                    method,
                    message: refusal.message,
                });
            } else {
                let result = message.result.map_or("null", RawValue::get);
                return serde_json::from_str(result).map_err(malformed);
            }
        }
    }

    async fn send(&mut self, message: &Value) -> Result<(), Fault> {
        let body = message.to_string();
        let framed = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.writer.write_all(framed.as_bytes()).await?;
        self.writer.flush().await?;
        Ok(())
    }

    async fn receive(&mut self) -> Result<Vec<u8>, Fault> {
        let mut length = None;
        loop {
            let mut line = Vec::new();
            let read = (&mut self.reader)
                .take(LONGEST_HEADER)
                .read_until(b'\n', &mut line)
                .await?;
            if read == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            let line = String::from_utf8_lossy(&line);
            let Some(line) = line.strip_suffix('\n').map(str::trim_end) else {
                return Err(Fault::Malformed(format!("a header without an end: {line}")));
            };
            if line.is_empty() {
                break;
            }
            match line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().ok();
                }
                Some(_) => {}
                None => return Err(Fault::Malformed(format!("not a header: {line}"))),
            }
        }
        let length = length
            .filter(|&length| length <= LONGEST_BODY)
            .ok_or_else(|| Fault::Malformed("a message without a usable length".to_owned()))?;
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).await?;
        Ok(body)
    }
}

fn malformed(error: serde_json::Error) -> Fault {
    Fault::Malformed(error.to_string())
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, ReadHalf, WriteHalf, duplex, split};

    use super::*;

    type Ours = Connection<ReadHalf<DuplexStream>, WriteHalf<DuplexStream>>;

    /// A connection to somebody who has said `spoken` before hearing anything, and what they hear.
    async fn connected(spoken: &str) -> (Ours, DuplexStream) {
        let (here, mut there) = duplex(1 << 20);
        there.write_all(spoken.as_bytes()).await.unwrap();
        let (reader, writer) = split(here);
        (Connection::new(reader, writer), there)
    }

    async fn heard(ours: Ours, mut there: DuplexStream) -> String {
        drop(ours);
        let mut text = String::new();
        there.read_to_string(&mut text).await.unwrap();
        text
    }

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    async fn asked(spoken: &str) -> Result<Value, Fault> {
        let (mut ours, _there) = connected(spoken).await;
        ours.request("ask", Value::Null, |_, _| Value::Null).await
    }

    #[tokio::test]
    async fn lengths_are_bytes_and_other_headers_are_skipped() {
        let body = r#"{"jsonrpc":"2.0","id":1,"result":"größer"}"#;
        let spoken = format!(
            "content-length:{}\r\nContent-Type: text\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(asked(&spoken).await.unwrap(), json!("größer"));

        let (mut ours, there) = connected(&framed(body)).await;
        let result: Result<Value, _> = ours.request("ask", "ß", |_, _| Value::Null).await;
        result.unwrap();
        let heard = heard(ours, there).await;
        let (header, sent) = heard.split_once("\r\n\r\n").unwrap();
        assert_eq!(header, format!("Content-Length: {}", sent.len()));
        let sent: Value = serde_json::from_str(sent).unwrap();
        assert_eq!(
            sent,
            json!({ "jsonrpc": "2.0", "id": 1, "method": "ask", "params": "ß" })
        );
    }

    #[tokio::test]
    async fn what_is_asked_meanwhile_is_answered() {
        let spoken = [
            framed(r#"{"jsonrpc":"2.0","method":"notice","params":"no answer"}"#),
            framed(r#"{"jsonrpc":"2.0","id":"a","method":"readFile","params":"/x"}"#),
            framed(r#"{"jsonrpc":"2.0","id":1,"result":null}"#),
        ]
        .concat();
        let (mut ours, there) = connected(&spoken).await;
        let result: Option<u32> = ours
            .request("ask", Value::Null, |method, argument| {
                json!(format!("{method} {argument}"))
            })
            .await
            .unwrap();
        assert_eq!(result, None);
        let heard = heard(ours, there).await;
        let last = heard.rsplit("\r\n\r\n").next().unwrap();
        let last: Value = serde_json::from_str(last).unwrap();
        assert_eq!(
            last,
            json!({ "jsonrpc": "2.0", "id": "a", "result": "readFile /x" })
        );
        assert_eq!(heard.matches("Content-Length").count(), 2);
    }

    #[tokio::test]
    async fn what_cannot_be_an_answer_is_a_fault() {
        let cases = [
            (String::from("no header\r\n\r\n"), "not a header"),
            ("x".repeat(5000), "a header without an end"),
            (
                format!("Content-Length: {}\r\n\r\n", LONGEST_BODY + 1),
                "usable length",
            ),
            (String::from("Content-Length: -1\r\n\r\n"), "usable length"),
            (framed("{"), "EOF"),
            (framed(r#"{"id":7,"result":1}"#), "another request"),
            (
                framed(r#"{"id":1,"error":{"code":-32603,"message":"panic"}}"#),
                "ask was refused: panic",
            ),
        ];
        for (spoken, text) in cases {
            let fault = asked(&spoken).await.unwrap_err().to_string();
            assert!(fault.contains(text), "{fault}");
        }
    }

    #[tokio::test]
    async fn the_end_of_the_pipe_is_a_fault() {
        let (mut ours, there) = connected("Content-Length: 10\r\n\r\n{").await;
        drop(there);
        let result: Result<Value, _> = ours.request("ask", Value::Null, |_, _| Value::Null).await;
        assert!(matches!(result, Err(Fault::Pipe(_))));
    }
}
