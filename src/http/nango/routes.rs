//! The one table of routes: the router and the description of the API are both made from it.

use futures::future::BoxFuture;
use http::Method;

use super::error::Error;
use super::functions::compile;
use super::reply::Reply;
use super::request::Request;

/// One operation.
pub struct Route {
    /// HTTP method.
    pub method: Method,
    /// From the root.
    pub path: &'static str,
    /// Unique name.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// A key must hold one of these; none: any key.
    pub scopes: &'static [&'static str],
    /// What the query may be.
    pub query: Query,
    /// What the body is.
    pub body: Body,
    /// Status of a good answer, and its schema.
    pub answer: (u16, &'static str),
    /// Schema of the body, or empty.
    pub takes: &'static str,
    /// Does it.
    pub handler: fn(Request) -> BoxFuture<'static, Result<Reply, Error>>,
}

/// What a query may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query {
    /// Nothing but `as_of`.
    Empty,
    /// The handler looks at it.
    Own,
    /// It is for somebody else, `as_of` included.
    Foreign,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// JSON, or nothing.
    Json,
    /// Bytes of any kind.
    Raw,
}

macro_rules! handler {
    ($($name:ident)::+) => {
        |request| Box::pin($($name)::+(request))
    };
}

/// Every operation.
pub static ALL: &[Route] = &[Route {
    method: Method::POST,
    path: "/functions/compile",
    name: "compileFunction",
    summary: "Compiles a function and answers its bundle; nothing is stored",
    scopes: &["environment:functions:compile"],
    query: Query::Empty,
    body: Body::Json,
    answer: (200, "FunctionCompileResponse"),
    takes: "FunctionCompileRequest",
    handler: handler!(compile::create),
}];
