//! What a walker wants and how it is getting on. [`WalkTo`] is written by whoever decides, [`Walk`] by navigation.

use bevy_ecs::prelude::*;
use glam::{Vec2, Vec3};

use super::straight::Steering;
use crate::digest::{Digest, Digester};
use crate::space::navmesh::{NavPoint, PolygonId};

/// Less than this is no progress, in metres.
const PROGRESS_M: f32 = 0.25;
/// Whoever was touched within so many ticks is in a crowd (2 s).
const TOUCHED_TICKS: u32 = 40;

/// Where an actor wants to be; `None` to stay. Makes its entity a walker. Written in the Think stage before
/// navigation, by whoever decides for the actor.
#[derive(Component, Debug, Clone, Copy, PartialEq, Default)]
pub struct WalkTo(pub Option<Goal>);

/// Whether something else than its steps says where a walker is: nobody sets it aside, it gives way to nobody. Written in
/// the Move stage, by whoever says it.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Guided(pub bool);

/// A place to walk to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// Feet position in metres; its height only tells storeys apart.
    pub place: Vec3,
    /// So near to the place, on the ground plane, it is reached, in metres.
    pub arrive_m: f32,
    /// Walk instead of run.
    pub walk: bool,
}

impl Goal {
    /// Run to a place.
    #[must_use]
    pub const fn run(place: Vec3, arrive_m: f32) -> Self {
        Self { place, arrive_m, walk: false }
    }

    /// Walk to a place.
    #[must_use]
    pub const fn walk(place: Vec3, arrive_m: f32) -> Self {
        Self { place, arrive_m, walk: true }
    }
}

/// How a walk is getting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WalkStatus {
    /// There is no goal.
    #[default]
    Standing,
    /// It has no path yet: the path service is busy, or the last search failed and the next has to wait.
    Waiting,
    /// It is on its way.
    Walking,
    /// It is there, or packed against others who are.
    Arrived,
    /// No way leads to the goal.
    Unreachable,
    /// The goal, or the walker itself, is nowhere on the navmesh; it walks straight on.
    OffMesh,
    /// It has given up.
    Stuck {
        /// Why.
        reason: StuckReason,
    },
}

/// Why a walker has given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StuckReason {
    /// Something that is no walker is in its way, or it cannot move.
    Blocked,
    /// Others are in its way.
    Crowded,
}

/// By what a walker is led.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Way {
    /// By nothing.
    #[default]
    None,
    /// Straight to the goal, which the surface does not hide.
    Direct,
    /// By a corridor of polygons.
    Corridor,
    /// Straight on, whatever comes.
    Blind,
}

/// The walk of a walker: its path and its progress. Written by navigation alone.
#[derive(Component, Debug, Clone, Default)]
pub struct Walk {
    pub(super) status: WalkStatus,
    /// The goal that all the rest belongs to.
    pub(super) goal: Option<Goal>,
    /// The goal on the mesh.
    pub(super) target: Option<NavPoint>,
    /// The walker on the mesh, as of its last look.
    pub(super) at: Option<NavPoint>,
    /// Of which mesh the polygons are.
    pub(super) generation: u32,
    pub(super) way: Way,
    pub(super) corridor: Vec<PolygonId>,
    /// Places to pass, the last first.
    pub(super) corners: Vec<Vec3>,
    /// Since when it has been asking for a path.
    pub(super) asked_tick: Option<u32>,
    /// Before this tick it does not ask again.
    pub(super) retry_tick: u32,
    pub(super) failures: u32,
    pub(super) progress: Progress,
    pub(super) steering: Steering,
    /// The velocity it would take if nobody were in its way, in metres per second.
    pub(super) wish: Vec2,
    /// When it last touched someone.
    pub(super) touched_tick: Option<u32>,
    /// It was set apart from someone in the last tick.
    pub(super) jostled: bool,
}

impl Walk {
    /// How it is getting on with the goal it was last given.
    #[must_use]
    pub fn status(&self) -> WalkStatus {
        self.status
    }

    /// How it is getting on with a goal at this very place; `None` when its goal is another.
    #[must_use]
    pub fn status_towards(&self, place: Vec3) -> Option<WalkStatus> {
        self.goal.filter(|goal| goal.place == place).map(|_| self.status)
    }

    /// True while it follows a path that leads to its goal, or towards it, or is about to get one.
    #[must_use]
    pub fn is_on_path(&self) -> bool {
        let led = matches!(self.way, Way::Direct | Way::Corridor) || self.asked_tick.is_some();
        led && self.status != WalkStatus::OffMesh && self.is_under_way()
    }

    /// True when it has touched someone in the last 2 s.
    #[must_use]
    pub fn is_crowded(&self, tick: u32) -> bool {
        self.touched_tick.is_some_and(|touched| tick.wrapping_sub(touched) <= TOUCHED_TICKS)
    }

    /// The next places it passes in metres, the last one first.
    #[must_use]
    pub fn corners(&self) -> &[Vec3] {
        &self.corners
    }

    /// Stands still, without a goal.
    pub(super) fn rest(&mut self) {
        self.halt(WalkStatus::Standing);
        self.goal = None;
        self.target = None;
        self.at = None;
    }

    /// Ends the walk with a result. Memory is kept.
    pub(super) fn halt(&mut self, status: WalkStatus) {
        self.status = status;
        self.way = Way::None;
        self.corridor.clear();
        self.corners.clear();
        self.asked_tick = None;
        self.wish = Vec2::ZERO;
        self.touched_tick = None;
    }

    /// Asks for a path, unless it is asking already or has to wait after a failure.
    pub(super) fn ask(&mut self, tick: u32) {
        if self.asked_tick.is_none() {
            self.asked_tick = Some(tick.max(self.retry_tick));
        }
    }

    /// True for a walk that has neither ended nor failed.
    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.status, WalkStatus::Walking | WalkStatus::Waiting | WalkStatus::OffMesh)
    }

    /// Ground distance to the goal along the places to pass, in metres.
    pub(super) fn remaining_m(&self, place: Vec2) -> f32 {
        let mut from = place;
        let legs = self.corners.iter().rev().map(|corner| {
            let to = Vec2::new(corner.x, corner.z);
            std::mem::replace(&mut from, to).distance(to)
        });
        legs.sum()
    }
}

/// Whether a walker gets anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Progress {
    best_m: f32,
    best_tick: u32,
}

impl Progress {
    /// Begins anew, because the goal is another.
    pub(super) fn begin(&mut self, tick: u32) {
        *self = Self { best_m: f32::INFINITY, best_tick: tick };
    }

    /// Ticks for which the distance that remains has not shrunk.
    pub(super) fn stalled_ticks(&mut self, remaining_m: f32, tick: u32) -> u32 {
        if remaining_m + PROGRESS_M < self.best_m {
            *self = Self { best_m: remaining_m, best_tick: tick };
        }
        tick.wrapping_sub(self.best_tick)
    }

    /// As of the last call of [`Progress::stalled_ticks`].
    pub(super) fn ticks_without(&self, tick: u32) -> u32 {
        tick.wrapping_sub(self.best_tick)
    }
}

impl Digest for WalkTo {
    fn digest(&self, digester: &mut Digester) {
        if let Some(goal) = self.0 {
            goal.digest(digester);
        }
    }
}

impl Digest for Goal {
    fn digest(&self, digester: &mut Digester) {
        digest_place(self.place, digester);
        digester.f32(self.arrive_m);
        digester.u32(u32::from(self.walk));
    }
}

impl Digest for Walk {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(match self.status {
            WalkStatus::Standing => 0,
            WalkStatus::Waiting => 1,
            WalkStatus::Walking => 2,
            WalkStatus::Arrived => 3,
            WalkStatus::Unreachable => 4,
            WalkStatus::OffMesh => 5,
            WalkStatus::Stuck { reason: StuckReason::Blocked } => 6,
            WalkStatus::Stuck { reason: StuckReason::Crowded } => 7,
        });
        if let Some(goal) = self.goal {
            goal.digest(digester);
        }
        for point in [self.target, self.at].into_iter().flatten() {
            digester.u32(point.polygon.0);
            digest_place(point.position, digester);
        }
        digester.u64(self.corridor.len() as u64);
        self.corridor.iter().for_each(|polygon| digester.u32(polygon.0));
        digester.u64(self.corners.len() as u64);
        self.corners.iter().for_each(|&corner| digest_place(corner, digester));
        digester.u32(self.asked_tick.map_or(0, |tick| tick + 1));
        digester.u32(self.retry_tick);
        digester.u32(self.failures);
        digester.f32(self.progress.best_m);
        digester.u32(self.progress.best_tick);
        self.steering.digest(digester);
        digester.u32(self.touched_tick.map_or(0, |tick| tick + 1));
        digester.u32(self.way as u32 | u32::from(self.jostled) << 8);
    }
}

fn digest_place(place: Vec3, digester: &mut Digester) {
    place.to_array().into_iter().for_each(|metres| digester.f32(metres));
}
