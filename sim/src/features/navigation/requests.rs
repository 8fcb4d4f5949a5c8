//! When a walker asks for a path: for a new goal, for one that has moved too far from the end of its path, and when
//! the mesh is another. Think stage. Pure: a walker's own state and its goal decide.

use glam::Vec3;

use super::walk::{Goal, Walk, WalkStatus, Way};
use crate::space::navmesh::NavPoint;

/// A goal that moved no farther than this from where a walk ended is still the same goal, in metres.
const SAME_GOAL_M: f32 = 0.5;
/// A goal that moves farther than this at once is another goal, in metres.
const OTHER_GOAL_M: f32 = 5.0;
/// A path is made anew when the goal is farther from its end than this part of the way that remains, and than
/// [`DRIFT_M`].
const DRIFT_PART: f32 = 0.2;
/// As above, in metres.
const DRIFT_M: f32 = 1.0;

/// Whether there is a mesh, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ground {
    /// Counts the meshes the scene has had; `None` without one.
    pub(super) generation: Option<u32>,
    pub(super) tick: u32,
}

impl Walk {
    /// Takes in what the walker wants now. `locate` finds a place on the mesh.
    pub(super) fn heed(&mut self, goal: Option<Goal>, ground: Ground, locate: impl FnMut(Vec3) -> Option<NavPoint>) {
        let Some(goal) = goal else {
            if self.goal.is_some() {
                self.rest();
            }
            return;
        };
        match ground.generation {
            Some(generation) => self.heed_on_mesh(goal, generation, ground.tick, locate),
            None => self.heed_blindly(goal, ground.tick),
        }
    }

    /// Without a mesh the goal is where it is and the way there is straight.
    fn heed_blindly(&mut self, goal: Goal, tick: u32) {
        let moved_m = self.goal.map_or(f32::INFINITY, |before| before.place.distance(goal.place));
        let ended = !self.is_under_way();
        if ended && moved_m <= SAME_GOAL_M {
            return;
        }
        if moved_m > 0.0 || ended {
            self.progress.begin(tick);
        }
        self.goal = Some(goal);
        self.go_blindly(goal.place, WalkStatus::Walking);
    }

    fn heed_on_mesh(
        &mut self,
        goal: Goal,
        generation: u32,
        tick: u32,
        mut locate: impl FnMut(Vec3) -> Option<NavPoint>,
    ) {
        if self.generation != generation {
            self.generation = generation;
            self.renew(goal, tick, &mut locate);
        }
        let Some(before) = self.goal else { return self.begin(goal, tick, &mut locate) };
        let moved_m = before.place.distance(goal.place);
        if moved_m == 0.0 {
            self.goal = Some(goal);
        } else if self.is_under_way() {
            self.goal = Some(goal);
            self.heed_moved_goal(goal, moved_m, tick, locate);
        } else if moved_m > SAME_GOAL_M {
            self.begin(goal, tick, &mut locate);
        }
        let may_have_changed = matches!(self.status, WalkStatus::Unreachable | WalkStatus::OffMesh);
        if may_have_changed && tick >= self.retry_tick {
            self.ask(tick);
        }
    }

    /// The goal is a new one.
    fn begin(&mut self, goal: Goal, tick: u32, locate: &mut impl FnMut(Vec3) -> Option<NavPoint>) {
        let moved_m = self.goal.map_or(f32::INFINITY, |before| before.place.distance(goal.place));
        if self.failures == 0 || moved_m > OTHER_GOAL_M {
            (self.failures, self.retry_tick) = (0, 0);
        }
        self.halt(WalkStatus::Waiting);
        self.goal = Some(goal);
        self.target = locate(goal.place);
        self.progress.begin(tick);
        self.ask(tick);
    }

    /// The mesh is another one: polygons mean nothing any more, places do until the new path is there.
    fn renew(&mut self, goal: Goal, tick: u32, locate: &mut impl FnMut(Vec3) -> Option<NavPoint>) {
        (self.at, self.failures, self.retry_tick) = (None, 0, 0);
        self.corridor.clear();
        if self.way != Way::None {
            self.way = Way::Blind;
        }
        self.target = locate(goal.place);
        match self.status {
            WalkStatus::Standing | WalkStatus::Arrived => {}
            WalkStatus::Unreachable | WalkStatus::Stuck { .. } => self.begin(goal, tick, locate),
            WalkStatus::Waiting | WalkStatus::Walking | WalkStatus::OffMesh => {
                self.asked_tick = None;
                self.ask(tick);
            }
        }
    }

    /// The goal moves while the walker is on its way: as long as the path still leads about there, only its end moves.
    fn heed_moved_goal(
        &mut self,
        goal: Goal,
        moved_m: f32,
        tick: u32,
        mut locate: impl FnMut(Vec3) -> Option<NavPoint>,
    ) {
        if moved_m > OTHER_GOAL_M || self.status == WalkStatus::OffMesh {
            return self.begin(goal, tick, &mut locate);
        }
        self.progress.begin(tick);
        let before = self.target;
        self.target = locate(goal.place);
        let Some(target) = self.target else {
            return self.ask(tick);
        };
        let stays = before.is_some_and(|before| before.polygon == target.polygon);
        match (self.corners.first_mut(), self.way) {
            (Some(end), Way::Direct) => *end = target.position,
            (Some(end), Way::Corridor) if stays => *end = target.position,
            (Some(&mut end), _) => {
                let drift_m = end.distance(target.position);
                let next = self.corners.last().copied().unwrap_or(end);
                if drift_m > DRIFT_M.max(next.distance(target.position) * DRIFT_PART) {
                    self.ask(tick);
                }
            }
            (None, _) => self.ask(tick),
        }
    }

    /// Goes straight to a place.
    pub(super) fn go_blindly(&mut self, place: Vec3, status: WalkStatus) {
        self.status = status;
        self.way = Way::Blind;
        self.corridor.clear();
        self.corners.clear();
        self.corners.push(place);
    }
}
