//! Monsters: what a spawner puts into a scene, how it senses, how far it goes, what it does and what it leaves.
//! Skills are tried in order and the first usable one wins; a monster has at least one.
//! The systems that think for them live in `features/monsters`.

use serde::{Deserialize, Serialize};

use super::{AttributeTable, FactionDef, LootDef, MovementDef, Record, Ref, RefVisitor, ShortRef, SkillDef, ticks_of};

/// One monster, `monster/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MonsterDef {
    /// `monster/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// Level, from 1.
    pub level: u16,
    /// Whose side it is on; monsters of the same faction help each other.
    pub faction: ShortRef<FactionDef>,
    /// Base values by attribute; what is left out has the attribute's own.
    #[serde(default)]
    pub attributes: AttributeTable,
    /// How it moves.
    pub movement: Ref<MovementDef>,
    /// What it notices.
    pub senses: Senses,
    /// How far its call for help carries, in metres; 0 for a loner.
    #[serde(default)]
    pub assist_m: f32,
    /// How far from its home it follows before it gives up, in metres.
    pub leash_m: f32,
    /// How far from its home it strolls, in metres; 0 to stand still.
    #[serde(default)]
    pub wander_m: f32,
    /// What it can do, most wanted first.
    pub skills: Vec<Ref<SkillDef>>,
    /// Time from death to the next one, in ms.
    pub respawn_ms: u32,
    /// Time its corpse stays, in ms, at most `respawn_ms`.
    pub corpse_ms: u32,
    /// What it leaves; nothing if it is not written.
    #[serde(default)]
    pub loot: Option<Ref<LootDef>>,
}

impl MonsterDef {
    /// Respawn time in ticks.
    pub const fn respawn_ticks(&self) -> u32 {
        ticks_of(self.respawn_ms)
    }

    /// Corpse time in ticks.
    pub const fn corpse_ticks(&self) -> u32 {
        ticks_of(self.corpse_ms)
    }
}

impl Record for MonsterDef {
    const KIND: &'static str = "monster";
    const FOLDER: &'static str = "monsters";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        self.attributes.visit("attributes", visitor);
        self.faction.visit("faction", visitor);
        self.movement.visit("movement", visitor);
        for (index, skill) in self.skills.iter_mut().enumerate() {
            skill.visit(&format!("skills.{index}"), visitor);
        }
        if let Some(loot) = &mut self.loot {
            loot.visit("loot", visitor);
        }
    }
}

/// What a monster notices.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Senses {
    /// Ground distance at which it attacks unasked, in metres; 0 to attack only when hurt.
    pub aggro_m: f32,
    /// Greatest difference in height at which it notices, in metres.
    #[serde(default = "default_z_m")]
    pub z_m: f32,
    /// Whether geometry hides what is behind it.
    #[serde(default = "default_los")]
    pub los: bool,
}

const fn default_z_m() -> f32 {
    4.0
}

const fn default_los() -> bool {
    true
}
