//! The path service of a scene: whoever has asked for a path gets one, those who have waited longest first, equals
//! by id, until the nodes of the tick are used up; the others keep on their old path. Think stage.
//!
//! The cheap answers come first: no way (by component label, without a search), and straight ahead. Many with one
//! goal share a field. A search that failed is repeated after a pause that doubles.

use std::collections::BTreeMap;
use std::sync::Arc;

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use super::fields::{Answer, Fields};
use super::requests::Ground;
use super::walk::{Walk, WalkStatus, WalkTo, Way};
use super::{NAVIGATION, SNAP_M, STOREY_M};
use crate::actor::{Asleep, Position};
use crate::counters::Counters;
use crate::digest::{Digest, Digester};
use crate::features::combat::Vitals;
use crate::ids::SimId;
use crate::scene::SceneNavmesh;
use crate::space::navmesh::{NavPoint, Navmesh, Path, PathStatus, PolygonId, Search};
use crate::tick::SimTick;

/// Nodes that all searches and fields of a scene may expand in one tick; who is left over waits for the next.
pub const NODES_PER_TICK_MAX: u32 = 20_000;
/// Nodes that one search may expand; it begins only while so many are left, so that none fails for having come late.
pub const NODES_PER_SEARCH_MAX: u32 = 8_192;
/// Requests that are looked at in one tick; the others wait.
pub const PATHS_PER_TICK_MAX: usize = 512;
/// So many who ask for one goal share a field.
const FLOCK_MIN: usize = 8;
/// Straight ways are looked for up to this length, in metres.
const DIRECT_MAX_M: f32 = 60.0;
/// Ticks between two paths of one walker (0.5 s).
const REPLAN_TICKS: u32 = 10;
/// Ticks after the first failure until the next search (1 s); each further failure doubles them.
const RETRY_TICKS: u32 = 20;
/// Doublings of [`RETRY_TICKS`] at most: 16 s.
const RETRY_DOUBLINGS_MAX: u32 = 4;
/// A path that ends before its goal is worth walking when it leads so much nearer, in metres.
const NEARER_M: f32 = 1.0;

/// What the path service did in one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PathStats {
    /// Walkers that were answered.
    pub answered: u32,
    /// Walkers that wait for a later tick.
    pub waiting: u32,
    /// Searches that were run.
    pub searches: u32,
    /// Nodes that searches and fields expanded, at most [`NODES_PER_TICK_MAX`].
    pub nodes: u32,
    /// Paths that end before their goal.
    pub partial: u32,
}

/// Gives out paths. Written in the Think stage.
#[derive(Resource, Default)]
pub struct PathService {
    mesh: Option<Arc<Navmesh>>,
    generation: u32,
    fields: Fields,
    stats: PathStats,
    nodes_left: u32,
    pub(super) search: Search,
    path: Path,
    corners: Vec<Vec3>,
    queue: Vec<Request>,
    goals: BTreeMap<[u32; 3], Option<NavPoint>>,
    crowds: Vec<PolygonId>,
}

/// Ordered as requests are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Request {
    since_tick: u32,
    id: SimId,
    entity: Entity,
}

type Walker<'a> = (Entity, &'a SimId, &'a WalkTo, &'a mut Walk, &'a Position, Option<&'a Vitals>);

pub(super) fn plan(
    tick: Res<SimTick>,
    mesh: Res<SceneNavmesh>,
    mut service: ResMut<PathService>,
    mut walkers: Query<Walker, Without<Asleep>>,
    mut counters: ResMut<Counters>,
) {
    let service = &mut *service;
    service.begin_tick(mesh.0.as_ref(), tick.0);
    let generation = mesh.0.as_ref().map(|_| service.generation);
    let ground = Ground { generation, tick: tick.0 };
    for (entity, &id, to, mut walk, _, vitals) in &mut walkers {
        let goal = to.0.filter(|_| !vitals.is_some_and(Vitals::is_dead));
        if goal.is_none() && walk.goal.is_none() {
            continue;
        }
        walk.heed(goal, ground, |place| service.locate(place));
        if let Some(since_tick) = walk.asked_tick.filter(|&since| since <= tick.0) {
            service.queue.push(Request { since_tick, id, entity });
        }
    }
    let Some(mesh) = service.mesh.clone() else { return };
    service.queue.sort_unstable();
    service.count_crowds(|entity| walkers.get(entity).ok().and_then(|(_, _, _, walk, ..)| walk.target));
    let queue = std::mem::take(&mut service.queue);
    for request in queue.iter().take(PATHS_PER_TICK_MAX) {
        let Ok((_, _, _, mut walk, position, _)) = walkers.get_mut(request.entity) else { continue };
        if service.serve(&mesh, &mut walk, position.0, tick.0) {
            walk.asked_tick = None;
            service.stats.answered += 1;
            count(&walk, &mut counters);
        }
    }
    service.queue = queue;
    service.end_tick(&mut counters);
}

fn count(walk: &Walk, counters: &mut Counters) {
    match walk.status {
        WalkStatus::Unreachable => counters.add(NAVIGATION, "unreachable"),
        WalkStatus::OffMesh => counters.add(NAVIGATION, "off_mesh"),
        _ => counters.add(NAVIGATION, "path"),
    }
}

impl PathService {
    /// What it did in the last tick.
    #[must_use]
    pub fn stats(&self) -> PathStats {
        self.stats
    }

    /// Fields that are kept.
    #[must_use]
    pub fn field_count(&self) -> usize {
        self.fields.len()
    }

    fn begin_tick(&mut self, mesh: Option<&Arc<Navmesh>>, tick: u32) {
        let same = match (&self.mesh, mesh) {
            (Some(held), Some(now)) => Arc::ptr_eq(held, now),
            (held, now) => held.is_none() && now.is_none(),
        };
        if !same {
            // Held on to, so that no later mesh can lie at the same address.
            self.mesh = mesh.cloned();
            self.generation += 1;
            self.fields.clear();
        }
        self.fields.forget_idle(tick);
        self.stats = PathStats::default();
        self.nodes_left = NODES_PER_TICK_MAX;
        self.queue.clear();
        self.goals.clear();
    }

    fn end_tick(&mut self, counters: &mut Counters) {
        self.stats.nodes = NODES_PER_TICK_MAX - self.nodes_left;
        let asked = u32::try_from(self.queue.len()).unwrap_or(u32::MAX);
        self.stats.waiting = asked - self.stats.answered;
        if self.stats.waiting > 0 {
            counters.add(NAVIGATION, "tick_with_waiting_walkers");
        }
        (0..self.stats.partial).for_each(|_| counters.add(NAVIGATION, "partial"));
    }

    /// A goal on the mesh. Many chase the same few, so each place is looked up once a tick.
    fn locate(&mut self, place: Vec3) -> Option<NavPoint> {
        let mesh = self.mesh.as_ref()?;
        let key = place.to_array().map(f32::to_bits);
        *self.goals.entry(key).or_insert_with(|| mesh.nearest(place, SNAP_M))
    }

    /// Notes the goal polygons of all who ask, sorted.
    fn count_crowds(&mut self, target_of: impl Fn(Entity) -> Option<NavPoint>) {
        self.crowds.clear();
        let targets = self.queue.iter().filter_map(|request| target_of(request.entity));
        self.crowds.extend(targets.map(|target| target.polygon));
        self.crowds.sort_unstable();
    }

    fn crowd_at(&self, goal: PolygonId) -> usize {
        let first = self.crowds.partition_point(|&polygon| polygon < goal);
        self.crowds[first..].iter().take_while(|&&polygon| polygon == goal).count()
    }

    /// Answers one walker; false when it has to wait for the next tick's nodes.
    fn serve(&mut self, mesh: &Navmesh, walk: &mut Walk, feet: Vec3, tick: u32) -> bool {
        walk.retry_tick = tick + RETRY_TICKS;
        walk.at = mesh.nearest(feet, SNAP_M);
        let (Some(from), Some(target)) = (walk.at, walk.target) else {
            let place = walk.goal.map_or(feet, |goal| goal.place);
            walk.go_blindly(place, WalkStatus::OffMesh);
            return true;
        };
        if mesh.component(from.polygon) != mesh.component(target.polygon) {
            walk.halt(WalkStatus::Unreachable);
            return true;
        }
        if sees(mesh, from, target) {
            walk.go_directly(target);
        } else if self.fields.has(target.polygon) || self.crowd_at(target.polygon) >= FLOCK_MIN {
            let ends = (from.polygon, target);
            match self.fields.corridor(mesh, ends, tick, &mut self.nodes_left, &mut self.path.corridor) {
                Answer::NotYet => return false,
                Answer::Never => walk.halt(WalkStatus::Unreachable),
                Answer::Ready => {
                    mesh.straighten(&self.path.corridor, from.position, target.position, &mut self.corners);
                    walk.go_along(&self.path.corridor, &self.corners);
                }
            }
        } else if self.nodes_left >= NODES_PER_SEARCH_MAX {
            self.search_for(mesh, walk, (from, target), NODES_PER_SEARCH_MAX, tick);
            return true;
        } else {
            return false;
        }
        walk.failures = 0;
        walk.retry_tick = tick + REPLAN_TICKS;
        true
    }

    fn search_for(
        &mut self,
        mesh: &Navmesh,
        walk: &mut Walk,
        (from, target): (NavPoint, NavPoint),
        nodes_max: u32,
        tick: u32,
    ) {
        let status = mesh.find_path(&mut self.search, from, target, nodes_max, &mut self.path);
        self.nodes_left = self.nodes_left.saturating_sub(self.path.nodes);
        self.stats.searches += 1;
        match status {
            PathStatus::Complete => {
                walk.failures = 0;
                walk.retry_tick = tick + REPLAN_TICKS;
                walk.go_along(&self.path.corridor, &self.path.corners);
            }
            PathStatus::Unreachable => walk.halt(WalkStatus::Unreachable),
            PathStatus::OutOfNodes => {
                self.stats.partial += 1;
                walk.retry_tick = tick + (RETRY_TICKS << walk.failures.min(RETRY_DOUBLINGS_MAX));
                walk.failures += 1;
                let end = self.path.corners.last().copied().unwrap_or(from.position);
                if end.distance(target.position) + NEARER_M < from.position.distance(target.position) {
                    walk.go_along(&self.path.corridor, &self.path.corners);
                } else {
                    walk.halt(WalkStatus::Waiting);
                }
            }
        }
    }
}

/// True when the surface lets one walk straight from one place to another.
pub(super) fn sees(mesh: &Navmesh, from: NavPoint, target: NavPoint) -> bool {
    let to = Vec2::new(target.position.x, target.position.z);
    if to.distance(Vec2::new(from.position.x, from.position.z)) > DIRECT_MAX_M {
        return false;
    }
    let hit = mesh.raycast(from, to);
    hit.fraction >= 1.0 && (hit.end.position.y - target.position.y).abs() < STOREY_M
}

impl Walk {
    pub(super) fn go_directly(&mut self, target: NavPoint) {
        self.status = WalkStatus::Walking;
        self.way = Way::Direct;
        self.corridor.clear();
        self.corners.clear();
        self.corners.push(target.position);
    }

    /// Takes a corridor and its corners from the first, which is where the walker is.
    pub(super) fn go_along(&mut self, corridor: &[PolygonId], corners: &[Vec3]) {
        self.status = WalkStatus::Walking;
        self.way = Way::Corridor;
        self.corridor.clear();
        self.corridor.extend_from_slice(corridor);
        self.corners.clear();
        self.corners.extend(corners.iter().skip(1).rev());
    }
}

impl Digest for PathService {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.generation);
        self.fields.digest(digester);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::navigation::Goal;
    use crate::space::navmesh::archive::TilePolygon;
    use crate::space::navmesh::{NavArchive, NavSettings, TileMesh};

    /// Three squares of 10 m round a corner.
    fn corner_mesh() -> Navmesh {
        let mut tile = TileMesh::default();
        for (x, z) in [(0.0_f32, 0.0_f32), (10.0, 0.0), (10.0, 10.0)] {
            let first_index = u32::try_from(tile.indices.len()).expect("few");
            tile.indices.extend(first_index..first_index + 4);
            tile.polygons.push(TilePolygon { first_index, corner_count: 4, area: 0 });
            let corners = [[x, 0.0, z], [x, 0.0, z + 10.0], [x + 10.0, 0.0, z + 10.0], [x + 10.0, 0.0, z]];
            tile.vertices.extend(corners);
        }
        let archive = NavArchive { settings: NavSettings::default(), door_count: 0, tiles: vec![tile] };
        Navmesh::assemble(&archive).expect("it is a mesh")
    }

    fn round_the_corner(mesh: &Navmesh) -> (NavPoint, NavPoint) {
        let at = |x, z| mesh.nearest(Vec3::new(x, 0.0, z), SNAP_M).expect("on the mesh");
        (at(1.0, 9.0), at(11.0, 19.0))
    }

    #[test]
    fn a_search_that_failed_is_repeated_after_a_pause_that_doubles_up_to_16_s() {
        let (mesh, mut service, mut walk) = (corner_mesh(), PathService::default(), Walk::default());
        let (from, target) = round_the_corner(&mesh);
        walk.goal = Some(Goal::run(target.position, 0.5));
        let mut pauses = Vec::new();
        let mut tick = 100;
        for _ in 0..6 {
            service.search_for(&mesh, &mut walk, (from, target), 0, tick);
            walk.asked_tick = None;
            walk.ask(tick + 1);
            let next = walk.asked_tick.expect("it asks");
            pauses.push(next - tick);
            tick = next;
        }
        assert_eq!(pauses, [20, 40, 80, 160, 320, 320]);
        service.search_for(&mesh, &mut walk, (from, target), 1_000, tick);
        assert_eq!((walk.status, walk.failures), (WalkStatus::Walking, 0), "the first that succeeds ends it");
    }

    #[test]
    fn whoever_waits_longest_is_served_first_and_equals_go_by_id() {
        let request = |since_tick, index| Request { since_tick, id: SimId::new(index, 0), entity: Entity::PLACEHOLDER };
        let mut queue = vec![request(7, 1), request(5, 9), request(7, 0), request(5, 2)];
        queue.sort_unstable();
        assert_eq!(queue, [request(5, 2), request(5, 9), request(7, 0), request(7, 1)]);
    }

    #[test]
    fn eight_who_ask_for_one_goal_share_a_field_and_seven_search() {
        let mesh = Arc::new(corner_mesh());
        let (from, target) = round_the_corner(&mesh);
        for (count, fields, searches) in [(7, 0, 7), (8, 1, 0)] {
            let mut service = PathService::default();
            service.begin_tick(Some(&mesh), 1);
            service.crowds = vec![target.polygon; count];
            for _ in 0..count {
                let mut walk = Walk { target: Some(target), ..Walk::default() };
                assert!(service.serve(&mesh, &mut walk, from.position, 1));
                assert_eq!(walk.status, WalkStatus::Walking);
                let end = walk.corners.first().expect("a path ends").distance(target.position);
                assert!(end < 0.01 && walk.corners.len() == 2, "round the corner: {:?}", walk.corners);
            }
            assert_eq!((service.field_count(), service.stats.searches), (fields, searches));
        }
    }
}
