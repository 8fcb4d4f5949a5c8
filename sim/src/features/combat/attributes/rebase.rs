//! Attributes when the game data is exchanged. Base values are read anew, modifiers follow with the lists of their
//! contributors, and in that tick hit points and mana keep their part of the greatest: 40 % stays 40 %, nobody dies of it
//! and nobody comes back by it. Data that says the same about a unit leaves it untouched.

use bevy_ecs::prelude::*;

use super::Attributes;
use crate::assets::{Assets, AttributeTable};
use crate::epoch::EpochSwap;
use crate::features::monsters::Species;
use crate::features::players::Class;
use crate::tick::SimTick;

/// The last tick in which the game data was exchanged. It is written and read within one tick, so it is no state.
#[derive(Resource, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rebased(Option<u32>);

impl Rebased {
    /// Whether the game data was exchanged in this tick.
    #[must_use]
    pub(crate) const fn is_now(self, tick: u32) -> bool {
        matches!(self.0, Some(own) if own == tick)
    }
}

/// Receive, on a new epoch: reads the base values of every class and monster anew.
pub(crate) fn rebase(world: &mut World, swap: &EpochSwap) {
    let tick = world.resource::<SimTick>().0;
    world.insert_resource(Rebased(Some(tick)));
    // Ranges, rounding and formulas of attributes apply to everyone, whatever its class says.
    let redefined = swap.old.attributes != swap.new.attributes;
    let mut actors = world.query::<(Option<&Class>, Option<&Species>, &mut Attributes)>();
    for (class, species, mut attributes) in actors.iter_mut(world) {
        if redefined {
            attributes.set_changed();
        }
        let Some(table) = table_of(&swap.new, class, species) else { continue };
        let base = swap.new.attributes.at_level(table, attributes.level(), &swap.new.curves);
        if *base != *attributes.base {
            attributes.base = base;
        }
    }
}

fn table_of<'a>(assets: &'a Assets, class: Option<&Class>, species: Option<&Species>) -> Option<&'a AttributeTable> {
    let class = class.and_then(|class| assets.classes.get(class.0)).map(|def| &def.attributes);
    class.or_else(|| species.and_then(|species| assets.monsters.get(species.0)).map(|def| &def.attributes))
}

/// The same part of a new greatest: rounded to the nearest point, halves up, at least a point of what was not nothing.
#[must_use]
pub(crate) fn same_part(points: u32, max_before: u32, max: u32) -> u32 {
    if max_before == 0 || points == 0 {
        return points.min(max);
    }
    let (points, before, max) = (u64::from(points), u64::from(max_before), u64::from(max));
    let part = (points * max + before / 2) / before;
    u32::try_from(part.max(1).min(max)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::same_part;

    #[test]
    fn a_part_stays_that_part_and_life_stays_life() {
        assert_eq!((same_part(40, 100, 250), same_part(40, 100, 33), same_part(250, 250, 1)), (100, 13, 1));
        assert_eq!((same_part(1, 1_000_000, 10), same_part(0, 100, 500)), (1, 0), "neither killed nor brought back");
        assert_eq!((same_part(5, 0, 9), same_part(u32::MAX, u32::MAX, u32::MAX)), (5, u32::MAX));
    }
}
