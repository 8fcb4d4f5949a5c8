//! Who can be aimed at and who is hit. Area skills hit the nearest first, ties by id, at most `targets_max`;
//! walls protect, and so does a floor: what is more than 5 m higher or lower than the centre is not hit.

use bevy_ecs::prelude::*;
use bevy_ecs::query::QueryData;
use bevy_ecs::system::SystemParam;
use glam::{Vec2, Vec3};

use super::rules::{Aim, CasterView, TargetView, faces, sees};
use crate::actor::{Concealment, Position};
use crate::assets::{Filter, SkillDef, SkillTarget};
use crate::features::combat::{SideData, Vitals};
use crate::ids::SimId;
use crate::intent::CastTarget;
use crate::interest::{SceneGrid, Visibility};
use crate::roster::Roster;
use crate::space::Geometry;

/// Greatest difference in height between the centre of an area and whoever it hits, in metres.
const AREA_HEIGHT_M: f32 = 5.0;

/// What counts about anyone who may be a target.
#[derive(QueryData)]
pub struct UnitData {
    position: &'static Position,
    side: SideData,
    concealment: &'static Concealment,
    vitals: &'static Vitals,
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
        let own = Visibility { faction: side.faction.0, phase: concealment.phase, stealth: concealment.stealth };
        let view = TargetView { id, feet: unit.position.0, side, alive: unit.vitals.is_alive() };
        own.is_seen_by(by).then_some(view)
    }

    /// Visits everyone within a radius on the ground, seen or not, that is alive and in the same phase.
    pub fn for_each_near(&self, centre: Vec2, radius_m: f32, phase: u16, mut visit: impl FnMut(TargetView, f32)) {
        self.grid.0.for_each_within(centre, radius_m, |entry, distance_squared| {
            let unit = self.roster.entity(entry.id).and_then(|entity| self.units.get(entity).ok());
            let Some(unit) = unit.filter(|unit| unit.vitals.is_alive() && unit.concealment.phase == phase) else {
                return;
            };
            let view = TargetView { id: entry.id, feet: unit.position.0, side: unit.side.side(), alive: true };
            visit(view, distance_squared);
        });
    }

    /// Whom a skill hits when it takes effect, in the order in which it hits them.
    #[must_use]
    pub fn hit(
        &self,
        id: SimId,
        caster: &CasterView<'_>,
        phase: u16,
        def: &SkillDef,
        aim: Aim,
        geometry: &Geometry,
    ) -> Vec<SimId> {
        let area = |centre, radius_m, filter, targets_max, arc_deg| {
            let area = Area { centre, radius_m, filter, targets_max, arc_deg };
            self.in_area(caster, phase, &area, geometry)
        };
        match (&def.target, aim) {
            (SkillTarget::Caster, _) => vec![id],
            (SkillTarget::Unit { .. }, Aim::Unit(target)) => vec![target.id],
            (&SkillTarget::Ground { radius_m, filter, targets_max, .. }, Aim::Place(centre)) => {
                area(centre, radius_m, filter, targets_max, None)
            }
            (&SkillTarget::Around { radius_m, filter, targets_max }, _) => {
                area(caster.feet, radius_m, filter, targets_max, None)
            }
            (&SkillTarget::Cone { radius_m, angle_deg, filter, targets_max }, _) => {
                area(caster.feet, radius_m, filter, targets_max, Some(angle_deg))
            }
            (SkillTarget::Unit { .. } | SkillTarget::Ground { .. }, _) => Vec::new(),
        }
    }

    fn in_area(&self, caster: &CasterView<'_>, phase: u16, area: &Area, geometry: &Geometry) -> Vec<SimId> {
        let mut near = Vec::new();
        self.for_each_near(Vec2::new(area.centre.x, area.centre.z), area.radius_m, phase, |unit, distance_squared| {
            let inside = (unit.feet.y - area.centre.y).abs() <= AREA_HEIGHT_M
                && caster.sides.suits_in_area(area.filter, caster.side, unit.side)
                && area.arc_deg.is_none_or(|arc_deg| faces(caster, unit.feet, arc_deg));
            if inside {
                near.push((distance_squared, unit));
            }
        });
        near.sort_by(|(a, one), (b, other)| a.total_cmp(b).then(one.id.cmp(&other.id)));
        let open = near.into_iter().filter(|(_, unit)| sees(area.centre, unit.feet, geometry));
        open.take(usize::from(area.targets_max)).map(|(_, unit)| unit.id).collect()
    }
}

struct Area {
    centre: Vec3,
    radius_m: f32,
    filter: Filter,
    targets_max: u16,
    arc_deg: Option<f32>,
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
        (SkillTarget::Caster | SkillTarget::Around { .. } | SkillTarget::Cone { .. }, _) => Some(Aim::Caster),
        (SkillTarget::Unit { .. }, CastTarget::Unit(id)) => seen(id).map(Aim::Unit),
        (SkillTarget::Unit { filter: Filter::Enemy, .. }, _) | (SkillTarget::Unit { .. }, CastTarget::Ground(_)) => {
            None
        }
        (SkillTarget::Unit { .. }, CastTarget::Caster) => seen(caster).map(Aim::Unit),
        (SkillTarget::Ground { .. }, CastTarget::Ground(place)) => Some(Aim::Place(place)),
        (SkillTarget::Ground { .. }, CastTarget::Unit(id)) => seen(id).map(|unit| Aim::Place(unit.feet)),
        (SkillTarget::Ground { .. }, CastTarget::Caster) => seen(caster).map(|unit| Aim::Place(unit.feet)),
    }
}
