//! Walking to a place along a path on the scene's navmesh, corner by corner. The path is found again when its goal
//! moves, when the walker was pushed off it, and when it gets nowhere; without a navmesh the way is straight on.
//!
//! A herd's bots share a thread and take turns, so they share one search's memory too.

use std::cell::RefCell;

use glam::{Vec2, Vec3};
use sim::assets::Bounds;
use sim::locomotion::StepInput;
use sim::random::Draw;
use sim::space::navmesh::{Navmesh, Path, PathStatus, Search};

use crate::senses::Senses;

/// How far the walker may be from the polygon it stands on, in metres.
const OWN_EXTENTS: Vec3 = Vec3::new(2.0, 3.0, 2.0);
/// How far a goal may be from its polygon, in metres; goals have no height.
const GOAL_EXTENTS: Vec3 = Vec3::new(2.0, 200.0, 2.0);
/// Most nodes of a search; enough for a path across any of the scenes.
const NODES_MAX: u32 = 20_000;
/// So near to a corner one turns to the next, in metres.
const CORNER_M: f32 = 0.4;
/// So far from its path the walker was pushed off it, in metres.
const OFF_PATH_M: f32 = 2.0;
/// A goal has moved when it did by this part of the way that is left, or by a metre.
const GOAL_MOVED: f32 = 0.15;
/// Least turns between two searches (0.5 s).
const SEARCH_TURNS: u32 = 10;
/// Turns between two looks at whether the walker gets anywhere (1 s).
const LOOK_TURNS: u32 = 20;
/// Less than this in so many turns is being stuck, in metres.
const STUCK_M: f32 = 1.0;
/// Turns that a stuck walker steps aside for.
const ASIDE_TURNS: u32 = 10;

thread_local! {
    static SCRATCH: RefCell<(Search, Path)> = RefCell::default();
}

/// Steers one walker.
#[derive(Debug, Default)]
pub(crate) struct Walker {
    route: Option<Route>,
    /// When it looked last, and where it was.
    looked: Option<(u32, Vec2)>,
    /// Until when it steps aside, and in which direction.
    aside: Option<(u32, Vec2)>,
}

/// A path that was found.
#[derive(Debug)]
struct Route {
    goal: Vec2,
    found: u32,
    /// Where the path began, its turning points and its end.
    corners: Vec<Vec2>,
    /// The corner that is walked to.
    next: usize,
    /// False when it ends before its goal.
    is_complete: bool,
}

impl Walker {
    /// A step towards a place.
    pub(crate) fn towards(&mut self, senses: &Senses<'_>, to: Vec2, draw: &mut Draw) -> StepInput {
        self.steer(senses.navmesh, senses.position(), to, senses.turn, draw)
    }

    /// Forgets where the walker was: after standing still on purpose, or being set down elsewhere.
    pub(crate) fn rest(&mut self) {
        *self = Self::default();
    }

    /// True at the end of a path that does not reach its goal.
    pub(crate) fn is_stranded(&self) -> bool {
        self.route.as_ref().is_some_and(|route| !route.is_complete && route.next >= route.corners.len())
    }

    fn steer(&mut self, mesh: Option<&Navmesh>, at: Vec3, to: Vec2, turn: u32, draw: &mut Draw) -> StepInput {
        let here = ground(at);
        self.notice_being_stuck(here, to, turn, draw);
        if let Some((until, aside)) = self.aside {
            if turn < until {
                return StepInput { wish: aside, walk: false };
            }
            self.rest();
        }
        let route = match self.route.take_if(|route| route.is_good(here, to, turn)) {
            Some(route) => self.route.insert(route),
            None => self.route.insert(Route::find(mesh, at, to, turn)),
        };
        StepInput { wish: (route.aim(here) - here).normalize_or_zero(), walk: false }
    }

    /// Has a walker that gets nowhere step aside in any direction, as people do who stand in each other's way.
    fn notice_being_stuck(&mut self, here: Vec2, to: Vec2, turn: u32, draw: &mut Draw) {
        match self.looked {
            Some((since, _)) if turn.saturating_sub(since) < LOOK_TURNS => return,
            Some((since, before))
                if turn - since == LOOK_TURNS
                    && before.distance(here) < STUCK_M
                    && here.distance(to) > STUCK_M
                    && !self.is_stranded() =>
            {
                self.aside = Some((turn + ASIDE_TURNS, Vec2::from_angle(draw.unit() * std::f32::consts::TAU)));
            }
            _ => {}
        }
        self.looked = Some((turn, here));
    }
}

impl Route {
    /// The way from a position to a place, or as near to it as one comes.
    fn find(mesh: Option<&Navmesh>, at: Vec3, to: Vec2, turn: u32) -> Self {
        let straight = || Self { goal: to, found: turn, corners: vec![to], next: 0, is_complete: true };
        let Some((mesh, from)) = mesh.and_then(|mesh| Some((mesh, mesh.nearest(at, OWN_EXTENTS)?))) else {
            return straight();
        };
        let goal = Vec3::new(to.x, at.y, to.y);
        let nearest = mesh.nearest(goal, GOAL_EXTENTS);
        let Some(end) = nearest.or_else(|| mesh.nearest_in_component(goal, mesh.component(from.polygon))) else {
            return straight();
        };
        SCRATCH.with_borrow_mut(|(search, path)| {
            let status = mesh.find_path(search, from, end, NODES_MAX, path);
            let corners = path.corners.iter().map(|&corner| ground(corner)).collect();
            let is_complete = status == PathStatus::Complete && nearest.is_some();
            Self { goal: to, found: turn, corners, next: 0, is_complete }
        })
    }

    fn is_good(&self, here: Vec2, to: Vec2, turn: u32) -> bool {
        let moved_m = self.goal.distance(to);
        let is_valid = moved_m <= (here.distance(to) * GOAL_MOVED).max(1.0) && self.off_m(here) <= OFF_PATH_M;
        is_valid || turn.saturating_sub(self.found) < SEARCH_TURNS
    }

    /// How far a place is from the leg that is being walked, in metres; 0 before the first and after the last.
    fn off_m(&self, here: Vec2) -> f32 {
        let (Some(&from), Some(&to)) = (self.corners.get(self.next.wrapping_sub(1)), self.corners.get(self.next))
        else {
            return 0.0;
        };
        let leg = to - from;
        let along = ((here - from).dot(leg) / leg.length_squared().max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
        here.distance(from + leg * along)
    }

    /// The corner to walk to: the goal itself once the last one is passed, or where one is when that is not reached.
    fn aim(&mut self, here: Vec2) -> Vec2 {
        while self.corners.get(self.next).is_some_and(|corner| corner.distance(here) < CORNER_M) {
            self.next += 1;
        }
        let end = if self.is_complete { self.goal } else { here };
        self.corners.get(self.next).copied().unwrap_or(end)
    }
}

/// The place below a position, as (x, z).
pub(crate) fn ground(position: Vec3) -> Vec2 {
    Vec2::new(position.x, position.z)
}

/// The middle of a scene's bounds.
pub(crate) fn middle(bounds: &Bounds) -> Vec2 {
    (Vec2::from(bounds.min) + Vec2::from(bounds.max)) / 2.0
}

/// A random place within bounds and not quite at their edge.
pub(crate) fn random_place(bounds: &Bounds, draw: &mut Draw) -> Vec2 {
    let (min, max) = (Vec2::from(bounds.min), Vec2::from(bounds.max));
    let part = Vec2::new(draw.unit(), draw.unit()) * 0.96 + 0.02;
    min + (max - min) * part
}

#[cfg(test)]
mod tests {
    use sim::ids::SimId;
    use sim::random::{Random, Stream};
    use sim::space::Geometry;
    use sim::space::navmesh::NavSettings;
    use sim::testing::{floor_mesh, test_assets};

    use super::*;

    /// A mesh of 80 m around a wall along x = 5 from z = -20 to z = 20.
    fn walled() -> Navmesh {
        let assets = test_assets(&[]);
        let scene = assets.scenes.by_name("scene/walled").expect("there is one");
        let geometry = Geometry::build(&assets.scenes[scene]).expect("it is good");
        floor_mesh(&geometry, (Vec2::splat(-40.0), Vec2::splat(40.0)), NavSettings::default())
    }

    /// Walks for some turns at 0.3 m each, never through the wall; answers how far the goal is then.
    fn walk(mesh: Option<&Navmesh>, from: Vec2, to: Vec2, turns: u32) -> (Walker, f32) {
        let (mut walker, mut at) = (Walker::default(), from);
        for turn in 0..turns {
            let mut draw = Random::new(1).draw(turn, SimId::new(1, 0), Stream("test"), 0);
            let next = at + walker.steer(mesh, Vec3::new(at.x, 0.0, at.y), to, turn, &mut draw).wish * 0.3;
            let crosses = (at.x < 5.0) != (next.x < 5.0) && next.y.abs() < 20.0;
            at = if crosses { at } else { next };
        }
        (walker, at.distance(to))
    }

    #[test]
    fn a_walker_goes_round_a_wall_by_the_shorter_side() {
        let mesh = walled();
        let (walker, left_m) = walk(Some(&mesh), Vec2::new(0.0, 15.0), Vec2::new(10.0, 15.0), 70);
        assert!(left_m < 1.0, "{left_m} m left of 15 m, at 0.3 m a turn: {walker:?}");
    }

    #[test]
    fn a_walker_without_a_navmesh_goes_straight() {
        let (_, left_m) = walk(None, Vec2::ZERO, Vec2::new(0.0, 15.0), 52);
        assert!(left_m < 1.0, "{left_m} m left");
    }

    #[test]
    fn a_walker_stops_where_its_path_ends_before_the_goal_and_says_so() {
        let mesh = walled();
        let (walker, left_m) = walk(Some(&mesh), Vec2::ZERO, Vec2::new(-60.0, 0.0), 200);
        assert!(walker.is_stranded(), "the mesh ends at 40 m: {walker:?}");
        assert!((19.0..23.0).contains(&left_m), "{left_m} m left");
    }

    #[test]
    fn a_walker_follows_a_goal_that_moves() {
        let mesh = walled();
        let (mut walker, mut at, mut goal) = (Walker::default(), Vec2::ZERO, Vec2::new(-10.0, 0.0));
        for turn in 0..120 {
            let mut draw = Random::new(1).draw(turn, SimId::new(1, 0), Stream("test"), 0);
            at += walker.steer(Some(&mesh), Vec3::new(at.x, 0.0, at.y), goal, turn, &mut draw).wish * 0.3;
            goal.y += 0.1;
        }
        assert!(at.distance(goal) < 1.0, "at {at}, the goal at {goal}");
    }
}
