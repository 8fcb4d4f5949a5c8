//! Where a client believes itself, compared with where it is. Predictions drift honestly (a stun the client
//! has not heard of, a rounding), and the own-state message heals that; what is refused here is a belief that
//! no honest prediction can reach: too fast, too far, through a wall, or where no ground leads.

use glam::{Vec2, Vec3};

use crate::actor::Position;
use crate::assets::MovementDef;
use crate::locomotion::{Mover, SPEED_BP_NORMAL, StepInput, body_shape, step};
use crate::space::Geometry;
use crate::space::navmesh::{NavPoint, Navmesh};

/// A belief this close to the truth is never looked at, in metres.
pub const CLAIM_TOLERANCE_M: f32 = 0.75;
/// A belief farther from the truth than this is a jump, in metres.
pub const TELEPORT_M: f32 = 5.0;
/// How much faster than allowed a client may believe to have moved (the seed's 20 %).
const SPEED_TOLERANCE: f32 = 1.2;
/// Greatest difference in height between a body and the navmesh that it is on, in metres.
const STOREY_M: f32 = 1.0;
/// Voxels, beyond the agent's radius, between a body and the edge of the navmesh that it is still on.
const EDGE_CELLS: f32 = 2.0;
/// Steps of a walk that shows a way; [`TELEPORT_M`] at a slow pace.
const WALK_STEPS_MAX: u32 = 60;

/// What a client believes about the end of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Claim {
    /// The step.
    pub sequence: u32,
    /// Place in metres (x, z).
    pub place: Vec2,
    /// The claim before it that was compared, as (sequence, place).
    pub before: Option<(u32, Vec2)>,
}

impl Claim {
    /// True when it is so close to the truth that nobody asks how it came about.
    #[must_use]
    pub fn is_near(&self, at: Position) -> bool {
        self.place.distance(at.place()) <= CLAIM_TOLERANCE_M
    }
}

/// What a body can walk in.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The movement profile of the body.
    pub profile: &'a MovementDef,
    /// What stops and carries it.
    pub geometry: &'a Geometry,
    /// Where it can walk, if that is known.
    pub navmesh: Option<&'a Navmesh>,
}

/// Compares a claim with the position after the same step; `step_m` is the longest step the server allows.
/// Answers the reason when the claim cannot be honest.
#[must_use]
pub fn refuse(claim: Claim, at: Position, step_m: f32, around: Surroundings<'_>) -> Option<&'static str> {
    if claim.is_near(at) {
        return None;
    }
    if claim.place.distance(at.place()) > TELEPORT_M || !around.geometry.contains(claim.place.x, claim.place.y) {
        return Some("teleport");
    }
    around.refuse_way(at.0, claim.place).or_else(|| {
        let (sequence, place) = claim.before?;
        #[allow(clippy::cast_precision_loss, reason = "a few steps")]
        let steps = claim.sequence.wrapping_sub(sequence).max(1) as f32;
        let too_fast = claim.place.distance(place) > step_m * SPEED_TOLERANCE * steps + 0.02;
        too_fast.then_some("speed")
    })
}

impl Surroundings<'_> {
    /// Why nobody can have got from a position to a place nearby: the sweep says "wall", the navmesh "surface".
    fn refuse_way(&self, from: Vec3, to: Vec2) -> Option<&'static str> {
        let by = Vec3::new(to.x - from.x, 0.0, to.y - from.z);
        if self.geometry.sweep(from, by, body_shape(self.profile)).is_some() {
            return Some("wall");
        }
        let ground = self.geometry.ground(to.x, to.y, from.y + self.profile.step_height_m)?;
        let to = Vec3::new(to.x, ground.height_m, to.y);
        let leads_nowhere = self.navmesh.is_some_and(|navmesh| surface_ends(navmesh, from, to));
        (leads_nowhere && !self.can_walk(from, to)).then_some("surface")
    }

    /// True when a body that walks straight on comes near a place: the navmesh is made for the largest bodies, and a
    /// small one fits where it has no surface.
    fn can_walk(&self, from: Vec3, to: Vec3) -> bool {
        let mut mover = Mover { position: from, velocity: Vec3::ZERO };
        (0..WALK_STEPS_MAX).any(|_| {
            let wish = ground_way(mover.position, to).normalize_or_zero();
            mover = step(mover, StepInput { wish, walk: false }, SPEED_BP_NORMAL, self.profile, self.geometry);
            let stands = mover.velocity.y == 0.0 && (mover.position.y - to.y).abs() <= STOREY_M;
            stands && ground_way(mover.position, to).length() <= CLAIM_TOLERANCE_M
        })
    }
}

/// True when the navmesh has both places, and its surface ends well before the second: a straight line on it is
/// blocked, and sliding along its edge does not help either.
fn surface_ends(navmesh: &Navmesh, from: Vec3, to: Vec3) -> bool {
    let (Some(start), Some(end)) = (on_mesh(navmesh, from), on_mesh(navmesh, to)) else { return false };
    let place = Vec2::new(end.position.x, end.position.z);
    let is_far = |at: NavPoint| ground_way(at.position, end.position).length() > CLAIM_TOLERANCE_M;
    is_far(navmesh.raycast(start, place).end) && is_far(navmesh.move_along(start, place))
}

/// The place on the mesh that a body counts as being on.
fn on_mesh(navmesh: &Navmesh, at: Vec3) -> Option<NavPoint> {
    let settings = navmesh.settings();
    let aside_m = settings.radius_m + EDGE_CELLS * settings.cell_m;
    navmesh.nearest(at, Vec3::new(aside_m, STOREY_M, aside_m))
}

fn ground_way(from: Vec3, to: Vec3) -> Vec2 {
    Vec2::new(to.x - from.x, to.z - from.z)
}
