//! Loot: what monsters leave, lies in piles, and is taken into bags. Validate: requests to take. Act: takes.
//! Resolve: drops, and removes what nobody wanted.
//!
//! Things are moved, never copied: what leaves a pile is in a bag in the same step, and what does not fit stays.

use bevy_app::App;
use bevy_ecs::prelude::*;

use crate::digest::DigestApp;
use crate::features::players::{CarryApp, Player};
use crate::features::skills::{CastSystems, ValidateSystems};
use crate::tick::{Tick, TickSystems};

mod bag;
mod drop;
mod pile;
mod take;

pub use bag::{Bag, BagSeen, SLOTS_MAX, Stack};
pub use drop::{GONE_TICKS, OWNED_TICKS};
pub use pile::{Pile, PileSeen};
pub use take::{LootTaken, REACH_M, TakeCommand};

/// Loot's place in the Resolve stage, after deaths and before the dead are buried.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LootSystems {
    /// Piles appear and disappear.
    Drop,
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.add_message::<take::TakeIntent>();
    app.register_required_components::<Player, Bag>();
    app.add_systems(
        Tick,
        (
            take::validate_takes.in_set(ValidateSystems::Takes),
            take::take_loot.in_set(TickSystems::Act).after(CastSystems::Run),
            (drop::drop_loot, drop::remove_old_piles).chain().in_set(LootSystems::Drop),
        ),
    );
    app.carry::<Bag>();
    app.digest_component::<Bag>("loot").digest_component::<Pile>("loot");
}
