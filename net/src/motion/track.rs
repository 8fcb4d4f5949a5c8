//! Where a body will be: it goes on as it went, and what it was off by corrects its course.
//!
//! Both ends compute the same numbers from the same residuals, in f64 with nothing but sums, products, quotients and
//! roots, which are the same everywhere. A body's state is what the receiver shows, never the truth.

use glam::{DQuat, DVec3};

use super::model::{Levels, Residual, Whole};
use super::{Pose, Precision};

/// Part of an error of two or three steps that the course takes over: some of it is rounding.
const GAIN_MIDDLE: f64 = 0.7;
/// Steps up to which an error is not taken for a new course altogether.
const MIDDLE_STEPS: i32 = 3;
/// Part of an error of one step that the course takes over, if it took a single frame to come about.
const GAIN_SMALL: f64 = 0.27;
/// Frames without an error that are counted.
const CALM_FRAMES_MAX: u8 = 200;
/// Largest half of a rotation in one frame, in radians: beyond it there is a shorter way round.
const HALF_TURN_MAX: f64 = std::f64::consts::FRAC_PI_2;
/// Steps of a rotation vector in a step of a quaternion's component.
const TURN_PER_COMPONENT: f64 = 2.0;
/// Steps of a quaternion's components in a body that is sent whole.
const WHOLE_ROTATION_STEPS: f64 = 16_384.0;

/// A body as both ends know it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Track {
    position: DVec3,
    rotation: DQuat,
    /// Metres a frame.
    velocity: DVec3,
    /// Rotation vector a frame, in radians, in the world's axes.
    spin: DVec3,
    levels: Levels,
    /// Frames since each number was off last: an error of one step after many frames is a small error of the course.
    calm_frames: [u8; 6],
}

/// Where a track leads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ahead {
    track: Track,
    position: DVec3,
    rotation: DQuat,
}

impl Track {
    /// A pose in whole steps, for a body of which nothing is known.
    pub(super) fn quantised(pose: &Pose, precision: Precision) -> Whole {
        let place = pose.position.as_dvec3() / f64::from(precision.position_m);
        let turn = pose.rotation.as_dquat() * WHOLE_ROTATION_STEPS;
        [place.x, place.y, place.z, turn.x, turn.y, turn.z, turn.w].map(steps)
    }

    /// The track of a body that was sent whole; it is taken to stand still.
    pub(super) fn begin(whole: Whole, precision: Precision) -> Self {
        let [x, y, z, a, b, c, w] = whole.map(f64::from);
        Self {
            position: DVec3::new(x, y, z) * f64::from(precision.position_m),
            rotation: normal(DQuat::from_xyzw(a, b, c, w)),
            velocity: DVec3::ZERO,
            spin: DVec3::ZERO,
            levels: [8, 8],
            calm_frames: [0; 6],
        }
    }

    /// What the receiver shows.
    pub(super) fn pose(&self) -> Pose {
        Pose { position: self.position.as_vec3(), rotation: self.rotation.as_quat() }
    }

    /// How far off it was lately.
    pub(super) fn levels(&self) -> Levels {
        self.levels
    }

    /// Where it is after some frames.
    pub(super) fn ahead(&self, frames: u32) -> Ahead {
        let frames = f64::from(frames);
        let rotation = normal(rotation_by(self.spin * frames) * self.rotation);
        Ahead { track: *self, position: self.position + self.velocity * frames, rotation }
    }
}

impl Ahead {
    /// By how many steps the truth is off.
    pub(super) fn residual(&self, pose: &Pose, precision: Precision) -> Residual {
        let place = (pose.position.as_dvec3() - self.position) / f64::from(precision.position_m);
        let off = pose.rotation.as_dquat() * self.rotation.conjugate();
        let turn = rotation_vector(off) / turn_step(precision);
        [place.x, place.y, place.z, turn.x, turn.y, turn.z].map(steps)
    }

    /// The track after a residual, `frames` after the one that was looked ahead from.
    pub(super) fn settle(self, residual: Residual, frames: u32, precision: Precision) -> Track {
        let Track { velocity, spin, levels, mut calm_frames, .. } = self.track;
        let (place_step, turn_step) = (f64::from(precision.position_m), turn_step(precision));
        let frames = u8::try_from(frames.max(1)).unwrap_or(u8::MAX);
        let mut learnt = [0.0; 6];
        for ((course, &off), calm) in learnt.iter_mut().zip(&residual).zip(&mut calm_frames) {
            *calm = calm.saturating_add(frames).min(CALM_FRAMES_MAX);
            *course = f64::from(off) * gain(off, *calm, frames);
            if off != 0 {
                *calm = 0;
            }
        }
        let [x, y, z, a, b, c] = residual.map(f64::from);
        let [vx, vy, vz, sa, sb, sc] = learnt;
        Track {
            position: self.position + DVec3::new(x, y, z) * place_step,
            rotation: normal(rotation_by(DVec3::new(a, b, c) * turn_step) * self.rotation),
            velocity: velocity + DVec3::new(vx, vy, vz) * place_step,
            spin: spin + DVec3::new(sa, sb, sc) * turn_step,
            levels: [remember(levels[0], level(&residual[..3])), remember(levels[1], level(&residual[3..]))],
            calm_frames,
        }
    }
}

/// Step of a rotation vector, in radians.
fn turn_step(precision: Precision) -> f64 {
    f64::from(precision.rotation) * TURN_PER_COMPONENT
}

/// Whole steps of a number; a number that is none is none of them.
#[allow(clippy::cast_possible_truncation, reason = "the cast saturates, far beyond any scene; NaN becomes 0")]
fn steps(number: f64) -> i32 {
    number.round() as i32
}

fn level(residual: &[i32]) -> u8 {
    match residual.iter().map(|steps| steps.unsigned_abs()).max() {
        None | Some(0) => 0,
        Some(1) => 1,
        Some(_) => 2,
    }
}

/// The last two levels in one number, 0 to 8.
fn remember(levels: u8, level: u8) -> u8 {
    level * 3 + levels / 3
}

/// What the course changes by in a frame for each step that a number was off, after so many frames without error.
fn gain(off: i32, calm_frames: u8, frames: u8) -> f64 {
    match off.unsigned_abs() {
        0 => 0.0,
        1 => GAIN_SMALL / f64::from(calm_frames),
        steps if steps <= MIDDLE_STEPS.unsigned_abs() => GAIN_MIDDLE / f64::from(frames),
        _ => 1.0 / f64::from(frames),
    }
}

/// The rotation of a vector part, with the positive `w` that makes its length 1; too long a part is a half turn.
fn with_positive_w(part: DVec3) -> DQuat {
    let part = part.clamp_length_max(1.0);
    DQuat::from_xyzw(part.x, part.y, part.z, (1.0 - part.length_squared()).max(0.0).sqrt())
}

/// The vector of a rotation the shorter way round, in radians. Only the sender asks.
fn rotation_vector(rotation: DQuat) -> DVec3 {
    let part = rotation.xyz() * rotation.w.signum();
    let sine = part.length();
    let half = sine.atan2(rotation.w.abs());
    part * if sine > 1e-9 { 2.0 * half / sine } else { 2.0 }
}

/// The rotation of a rotation vector, by the first terms of the sine's series.
fn rotation_by(vector: DVec3) -> DQuat {
    let half = (vector / 2.0).clamp_length_max(HALF_TURN_MAX);
    let squared = half.length_squared();
    with_positive_w(
        half * (1.0 - squared / 6.0 * (1.0 - squared / 20.0 * (1.0 - squared / 42.0 * (1.0 - squared / 72.0)))),
    )
}

/// Of length 1; what has no length, as only a damaged frame brings it, turns nothing.
fn normal(rotation: DQuat) -> DQuat {
    let squared = rotation.length_squared();
    if squared > 0.0 { rotation / squared.sqrt() } else { DQuat::IDENTITY }
}
