//! The rules of scenes that only their navmesh can tell: where players and monsters appear must be walkable, portals
//! and spawn points must be reachable from the first spawn point, doors counting as open, and every leg of a patrol must be
//! walkable with all of them closed. Of an area in which monsters appear enough must be reachable from its middle that a
//! place is found in a few tries. Run for data that is good otherwise, with ground made by whoever loads it.

use std::sync::Arc;

use glam::{Vec2, Vec3};

use super::Checker;
use crate::assets::{SceneDef, SpawnArea, report::Code};
use crate::space::Geometry;
use crate::space::navmesh::{NO_COMPONENT, NavPoint, Navmesh};
use crate::space::polygon;

/// How far from a place walkable ground may begin, in metres, if the place has no larger radius of its own.
const NEAR_M: f32 = 1.0;
/// How far above and below the floor of a place walkable ground is looked for, in metres.
const STOREY_M: f32 = 3.0;
/// How far from a place of an area the mesh may be, in metres.
const IN_AREA_M: f32 = 0.3;
/// Places tried along each axis of an area.
const AREA_TRIES: u16 = 16;
/// Least part of an area that must be reachable, in percent: then 32 tries fail one time in 10,000.
const AREA_PCT_MIN: usize = 25;
/// How far a hint may lead, in metres.
const HINT_M: f32 = 50.0;

/// What units stand and walk on in a scene.
#[derive(Clone)]
pub struct SceneGround {
    /// The scene's colliders.
    pub geometry: Arc<Geometry>,
    /// Its navmesh, with all doors open.
    pub navmesh: Arc<Navmesh>,
}

/// Reports every place of `scene` that its ground does not carry, or why there is no ground.
pub(crate) fn check_navigation(
    scene: &SceneDef,
    ground: Result<Option<SceneGround>, String>,
    check: &mut Checker<'_, '_>,
) {
    let ground = match ground {
        Ok(Some(ground)) => ground,
        Ok(None) => return,
        Err(reason) => {
            let message = format!("no navmesh can be made for {}: {reason}", check.title);
            check.report(Code::NoNavmesh, "geometry", message);
            return;
        }
    };
    let mut places = Places { ground: &ground, closed: closed(&ground.navmesh), check };
    let start = scene.spawn_points.first().and_then(|first| places.find(first.at, first.radius_m));
    let start_name = scene.spawn_points.first().map(|first| format!("`{}`", first.id)).unwrap_or_default();
    let start = start.map(|point| (start_name.as_str(), point));
    for (index, point) in scene.spawn_points.iter().enumerate() {
        let name = format!("spawn point `{}`", point.id);
        let found = places.must_stand(&format!("spawn_points.{index}.at"), &name, point.at, point.radius_m);
        places.must_reach(&format!("spawn_points.{index}.at"), &name, found, start);
    }
    for (index, portal) in scene.portals.iter().enumerate() {
        let name = format!("portal `{}`", portal.id);
        let found = places.must_stand(&format!("portals.{index}.at"), &name, portal.at, portal.radius_m);
        places.must_reach(&format!("portals.{index}.at"), &name, found, start);
    }
    for (index, spawner) in scene.spawners.iter().enumerate() {
        let name = format!("spawner `{}`", spawner.id);
        let path = format!("spawners.{index}");
        let mut leg_from = places.must_stand(&format!("{path}.at"), &name, spawner.at, spawner.radius_m);
        places.must_reach(&format!("{path}.at"), &name, leg_from, start);
        if let (Some(middle), SpawnArea::Polygon(corners)) = (leg_from, &spawner.area) {
            places.must_have_room(&format!("{path}.area"), &name, middle, corners);
        }
        let mut from = format!("its spawner `{}`", spawner.id);
        for (leg, stop) in spawner.patrol.iter().enumerate() {
            let (path, name) =
                (format!("{path}.patrol.{leg}.at"), format!("patrol point {} of `{}`", leg + 1, spawner.id));
            let found = places.must_stand(&path, &name, stop.at, 0.0);
            places.must_walk(&path, &name, found, leg_from.map(|point| (from.as_str(), point)));
            (leg_from, from) = (found, name);
        }
    }
}

fn closed(mesh: &Navmesh) -> Navmesh {
    (0..mesh.door_count()).fold(mesh.clone(), |mesh, door| mesh.with_door(door, false))
}

struct Places<'a, 'c, 'f, 's> {
    ground: &'a SceneGround,
    /// The navmesh with all doors closed.
    closed: Navmesh,
    check: &'c mut Checker<'f, 's>,
}

impl Places<'_, '_, '_, '_> {
    fn must_stand(&mut self, path: &str, name: &str, at: (f32, f32), radius_m: f32) -> Option<NavPoint> {
        let found = self.find(at, radius_m);
        if found.is_none() {
            let within_m = radius_m.max(NEAR_M);
            let message =
                format!("{name} is not on walkable ground: there is none within {within_m} m of ({}, {})", at.0, at.1);
            let hint = self.find(at, HINT_M).map(|near| near.position);
            if let Some(note) = self.check.report(Code::OffNavmesh, path, message) {
                let help = hint.map(|near| format!("the nearest is at ({:.1}, {:.1})", near.x, near.z));
                note.label("not walkable").help(help);
            }
        }
        found
    }

    fn must_reach(&mut self, path: &str, name: &str, found: Option<NavPoint>, from: Option<(&str, NavPoint)>) {
        let (Some(found), Some((from_name, from))) = (found, from) else { return };
        let mesh = &self.ground.navmesh;
        if mesh.component(found.polygon) != mesh.component(from.polygon) {
            let message = format!("{name} cannot be reached on foot from {from_name}");
            if let Some(note) = self.check.report(Code::CutOff, path, message) {
                note.label("cut off");
            }
        }
    }

    /// Nobody opens a door on patrol.
    fn must_walk(&mut self, path: &str, name: &str, found: Option<NavPoint>, from: Option<(&str, NavPoint)>) {
        let (Some(found), Some((from_name, from))) = (found, from) else { return };
        let [to_label, from_label] = [found, from].map(|point| self.closed.component(point.polygon));
        if to_label == from_label && to_label != NO_COMPONENT {
            return;
        }
        let mesh = &self.ground.navmesh;
        if mesh.component(found.polygon) != mesh.component(from.polygon) {
            return self.must_reach(path, name, Some(found), Some((from_name, from)));
        }
        let message = format!("{name} cannot be reached on foot from {from_name} without going through a door");
        if let Some(note) = self.check.report(Code::CutOff, path, message) {
            note.label("behind a door").help("whoever patrols opens none".to_owned());
        }
    }

    /// Enough of an area must be walkable and connected to its middle.
    fn must_have_room(&mut self, path: &str, name: &str, middle: NavPoint, corners: &[(f32, f32)]) {
        let corners: Vec<Vec2> = corners.iter().copied().map(Vec2::from).collect();
        let mesh = &self.ground.navmesh;
        let is_room = |at: &Vec2| {
            let found = self.find_within((at.x, at.y), IN_AREA_M);
            found.is_some_and(|found| mesh.component(found.polygon) == mesh.component(middle.polygon))
        };
        let tried: Vec<Vec2> = lattice(&corners).filter(|&at| polygon::contains(&corners, at)).collect();
        let room = tried.iter().filter(|at| is_room(at)).count();
        if !tried.is_empty() && room * 100 < tried.len() * AREA_PCT_MIN {
            let pct = room * 100 / tried.len();
            let message = format!("{name} can reach {pct} % of its area from its middle, but needs {AREA_PCT_MIN} %");
            if let Some(note) = self.check.report(Code::OffNavmesh, path, message) {
                note.label("hardly walkable");
            }
        }
    }

    /// The walkable place nearest to the ground at `at`.
    fn find(&self, at: (f32, f32), radius_m: f32) -> Option<NavPoint> {
        self.find_within(at, radius_m.max(NEAR_M))
    }

    fn find_within(&self, (x, z): (f32, f32), within_m: f32) -> Option<NavPoint> {
        let height_m = self.ground.geometry.floor(x, z).map_or(0.0, |ground| ground.height_m);
        self.ground.navmesh.nearest(Vec3::new(x, height_m, z), Vec3::new(within_m, STOREY_M, within_m))
    }
}

/// Places at even distances in the box around some corners.
fn lattice(corners: &[Vec2]) -> impl Iterator<Item = Vec2> {
    let least = corners.iter().copied().fold(Vec2::INFINITY, Vec2::min);
    let most = corners.iter().copied().fold(Vec2::NEG_INFINITY, Vec2::max);
    let part = |index: u16| (f32::from(index) + 0.5) / f32::from(AREA_TRIES);
    let at = move |(column, row)| least + (most - least) * Vec2::new(part(column), part(row));
    (0..AREA_TRIES).flat_map(|row| (0..AREA_TRIES).map(move |column| (column, row))).map(at)
}
