//! Areas on the ground. Resolve: what was conjured to lie somewhere is laid, and before the combat loop every area looks who
//! is in it: whoever came in or went out, and on its ticks everyone, receives what the definition says. Areas are visited in
//! the order of their ids, those in one in the order of its shape.
//!
//! An area keeps the definition it was laid with, what its source was worth then and how deep in a chain of deeds it was
//! laid. On the wire it is its kind, its place, its heading and `area`: the varint tick in which it ends.

use std::sync::Arc;

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use super::cooldowns::{now_ms, tick_of};
use super::deliver::{Conjured, Conjuring, Toward, deeds, side_of};
use super::projectiles::CONJURE_REFUSED;
use super::shapes::Shape;
use super::targeting::{Spread, Units};
use crate::actor::{Concealment, Heading, Kind, Position};
use crate::assets::{Action, AreaDef, AreaShape};
use crate::counters::Counters;
use crate::digest::{Digest, Digester};
use crate::features::combat::{EffectQueued, Origin, SideData, Sides, Vitals, Worth};
use crate::ids::SimId;
use crate::replicated::Replicate;
use crate::roster::Roster;
use crate::scene::{SceneAssets, SceneGeometry};
use crate::tick::SimTick;
use crate::wire::{Reader, put_varint};

/// Most areas in one scene.
pub const AREAS_MAX: usize = 4_000;

/// What lies on the ground. Written in the Resolve stage.
#[derive(Component, Debug, Clone)]
pub struct Area {
    def: Arc<AreaDef>,
    source: SimId,
    worth: Worth,
    origin: Origin,
    thousandths: u32,
    depth: u8,
    next_ms: u64,
    inside: Vec<SimId>,
}

/// Until when an area lies there, as viewers are told.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    /// The scene's time it ends at, in milliseconds.
    pub end_ms: u64,
}

impl Lasting {
    /// Reads the replicated value: the tick it ends in.
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<u32> {
        reader.varint()
    }
}

impl Replicate for Lasting {
    const NAME: &'static str = "area";
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, tick_of(self.end_ms));
    }
}

type Layer<'a> = (&'a Position, &'a Heading, &'a Concealment);

/// What was conjured to lie on the ground is laid; who has too many loses the oldest.
pub(super) fn lay(
    mut commands: Commands,
    (tick, assets, geometry): (Res<SimTick>, Res<SceneAssets>, Res<SceneGeometry>),
    mut roster: ResMut<Roster>,
    mut conjured: MessageReader<Conjured>,
    bodies: Query<Layer, Without<Area>>,
    mut lying: Query<(&SimId, &Area, &mut Lasting)>,
    mut counters: ResMut<Counters>,
) {
    let now = now_ms(tick.0);
    let mut laid: Vec<(SimId, Arc<AreaDef>)> = Vec::new();
    for conjured in conjured.read() {
        let Conjuring::Area(id) = conjured.what else { continue };
        let body = |id: SimId| roster.entity(id).and_then(|entity| bodies.get(entity).ok());
        let (Some(def), Some((position, heading, concealment))) = (assets.0.areas.arc(id), body(conjured.source))
        else {
            continue;
        };
        let own = laid.iter().filter(|(source, other)| *source == conjured.source && other.id == def.id).count();
        if own >= usize::from(def.per_caster_max) || lying.iter().count() + laid.len() >= AREAS_MAX {
            counters.add(CONJURE_REFUSED, "areas_full");
            continue;
        }
        end_the_oldest(&mut lying, conjured.source, def, own, now);
        laid.push((conjured.source, Arc::clone(def)));
        let place = match conjured.toward {
            Toward::Unit(id) => body(id).map_or(position.0, |(position, ..)| position.0),
            Toward::Place(place) => place,
            Toward::Ahead => position.0,
        };
        let way = Vec2::new(place.x - position.0.x, place.z - position.0.z);
        let heading = Heading::along(way).unwrap_or(*heading);
        let height_m = geometry.0.ground(place.x, place.z, place.y + 1.0).map_or(place.y, |ground| ground.height_m);
        let place = Vec3::new(place.x, height_m, place.z);
        let period_ms = u64::from(def.period_ms);
        let area = Area {
            def: Arc::clone(def),
            source: conjured.source,
            worth: conjured.worth.clone(),
            origin: conjured.origin,
            thousandths: conjured.thousandths,
            depth: conjured.depth,
            next_ms: if period_ms > 0 { now + period_ms } else { u64::MAX },
            inside: Vec::new(),
        };
        let concealment = concealment.of_works();
        let lasting = Lasting { end_ms: now + u64::from(def.duration_ms) };
        let own = roster.allocate(tick.0);
        commands.spawn((own, Position(place), heading, Kind::Area(id.raw()), concealment, area, lasting));
    }
}

/// Ends the oldest areas of a caster until one more has room beside those laid in this tick.
fn end_the_oldest(
    lying: &mut Query<(&SimId, &Area, &mut Lasting)>,
    source: SimId,
    def: &AreaDef,
    laid: usize,
    now: u64,
) {
    let mine = |area: &Area| area.source == source && area.def.id == def.id;
    let mut own: Vec<(u64, SimId)> = lying
        .iter()
        .filter(|(_, area, last)| mine(area) && last.end_ms > now)
        .map(|(id, _, last)| (last.end_ms, *id))
        .collect();
    own.sort_unstable();
    let room = usize::from(def.per_caster_max).saturating_sub(laid + 1);
    let surplus = own.len().saturating_sub(room);
    for &(_, ended) in &own[..surplus] {
        if let Some((.., mut last)) = lying.iter_mut().find(|(id, ..)| **id == ended) {
            last.end_ms = now;
        }
    }
}

type Source<'a> = (&'a Position, &'a Heading, SideData, &'a Vitals);
type Lying<'a> = (Entity, &'a SimId, &'a Concealment, &'a Lasting, &'a mut Area, &'a mut Position, &'a mut Heading);

/// Every area looks who is in it.
pub(super) fn look(
    mut commands: Commands,
    (tick, roster, geometry, sides): (Res<SimTick>, Res<Roster>, Res<SceneGeometry>, Res<Sides>),
    mut lying: Query<Lying, Without<Vitals>>,
    sources: Query<Source>,
    units: Units,
    mut effects: MessageWriter<EffectQueued>,
) {
    if lying.is_empty() {
        return;
    }
    let now = now_ms(tick.0);
    let mut order: Vec<(SimId, Entity)> = lying.iter().map(|(entity, id, ..)| (*id, entity)).collect();
    order.sort_unstable();
    for (_, entity) in order {
        let Ok((entity, _, concealment, last, mut area, mut position, mut heading)) = lying.get_mut(entity) else {
            continue;
        };
        let source = roster.entity(area.source).and_then(|entity| sources.get(entity).ok());
        let source = source.map(|(feet, looks, side, vitals)| (*feet, *looks, side.side(), vitals.is_alive()));
        // A tick that falls on the end still happens.
        let over = now > last.end_ms || (area.def.follows && !source.is_some_and(|(.., alive)| alive));
        if over {
            let left = std::mem::take(&mut area.inside);
            for id in left {
                effects.write_batch(area.does(&area.def.on_leave, id));
            }
            commands.entity(entity).despawn();
            continue;
        }
        if let Some((feet, looks, ..)) = source.filter(|_| area.def.follows) {
            position.set_if_neq(feet);
            heading.set_if_neq(looks);
        }
        let by = side_of(area.source, source.map(|(_, _, side, _)| side), &area.worth);
        let spread = area.spread(position.0, *heading, concealment.phase);
        let inside: Vec<SimId> =
            units.in_area(&sides, by, &spread, &geometry.0).into_iter().map(|unit| unit.id).collect();
        for &id in inside.iter().filter(|id| !area.inside.contains(id)) {
            effects.write_batch(area.does(&area.def.on_enter, id));
        }
        for &id in area.inside.iter().filter(|id| !inside.contains(id)) {
            effects.write_batch(area.does(&area.def.on_leave, id));
        }
        while area.next_ms <= now {
            for &id in &inside {
                effects.write_batch(area.does(&area.def.on_tick, id));
            }
            area.next_ms += u64::from(area.def.period_ms);
        }
        area.inside = inside;
    }
}

impl Area {
    fn does(&self, actions: &[Action], target: SimId) -> Vec<EffectQueued> {
        deeds(actions, (self.source, target), &self.worth, self.origin, (self.thousandths, self.depth))
    }

    /// What it covers from a place, lying a certain way.
    fn spread(&self, centre: Vec3, heading: Heading, phase: u16) -> Spread {
        let AreaDef { radius_m, filter, targets_max, shape, .. } = *self.def;
        let shape = match shape {
            AreaShape::Circle => Shape::Circle { radius_m },
            AreaShape::Cone { angle_deg } => Shape::Sector { radius_m, angle_deg },
            AreaShape::Rectangle { length_m, width_m } => Shape::Rectangle { length_m, width_m },
            AreaShape::Line { length_m, width_m } => Shape::Strip { length_m, width_m },
        };
        Spread { centre, heading, reach_m: self.def.reach_m(), shape, filter, targets_max, phase }
    }

    /// What lies there.
    #[must_use]
    pub fn def(&self) -> &AreaDef {
        &self.def
    }

    /// Who is in it, nearest to its middle first.
    #[must_use]
    pub fn inside(&self) -> &[SimId] {
        &self.inside
    }
}

impl Digest for Area {
    fn digest(&self, digester: &mut Digester) {
        digester.bytes(self.def.id.as_bytes());
        digester.u32(self.source.bits());
        digester.u64(self.next_ms);
        digester.u32(u32::from(self.depth));
        self.inside.iter().for_each(|id| digester.u32(id.bits()));
    }
}

impl Digest for Lasting {
    fn digest(&self, digester: &mut Digester) {
        digester.u64(self.end_ms);
    }
}
