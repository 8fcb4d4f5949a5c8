//! Rules of threat: whom a monster turns to. The built-in `threat/default` has the published numbers; what is done with
//! them stands in `features/monsters/threat.rs`.

use serde::{Deserialize, Serialize};

use super::{Record, RefVisitor, ticks_of};

/// One set of rules, `threat/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThreatDef {
    /// `threat/name`.
    pub id: String,
    /// Percent of the victim's threat that a rival in melee range must exceed.
    pub melee_pct: u32,
    /// The same at any range.
    pub ranged_pct: u32,
    /// Within this distance of the monster a rival is in melee range, in metres.
    pub melee_m: f32,
    /// Time between two looks at the list, in ms.
    pub reevaluate_ms: u32,
    /// Threat of a point of damage, in percent of a point.
    pub damage_pct: u32,
    /// Threat of a point of healing, in percent of a point, before it is split.
    pub heal_pct: u32,
}

impl ThreatDef {
    /// The rules of whoever names none; built in.
    pub const DEFAULT: &'static str = "threat/default";

    /// Ticks between two looks at the list.
    #[must_use]
    pub const fn reevaluate_ticks(&self) -> u32 {
        ticks_of(self.reevaluate_ms)
    }
}

impl Record for ThreatDef {
    const KIND: &'static str = "threat";
    const FOLDER: &'static str = "threats";

    fn id(&self) -> &str {
        &self.id
    }

    fn visit_refs(&mut self, _: &mut dyn RefVisitor) {}
}
