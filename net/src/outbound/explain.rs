//! Why a client was or was not told of an entity: for operators and tests. Reads what the last Replicate stage left.

use bevy_ecs::prelude::*;
use sim::ids::{PlayerId, SimId};
use sim::interest::Pinned;
use sim::replicated::WireLists;
use sim::tick::SimTick;

use super::changes::Encoded;
use crate::sessions::Sessions;

/// What one client has been told of one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Everything up to this tick has been sent; `None` when the entity is not shown to the client.
    pub since_tick: Option<u32>,
    /// Components that changed, and when they last did.
    pub changed: Vec<(&'static str, u32)>,
    /// Components that the client lacks as of now: they wait for their turn, or for a frame that was lost.
    pub lacking: Vec<&'static str>,
    /// The entity goes first when not everything fits.
    pub is_first: bool,
    /// The last tick's budget did not hold everything, and so many entities had to wait.
    pub left_out_count: usize,
    /// Players shown to the client at most, in a crowd that its budget does not hold.
    pub players_shown_max: Option<usize>,
    /// Ticks since the client was heard last.
    pub unheard_ticks: u32,
}

/// Explains what a player's client has been told of an entity; `None` when the player has no session here.
#[must_use]
pub fn explain(world: &World, player: PlayerId, id: SimId) -> Option<Explanation> {
    let session = world.resource::<Sessions>().by_player.get(&player)?;
    let (view, encoded) = (&session.view, world.resource::<Encoded>());
    let since_tick = view.since_tick(id);
    let names = || world.resource::<WireLists>().components.iter().map(|entry| entry.name);
    let changed = names().zip(encoded.changed_ticks(id)).filter(|&(_, tick)| tick != 0);
    let lacking = changed.clone().filter(|&(_, tick)| since_tick.is_some_and(|since_tick| tick > since_tick));
    let own = session.character.and_then(|own| world.resource::<sim::roster::Roster>().entity(own));
    let pinned = own.and_then(|own| world.get::<Pinned>(own));
    Some(Explanation {
        since_tick,
        lacking: lacking.map(|(name, _)| name).collect(),
        changed: changed.collect(),
        is_first: session.character == Some(id) || pinned.is_some_and(|pinned| pinned.first.contains(&id)),
        left_out_count: view.left_out_count,
        players_shown_max: view.crowd.cap(),
        unheard_ticks: view.unheard_ticks(world.resource::<SimTick>().0),
    })
}
