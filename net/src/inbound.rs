//! From mailboxes to commands, in three steps: drain, decode, route. Receive stage, before inputs are applied.
//! Nothing a client sent is believed here, and nothing it sends can stop the tick: damage is a strike,
//! counted by reason, and the third strike within 10 s ends the session.
//!
//! Clients are heard one after the other, each to the end: its session and its mailbox come out of memory once.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bevy_app::App;
use bevy_ecs::prelude::*;
use sim::command::CommandLists;
use sim::input::{Inputs, ReceiveSystems};
use sim::scene::SceneAssets;
use sim::tick::{SimTick, Tick};

use crate::lockstep::Lockstep;
use crate::mailbox::Inbound;
use crate::sessions::Sessions;
use decode::decode;
use route::Route;

mod decode;
mod drain;
mod route;

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.add_systems(Tick, (hear_clients, drain::notice_silence).chain().in_set(ReceiveSystems::Gather));
}

/// Hears every client whose mailbox has put itself on the list; a session whose connection has gone, or that is to end,
/// is removed.
fn hear_clients(
    tick: Res<SimTick>,
    (lists, assets, lockstep): (Res<CommandLists>, Res<SceneAssets>, Option<Res<Lockstep>>),
    mut sessions: ResMut<Sessions>,
    mut inputs: ResMut<Inputs>,
    (mut listed, mut inbox): (Local<Vec<u64>>, Local<Vec<Inbound>>),
) {
    let Sessions { by_player, stats, ready, tick_started_us, .. } = &mut *sessions;
    // As they lie in memory.
    ready.take(&mut listed);
    for place in listed.iter().filter_map(|&token| usize::try_from(token).ok()) {
        let Some(session) = by_player.at_mut(place) else { continue };
        if drain::drain(session, tick.0, &mut inbox, stats, &mut inputs).is_break() {
            inbox.clear();
            let player = session.player;
            by_player.remove(&player);
            continue;
        }
        let mut route = Route {
            tick: *tick,
            tick_started_us: *tick_started_us,
            lists: &lists,
            assets: &assets.0,
            lockstep: lockstep.as_deref(),
            stats,
            inputs: &mut inputs,
        };
        for item in inbox.drain(..) {
            // Nothing more is heard of who leaves or is thrown out.
            if session.ending.is_some() {
                break;
            }
            let heard = decode(item).map_err(|error| error.reason());
            if let Err(reason) = heard.and_then(|decoded| route.route(session, decoded)) {
                route.stats.reject(reason);
                session.strike(tick.0);
            }
        }
    }
}
