//! From mailboxes to commands, in three steps: drain, decode, route. Receive stage, before inputs are applied.
//! Nothing a client sent is believed here, and nothing it sends can stop the tick: damage is a strike,
//! counted by reason, and the third strike within 10 s ends the session.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bevy_app::App;
use bevy_ecs::prelude::*;
use sim::input::ReceiveSystems;
use sim::tick::Tick;

mod decode;
mod drain;
mod route;

pub(crate) use decode::Decoded;

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.add_systems(
        Tick,
        (drain::drain_mailboxes, decode::decode_messages, route::route_commands).chain().in_set(ReceiveSystems::Gather),
    );
}
