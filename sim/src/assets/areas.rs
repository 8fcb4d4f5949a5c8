//! Areas: what lies on the ground for a while and does something to whoever is in it. Kept by `features/skills`.

use serde::{Deserialize, Serialize};

use super::{Action, Filter, Record, RefVisitor, actions::visit_actions};

/// One area, `area/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AreaDef {
    /// `area/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// Radius in metres.
    pub radius_m: f32,
    /// How long it lies there.
    pub duration_ms: u32,
    /// Time between two ticks, the first after one; 0 for none.
    #[serde(default)]
    pub period_ms: u32,
    /// Whom it concerns.
    pub filter: Filter,
    /// Most units it concerns at once: the nearest to its middle, ties by id.
    #[serde(default = "many")]
    pub targets_max: u16,
    /// Whether it goes with its caster.
    #[serde(default)]
    pub follows: bool,
    /// How many of them one caster can have; a further one ends the oldest.
    #[serde(default = "one")]
    pub per_caster_max: u16,
    /// What it does to whoever comes in.
    #[serde(default)]
    pub on_enter: Vec<Action>,
    /// What it does to whoever goes out, also when it ends.
    #[serde(default)]
    pub on_leave: Vec<Action>,
    /// What it does with every tick to everyone in it.
    #[serde(default)]
    pub on_tick: Vec<Action>,
}

const fn many() -> u16 {
    32
}

const fn one() -> u16 {
    1
}

impl Record for AreaDef {
    const KIND: &'static str = "area";
    const FOLDER: &'static str = "areas";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        visit_actions(&mut self.on_enter, "on_enter", visitor);
        visit_actions(&mut self.on_leave, "on_leave", visitor);
        visit_actions(&mut self.on_tick, "on_tick", visitor);
    }
}
