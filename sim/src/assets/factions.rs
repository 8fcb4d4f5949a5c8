//! Factions: whose side a unit is on and how sides stand towards one another. Records name factions without `faction/`.
//! What one faction says counts for both: two are hostile when either says so, friends only when both do.

use serde::{Deserialize, Serialize};

use super::{Record, RefVisitor, ShortRef};

/// One faction, `faction/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FactionDef {
    /// `faction/name`; the name alone is what records write.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// How it stands towards every faction it does not list.
    #[serde(default)]
    pub others: Stance,
    /// Factions it attacks on sight.
    #[serde(default)]
    pub hostile: Vec<ShortRef<FactionDef>>,
    /// Factions it leaves alone unless it is attacked.
    #[serde(default)]
    pub neutral: Vec<ShortRef<FactionDef>>,
    /// Factions it helps; its own is always one.
    #[serde(default)]
    pub friendly: Vec<ShortRef<FactionDef>>,
}

/// How one side stands towards another.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, schemars::JsonSchema,
)]
pub enum Stance {
    /// Attacks on sight, and is hit by everything.
    #[default]
    Hostile,
    /// Attacks nobody unasked; areas leave it alone, but it can be aimed at.
    Neutral,
    /// Helps, and cannot be harmed.
    Friendly,
}

impl FactionDef {
    /// The faction of all players, without its kind; it is built in.
    pub const PLAYERS: &'static str = "players";

    /// The name without the kind.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.id.split_once('/').map_or(self.id.as_str(), |(_, name)| name)
    }

    /// The lists and what each of them says.
    pub(crate) fn lists(&self) -> [(&'static str, Stance, &Vec<ShortRef<Self>>); 3] {
        [
            ("hostile", Stance::Hostile, &self.hostile),
            ("neutral", Stance::Neutral, &self.neutral),
            ("friendly", Stance::Friendly, &self.friendly),
        ]
    }

    /// What it says about another faction, by its name without the kind.
    #[must_use]
    pub fn towards(&self, other: &str) -> Stance {
        if other == self.short_name() {
            return Stance::Friendly;
        }
        let said = self.lists().into_iter().find(|(_, _, list)| list.iter().any(|name| name.name() == other));
        said.map_or(self.others, |(_, stance, _)| stance)
    }
}

impl Record for FactionDef {
    const KIND: &'static str = "faction";
    const FOLDER: &'static str = "factions";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        let lists = [("hostile", &mut self.hostile), ("neutral", &mut self.neutral), ("friendly", &mut self.friendly)];
        for (list, names) in lists {
            for (index, name) in names.iter_mut().enumerate() {
                name.visit(&format!("{list}.{index}"), visitor);
            }
        }
    }
}
