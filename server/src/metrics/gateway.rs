//! The metrics of connections and logins, written from network threads.

use std::sync::Arc;

use metrics::{Counter, Gauge};
use net::endpoint::TransportEvent;
use net::mailbox::CloseCause;

use super::{Metrics, as_gauge, names};

/// What network threads write.
pub struct GatewayMetrics {
    metrics: Arc<Metrics>,
    connections: Gauge,
    sent_bytes: Counter,
    received_bytes: Counter,
    lost_packets: Counter,
    accepted: Counter,
}

impl Metrics {
    /// The metrics of this server's gateway.
    #[must_use]
    pub fn gateway(self: &Arc<Self>) -> GatewayMetrics {
        let bytes = |direction: &'static str| self.counter(names::TRANSPORT_BYTES, "direction", direction);
        let id = self.server_id().to_owned();
        let made = GatewayMetrics {
            connections: self.gauge(names::GATEWAY_CONNECTION_COUNT, "gateway_id", id.clone()),
            sent_bytes: bytes("sent"),
            received_bytes: bytes("received"),
            lost_packets: self.counter(names::TRANSPORT_LOST, "gateway_id", id),
            accepted: self.counter(names::LOGINS, "result", "accepted"),
            metrics: Arc::clone(self),
        };
        made.connections.set(0.0);
        for counter in [&made.sent_bytes, &made.received_bytes, &made.lost_packets, &made.accepted] {
            counter.increment(0);
        }
        made
    }
}

impl GatewayMetrics {
    /// States how many connections there are.
    pub fn set_connections(&self, count: usize) {
        self.connections.set(as_gauge(count));
    }

    /// Counts what the endpoint reports.
    pub fn note(&self, event: TransportEvent) {
        match event {
            TransportEvent::Opened => self.accepted.increment(1),
            TransportEvent::Closed { cause } => {
                self.metrics.reason(names::SESSION_CLOSED, close_reason(cause)).increment(1);
            }
            TransportEvent::Refused { reason } => {
                self.metrics.reason(names::CONNECTION_REFUSED, reason).increment(1);
            }
            TransportEvent::Dropped { reason, count } => {
                self.metrics.reason(names::TRANSPORT_DROPPED, reason).increment(count);
            }
            TransportEvent::Traffic { sent_bytes, received_bytes, lost_packets } => {
                self.sent_bytes.increment(sent_bytes);
                self.received_bytes.increment(received_bytes);
                self.lost_packets.increment(lost_packets);
            }
        }
    }
}

/// The word for why a session ended: a goodbye is told apart by its own reason.
fn close_reason(cause: CloseCause) -> &'static str {
    match cause {
        CloseCause::Goodbye(goodbye) => goodbye.name(),
        other => other.name(),
    }
}
