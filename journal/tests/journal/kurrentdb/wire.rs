//! The part of the published protocol that is spoken here.
//!
//! Written from `streams.proto`, `shared.proto` and `serverfeatures.proto`. The
//! members of a `oneof` are optional fields here, which is the same on the wire.

use std::collections::HashMap;

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub struct Uuid {
    #[prost(message, optional, tag = "1")]
    pub structured: Option<Structured>,
    #[prost(string, optional, tag = "2")]
    pub string: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub struct Structured {
    #[prost(int64, tag = "1")]
    pub most_significant_bits: i64,
    #[prost(int64, tag = "2")]
    pub least_significant_bits: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct StreamIdentifier {
    #[prost(bytes = "vec", tag = "3")]
    pub stream_name: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Message)]
pub struct Position {
    #[prost(uint64, tag = "1")]
    pub commit_position: u64,
    #[prost(uint64, tag = "2")]
    pub prepare_position: u64,
}

#[derive(Clone, PartialEq, Message)]
pub struct AppendReq {
    #[prost(message, optional, tag = "1")]
    pub options: Option<AppendOptions>,
    #[prost(message, optional, tag = "2")]
    pub proposed_message: Option<ProposedMessage>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AppendOptions {
    #[prost(message, optional, tag = "1")]
    pub stream_identifier: Option<StreamIdentifier>,
    #[prost(uint64, optional, tag = "2")]
    pub revision: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub no_stream: Option<()>,
    #[prost(message, optional, tag = "4")]
    pub any: Option<()>,
    #[prost(message, optional, tag = "5")]
    pub stream_exists: Option<()>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ProposedMessage {
    #[prost(message, optional, tag = "1")]
    pub id: Option<Uuid>,
    #[prost(map = "string, string", tag = "2")]
    pub metadata: HashMap<String, String>,
    #[prost(bytes = "vec", tag = "3")]
    pub custom_metadata: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AppendResp {
    #[prost(message, optional, tag = "1")]
    pub success: Option<Success>,
    #[prost(message, optional, tag = "2")]
    pub wrong_expected_version: Option<WrongExpectedVersion>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Success {
    #[prost(uint64, optional, tag = "1")]
    pub current_revision: Option<u64>,
    #[prost(message, optional, tag = "2")]
    pub no_stream: Option<()>,
    #[prost(message, optional, tag = "3")]
    pub position: Option<Position>,
    #[prost(message, optional, tag = "4")]
    pub no_position: Option<()>,
}

#[derive(Clone, PartialEq, Message)]
pub struct WrongExpectedVersion {
    #[prost(uint64, optional, tag = "6")]
    pub current_revision: Option<u64>,
    #[prost(message, optional, tag = "7")]
    pub current_no_stream: Option<()>,
    #[prost(uint64, optional, tag = "8")]
    pub expected_revision: Option<u64>,
    #[prost(message, optional, tag = "9")]
    pub expected_any: Option<()>,
    #[prost(message, optional, tag = "11")]
    pub expected_no_stream: Option<()>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ReadReq {
    #[prost(message, optional, tag = "1")]
    pub options: Option<ReadOptions>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ReadOptions {
    #[prost(message, optional, tag = "1")]
    pub stream: Option<StreamOptions>,
    #[prost(message, optional, tag = "2")]
    pub all: Option<AllOptions>,
    /// 0 forwards, 1 backwards.
    #[prost(int32, tag = "3")]
    pub read_direction: i32,
    #[prost(uint64, optional, tag = "5")]
    pub count: Option<u64>,
    #[prost(message, optional, tag = "6")]
    pub subscription: Option<()>,
    #[prost(message, optional, tag = "7")]
    pub filter: Option<FilterOptions>,
}

#[derive(Clone, PartialEq, Message)]
pub struct StreamOptions {
    #[prost(message, optional, tag = "1")]
    pub stream_identifier: Option<StreamIdentifier>,
    #[prost(uint64, optional, tag = "2")]
    pub revision: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub start: Option<()>,
    #[prost(message, optional, tag = "4")]
    pub end: Option<()>,
}

#[derive(Clone, PartialEq, Message)]
pub struct AllOptions {
    #[prost(message, optional, tag = "1")]
    pub position: Option<Position>,
    #[prost(message, optional, tag = "2")]
    pub start: Option<()>,
    #[prost(message, optional, tag = "3")]
    pub end: Option<()>,
}

#[derive(Clone, PartialEq, Message)]
pub struct FilterOptions {
    #[prost(message, optional, tag = "1")]
    pub stream_identifier: Option<Expression>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Expression {
    #[prost(string, repeated, tag = "2")]
    pub prefix: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ReadResp {
    #[prost(message, optional, tag = "1")]
    pub event: Option<ReadEvent>,
    #[prost(message, optional, tag = "2")]
    pub confirmation: Option<Confirmation>,
    #[prost(message, optional, tag = "3")]
    pub checkpoint: Option<Position>,
    #[prost(message, optional, tag = "4")]
    pub stream_not_found: Option<StreamNotFound>,
    #[prost(message, optional, tag = "8")]
    pub caught_up: Option<()>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ReadEvent {
    #[prost(message, optional, tag = "1")]
    pub event: Option<RecordedEvent>,
    #[prost(uint64, optional, tag = "3")]
    pub commit_position: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub struct RecordedEvent {
    #[prost(message, optional, tag = "1")]
    pub id: Option<Uuid>,
    #[prost(message, optional, tag = "2")]
    pub stream_identifier: Option<StreamIdentifier>,
    #[prost(uint64, tag = "3")]
    pub stream_revision: u64,
    #[prost(uint64, tag = "4")]
    pub prepare_position: u64,
    #[prost(uint64, tag = "5")]
    pub commit_position: u64,
    #[prost(map = "string, string", tag = "6")]
    pub metadata: HashMap<String, String>,
    #[prost(bytes = "vec", tag = "7")]
    pub custom_metadata: Vec<u8>,
    #[prost(bytes = "vec", tag = "8")]
    pub data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Confirmation {
    #[prost(string, tag = "1")]
    pub subscription_id: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct StreamNotFound {
    #[prost(message, optional, tag = "1")]
    pub stream_identifier: Option<StreamIdentifier>,
}

#[derive(Clone, PartialEq, Message)]
pub struct SupportedMethods {
    #[prost(string, tag = "2")]
    pub event_store_server_version: String,
}
