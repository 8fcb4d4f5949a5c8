//! Where a client believes itself, compared with where it is. Predictions drift honestly (a stun the client
//! has not heard of, a rounding), and the own-state message heals that; what is refused here is a belief that
//! no honest prediction can reach: too fast, too far, or through a wall.

use glam::{Vec2, Vec3};

use crate::actor::Position;
use crate::assets::MovementDef;
use crate::locomotion::body_shape;
use crate::space::Geometry;

/// A belief this close to the truth is never looked at, in metres.
pub const CLAIM_TOLERANCE_M: f32 = 0.75;
/// A belief farther from the truth than this is a jump, in metres.
pub const TELEPORT_M: f32 = 5.0;
/// How much faster than allowed a client may believe to have moved (the seed's 20 %).
const SPEED_TOLERANCE: f32 = 1.2;

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

/// Compares a claim with the position after the same step; `step_m` is the longest step the server allows.
/// Answers the reason when the claim cannot be honest.
#[must_use]
pub fn refuse(
    claim: Claim,
    at: Position,
    step_m: f32,
    profile: &MovementDef,
    geometry: &Geometry,
) -> Option<&'static str> {
    let off = claim.place - at.place();
    let off_m = off.length();
    if off_m <= CLAIM_TOLERANCE_M {
        return None;
    }
    if off_m > TELEPORT_M || !geometry.contains(claim.place.x, claim.place.y) {
        return Some("teleport");
    }
    if geometry.sweep(at.0, Vec3::new(off.x, 0.0, off.y), body_shape(profile)).is_some() {
        return Some("wall");
    }
    let (sequence, place) = claim.before?;
    #[allow(clippy::cast_precision_loss, reason = "a few steps")]
    let steps = claim.sequence.wrapping_sub(sequence).max(1) as f32;
    let too_fast = claim.place.distance(place) > step_m * SPEED_TOLERANCE * steps + 0.02;
    too_fast.then_some("speed")
}
