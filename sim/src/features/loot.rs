//! Loot: what monsters leave, lies in piles, and is taken into bags. Validate: requests to take. Act: takes, and what
//! players do in their bags. Resolve: drops, settles who wins what is rolled for, and removes what nobody wanted.
//!
//! Things are moved, never copied: what leaves a pile is in a bag in the same step, and what does not fit stays.

use bevy_app::App;
use bevy_ecs::prelude::*;

use crate::digest::DigestApp;
use crate::epoch::{EpochApp, EpochSwap};
use crate::features::players::{CarryApp, Player};
use crate::features::skills::{CastSystems, ValidateSystems};
use crate::ids::Mint;
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
pub(crate) use bag::spend_charge;
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
    app.on_epoch(follow_epoch);
    app.carry::<Bag>().carry::<LootHistory>();
    app.digest_component::<Bag>("loot").digest_component::<Pile>("loot").digest_component::<LootHistory>("loot");
    app.digest_resource::<Mint>("loot");
}

/// What an exchange of the game data makes of things: in bags items that are gone become relics, and relics whose item is
/// back are themselves again; what lies on the ground of an item that is gone is gone with it.
fn follow_epoch(world: &mut World, swap: &EpochSwap) {
    let mut bags = world.query::<&mut Bag>();
    for mut bag in bags.iter_mut(world) {
        if follow_things(bag.bypass_change_detection().slots_mut(), swap) {
            bag.set_changed();
        }
    }
    let mut piles = world.query::<(Entity, &crate::ids::SimId, &mut Pile)>();
    let mut empty = Vec::new();
    for (entity, &id, mut pile) in piles.iter_mut(world) {
        if pile.things.iter().any(|lying| swap.is_gone(lying.stack.item)) {
            pile.things.retain(|lying| !swap.is_gone(lying.stack.item));
            empty.extend(pile.is_empty().then_some((id, entity)));
        }
    }
    // By id, because indices rest in the order in which they are given back.
    empty.sort_unstable();
    for (_, entity) in empty {
        world.despawn(entity);
    }
}

/// Has things follow an exchange of the game data; true when any has changed.
pub(crate) fn follow_things(slots: &mut [Option<Thing>], swap: &EpochSwap) -> bool {
    let mut changed = false;
    for slot in slots {
        if let Some(next) = slot.as_ref().and_then(|thing| thing.following(swap)) {
            *slot = Some(next);
            changed = true;
        }
    }
    changed
}
