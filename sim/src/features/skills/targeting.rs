//! Who can be aimed at and who is hit. Area skills hit the nearest first, ties by id, at most `targets_max`; a line hits in
//! the order of the way, a chain goes on to the nearest that it has not been at. Walls protect, and so does a floor: what
//! is more than 5 m higher or lower than the centre is not hit.

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;
use bevy_ecs::system::SystemParam;
use glam::{Vec2, Vec3};

use super::rules::{Aim, CasterView, TargetView, sees};
use super::shapes::Shape;
use crate::actor::{Concealment, Heading, Position};
use crate::assets::{Filter, SkillDef, SkillTarget, TagId};
use crate::features::buffs::Tags;
use crate::features::combat::{Level, Side, SideData, Sides, Vitals};
use crate::ids::SimId;
use crate::intent::CastTarget;
use crate::interest::{SceneGrid, Visibility};
use crate::roster::Roster;
use crate::space::Geometry;

/// Greatest difference in height between the centre of an area and whoever it hits, in metres.
const AREA_HEIGHT_M: f32 = 5.0;

/// Farthest that anyone moves since the grid has seen it, in metres: a tick at the highest speed.
const MOVED_M: f32 = 1.5;

/// What counts about anyone who may be a target.
#[derive(QueryData)]
pub struct UnitData {
    position: &'static Position,
    side: SideData,
    concealment: &'static Concealment,
    vitals: &'static Vitals,
    tags: &'static Tags,
    level: &'static Level,
}

/// Everyone who may be a target.
#[derive(SystemParam)]
pub struct Units<'w, 's> {
    roster: Res<'w, Roster>,
    grid: Res<'w, SceneGrid>,
    units: Query<'w, 's, UnitData>,
}

/// What an onlooker is, as far as seeing goes.
pub type Visible = Visibility;

impl Units<'_, '_> {
    /// Someone, if an onlooker can see it: present, in the same phase, and not hidden.
    #[must_use]
    pub fn seen(&self, id: SimId, by: Visible) -> Option<TargetView> {
        let unit = self.units.get(self.roster.entity(id)?).ok()?;
        let (side, concealment) = (unit.side.side(), *unit.concealment);
        let own = Visibility::of(side.faction, concealment);
        let (feet, alive, tags, level) = (unit.position.0, unit.vitals.is_alive(), *unit.tags, unit.level.0);
        let view = TargetView { id, feet, side, level, alive, tags };
        own.is_seen_by(by).then_some(view)
    }

    /// Visits everyone within a radius on the ground, seen or not, that is alive and in the same phase.
    pub fn for_each_near(&self, centre: Vec2, radius_m: f32, phase: u16, mut visit: impl FnMut(TargetView, f32)) {
        self.grid.0.for_each_within(centre, radius_m, |entry, distance_squared| {
            let unit = self.roster.entity(entry.id).and_then(|entity| self.units.get(entity).ok());
            let Some(unit) = unit.filter(|unit| unit.vitals.is_alive() && unit.concealment.phase == phase) else {
                return;
            };
            let (feet, side, tags, level) = (unit.position.0, unit.side.side(), *unit.tags, unit.level.0);
            let view = TargetView { id: entry.id, feet, side, level, alive: true, tags };
            visit(view, distance_squared);
        });
    }

    /// Whom a skill hits when it takes effect, in the order in which it hits them, each with what the amounts are worth
    /// for it in thousandths.
    #[must_use]
    pub fn hit(
        &self,
        id: SimId,
        caster: &CasterView<'_>,
        phase: u16,
        def: &SkillDef,
        aim: Aim,
        geometry: &Geometry,
    ) -> Vec<(SimId, u32)> {
        let area = |centre, reach_m, shape| {
            let (filter, targets_max) = (def.target.filter(), def.target.targets_max());
            let area = Spread { centre, heading: caster.heading, reach_m, shape, filter, targets_max, phase };
            let hit = self.in_area(caster.sides, caster.side, &area, geometry);
            hit.into_iter().map(|unit| (unit.id, WHOLE)).collect()
        };
        match (&def.target, aim) {
            (SkillTarget::Caster, _) => vec![(id, WHOLE)],
            (SkillTarget::Unit { .. }, Aim::Unit(target)) => vec![(target.id, WHOLE)],
            (&SkillTarget::Ground { radius_m, .. }, Aim::Place(centre)) => {
                area(centre, radius_m, Shape::Circle { radius_m })
            }
            (&SkillTarget::Around { radius_m, .. }, _) => area(caster.feet, radius_m, Shape::Circle { radius_m }),
            (&SkillTarget::Cone { radius_m, angle_deg, .. }, _) => {
                area(caster.feet, radius_m, Shape::Sector { radius_m, angle_deg })
            }
            (&SkillTarget::Line { length_m, width_m, .. }, _) => {
                area(caster.feet, length_m.hypot(width_m * 0.5), Shape::Strip { length_m, width_m })
            }
            (&SkillTarget::Chain { filter, jumps, jump_m, falloff_pct, .. }, Aim::Unit(first)) => {
                let chain = Chain { filter, jumps, jump_m, falloff_pct };
                self.along_chain(caster, phase, first, &chain, geometry)
            }
            (SkillTarget::Unit { .. } | SkillTarget::Ground { .. } | SkillTarget::Chain { .. }, _) => Vec::new(),
        }
    }

    /// Everyone in a shape on the ground whom a side's filter lets through, in the shape's order, ties by id.
    #[must_use]
    pub fn in_area(&self, sides: &Sides, by: Side, area: &Spread, geometry: &Geometry) -> Vec<TargetView> {
        let mut near = Vec::new();
        let Spread { centre, heading, reach_m, shape, filter, targets_max, phase } = *area;
        self.for_each_near(Vec2::new(centre.x, centre.z), reach_m + MOVED_M, phase, |unit, _| {
            let reachable = (unit.feet.y - centre.y).abs() <= AREA_HEIGHT_M
                && sides.suits_in_area(filter, by, unit.side)
                && is_open(&unit, by.id);
            if let Some(order) = shape.order(centre, heading, unit.feet).filter(|_| reachable) {
                near.push((order, unit));
            }
        });
        near.sort_by(|(a, one), (b, other)| a.total_cmp(b).then(one.id.cmp(&other.id)));
        let open = near.into_iter().filter(|(_, unit)| sees(centre, unit.feet, geometry));
        open.take(usize::from(targets_max)).map(|(_, unit)| unit).collect()
    }

    fn along_chain(
        &self,
        caster: &CasterView<'_>,
        phase: u16,
        first: TargetView,
        chain: &Chain,
        geometry: &Geometry,
    ) -> Vec<(SimId, u32)> {
        let (mut links, mut last, mut worth) = (vec![(first.id, WHOLE)], first, WHOLE);
        for _ in 0..chain.jumps {
            let mut next: Option<(f32, TargetView)> = None;
            self.for_each_near(Vec2::new(last.feet.x, last.feet.z), chain.jump_m, phase, |unit, distance_squared| {
                let fresh = links.iter().all(|(id, _)| *id != unit.id)
                    && is_open(&unit, caster.side.id)
                    && caster.sides.suits_in_area(chain.filter, caster.side, unit.side)
                    && (unit.feet.y - last.feet.y).abs() <= AREA_HEIGHT_M
                    && sees(last.feet, unit.feet, geometry);
                let nearer = next.is_none_or(|(least, found)| {
                    distance_squared.total_cmp(&least).then(unit.id.cmp(&found.id)).is_lt()
                });
                if fresh && nearer {
                    next = Some((distance_squared, unit));
                }
            });
            let Some((_, unit)) = next else { break };
            worth = worth * (100 - chain.falloff_pct.min(100)) / 100;
            links.push((unit.id, worth));
            last = unit;
        }
        links
    }
}

/// Whether somebody's deeds reach a unit at all, however they come: what cannot be aimed at is out of others' reach.
fn is_open(unit: &TargetView, by: SimId) -> bool {
    !unit.tags.has(TagId::UNTARGETABLE) || unit.id == by
}

/// All of an action's amounts, in thousandths.
const WHOLE: u32 = 1_000;

/// A shape on the ground and whom it is for.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// Its place in metres: the middle, or where it begins.
    pub centre: Vec3,
    /// Which way it lies.
    pub heading: Heading,
    /// How far from its place it goes at most, in metres.
    pub reach_m: f32,
    /// Its outline.
    pub shape: Shape,
    /// Whom it is for.
    pub filter: Filter,
    /// Most units.
    pub targets_max: u16,
    /// The phase it is in.
    pub phase: u16,
}

struct Chain {
    filter: Filter,
    jumps: u16,
    jump_m: f32,
    falloff_pct: u32,
}

/// What a named target means for a skill: a helpful skill without one is for the caster, a place may be
/// someone's. `seen` finds someone the caster can see. `None` when it needs a target and there is none.
#[must_use]
pub fn aim_of(
    def: &SkillDef,
    target: CastTarget,
    caster: SimId,
    seen: impl Fn(SimId) -> Option<TargetView>,
) -> Option<Aim> {
    match (&def.target, target) {
        (SkillTarget::Caster | SkillTarget::Around { .. } | SkillTarget::Cone { .. } | SkillTarget::Line { .. }, _) => {
            Some(Aim::Caster)
        }
        (shape, CastTarget::Unit(id)) if shape.names_unit() => seen(id).map(Aim::Unit),
        (shape, CastTarget::Caster) if shape.names_unit() && shape.filter() != Filter::Enemy => {
            seen(caster).map(Aim::Unit)
        }
        (SkillTarget::Unit { .. } | SkillTarget::Chain { .. }, _) => None,
        (SkillTarget::Ground { .. }, CastTarget::Ground(place)) => Some(Aim::Place(place)),
        (SkillTarget::Ground { .. }, CastTarget::Unit(id)) => seen(id).map(|unit| Aim::Place(unit.feet)),
        (SkillTarget::Ground { .. }, CastTarget::Caster) => seen(caster).map(|unit| Aim::Place(unit.feet)),
    }
}
