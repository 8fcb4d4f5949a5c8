//! One step of movement, shared by the server and by every predicting client: a pure function from (body,
//! input, profile, geometry) to body. Ground movement is that of Quake III (friction with a stop speed, then
//! acceleration towards the wished speed, `bg_pmove.c`); obstacles are slid along, ground is followed, slopes
//! steeper than the profile allows are not climbed, and off an edge a body falls.

use glam::{Vec2, Vec3};

use crate::assets::MovementDef;
use crate::space::Geometry;
use crate::space::geometry::{BodyShape, Ground, SKIN_M};
use crate::tick::TICK_SECONDS;

/// Times a step may be deflected by an obstacle before it ends.
const SLIDES_MAX: usize = 3;
/// A rise that counts as none, in metres: 20 of them in a second are 2 mm, so that nobody creeps up a cliff.
const LEVEL_M: f32 = 1e-4;
/// Acceleration of a falling body in metres per second squared.
const GRAVITY: f32 = 9.81;
/// Fastest fall in metres per second.
const FALL_SPEED_MAX: f32 = 40.0;
/// Movement speed of a body whose speed nothing modifies, in basis points.
pub const SPEED_BP_NORMAL: u16 = 10_000;

/// What moves: feet position in metres, velocity in metres per second (`y` only while falling).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Mover {
    /// Feet position.
    pub position: Vec3,
    /// Velocity.
    pub velocity: Vec3,
}

/// What a mover wishes in one step.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StepInput {
    /// Wished direction (x, z), of length 0 to 1.
    pub wish: Vec2,
    /// Walk instead of run.
    pub walk: bool,
}

impl StepInput {
    /// Reads a direction as it travels, in 1/127 of full speed; one that is too long is shortened.
    #[must_use]
    pub fn from_wire(x: i8, z: i8, walk: bool) -> Self {
        let wish = Vec2::new(f32::from(x), f32::from(z)) / 127.0;
        Self { wish: wish.clamp_length_max(1.0), walk }
    }

    /// The direction as it travels. A prediction must step with what `from_wire` makes of it.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "within -127 and 127 after the clamp")]
    pub fn to_wire(self) -> (i8, i8) {
        let wish = self.wish.clamp_length_max(1.0) * 127.0;
        (wish.x.round() as i8, wish.y.round() as i8)
    }
}

/// The speed in metres per second that a profile allows with `speed_bp` basis points of it.
#[must_use]
pub fn speed_limit_mps(profile: &MovementDef, speed_bp: u16) -> f32 {
    profile.run_mps * f32::from(speed_bp) / f32::from(SPEED_BP_NORMAL)
}

/// The body of a profile.
#[must_use]
pub fn body_shape(profile: &MovementDef) -> BodyShape {
    BodyShape { radius_m: profile.radius_m, height_m: profile.height_m, step_m: profile.step_height_m }
}

/// Moves a body by one tick (50 ms). `speed_bp` scales the profile's speed; 0 holds the body where it is.
#[must_use]
pub fn step(mover: Mover, input: StepInput, speed_bp: u16, profile: &MovementDef, geometry: &Geometry) -> Mover {
    let falling = mover.velocity.y != 0.0;
    let velocity = if speed_bp == 0 && !falling {
        Vec2::ZERO
    } else if falling {
        Vec2::new(mover.velocity.x, mover.velocity.z)
    } else {
        let pace_mps = if input.walk { profile.walk_mps } else { profile.run_mps };
        let wish_mps = input.wish * pace_mps * f32::from(speed_bp) / f32::from(SPEED_BP_NORMAL);
        ground_velocity(Vec2::new(mover.velocity.x, mover.velocity.z), wish_mps, profile)
    };
    // A speed that was just lowered binds at once; friction alone would let a slowed runner coast over its budget.
    let velocity = if falling { velocity } else { velocity.clamp_length_max(speed_limit_mps(profile, speed_bp)) };
    if velocity == Vec2::ZERO && !falling {
        return Mover { position: mover.position, velocity: Vec3::ZERO };
    }
    let (feet, velocity) = slide(mover.position, velocity, profile, geometry);
    settle(mover, feet, velocity, profile, geometry)
}

/// Moves a standing body aside, up to obstacles and along them; it stays where it is when it would climb or fall.
#[must_use]
pub(crate) fn shove(from: Vec3, by: Vec2, profile: &MovementDef, geometry: &Geometry) -> Vec3 {
    let velocity = by / TICK_SECONDS;
    let before = Mover { position: from, velocity: Vec3::ZERO };
    let (feet, velocity) = slide(from, velocity, profile, geometry);
    let after = settle(before, feet, velocity, profile, geometry);
    if after.velocity.y == 0.0 { after.position } else { from }
}

/// Friction and acceleration of one tick: the published rule with the profile's constants.
#[must_use]
pub fn ground_velocity(velocity: Vec2, wish_mps: Vec2, profile: &MovementDef) -> Vec2 {
    let speed_mps = velocity.length();
    let mut slowed = Vec2::ZERO;
    if speed_mps > 1e-4 {
        let control_mps = speed_mps.max(profile.stop_speed_mps);
        let left_mps = (speed_mps - control_mps * profile.friction * TICK_SECONDS).max(0.0);
        slowed = velocity * (left_mps / speed_mps);
    }
    let wish_speed_mps = wish_mps.length();
    if wish_speed_mps < 1e-4 {
        return slowed;
    }
    let direction = wish_mps / wish_speed_mps;
    let missing_mps = wish_speed_mps - slowed.dot(direction);
    if missing_mps <= 0.0 {
        return slowed;
    }
    slowed + direction * missing_mps.min(profile.acceleration * TICK_SECONDS * wish_speed_mps)
}

fn slide(from: Vec3, velocity: Vec2, profile: &MovementDef, geometry: &Geometry) -> (Vec3, Vec2) {
    let body = body_shape(profile);
    let (mut feet, mut velocity) = (from, velocity);
    let mut left_s = TICK_SECONDS;
    let intended = velocity;
    for _ in 0..SLIDES_MAX {
        let by = Vec3::new(velocity.x, 0.0, velocity.y) * left_s;
        if by.length_squared() < 1e-10 {
            break;
        }
        let Some(hit) = geometry.sweep(feet, by, body) else {
            feet += by;
            break;
        };
        let normal = Vec2::new(hit.normal.x, hit.normal.z).normalize_or_zero();
        feet += by * hit.fraction + Vec3::new(normal.x, 0.0, normal.y) * SKIN_M;
        left_s *= 1.0 - hit.fraction;
        velocity -= normal * velocity.dot(normal).min(0.0);
        // In a corner the second wall would send the body back where it came from.
        if normal == Vec2::ZERO || velocity.dot(intended) <= 0.0 {
            velocity = Vec2::ZERO;
        }
    }
    let place = geometry.clamp(feet.x, feet.z);
    (Vec3::new(place.x, feet.y, place.y), velocity)
}

/// Puts a body that has been moved to `feet` on the ground, or lets it fall; or, where it cannot go, along what is too
/// steep for it.
fn settle(before: Mover, feet: Vec3, velocity: Vec2, profile: &MovementDef, geometry: &Geometry) -> Mover {
    if let Some(mover) = stand(before, feet, velocity, profile, geometry) {
        return mover;
    }
    // A faller that meets a slope goes on falling where it is; a walker goes along the slope or stays where it was.
    let instead = match before.velocity.y == 0.0 {
        true => go_along(before, feet, velocity, profile, geometry),
        false => stand(before, before.position, Vec2::ZERO, profile, geometry),
    };
    instead.unwrap_or(Mover { position: before.position, velocity: Vec3::ZERO })
}

/// The same step without its part up the slope at `feet`; `None` when the ground there is not too steep.
fn go_along(before: Mover, feet: Vec3, velocity: Vec2, profile: &MovementDef, geometry: &Geometry) -> Option<Mover> {
    let ground = geometry.ground(feet.x, feet.z, feet.y + profile.step_height_m)?;
    if !is_too_steep(ground, profile) {
        return None;
    }
    let downhill = Vec2::new(ground.normal.x, ground.normal.z).normalize_or_zero();
    let along = velocity - downhill * velocity.dot(downhill).min(0.0);
    let (feet, velocity) = slide(before.position, along, profile, geometry);
    stand(before, feet, velocity, profile, geometry)
}

/// `None` where the ground rises more than the profile allows, or is missing.
fn stand(before: Mover, feet: Vec3, velocity: Vec2, profile: &MovementDef, geometry: &Geometry) -> Option<Mover> {
    let start = before.position;
    let ground = geometry.ground(feet.x, feet.z, feet.y + profile.step_height_m)?;
    let rise_m = ground.height_m - start.y;
    if rise_m > profile.step_height_m || (rise_m > LEVEL_M && is_too_steep(ground, profile)) {
        return None;
    }
    let landed = Mover {
        position: Vec3::new(feet.x, ground.height_m, feet.z),
        velocity: Vec3::new(velocity.x, 0.0, velocity.y),
    };
    if before.velocity.y == 0.0 && rise_m >= -profile.step_height_m {
        return Some(landed);
    }
    let fall_mps = (before.velocity.y - GRAVITY * TICK_SECONDS).max(-FALL_SPEED_MAX);
    let height_m = start.y + fall_mps * TICK_SECONDS;
    if height_m <= ground.height_m {
        return Some(landed);
    }
    let velocity = Vec3::new(velocity.x, fall_mps, velocity.y);
    Some(Mover { position: Vec3::new(feet.x, height_m, feet.z), velocity })
}

fn is_too_steep(ground: Ground, profile: &MovementDef) -> bool {
    ground.normal.y < profile.slope_max_deg.to_radians().cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quake() -> MovementDef {
        MovementDef {
            id: "move/quake".into(),
            run_mps: 320.0,
            walk_mps: 160.0,
            acceleration: 10.0,
            friction: 6.0,
            stop_speed_mps: 100.0,
            radius_m: 0.4,
            height_m: 1.8,
            step_height_m: 0.4,
            slope_max_deg: 45.0,
        }
    }

    #[test]
    fn ground_speed_follows_the_published_sequence() {
        let (profile, mut velocity) = (quake(), Vec2::ZERO);
        for expected in [160.0, 272.0, 320.0, 320.0] {
            velocity = ground_velocity(velocity, Vec2::new(320.0, 0.0), &profile);
            assert!((velocity.x - expected).abs() < 1e-3, "{velocity} should be {expected}");
        }
        for expected in [224.0, 156.8, 109.76, 76.832, 46.832, 16.832, 0.0] {
            velocity = ground_velocity(velocity, Vec2::ZERO, &profile);
            assert!((velocity.x - expected).abs() < 1e-3, "{velocity} should be {expected}");
        }
    }

    #[test]
    fn a_direction_survives_the_wire_as_the_prediction_uses_it() {
        for (x, z) in [(127, 0), (0, -127), (90, 90), (-3, 7)] {
            let once = StepInput::from_wire(x, z, false);
            let (x2, z2) = once.to_wire();
            assert_eq!(StepInput::from_wire(x2, z2, false), once);
        }
    }
}
