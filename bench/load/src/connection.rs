//! One kept-alive HTTP/1.1 connection: as little work as a client can do, since
//! it runs on the cores that the server runs on.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use workload::{Arguments, PROJECT};

use crate::Result;

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where to and as whom.
#[derive(Clone)]
pub struct Target {
    address: String,
    key: String,
}

/// A connection.
pub struct Connection {
    target: Target,
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Target {
    pub fn read(arguments: &Arguments) -> Self {
        Self {
            address: arguments.text("address", "127.0.0.1:8787"),
            key: arguments.text("key", ""),
        }
    }

    pub async fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            target: self.clone(),
            stream,
            buffer: Vec::with_capacity(16 << 10),
        })
    }
}

impl Connection {
    /// Sends a request with a JSON body (or none) and takes the answer.
    pub async fn send(&mut self, method: &str, path: &str, body: &str) -> Result<Answer> {
        self.send_bytes(method, path, "application/json", body.as_bytes())
            .await
    }

    /// Sends a request and takes the answer.
    pub async fn send_bytes(
        &mut self,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
    ) -> Result<Answer> {
        let Target { address, key } = &self.target;
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nx-appwrite-project: {PROJECT}\r\n\
             x-appwrite-key: {key}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        tokio::time::timeout(PATIENCE, async {
            self.stream.write_all(&request).await?;
            self.answer().await
        })
        .await?
    }

    /// As [`Connection::send`], for an answer that must be a success.
    pub async fn must(&mut self, method: &str, path: &str, body: &str) -> Result<Vec<u8>> {
        let answer = self.send(method, path, body).await?;
        answer
            .success()
            .map_err(|error| format!("{method} {path}: {error}").into())
    }

    async fn answer(&mut self) -> Result<Answer> {
        self.buffer.clear();
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            self.fill().await?;
        };
        let text = std::str::from_utf8(&self.buffer[..head])?.to_ascii_lowercase();
        let status = text.get(9..12).unwrap_or_default().parse()?;
        let header = |name: &str| {
            let lines = text.lines();
            lines
                .filter_map(|line| line.split_once(':'))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.trim().to_owned())
        };
        let body = if let Some(length) = header("content-length") {
            let length: usize = length.parse()?;
            while self.buffer.len() < head + length {
                self.fill().await?;
            }
            self.buffer[head..head + length].to_vec()
        } else if header("transfer-encoding").is_some_and(|value| value == "chunked") {
            self.chunks(head).await?
        } else {
            Vec::new()
        };
        Ok(Answer { status, body })
    }

    async fn chunks(&mut self, mut at: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                if let Some(end) = find(&self.buffer[at..], b"\r\n") {
                    break at + end;
                }
                self.fill().await?;
            };
            let length = std::str::from_utf8(&self.buffer[at..line])?;
            let length = usize::from_str_radix(length.trim(), 16)?;
            let end = line + 2 + length;
            while self.buffer.len() < end + 2 {
                self.fill().await?;
            }
            if length == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&self.buffer[line + 2..end]);
            at = end + 2;
        }
    }

    async fn fill(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("the server closed the connection".into()),
            _ => Ok(()),
        }
    }
}

impl Answer {
    /// The body, when the status is a success.
    pub fn success(self) -> Result<Vec<u8>> {
        match self.status {
            200..300 => Ok(self.body),
            status => {
                let text = String::from_utf8_lossy(&self.body).into_owned();
                Err(format!("answered {status}: {text}").into())
            }
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
