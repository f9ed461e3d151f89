//! What `GET /metrics` counts.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::app::App;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    projection: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kept {
    audited: &'static str,
}

type Level = Gauge<u64, AtomicU64>;

/// The counters of one server.
pub struct Metrics {
    registry: Registry,
    requests: Family<Route, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    rejected: Family<Kept, Counter>,
    head: Level,
    lag: Family<Named, Level>,
    parked: Family<Named, Level>,
    builds_running: Level,
    builds_waiting: Level,
    executions_pending: Level,
    nodes: Level,
    leads: Level,
}

impl Default for Metrics {
    fn default() -> Self {
        let buckets: fn() -> Histogram = || {
            Histogram::new([
                0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
                10.0, 30.0,
            ])
        };
        let mut this = Self {
            registry: Registry::with_prefix("strata"),
            requests: Family::default(),
            seconds: Family::new_with_constructor(buckets),
            rejected: Family::default(),
            head: Level::default(),
            lag: Family::default(),
            parked: Family::default(),
            builds_running: Level::default(),
            builds_waiting: Level::default(),
            executions_pending: Level::default(),
            nodes: Level::default(),
            leads: Level::default(),
        };
        let registry = &mut this.registry;
        registry.register("http_requests", "Requests answered", this.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from request to answer",
            Unit::Seconds,
            this.seconds.clone(),
        );
        registry.register(
            "commands_rejected",
            "Commands turned away, by whether the audit log has them",
            this.rejected.clone(),
        );
        registry.register(
            "journal_head",
            "Position of the last durable event",
            this.head.clone(),
        );
        registry.register(
            "projection_lag_events",
            "Events that a read model is behind",
            this.lag.clone(),
        );
        registry.register(
            "projection_parked",
            "1 when a read model has stopped at an event it cannot apply",
            this.parked.clone(),
        );
        registry.register(
            "builds_running",
            "Builds under way",
            this.builds_running.clone(),
        );
        registry.register(
            "builds_waiting",
            "Builds that wait for a worker",
            this.builds_waiting.clone(),
        );
        registry.register(
            "executions_pending",
            "Asynchronous and scheduled executions that have not ended",
            this.executions_pending.clone(),
        );
        registry.register(
            "nodes_alive",
            "Servers that work together, as this one sees them",
            this.nodes.clone(),
        );
        registry.register(
            "leads",
            "1 when this server does what only one may do",
            this.leads.clone(),
        );
        this
    }
}

impl Metrics {
    pub(super) fn request(&self, method: &Method, route: &str, status: u16, elapsed: Duration) {
        let labels = Route {
            method: method.to_string(),
            route: route.to_owned(),
            status,
        };
        self.requests.get_or_create(&labels).inc();
        self.seconds
            .get_or_create(&labels)
            .observe(elapsed.as_secs_f64());
    }

    pub(super) fn rejected(&self, kept: bool) {
        let audited = if kept { "yes" } else { "no" };
        self.rejected.get_or_create(&Kept { audited }).inc();
    }

    /// Takes the levels that are read when somebody asks.
    pub(super) fn observe(&self, app: &App) {
        self.head.set(app.bus.journal().head());
        for status in app.reads.status() {
            let name = Named {
                projection: status.name.to_string(),
            };
            self.lag.get_or_create(&name).set(status.lag);
            self.parked
                .get_or_create(&name)
                .set(u64::from(status.parked.is_some()));
        }
        self.nodes.set(app.cluster.size() as u64);
        self.leads.set(u64::from(app.cluster.epoch().is_some()));
        self.builds_running.set(app.builds.tasks().len() as u64);
        self.builds_waiting.set(app.builds.waiting() as u64);
        self.executions_pending.set(app.calls.tasks().len() as u64);
    }

    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        if let Err(error) = prometheus_client::encoding::text::encode(&mut text, &self.registry) {
            tracing::error!(%error, "metrics cannot be written");
        }
        text
    }
}
