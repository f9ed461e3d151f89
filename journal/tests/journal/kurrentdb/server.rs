//! A gRPC service that shows a [`Store`] by the documented protocol: append,
//! read, and subscriptions to `$all` with a filter.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tonic::body::Body;
use tonic::codec::ProstCodec;
use tonic::codegen::{Context, Poll, Service, http};
use tonic::server::{ClientStreamingService, Grpc, ServerStreamingService, UnaryService};
use tonic::transport::Server as Transport;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use super::store::Store;
use super::wire::{
    AppendReq, AppendResp, Confirmation, ReadEvent, ReadOptions, ReadReq, ReadResp, RecordedEvent,
    StreamNotFound, SupportedMethods,
};

/// A server on a port of its own, which can be killed and started again.
pub struct Server {
    pub store: Arc<Store>,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Server {
    pub fn start() -> Self {
        let mut server = Self {
            store: Arc::new(Store::new()),
            address: ([127, 0, 0, 1], 0).into(),
            runtime: None,
        };
        server.restart();
        server
    }

    /// With an interval that the client waits even before its first attempt.
    pub fn url(&self) -> String {
        format!("kurrentdb://{}?tls=false&discoveryInterval=5", self.address)
    }

    /// Cuts every connection, as a crash does.
    pub fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Starts again on the same port, with what is stored.
    pub fn restart(&mut self) {
        self.kill();
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("runtime");
        let listener = std::net::TcpListener::bind(self.address).expect("a free port");
        listener.set_nonblocking(true).expect("nonblocking");
        self.address = listener.local_addr().expect("bound");
        let api = Api(Arc::clone(&self.store));
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).expect("listener");
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            let served = Transport::builder().serve_with_incoming(api, incoming);
            served.await.expect("serves");
        });
        self.runtime = Some(runtime);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

#[derive(Clone)]
struct Api(Arc<Store>);

impl Service<http::Request<Body>> for Api {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let store = Arc::clone(&self.0);
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/event_store.client.streams.Streams/Append" => {
                    let mut grpc = Grpc::new(ProstCodec::default());
                    grpc.client_streaming(Append(store), request).await
                }
                "/event_store.client.streams.Streams/Read" => {
                    let mut grpc = Grpc::new(ProstCodec::default());
                    grpc.server_streaming(Read(store), request).await
                }
                "/event_store.client.server_features.ServerFeatures/GetSupportedMethods" => {
                    let mut grpc = Grpc::new(ProstCodec::default());
                    grpc.unary(Features, request).await
                }
                path => Status::unimplemented(path).into_http(),
            })
        })
    }
}

struct Features;

impl UnaryService<()> for Features {
    type Response = SupportedMethods;
    type Future = Ready<Result<Response<SupportedMethods>, Status>>;

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let methods = SupportedMethods {
            event_store_server_version: "25.0.0".to_owned(),
        };
        ready(Ok(Response::new(methods)))
    }
}

struct Append(Arc<Store>);

impl ClientStreamingService<AppendReq> for Append {
    type Response = AppendResp;
    type Future = BoxFuture<'static, Result<Response<AppendResp>, Status>>;

    fn call(&mut self, request: Request<Streaming<AppendReq>>) -> Self::Future {
        let store = Arc::clone(&self.0);
        Box::pin(async move {
            let mut requests = request.into_inner();
            let options = requests.message().await?.and_then(|first| first.options);
            let options = options.ok_or_else(|| Status::invalid_argument("no options"))?;
            let mut messages = Vec::new();
            let mut bytes = 0;
            while let Some(request) = requests.message().await? {
                let message = request.proposed_message;
                let message = message.ok_or_else(|| Status::invalid_argument("no message"))?;
                bytes += message.data.len() + message.custom_metadata.len();
                messages.push(message);
            }
            // The usual limit of a server.
            if bytes > 1 << 20 {
                return Err(Status::invalid_argument(
                    "Maximum Append Size of 1048576 Exceeded.",
                ));
            }
            match store.append(&options, messages) {
                Ok(answer) => Ok(Response::new(answer)),
                Err(_) => Err(Status::unavailable("lost")),
            }
        })
    }
}

struct Read(Arc<Store>);

type Answers = BoxStream<'static, Result<ReadResp, Status>>;

impl ServerStreamingService<ReadReq> for Read {
    type Response = ReadResp;
    type ResponseStream = Answers;
    type Future = Ready<Result<Response<Answers>, Status>>;

    fn call(&mut self, request: Request<ReadReq>) -> Self::Future {
        let Some(options) = request.into_inner().options else {
            return ready(Err(Status::invalid_argument("no options")));
        };
        let answers = if options.subscription.is_some() {
            subscribe(Arc::clone(&self.0), options)
        } else if options.all.is_some() {
            events(self.0.read_all(&options))
        } else {
            match self.0.read_stream(&options) {
                Some(found) => events(found),
                None => stream::iter([Ok(not_found(&options))]).boxed(),
            }
        };
        ready(Ok(Response::new(answers)))
    }
}

fn events(found: Vec<RecordedEvent>) -> Answers {
    stream::iter(found).map(told).map(Ok).boxed()
}

fn told(event: RecordedEvent) -> ReadResp {
    ReadResp {
        event: Some(ReadEvent {
            commit_position: Some(event.commit_position),
            event: Some(event),
        }),
        ..ReadResp::default()
    }
}

fn not_found(options: &ReadOptions) -> ReadResp {
    let stream = options.stream.as_ref();
    ReadResp {
        stream_not_found: Some(StreamNotFound {
            stream_identifier: stream.and_then(|stream| stream.stream_identifier.clone()),
        }),
        ..ReadResp::default()
    }
}

/// Tells of every event behind the place that is named, now and later.
fn subscribe(store: Arc<Store>, options: ReadOptions) -> Answers {
    let confirmed = ReadResp {
        confirmation: Some(Confirmation {
            subscription_id: "1".to_owned(),
        }),
        ..ReadResp::default()
    };
    let told = Told {
        length: store.watch(),
        silenced: store.silenced(),
        store,
        options,
        next: 0,
        is_live: false,
    };
    let events = stream::unfold(told, |mut told| async move {
        let answer = told.next().await;
        Some((answer, told))
    });
    stream::once(async { Ok(confirmed) }).chain(events).boxed()
}

/// How far a subscription has got.
struct Told {
    store: Arc<Store>,
    options: ReadOptions,
    length: watch::Receiver<usize>,
    silenced: usize,
    next: usize,
    is_live: bool,
}

impl Told {
    async fn next(&mut self) -> Result<ReadResp, Status> {
        loop {
            self.length.borrow_and_update();
            if self.store.silenced() != self.silenced {
                std::future::pending::<()>().await;
            }
            if let Some((number, event)) = self.store.next(&self.options, self.next) {
                self.next = number + 1;
                return Ok(told(event));
            }
            if !self.is_live {
                self.is_live = true;
                return Ok(ReadResp {
                    caught_up: Some(()),
                    ..ReadResp::default()
                });
            }
            let changed = self.length.changed().await;
            changed.map_err(|_| Status::unavailable("gone"))?;
        }
    }
}
