//! From the world to mailboxes, in four steps: changes, audience, encode, transmit. Replicate and Transmit
//! stages. In a large scene the first clients are on the wire while the last are still served (`courier`).
//!
//! An entity's change is encoded once per tick and its bytes are copied to each client that sees it, so the
//! cost follows what changed and is seen. State rides in datagrams and heals by acknowledgement (`view`);
//! spawns, events and the owner's own values ride on the stream. Only what is in a client's interest is ever
//! looked at for it: no byte about anything else can be written.

use bevy_app::App;
use bevy_ecs::prelude::*;
use sim::replicated::ReplicateSystems;
use sim::tick::{TICKS_PER_SECOND, Tick, TickSystems};

use crate::protocol::DATAGRAM_BYTES_MAX;
use crate::sessions::FRAME_OVERHEAD_BYTES;

mod arena;
mod audience;
mod bodies;
mod changes;
mod courier;
mod encode;
mod explain;
mod passing;
mod ripples;
mod shapes;
mod transmit;
pub mod view;

/// Bytes at the end of a datagram that the next record may not fit in.
const RECORD_ROUNDING_BYTES: usize = 10;

pub use explain::{Explanation, explain};

/// What a scene spends on its clients. Set by whoever makes the scene; only what clients are sent depends on it.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplicationLimits {
    /// Bytes of state datagrams for one client in one tick, [`CLIENT_BYTES_PER_TICK_MIN`](crate::protocol::CLIENT_BYTES_PER_TICK_MIN)
    /// to [`CLIENT_BYTES_PER_TICK_MAX`](crate::protocol::CLIENT_BYTES_PER_TICK_MAX).
    pub client_bytes_per_tick: usize,
    /// Ticks after which everything in a client's view that changes has been told of it, however crowded it is.
    pub silence_ticks: u32,
    /// Threads that put together what clients are sent, at least 1.
    pub threads: usize,
    /// Pairs of a client and an entity in its view from which on more than one thread is used.
    pub parallel_pairs_min: usize,
}

impl Default for ReplicationLimits {
    fn default() -> Self {
        Self {
            client_bytes_per_tick: DATAGRAM_BYTES_MAX,
            silence_ticks: TICKS_PER_SECOND,
            threads: std::thread::available_parallelism().map_or(1, |count| count.get().min(8)),
            parallel_pairs_min: 200_000,
        }
    }
}

impl ReplicationLimits {
    /// Bytes of records that surely fit in one tick's datagrams, whatever their order.
    fn record_bytes_per_tick(self) -> usize {
        let datagram_count = self.client_bytes_per_tick.div_ceil(DATAGRAM_BYTES_MAX);
        let bytes =
            self.client_bytes_per_tick.saturating_sub(datagram_count * (FRAME_OVERHEAD_BYTES + RECORD_ROUNDING_BYTES));
        bytes * 31 / 32
    }
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.init_resource::<ReplicationLimits>();
    app.init_resource::<changes::Encoded>().init_resource::<ripples::Ripples>();
    app.add_systems(
        Tick,
        (
            (audience::welcome_admitted, changes::encode_changes, ripples::spread_ripples, encode::assemble)
                .chain()
                .in_set(ReplicateSystems::Encode),
            transmit::transmit.in_set(TickSystems::Transmit),
        ),
    );
}

/// What ends the sending of a tick, for whoever sends after it.
pub(crate) use transmit::transmit as transmitted;
