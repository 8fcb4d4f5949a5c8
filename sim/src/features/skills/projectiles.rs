//! Projectiles in flight. Resolve: what was conjured takes off ([`launch`]); before the combat loop everything flies one
//! tick further ([`fly`]), swept against bodies that move and against the ground, walls and closed doors. Hits are queued in
//! the order of their times of impact, ties by projectile and then by target.
//!
//! A projectile keeps the definition it was launched with, what its source was worth then and how deep in a chain of deeds
//! it was launched. On the wire it is its kind,
//! its place (told anew twice a second) and `flight`: three `i16` centimetres per second and the `u32` id it homes in on, 0
//! for none; whoever draws it extrapolates.

use std::sync::Arc;

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};
use smallvec::SmallVec;

use super::cooldowns::now_ms;
use super::deliver::{Conjured, Conjuring, Toward, deeds, side_of};
use super::sweep::{Body, impact};
use crate::actor::{Concealment, Heading, Kind, Position, Profile};
use crate::assets::{At, Filter, Flight, ProjectileDef, SkillDef};
use crate::counters::Counters;
use crate::digest::{Digest, Digester};
use crate::features::combat::{EffectQueued, Origin, SideData, Sides, Worth};
use crate::ids::SimId;
use crate::interest::SceneGrid;
use crate::replicated::Replicate;
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneGeometry};
use crate::space::Geometry;
use crate::tick::{SimTick, TICK_SECONDS};
use crate::wire::Reader;

/// Projectiles that did not take off, by reason.
pub const CONJURE_REFUSED: &str = "conjure_refused_total";
/// Most projectiles in the air in one scene.
pub const PROJECTILES_MAX: usize = 10_000;
/// Height above the feet that one is launched from and aimed at, in metres.
const CHEST_M: f32 = 1.2;
/// Ticks between two tellings of a place.
const TOLD_TICKS: u32 = 10;
/// Farthest a body is looked for beside the way, in metres: the widest radius and what a runner covers in a tick.
const MARGIN_M: f32 = 3.0;
/// Longest flight, in milliseconds.
const FLIGHT_MS_MAX: u64 = 20_000;

/// What flies. Written in the Resolve stage.
#[derive(Component, Debug, Clone)]
pub struct Projectile {
    def: Arc<ProjectileDef>,
    source: SimId,
    worth: Worth,
    origin: Origin,
    skill: Option<Arc<SkillDef>>,
    thousandths: u32,
    depth: u8,
    /// Whom it homes in on. Never told: viewers may not see whom it follows.
    target: Option<SimId>,
    place: Vec3,
    velocity: Vec3,
    flown_m: f32,
    end_ms: u64,
    pierced: SmallVec<[SimId; 4]>,
}

/// How a projectile moves, as viewers are told.
#[derive(Component, Debug, Clone, Copy, PartialEq)]
pub struct InFlight {
    /// Metres per second.
    pub velocity: Vec3,
}

impl InFlight {
    /// Reads the replicated value.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Self> {
        let mut part = || Some(f32::from(reader.u16()?.cast_signed()) / 100.0);
        Some(Self { velocity: Vec3::new(part()?, part()?, part()?) })
    }
}

impl Replicate for InFlight {
    const NAME: &'static str = "flight";
    #[allow(clippy::cast_possible_truncation, reason = "casts saturate")]
    fn encode(&self, out: &mut Vec<u8>) {
        for mps in self.velocity.to_array() {
            out.extend_from_slice(&((mps * 100.0).round() as i16).to_le_bytes());
        }
    }
}

type Launcher<'a> = (&'a Position, &'a Heading, &'a Concealment);

/// What was conjured to fly takes off.
pub(super) fn launch(
    mut commands: Commands,
    (tick, assets, mut roster): (Res<SimTick>, Res<SceneAssets>, ResMut<Roster>),
    mut conjured: MessageReader<Conjured>,
    bodies: Query<Launcher>,
    flying: Query<(), With<Projectile>>,
    mut counters: ResMut<Counters>,
) {
    let mut count = flying.iter().count();
    for conjured in conjured.read() {
        let Conjuring::Projectile(id) = conjured.what else { continue };
        let body = |id: SimId| roster.entity(id).and_then(|entity| bodies.get(entity).ok());
        let (Some(def), Some((position, heading, concealment))) = (assets.0.projectiles.arc(id), body(conjured.source))
        else {
            continue;
        };
        if count >= PROJECTILES_MAX {
            counters.add(CONJURE_REFUSED, "projectiles_full");
            continue;
        }
        count += 1;
        let from = position.0 + Vec3::Y * CHEST_M;
        let (target, to) = match conjured.toward {
            Toward::Unit(id) => (Some(id), body(id).map_or(from, |(position, ..)| position.0 + Vec3::Y * CHEST_M)),
            Toward::Place(place) => (None, place),
            Toward::Ahead => {
                let ahead = heading.direction() * def.range_m;
                (None, from + Vec3::new(ahead.x, 0.0, ahead.y))
            }
        };
        let target = target.filter(|&id| matches!(def.path, Flight::Homing) && id != conjured.source);
        let velocity = first_velocity(def, from, to, *heading);
        let heading = Heading::along(Vec2::new(velocity.x, velocity.z)).unwrap_or(*heading);
        let projectile = Projectile {
            def: Arc::clone(def),
            source: conjured.source,
            worth: conjured.worth.clone(),
            origin: conjured.origin,
            skill: conjured.skill.clone(),
            thousandths: conjured.thousandths,
            depth: conjured.depth,
            target,
            place: from,
            velocity,
            flown_m: 0.0,
            end_ms: now_ms(tick.0) + FLIGHT_MS_MAX,
            pierced: SmallVec::new(),
        };
        let concealment = concealment.of_works();
        let parts = (Position(from), heading, Kind::Projectile(id.raw()), concealment);
        let own = roster.allocate(tick.0);
        commands.spawn((own, parts, projectile, InFlight { velocity }));
    }
}

/// The velocity it takes off with: straight to its aim, or in the arc that comes down there.
fn first_velocity(def: &ProjectileDef, from: Vec3, to: Vec3, heading: Heading) -> Vec3 {
    let ahead = Vec3::new(heading.direction().x, 0.0, heading.direction().y);
    let straight = (to - from).try_normalize().unwrap_or(ahead) * def.speed_mps;
    let Flight::Ballistic { gravity_mps2 } = def.path else { return straight };
    let way = Vec2::new(to.x - from.x, to.z - from.z);
    // The speed is that over the ground; how steep it rises follows from the time it has.
    let time_s = (way.length() / def.speed_mps).max(TICK_SECONDS);
    let flat = way / time_s;
    Vec3::new(flat.x, (to.y - from.y) / time_s + 0.5 * gravity_mps2 * time_s, flat.y)
}

/// A touch in this tick.
pub(super) struct Touch {
    part: f32,
    projectile: SimId,
    target: SimId,
}

/// What the air is full of.
type Flying<'a> = (Entity, &'a SimId, &'a Concealment, &'a mut Projectile, &'a mut InFlight, &'a mut Position);
type Target = (&'static Position, &'static Profile, SideData);

/// Everything in the air goes on by one tick.
pub(super) fn fly(
    mut commands: Commands,
    (tick, roster, grid): (Res<SimTick>, Res<Roster>, Res<SceneGrid>),
    (assets, geometry, sides): (Res<SceneAssets>, Res<SceneGeometry>, Res<Sides>),
    mut flying: Query<Flying, Without<Profile>>,
    targets: Query<Target, Without<Projectile>>,
    mut effects: MessageWriter<EffectQueued>,
    mut touches: Local<Vec<(Touch, Vec<EffectQueued>)>>,
) {
    let around = Around { roster: &roster, grid: &grid, assets: &assets, sides: &sides, targets: &targets };
    touches.clear();
    for (entity, &id, concealment, mut projectile, mut flight, mut position) in &mut flying {
        let projectile = &mut *projectile;
        let goal = projectile.target.map(|target| around.chest(target));
        if let Some(Some(goal)) = goal {
            let velocity = (goal - projectile.place).normalize_or_zero() * projectile.def.speed_mps;
            if (velocity - flight.velocity).length() > 0.05 * projectile.def.speed_mps {
                flight.velocity = velocity;
            }
            projectile.velocity = velocity;
        } else if goal.is_some() {
            // Whom it was after is gone: it flies on and hits whoever is in the way.
            projectile.target = None;
        }
        let from = projectile.place;
        let mut by = projectile.velocity * TICK_SECONDS;
        if let Flight::Ballistic { gravity_mps2 } = projectile.def.path {
            by.y -= 0.5 * gravity_mps2 * TICK_SECONDS * TICK_SECONDS;
            projectile.velocity.y -= gravity_mps2 * TICK_SECONDS;
        }
        // The last step is as long as the range allows, and no longer.
        let left_m = (projectile.def.range_m - projectile.flown_m).max(0.0);
        let is_last = by.length() >= left_m;
        let in_range = if is_last { left_m / by.length().max(f32::EPSILON) } else { 1.0 };
        let free = free_part(from, by, &geometry.0).min(in_range);
        let is_over =
            around.touch(id, projectile, projectile.target, concealment.phase, (from, by, free), &mut touches);
        projectile.place = from + by * free;
        projectile.flown_m += by.length() * free;
        let spent = free < 1.0 || is_last || now_ms(tick.0) >= projectile.end_ms;
        if is_over || spent {
            if projectile.pierced.is_empty() {
                let Projectile { def, source, worth, origin, depth, .. } = &*projectile;
                let missed = deeds(&def.on_miss, (*source, *source), worth, *origin, (1_000, *depth));
                touches.push((Touch { part: 1.0, projectile: id, target: *source }, missed));
            }
            commands.entity(entity).despawn();
        } else if (tick.0 + u32::try_from(id.index()).unwrap_or(0)).is_multiple_of(TOLD_TICKS) {
            position.0 = projectile.place;
        }
    }
    touches.sort_by(|(a, _), (b, _)| {
        a.part.total_cmp(&b.part).then(a.projectile.cmp(&b.projectile)).then(a.target.cmp(&b.target))
    });
    for (_, deeds) in touches.drain(..) {
        effects.write_batch(deeds);
    }
}

/// The part of a way that neither ground nor wall nor closed door ends.
fn free_part(from: Vec3, by: Vec3, geometry: &Geometry) -> f32 {
    let to = from + by;
    if !geometry.contains(to.x, to.z) {
        return 0.0;
    }
    if geometry.line_is_clear(from, to) {
        return 1.0;
    }
    let (mut clear, mut blocked) = (0.0, 1.0);
    for _ in 0..10 {
        let middle = (clear + blocked) * 0.5;
        if geometry.line_is_clear(from, from + by * middle) {
            clear = middle;
        } else {
            blocked = middle;
        }
    }
    clear
}

/// Whom a projectile may meet.
struct Around<'a, 'w, 's> {
    roster: &'a Roster,
    grid: &'a SceneGrid,
    assets: &'a SceneAssets,
    sides: &'a Sides,
    targets: &'a Query<'w, 's, Target, Without<Projectile>>,
}

impl Around<'_, '_, '_> {
    /// Where someone's chest is now.
    fn chest(&self, id: SimId) -> Option<Vec3> {
        let (position, ..) = self.targets.get(self.roster.entity(id)?).ok()?;
        Some(position.0 + Vec3::Y * CHEST_M)
    }

    /// Finds whom a projectile touches on its way, in order, and notes what that does; true when it ends with one of them.
    fn touch(
        &self,
        id: SimId,
        projectile: &mut Projectile,
        homing: Option<SimId>,
        phase: u16,
        (from, by, free): (Vec3, Vec3, f32),
        touches: &mut Vec<(Touch, Vec<EffectQueued>)>,
    ) -> bool {
        let mut met: SmallVec<[(f32, SimId); 4]> = SmallVec::new();
        let middle = from + by * 0.5;
        let reach_m = by.length() * 0.5 + projectile.def.radius_m + MARGIN_M;
        self.grid.0.for_each_within(Vec2::new(middle.x, middle.z), reach_m, |entry, _| {
            let candidate = entry.id;
            let wanted = homing.is_none_or(|target| target == candidate)
                && candidate != projectile.source
                && entry.visibility.phase == phase
                && !projectile.pierced.contains(&candidate);
            if let Some(part) = wanted.then(|| self.meets(projectile, candidate, entry.place, from, by)).flatten()
                && part <= free
            {
                met.push((part, candidate));
            }
        });
        met.sort_by(|(a, one), (b, other)| a.total_cmp(b).then(one.cmp(other)));
        for (part, target) in met {
            touches.push((Touch { part, projectile: id, target }, projectile.hits(target)));
            projectile.pierced.push(target);
            if projectile.pierced.len() > usize::from(projectile.def.pierce) {
                return true;
            }
        }
        false
    }

    fn meets(&self, projectile: &Projectile, id: SimId, before: Vec2, from: Vec3, by: Vec3) -> Option<f32> {
        let (position, profile, side) = self.targets.get(self.roster.entity(id)?).ok()?;
        let present = self.roster.entity(projectile.source).and_then(|entity| self.targets.get(entity).ok());
        let by_side = side_of(projectile.source, present.map(|(_, _, side)| side.side()), &projectile.worth);
        if !self.sides.suits(projectile.filter(), by_side, side.side()) {
            return None;
        }
        let profile = self.assets.0.movements.get(profile.0)?;
        let body = Body {
            from: Vec3::new(before.x, position.0.y, before.y),
            to: position.0,
            radius_m: profile.radius_m,
            height_m: profile.height_m,
        };
        impact(from, from + by, projectile.def.radius_m, body)
    }
}

impl Projectile {
    /// Whom it may hit.
    fn filter(&self) -> Filter {
        let own = || self.skill.as_ref().map_or(Filter::Enemy, |skill| skill.target.filter());
        self.def.filter.unwrap_or_else(own)
    }

    /// What it does to someone: what its skill does when it hits, then its own.
    fn hits(&self, target: SimId) -> Vec<EffectQueued> {
        let of_skill = self.skill.iter().flat_map(|skill| skill.actions_at(At::Hit));
        let (who, how) = ((self.source, target), (self.thousandths, self.depth));
        let mut done = deeds(of_skill, who, &self.worth, self.origin, how);
        done.extend(deeds(&self.def.on_hit, who, &self.worth, self.origin, how));
        done
    }

    /// What flies.
    #[must_use]
    pub fn def(&self) -> &ProjectileDef {
        &self.def
    }

    /// Where it is, in metres; its [`Position`] is told more seldom.
    #[must_use]
    pub const fn place(&self) -> Vec3 {
        self.place
    }
}

impl Digest for Projectile {
    fn digest(&self, digester: &mut Digester) {
        digester.bytes(self.def.id.as_bytes());
        digester.u32(self.source.bits());
        digester.u32(self.target.map_or(0, SimId::bits));
        self.place.to_array().into_iter().chain(self.velocity.to_array()).for_each(|part| digester.f32(part));
        digester.f32(self.flown_m);
        digester.u64(self.end_ms);
        digester.u32(u32::from(self.depth));
        self.pierced.iter().for_each(|id| digester.u32(id.bits()));
    }
}
