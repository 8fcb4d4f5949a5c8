//! Movement profiles: how fast a unit is, how it speeds up and stops, how large it is and what it can climb.
//! Acceleration and friction are per second, as in the published ground movement of Quake III (10 and 6).
//! Client and server step with the same profile.

use serde::{Deserialize, Serialize};

use super::{Record, RefVisitor};

/// One movement profile, `move/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MovementDef {
    /// `move/name`.
    pub id: String,
    /// Running speed in metres per second.
    pub run_mps: f32,
    /// Walking speed in metres per second, at most the running speed.
    pub walk_mps: f32,
    /// Gain of speed per second, in multiples of the wished speed.
    pub acceleration: f32,
    /// Loss of speed per second, in multiples of the speed.
    pub friction: f32,
    /// Below this speed friction acts as if at it, so that a unit comes to a stop, in metres per second.
    pub stop_speed_mps: f32,
    /// Radius of the unit's capsule in metres.
    pub radius_m: f32,
    /// Height of the unit's capsule in metres, at least twice the radius.
    pub height_m: f32,
    /// Highest step it walks up without a jump, in metres.
    pub step_height_m: f32,
    /// Steepest ground it stands on, in degrees from level.
    pub slope_max_deg: f32,
}

impl Record for MovementDef {
    const KIND: &'static str = "move";
    const FOLDER: &'static str = "movements";

    fn id(&self) -> &str {
        &self.id
    }

    fn visit_refs(&mut self, _visitor: &mut dyn RefVisitor) {}
}
