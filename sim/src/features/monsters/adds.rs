//! Adds: monsters that a monster brings to its side, and what monsters say. Resolve: those called appear and attack whom
//! their owner fights; when their owner has given up, they are gone. They leave nothing behind and do not come back.

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use super::brain::{Brain, Mood};
use super::mind::{ADDS_MAX, Mind};
use super::senses::SEEN_MILLI;
use super::{Home, Patrol, ThreatTable, body};
use crate::actor::{Concealment, Position};
use crate::assets::{Id, MonsterDef};
use crate::digest::{Digest, Digester};
use crate::features::navigation::Wayfinding;
use crate::ids::SimId;
use crate::random::{Random, Stream};
use crate::replicated::ClientEvent;
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneGeometry};
use crate::tick::SimTick;
use crate::wire::Reader;

/// Most bytes of what a monster says.
pub(super) const SAY_BYTES_MAX: usize = 256;

/// Who brought a monster here. Written when it appears.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summoned {
    /// Its owner.
    pub by: SimId,
}

impl Digest for Summoned {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.by.bits());
    }
}

/// Monsters are called to someone's side. Written in the Think stage.
#[derive(Message, Debug, Clone, Copy, PartialEq)]
pub struct SummonQueued {
    /// To whose.
    pub owner: SimId,
    /// Which.
    pub monster: Id<MonsterDef>,
    /// How many.
    pub count: u32,
    /// How far from the owner, in metres.
    pub radius_m: f32,
    /// Whom they attack.
    pub victim: Option<SimId>,
}

/// A monster says something to all who see it. The body of `said` is the text in UTF-8.
#[derive(Message, Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Who.
    pub who: SimId,
    /// What.
    pub text: String,
}

impl Said {
    /// Reads the body of an event about `who`.
    pub fn from_wire(who: SimId, reader: &mut Reader<'_>) -> Option<Self> {
        let text = std::str::from_utf8(reader.rest()).ok()?;
        (text.len() <= SAY_BYTES_MAX).then(|| Self { who, text: text.to_owned() })
    }
}

impl ClientEvent for Said {
    const NAME: &'static str = "said";
    fn subject(&self) -> SimId {
        self.who
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.text.as_bytes()[..self.text.floor_char_boundary(SAY_BYTES_MAX)]);
    }
}

/// What counts about an owner.
type Owner<'a> = (&'a Position, &'a Concealment, &'a mut Mind);

pub(super) fn summon(
    mut commands: Commands,
    (tick, random): (Res<SimTick>, Res<Random>),
    (assets, geometry): (Res<SceneAssets>, Res<SceneGeometry>),
    way: Wayfinding,
    mut roster: ResMut<Roster>,
    mut queued: MessageReader<SummonQueued>,
    mut owners: Query<Owner>,
) {
    let mut queued: Vec<SummonQueued> = queued.read().copied().collect();
    queued.sort_by_key(|call| call.owner);
    for SummonQueued { owner, monster, count, radius_m, victim } in queued {
        let found = roster.entity(owner).and_then(|entity| owners.get_mut(entity).ok());
        let Some((position, concealment, mut mind)) = found else { continue };
        for _ in 0..count {
            if mind.adds.len() >= ADDS_MAX {
                break;
            }
            let id = roster.allocate(tick.0);
            let mut draw = random.draw(tick.0, id, Stream("summon place"), 0);
            let off = Vec2::from_angle(draw.unit() * std::f32::consts::TAU) * radius_m * draw.unit().sqrt();
            let feet = place_near(position.0, off, &geometry, &way);
            let home = Home { feet, slot: None };
            let concealment = Concealment::in_phase(concealment.phase);
            let mut add = commands.spawn(body(&assets.0, &random, (id, tick.0), monster, home, Patrol::default()));
            add.insert((Summoned { by: owner }, concealment));
            if let Some(victim) = victim {
                let mut threat = ThreatTable::default();
                threat.add(victim, SEEN_MILLI);
                add.insert((threat, Brain { mood: Mood::Fighting { victim } }));
            }
            mind.adds.push(id);
        }
    }
}

/// A place beside the owner that can be walked to in a straight line; the owner's own where there is none.
fn place_near(feet: Vec3, off: Vec2, geometry: &SceneGeometry, way: &Wayfinding) -> Vec3 {
    let wanted = feet + Vec3::new(off.x, 0.0, off.y);
    let up = Vec3::Y;
    if !geometry.0.line_is_clear(feet + up, wanted + up) {
        return feet;
    }
    let on_mesh = way.nearest(wanted).unwrap_or(wanted);
    let ground = geometry.0.ground(on_mesh.x, on_mesh.z, on_mesh.y + 2.0);
    ground.map_or(feet, |ground| Vec3::new(on_mesh.x, ground.height_m, on_mesh.z))
}

/// Adds whose owner is gone or does not fight any more go, unless they lie dead.
pub(super) fn dismiss(
    mut commands: Commands,
    roster: Res<Roster>,
    adds: Query<(Entity, &SimId, &Summoned, &Brain)>,
    owners: Query<&Brain>,
) {
    let fights = |by: SimId| {
        let owner = roster.entity(by).and_then(|entity| owners.get(entity).ok());
        // Those of a dead owner fight on until they give up themselves.
        owner.is_some_and(|brain| matches!(brain.mood, Mood::Fighting { .. } | Mood::Dead { .. }))
    };
    let over = adds.iter().filter(|(_, _, summoned, brain)| match brain.mood {
        Mood::Fighting { .. } => !fights(summoned.by),
        Mood::Dead { .. } => false,
        Mood::Idle | Mood::Evading { .. } | Mood::Arrived => true,
    });
    let mut over: Vec<(SimId, Entity)> = over.map(|(entity, &id, ..)| (id, entity)).collect();
    over.sort_unstable_by_key(|&(id, _)| id);
    for (_, entity) in over {
        commands.entity(entity).despawn();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_comes_back_and_what_is_no_text_is_refused() {
        let said = Said { who: SimId::new(3, 0), text: "Wer stört?".into() };
        let mut bytes = Vec::new();
        said.encode(&mut bytes);
        assert_eq!(Said::from_wire(said.who, &mut Reader::new(&bytes)), Some(said.clone()));
        assert_eq!(Said::from_wire(said.who, &mut Reader::new(&[0xff])), None);
    }
}
