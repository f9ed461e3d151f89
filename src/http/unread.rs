//! Request bodies that their handler did not read.
//!
//! A request can be answered before its body is there: the key is wrong, the
//! body too large. A client that is still sending then meets a closed
//! connection and never sees the answer. So what is left is read first, within
//! limits.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use futures::future::poll_fn;
use http_body::{Frame, SizeHint};

/// Most bytes that are read for nothing.
const MOST: u64 = 64 << 20;

/// Longest time that a client is listened to for nothing.
const LONGEST: Duration = Duration::from_secs(10);

/// A body of which a second handle is kept.
#[derive(Clone)]
struct Shared(Arc<Mutex<Body>>);

impl Shared {
    fn with<T>(&self, work: impl FnOnce(Pin<&mut Body>) -> T) -> T {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(Pin::new(&mut body))
    }

    /// Reads what is left, or gives up at the limits.
    async fn drain(self) {
        let mut read = 0;
        while read <= MOST && self.with(|body| body.size_hint().lower()) <= MOST {
            let next = poll_fn(|context| self.with(|body| body.poll_frame(context)));
            match next.await {
                Some(Ok(frame)) => read += frame.data_ref().map_or(0, |data| data.len() as u64),
                Some(Err(_)) | None => return,
            }
        }
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.with(|body| body.poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}

/// Reads what a handler left of a request's body before its answer goes out.
pub(super) async fn drain(request: Request, next: Next) -> Response {
    // Who waits for `100 Continue` has sent nothing yet.
    if request.body().is_end_stream() || request.headers().contains_key(EXPECT) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let shared = Shared(Arc::new(Mutex::new(body)));
    let response = next
        .run(Request::from_parts(parts, Body::new(shared.clone())))
        .await;
    if !shared.is_end_stream() {
        let _ = tokio::time::timeout(LONGEST, shared.drain()).await;
    }
    response
}
