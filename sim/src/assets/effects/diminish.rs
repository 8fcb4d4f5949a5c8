//! Diminishing returns: how crowd control of one category gets weaker on a unit that suffers it again and again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::assets::{Record, RefVisitor, ticks_of};

/// One category, `diminish/..`; effects name it without its kind, as in `diminish: "stun"`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiminishDef {
    /// `diminish/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// Percent of the duration of the first effect, the second and so on; beyond the last there is none.
    pub steps_pct: Vec<u32>,
    /// Time after the end of the last effect of the category until all is forgotten, in ms.
    pub window_ms: u32,
    /// The longest such an effect lasts between players, in ms, before the steps; 0 for no limit.
    #[serde(default)]
    pub pvp_cap_ms: u32,
    /// Whether it also counts where not both are players.
    #[serde(default)]
    pub pve: bool,
}

impl DiminishDef {
    /// Ticks until all is forgotten.
    #[must_use]
    pub const fn window_ticks(&self) -> u32 {
        ticks_of(self.window_ms)
    }

    /// Percent of the duration that the effect after `count` others has; 0 when it has none.
    #[must_use]
    pub fn pct_after(&self, count: u8) -> u32 {
        self.steps_pct.get(usize::from(count)).copied().unwrap_or(0)
    }
}

impl Record for DiminishDef {
    const KIND: &'static str = "diminish";
    const FOLDER: &'static str = "diminishing";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, _visitor: &mut dyn RefVisitor) {}
}
