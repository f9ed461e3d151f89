//! The one table of routes: the router and the description of the API are both made from it.

use futures::future::BoxFuture;
use http::Method;

use super::error::Error;
use super::reply::Reply;
use super::request::Request;

/// One operation.
pub struct Route {
    /// HTTP method.
    pub verb: Verb,
    /// Below the prefix.
    pub path: &'static str,
    /// Unique name.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// A key must hold all of these on the account.
    pub permissions: &'static [&'static str],
    /// A key must hold all of these on the keyset that is meant.
    pub on_keyset: &'static [&'static str],
    /// Names in the query, beside `as_of`.
    pub query: &'static [&'static str],
    /// Schema of the body, or empty.
    pub takes: &'static str,
    /// Status of a good answer.
    pub status: u16,
    /// Schema of `data`, or empty.
    pub data: &'static str,
    /// Whether `data` is a list of these.
    pub list: bool,
    /// Does it.
    pub handler: Handler,
}

/// What does an operation.
pub type Handler = fn(Request) -> BoxFuture<'static, Result<Reply, Error>>;

/// The methods of this API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

impl Verb {
    /// The method.
    pub fn method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Delete => Method::DELETE,
        }
    }
}

impl Route {
    const fn new(
        verb: Verb,
        path: &'static str,
        name: &'static str,
        summary: &'static str,
        handler: Handler,
    ) -> Self {
        Self {
            verb,
            path,
            name,
            summary,
            permissions: &[],
            on_keyset: &[],
            query: &[],
            takes: "",
            status: match verb {
                Verb::Get | Verb::Put => 200,
                Verb::Post => 201,
                Verb::Delete => 204,
            },
            data: "",
            list: false,
            handler,
        }
    }

    /// Needs these permissions on the account.
    const fn needs(mut self, permissions: &'static [&'static str]) -> Self {
        self.permissions = permissions;
        self
    }

    /// Needs these permissions on a keyset.
    #[expect(dead_code, reason = "routes of keysets come next")]
    const fn on_keyset(mut self, permissions: &'static [&'static str]) -> Self {
        self.on_keyset = permissions;
        self
    }

    /// The query may have these.
    const fn query(mut self, names: &'static [&'static str]) -> Self {
        self.query = names;
        self
    }

    /// The body has this schema.
    const fn takes(mut self, schema: &'static str) -> Self {
        self.takes = schema;
        self
    }

    /// The data of the answer have this schema.
    const fn gives(mut self, schema: &'static str) -> Self {
        self.data = schema;
        self
    }

    /// The data of the answer are a list of this.
    const fn lists(mut self, schema: &'static str) -> Self {
        self.list = true;
        self.gives(schema)
    }

    /// A good answer has another status than the method's own.
    #[expect(dead_code, reason = "routes with other statuses come next")]
    const fn answers(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

macro_rules! route {
    ($verb:ident $path:literal $name:ident $summary:literal $($handler:ident)::+) => {
        Route::new(
            Verb::$verb,
            $path,
            stringify!($name),
            $summary,
            |request| Box::pin($($handler)::+(request)),
        )
    };
}

const READ: &[&str] = &["functions.package:read"];
const WRITE: &[&str] = &["functions.package:write"];
const PAGE: &[&str] = &["search", "page", "size", "sort"];

/// Every operation.
pub static ALL: &[Route] = &[];
