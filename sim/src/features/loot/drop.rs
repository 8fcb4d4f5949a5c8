//! Resolve: what the dead leave. Each line of a monster's loot is rolled on its own, by the monster's id and the
//! tick of its death. The killer's player alone may take it for 30 s; after 120 s it is gone.

use bevy_ecs::prelude::*;

use super::{Pile, Stack};
use crate::actor::{Concealment, Kind, Position};
use crate::assets::MonsterDef;
use crate::features::combat::Died;
use crate::features::monsters::Species;
use crate::features::players::Player;
use crate::ids::{PlayerId, SimId};
use crate::random::{Draw, Random, Stream};
use crate::roster::Roster;
use crate::scene::SceneAssets;
use crate::tick::SimTick;

/// Ticks for which a pile is the killer's (30 s).
pub const OWNED_TICKS: u32 = 600;
/// Ticks after which a pile is gone (120 s).
pub const GONE_TICKS: u32 = 2_400;

type Corpse<'a> = (&'a Species, &'a Position, &'a Concealment);

pub(super) fn drop_loot(
    mut commands: Commands,
    (tick, random): (Res<SimTick>, Res<Random>),
    (assets, mut roster): (Res<SceneAssets>, ResMut<Roster>),
    mut deaths: MessageReader<Died>,
    corpses: Query<Corpse>,
    players: Query<&Player>,
) {
    for death in deaths.read() {
        let corpse = roster.entity(death.who).and_then(|entity| corpses.get(entity).ok());
        let Some((species, position, concealment)) = corpse else { continue };
        let draw = random.draw(tick.0, death.who, Stream("loot"), 0);
        let killer = death.killer.and_then(|killer| roster.entity(killer));
        let owner = killer.and_then(|entity| players.get(entity).ok()).map(|player| player.id);
        let pile = roll(&assets.0.monsters[species.0], draw, owner, tick.0);
        if !pile.is_empty() {
            let phase = concealment.phase;
            let id = roster.allocate(tick.0);
            commands.spawn((id, *position, Concealment { phase, stealth: false }, Kind::Loot, pile));
        }
    }
}

fn roll(def: &MonsterDef, mut draw: Draw, owner: Option<PlayerId>, tick: u32) -> Pile {
    let mut stacks = Vec::new();
    for line in &def.loot {
        // Drawn in any case, so that one line's luck does not depend on another's.
        let (falls, count) = (draw.chance_bp(line.chance_bp), between(&mut draw, line.count));
        if falls && count > 0 {
            stacks.push(Stack { item: line.item.id(), count });
        }
    }
    let gold = between(&mut draw, def.gold);
    Pile { gold, stacks, owner, free_tick: tick + OWNED_TICKS, gone_tick: tick + GONE_TICKS }
}

fn between(draw: &mut Draw, (least, most): (u32, u32)) -> u32 {
    least + draw.below(most.saturating_sub(least).saturating_add(1))
}

pub(super) fn remove_old_piles(mut commands: Commands, tick: Res<SimTick>, piles: Query<(Entity, &SimId, &Pile)>) {
    let old = piles.iter().filter(|(.., pile)| pile.gone_tick <= tick.0);
    let mut old: Vec<(SimId, Entity)> = old.map(|(entity, &id, _)| (id, entity)).collect();
    // By id, because indices rest in the order in which they are given back.
    old.sort_unstable_by_key(|&(id, _)| id);
    for (_, entity) in old {
        commands.entity(entity).despawn();
    }
}
