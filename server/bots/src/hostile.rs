//! What cheats and vandals try. None of it may gain them anything: the server refuses and counts it, or closes the
//! session, and the same invariants that watch honest bots watch these.

use glam::{Vec2, Vec3};
use net::protocol::{CLIENT_FRAME_BYTES_MAX, DATAGRAM_INPUT};
use sim::actor::Kind;
use sim::assets::{Filter, SkillDef, SkillTarget};
use sim::features::skills::CastCommand;
use sim::intent::CastTarget;
use sim::locomotion::{StepInput, body_shape};
use sim::random::Draw;

use crate::behaviour::{Act, Brain, Turn};
use crate::roam::Roamer;
use crate::senses::Senses;
use crate::walk::{Walker, ground, random_place};

/// Turns between two casts: just under the server's limit of 10 commands a second, so that rules refuse and not it.
const CAST_TURNS: u32 = 3;
/// How far away a liar claims to be, in centimetres.
const ELSEWHERE_CM: i32 = 4_000;
/// How far ahead a wall is looked for, in metres; a claim farther off would be a jump.
const WALL_M: f32 = 2.5;
/// Datagrams a flooder sends per turn, 2,000 a second.
const FLOOD_DATAGRAMS: usize = 100;

/// Runs at twice the rate at which time passes.
#[derive(Debug, Default)]
pub(crate) struct Runner(Roamer);

impl Brain for Runner {
    fn decide(&mut self, senses: &Senses<'_>, draw: &mut Draw) -> Turn {
        self.0.decide(senses, draw).and(Act::Hurry)
    }
}

/// What a [`Claimer`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// To be 40 m from where it is.
    Elsewhere,
    /// To be behind what stands in front of it.
    BehindWall,
}

/// Claims to be where it is not.
#[derive(Debug)]
pub(crate) struct Claimer {
    lie: Lie,
    roamer: Roamer,
    walker: Walker,
}

impl Claimer {
    pub(crate) fn new(lie: Lie) -> Self {
        Self { lie, roamer: Roamer::default(), walker: Walker::default() }
    }

    /// Walks towards the nearest thing to walk into.
    fn walk_into_a_wall(&mut self, senses: &Senses<'_>, draw: &mut Draw) -> Turn {
        let Some((direction, beyond_m)) = wall_near(senses) else {
            let place = nearest_obstacle(senses).unwrap_or_else(|| random_place(&senses.scene.bounds, draw));
            return Turn::step(self.walker.towards(senses, place, draw));
        };
        let off = direction * beyond_m * 100.0;
        #[allow(clippy::cast_possible_truncation, reason = "a few hundred centimetres")]
        let claim = Act::Claim(off.x as i32, off.y as i32);
        Turn::step(StepInput { wish: direction, walk: false }).and(claim)
    }
}

impl Brain for Claimer {
    fn decide(&mut self, senses: &Senses<'_>, draw: &mut Draw) -> Turn {
        match self.lie {
            Lie::Elsewhere => self.roamer.decide(senses, draw).and(Act::Claim(ELSEWHERE_CM, 0)),
            Lie::BehindWall => self.walk_into_a_wall(senses, draw),
        }
    }
}

/// The direction of a wall close by, and how far it is to a place behind its face, in metres.
fn wall_near(senses: &Senses<'_>) -> Option<(Vec2, f32)> {
    let body = body_shape(&senses.assets.movements[senses.class.movement.id()]);
    let directions = [Vec2::X, Vec2::Y, Vec2::NEG_X, Vec2::NEG_Y];
    directions.into_iter().find_map(|direction| {
        let by = Vec3::new(direction.x, 0.0, direction.y) * WALL_M;
        let hit = senses.geometry.sweep(senses.position(), by, body)?;
        Some((direction, (hit.fraction * WALL_M + 1.0).clamp(1.2, WALL_M + 1.0)))
    })
}

/// The nearest box of the scene's geometry.
fn nearest_obstacle(senses: &Senses<'_>) -> Option<Vec2> {
    use sim::assets::GeometryDef;
    let here = ground(senses.position());
    let centres = senses.scene.geometry.iter().flat_map(|part| match part {
        GeometryDef::Box { center, size, .. } if size.1 > 1.0 => vec![Vec2::new(center.0, center.2)],
        GeometryDef::Boxes { at, .. } => at.iter().map(|centre| Vec2::new(centre.0, centre.2)).collect(),
        _ => Vec::new(),
    });
    centres.min_by(|a, b| a.distance_squared(here).total_cmp(&b.distance_squared(here)))
}

/// Casts what it may not.
#[derive(Debug)]
pub(crate) struct Caster {
    distant: bool,
    roamer: Roamer,
}

impl Caster {
    /// Casts again and again without waiting for anything.
    pub(crate) fn impatient() -> Self {
        Self { distant: false, roamer: Roamer::default() }
    }

    /// Casts at what is out of range.
    pub(crate) fn distant() -> Self {
        Self { distant: true, roamer: Roamer::default() }
    }
}

impl Brain for Caster {
    fn decide(&mut self, senses: &Senses<'_>, draw: &mut Draw) -> Turn {
        if !senses.turn.is_multiple_of(CAST_TURNS) {
            return if self.distant { self.roamer.decide(senses, draw) } else { Turn::default() };
        }
        let cast = if self.distant { out_of_range(senses) } else { at_hand(senses) };
        match cast {
            Some(command) => Turn::default().and(Act::Cast(command)),
            None => self.roamer.decide(senses, draw),
        }
    }

    fn looks_at_others(&self) -> bool {
        self.distant
    }
}

/// A skill that needs no target but the caster, with a cooldown if there is one.
fn at_hand(senses: &Senses<'_>) -> Option<CastCommand> {
    let needs_nobody = |skill: &SkillDef| {
        let on_caster = skill.target.filter() != Filter::Enemy && !matches!(skill.target, SkillTarget::Ground { .. });
        on_caster || matches!(skill.target, SkillTarget::Around { .. } | SkillTarget::Cone { .. })
    };
    let skills = senses.class.skills.iter().map(|skill| (skill.id(), &senses.assets.skills[skill.id()]));
    let (skill, _) = skills.filter(|(_, skill)| needs_nobody(skill)).max_by_key(|(_, skill)| skill.cooldown_ticks())?;
    Some(CastCommand { skill, target: CastTarget::Caster })
}

/// A skill aimed at the farthest monster that its range does not reach, or at a place that it does not reach.
fn out_of_range(senses: &Senses<'_>) -> Option<CastCommand> {
    let here = senses.position();
    let skills = senses.class.skills.iter().map(|skill| (skill.id(), &senses.assets.skills[skill.id()]));
    skills.into_iter().find_map(|(skill, def)| match def.target {
        SkillTarget::Unit { filter: Filter::Enemy, range_m, .. } => {
            let is_far = |seen: &crate::senses::Seen| {
                matches!(seen.kind, Kind::Monster(_)) && seen.position.distance(here) > range_m * 1.2 + 1.0
            };
            let target = senses.others().find(is_far)?;
            Some(CastCommand { skill, target: CastTarget::Unit(target.id) })
        }
        SkillTarget::Ground { range_m, .. } => {
            let place = here + Vec3::X * (range_m + 100.0);
            Some(CastCommand { skill, target: CastTarget::Ground(place) })
        }
        _ => None,
    })
}

/// Sends bytes that mean nothing: random ones, and ones that begin well.
#[derive(Debug)]
pub(crate) struct Garbler;

impl Brain for Garbler {
    fn decide(&mut self, senses: &Senses<'_>, draw: &mut Draw) -> Turn {
        let mut bytes: Vec<u8> = (0..1 + draw.below(200)).map(|_| draw.next_u64().to_le_bytes()[0]).collect();
        if draw.chance_bp(5_000) {
            bytes[0] = DATAGRAM_INPUT;
        }
        let turn = Turn::default().and(Act::Datagram(bytes.clone()));
        if senses.turn.is_multiple_of(10) {
            debug_assert!(bytes.len() <= CLIENT_FRAME_BYTES_MAX, "an oversized frame would test something else");
            return turn.and(Act::Frame(bytes));
        }
        turn
    }
}

/// Sends far too much, all of it well-formed.
#[derive(Debug)]
pub(crate) struct Flooder;

impl Brain for Flooder {
    fn decide(&mut self, _: &Senses<'_>, _: &mut Draw) -> Turn {
        Turn::default().and(Act::Repeat(FLOOD_DATAGRAMS))
    }
}
