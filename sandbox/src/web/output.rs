//! What a component writes to its standard streams.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// The end of what was written.
#[derive(Clone)]
pub(super) struct Tail {
    limit: usize,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Tail {
    /// Keeps what is needed for the last `limit` characters.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            // A character has up to four bytes.
            limit: limit.saturating_mul(4).saturating_add(4),
            bytes: Arc::default(),
        }
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the lines one by one.
    pub(super) fn lines(&self, mut take: impl FnMut(String)) {
        let bytes = self.bytes();
        let text = String::from_utf8_lossy(&bytes);
        for line in text.lines() {
            take(line.to_owned());
        }
    }
}

impl IsTerminal for Tail {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Tail {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Tail {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        written: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut bytes = self.bytes();
        bytes.extend_from_slice(written);
        if bytes.len() > self.limit.saturating_mul(2) {
            let gone = bytes.len() - self.limit;
            bytes.drain(..gone);
        }
        Poll::Ready(Ok(written.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
