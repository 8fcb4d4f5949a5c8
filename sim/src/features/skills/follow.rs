//! Resolve, after the combat loop: what deeds come to beyond hit points. Force moves bodies, what is conjured is handed on,
//! and what was paid with life is taken from it. What becomes of casts is said in `interrupts`.

use bevy_ecs::prelude::*;

use super::deliver::{Conjured, LifePaid, Toward};
use super::displace::{Bodies, destination};
use super::interrupts::Disturbed;
use crate::assets::Disturbance;
use crate::features::combat::{EffectAction, EffectQueued, HealthChanged, HealthKind, Origin, Vitals};
use crate::features::movement::ForceMove;
use crate::ids::SimId;
use crate::roster::Roster;
use crate::scene::SceneGeometry;

/// A deed that the combat loop let pass and that concerns skills. Written in the loop, read right after it.
#[derive(Message, Debug, Clone, PartialEq, Eq)]
pub struct PassedOn(pub EffectQueued);

/// Hit points that casters paid are taken, and those of broken casts come back.
pub(super) fn take_life(
    roster: Res<Roster>,
    mut paid: MessageReader<LifePaid>,
    mut log: MessageWriter<HealthChanged>,
    mut actors: Query<&mut Vitals>,
) {
    for &LifePaid { who, skill, points } in paid.read() {
        let Some(mut vitals) = roster.entity(who).and_then(|entity| actors.get_mut(entity).ok()) else { continue };
        if !vitals.is_alive() {
            continue;
        }
        // A blow of the same tick may have come first: a price never kills.
        let after = (i64::from(vitals.hp) - points).clamp(1, i64::from(vitals.hp_max.max(1)));
        let change = after - i64::from(vitals.hp);
        if change != 0 {
            vitals.hp = u32::try_from(after).unwrap_or(1);
            let entry = HealthChanged::own(who, i32::try_from(change).unwrap_or(0), HealthKind::Price);
            log.write(HealthChanged { origin: Origin::Skill(skill), ..entry });
        }
    }
}

/// What the loop conjures, and whom it moves.
pub(super) fn carry_on(
    geometry: Res<SceneGeometry>,
    mut passed: MessageReader<PassedOn>,
    bodies: Bodies,
    mut conjured: MessageWriter<Conjured>,
    mut forced: MessageWriter<ForceMove>,
    mut disturbed: MessageWriter<Disturbed>,
) {
    let mut moved: Vec<(SimId, glam::Vec3)> = Vec::new();
    for PassedOn(deed) in passed.read() {
        match deed.what {
            EffectAction::Conjure(what) => {
                conjured.write(Conjured {
                    source: deed.source,
                    what,
                    toward: Toward::Unit(deed.target),
                    worth: deed.worth.clone(),
                    origin: deed.origin,
                    skill: None,
                    thousandths: 1_000,
                    depth: deed.depth,
                });
            }
            EffectAction::Displace { how, distance_cm } => {
                // Two pushes in one tick follow on each other.
                let at = |id| moved.iter().rev().find(|(who, _)| *who == id).map(|&(_, to)| to);
                if let Some((id, to)) = destination(&bodies, &geometry.0, deed, how, distance_cm, at) {
                    moved.push((id, to));
                    forced.write(ForceMove { id, to });
                    let by = if id == deed.source { Disturbance::Teleported } else { Disturbance::Pushed };
                    disturbed.write(Disturbed::new(id, by));
                }
            }
            _ => {}
        }
    }
}
