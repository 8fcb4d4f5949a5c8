//! Projectiles: what flies from a caster to a target and does something where it hits. Swept by `features/skills`
//! between ticks, so that speed never lets one pass through someone.

use serde::{Deserialize, Serialize};

use super::{Action, Filter, Record, RefVisitor, actions::visit_actions};

/// One projectile, `projectile/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectileDef {
    /// `projectile/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// Speed in metres per second.
    pub speed_mps: f32,
    /// Half its thickness in metres.
    #[serde(default = "thickness")]
    pub radius_m: f32,
    /// How it flies.
    #[serde(default)]
    pub path: Flight,
    /// Whom it may hit; without it, whom its skill is for.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// How many it goes through before the last it hits.
    #[serde(default)]
    pub pierce: u16,
    /// How far it flies at most, in metres.
    #[serde(default = "far")]
    pub range_m: f32,
    /// What it does to each it hits, after what the skill that launched it does.
    #[serde(default)]
    pub on_hit: Vec<Action>,
    /// What it does to its source when it ends without having hit anyone.
    #[serde(default)]
    pub on_miss: Vec<Action>,
}

const fn thickness() -> f32 {
    0.2
}

const fn far() -> f32 {
    40.0
}

/// How a projectile flies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Flight {
    /// After its target wherever that goes, past everyone else.
    #[default]
    Homing,
    /// Straight on; the first in the way is hit.
    Straight,
    /// In an arc to where its target was; the first in the way is hit.
    Ballistic {
        /// Pull downwards in metres per second squared.
        gravity_mps2: f32,
    },
}

impl Record for ProjectileDef {
    const KIND: &'static str = "projectile";
    const FOLDER: &'static str = "projectiles";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        visit_actions(&mut self.on_hit, "on_hit", visitor);
        visit_actions(&mut self.on_miss, "on_miss", visitor);
    }
}
