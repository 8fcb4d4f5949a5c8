//! From the world to mailboxes, in four steps: changes, audience, encode, transmit. Replicate and Transmit
//! stages.
//!
//! An entity's change is encoded once per tick and its bytes are copied to each client that sees it, so the
//! cost follows what changed and is seen. State rides in datagrams and heals by acknowledgement (`view`);
//! spawns, events and the owner's own values ride on the stream. Only what is in a client's interest is ever
//! looked at for it: no byte about anything else can be written.

use bevy_app::App;
use bevy_ecs::prelude::*;
use sim::replicated::ReplicateSystems;
use sim::tick::{Tick, TickSystems};

mod arena;
mod audience;
mod bodies;
mod changes;
mod encode;
mod transmit;
pub mod view;

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.init_resource::<changes::Encoded>();
    app.add_systems(
        Tick,
        (
            (audience::welcome_admitted, changes::encode_changes, encode::assemble)
                .chain()
                .in_set(ReplicateSystems::Encode),
            transmit::transmit.in_set(TickSystems::Transmit),
        ),
    );
}
