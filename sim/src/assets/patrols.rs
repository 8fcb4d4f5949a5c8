//! Patrols: the places that the monsters of a spawner walk to in order, how long they stay at each, and what they do there.

use serde::{Deserialize, Serialize};

use super::{Ref, RefVisitor, SkillDef, ticks_of};

/// One place of a patrol.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopDef {
    /// Where, as (x, z) in metres.
    pub at: (f32, f32),
    /// How long they stay, in ms; 0 to walk on at once.
    #[serde(default)]
    pub wait_ms: u32,
    /// What they do when they come there, in order; done only while somebody is near enough to see or hear it.
    #[serde(default, rename = "do")]
    pub deeds: Vec<StopDeed>,
}

impl StopDef {
    /// How long they stay, in ticks.
    #[must_use]
    pub const fn wait_ticks(&self) -> u32 {
        ticks_of(self.wait_ms)
    }
}

/// Something that is done at a place of a patrol.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum StopDeed {
    /// Turns to a direction for as long as it stays, in degrees from +z towards +x.
    Face(f32),
    /// Says something to all who see it.
    Say(String),
    /// Casts a skill that needs no enemy, if it can; it must be over before it walks on.
    Cast(Ref<SkillDef>),
}

impl StopDeed {
    pub(crate) fn visit_refs(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        if let Self::Cast(skill) = self {
            skill.visit(&format!("{path}.0"), visitor);
        }
    }
}
