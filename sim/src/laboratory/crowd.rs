//! A scene full of fights, for measuring what a tick costs: groups of combatants against groups, far enough from each
//! other to be left alone, near enough to be one crowd.

use bevy_ecs::prelude::*;
use glam::Vec2;

use super::{Combatant, Laboratory, bout};
use crate::actor::Actor;
use crate::assets::{EffectDef, Id};
use crate::features::combat::{Attributes, EffectAction, EffectQueued, Level, Origin, Vitals, Worth};
use crate::ids::SimId;
use crate::scene::Scene;

/// Metres between the middles of two groups.
const GROUP_M: f32 = 40.0;
/// Metres between the sides of a group in the beginning.
const APART_M: f32 = 8.0;
/// Members of each side of a group.
const GROUP: usize = 8;

/// Whether those opposite are enemies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temper {
    /// Everyone fights.
    Fighting,
    /// All are of one side: the same crowd with nothing to do.
    Peaceful,
}

impl Laboratory {
    /// A scene with so many combatants of one sort, in turn from `ones`, and as many of another, from `others`.
    ///
    /// # Panics
    /// When one of the two lists is empty.
    #[must_use]
    pub fn crowd(&self, ones: &[Combatant], others: &[Combatant], count: usize, temper: Temper, seed: u64) -> Scene {
        let mut scene = self.scene(seed);
        let groups = count.div_ceil(GROUP);
        for group in 0..groups {
            let members = GROUP.min(count - group * GROUP);
            let middle = middle_of(group, groups);
            let mut present: [Vec<SimId>; 2] = [Vec::new(), Vec::new()];
            for (side, sorts) in [ones, others].into_iter().enumerate() {
                let (east, faction) =
                    (if side == 0 { -1.0 } else { 1.0 }, if temper == Temper::Fighting { side } else { 0 });
                for member in 0..members {
                    let place = bout::place_in_side(member, members, APART_M) * Vec2::new(east, 1.0);
                    let sort = sorts[(group * GROUP + member) % sorts.len()];
                    present[side].push(bout::enter(scene.world_mut(), sort, faction, middle + place));
                }
            }
            if temper == Temper::Fighting {
                for (&one, &other) in present[0].iter().zip(&present[1]) {
                    bout::challenge(scene.world_mut(), one, other);
                    bout::challenge(scene.world_mut(), other, one);
                }
            }
        }
        scene
    }
}

/// Gives everyone alive all of their hit points, so that a crowd goes on fighting as long as it is measured.
pub fn refresh(scene: &mut Scene) {
    let world = scene.world_mut();
    let mut all = world.query::<&mut Vitals>();
    for mut vitals in all.iter_mut(world).filter(|vitals| vitals.is_alive() && vitals.hp < vitals.hp_max) {
        vitals.hp = vitals.hp_max;
    }
}

#[allow(clippy::cast_precision_loss, reason = "a few hundred groups")]
fn middle_of(group: usize, groups: usize) -> Vec2 {
    let row = (1..).find(|side| side * side >= groups).unwrap_or(1);
    let place = Vec2::new((group % row) as f32, (group / row) as f32);
    (place - (row as f32 - 1.0) / 2.0) * GROUP_M
}

/// Has an effect come upon everyone, as if strangers of no side had applied it who have gone since: one for each, because
/// what one source may do in a tick is limited.
pub fn afflict(scene: &mut Scene, effect: Id<EffectDef>) {
    let world = scene.world_mut();
    let mut all = world.query_filtered::<(&SimId, &Attributes, &Level), With<Actor>>();
    let mut everyone: Vec<(SimId, Worth)> =
        all.iter(world).map(|(id, own, level)| (*id, own.worth(*level, super::side_faction(1)))).collect();
    everyone.sort_unstable_by_key(|(id, _)| *id);
    for (number, (target, worth)) in (0..).zip(everyone) {
        let (source, what) = (SimId::from_bits(u32::MAX - number), EffectAction::Apply { effect, chance_pct: 100 });
        let (origin, periodic, depth) = (Origin::World, false, 0);
        world.write_message(EffectQueued { source, target, worth, what, origin, periodic, depth });
    }
}
