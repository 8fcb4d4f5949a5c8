//! Loot: what monsters leave, lies in piles, and is taken into bags. Validate: requests to take. Act: takes, and what
//! players do in their bags. Resolve: drops, settles who wins what is rolled for, and removes what nobody wanted.
//!
//! Things are moved, never copied: what leaves a pile is in a bag in the same step, and what does not fit stays.

use bevy_app::App;
use bevy_ecs::prelude::*;

use crate::digest::DigestApp;
use crate::features::players::{CarryApp, Player};
use crate::features::skills::{CastSystems, ValidateSystems};
use crate::tick::{Tick, TickSystems};

mod arrange;
mod bag;
mod contest;
mod drop;
mod history;
mod pile;
mod roll;
mod stack;
mod take;

pub use arrange::BagCommand;
pub use bag::{Bag, BagRefusal, BagSeen, SLOTS_MAX};
pub use contest::{CONTEST_TICKS, Choice, Contest, LootRollStarted, LootRolled, LootWon, RollCommand};
pub use drop::{CONTEST_QUALITY, GONE_TICKS, OWNED_TICKS, SHARE_RANGE_M};
pub use history::{COUNTERS_MAX, LootHistory};
pub use pile::{Hold, Lying, Pile, PileSeen};
pub use stack::{Piece, Relic, Roll, Stack, Thing, ThingSeen};
pub use take::{LootTaken, REACH_M, TakeCommand};

/// Loot's places in a tick.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LootSystems {
    /// Things are taken, and moved inside bags (Act, after casts).
    Arrange,
    /// Piles appear, are settled and disappear (Resolve, after deaths and before the dead are buried).
    Drop,
}

/// Adds the systems.
pub fn plugin(app: &mut App) {
    app.add_message::<take::TakeIntent>();
    app.register_required_components::<Player, Bag>().register_required_components::<Player, LootHistory>();
    app.configure_sets(Tick, LootSystems::Arrange.in_set(TickSystems::Act).after(CastSystems::Run));
    app.add_systems(
        Tick,
        (
            take::validate_takes.in_set(ValidateSystems::Takes),
            (take::take_loot, contest::choose, arrange::arrange_bags).chain().in_set(LootSystems::Arrange),
            (drop::drop_loot, contest::settle, drop::remove_old_piles).chain().in_set(LootSystems::Drop),
        ),
    );
    app.carry::<Bag>().carry::<LootHistory>();
    app.digest_component::<Bag>("loot").digest_component::<Pile>("loot").digest_component::<LootHistory>("loot");
}
