//! Monsters: what a spawner puts into a scene, how it senses, how far it goes, what it does and what it leaves.
//! How it decides is said by its tree (`ai`), whom it hates by its rules of threat; what it can do is a list of skills.
//! The systems that think for them live in `features/monsters`.

use serde::{Deserialize, Serialize};

use super::{
    AiDef, AttributeTable, Deed, EffectDef, FactionDef, LootDef, MovementDef, Record, Ref, RefVisitor, ShortRef,
    SkillDef, TapRules, ThreatDef, ticks_of,
};

/// One monster, `monster/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MonsterDef {
    /// `monster/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// Least and greatest level, from 1.
    pub level: (u16, u16),
    /// How much there is to it.
    #[serde(default)]
    pub rank: Rank,
    /// Whose side it is on; monsters of the same faction help each other.
    pub faction: ShortRef<FactionDef>,
    /// Base values by attribute; what is left out has the attribute's own.
    #[serde(default)]
    pub attributes: AttributeTable,
    /// How it moves.
    #[serde(rename = "move")]
    pub movement: MoveDef,
    /// What it notices.
    pub senses: Senses,
    /// Whom it turns to.
    #[serde(default = "default_threat")]
    pub threat: Ref<ThreatDef>,
    /// How far and how long it follows.
    pub leash: LeashDef,
    /// How far from its home it strolls, in metres; 0 to stand still.
    #[serde(default)]
    pub wander_m: f32,
    /// How it decides in a fight.
    #[serde(default = "default_ai")]
    pub ai: Ref<AiDef>,
    /// What it can do, most wanted first.
    pub skills: Vec<Ref<SkillDef>>,
    /// What its fight goes through, in order; for bosses.
    #[serde(default)]
    pub phases: Vec<PhaseDef>,
    /// What becomes of it when a fight takes too long.
    #[serde(default)]
    pub enrage: Option<EnrageDef>,
    /// Time from death to the next one, in ms.
    #[serde(default = "default_respawn_ms")]
    pub respawn_ms: u32,
    /// Time its corpse stays, in ms, at most `respawn_ms`.
    #[serde(default = "default_corpse_ms")]
    pub corpse_ms: u32,
    /// What it leaves; nothing if it is not written.
    #[serde(default)]
    pub loot: Option<Ref<LootDef>>,
    /// Whose its kill is, if not as the combat profile of the scene says.
    #[serde(default)]
    pub tap: Option<TapRules>,
}

fn default_threat() -> Ref<ThreatDef> {
    Ref::by_name(ThreatDef::DEFAULT)
}

fn default_ai() -> Ref<AiDef> {
    Ref::by_name(AiDef::DEFAULT)
}

const fn default_respawn_ms() -> u32 {
    300_000
}

const fn default_corpse_ms() -> u32 {
    120_000
}

/// How much there is to a monster.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, schemars::JsonSchema,
)]
pub enum Rank {
    /// One of many.
    #[default]
    Normal,
    /// One for several players.
    Elite,
    /// One that is seldom there.
    Rare,
    /// One for a whole party.
    Boss,
}

impl Rank {
    /// All of them, in ascending order.
    pub const ALL: [Self; 4] = [Self::Normal, Self::Elite, Self::Rare, Self::Boss];
}

/// How a monster moves.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveDef {
    /// The profile it moves by.
    pub profile: Ref<MovementDef>,
    /// How fast it runs, in metres per second, if not as its profile says; it walks faster or slower by the same part.
    #[serde(default)]
    pub run_mps: Option<f32>,
    /// How much room it takes among other units, in metres, if not as its profile says.
    #[serde(default)]
    pub radius_m: Option<f32>,
}

/// What a monster notices.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Senses {
    /// Ground distance at which it attacks unasked whoever is of its level, in metres; 0 to attack only when hurt.
    pub aggro_m: f32,
    /// How much farther it notices for each level that it is above the other, and how much less for each below, in metres.
    #[serde(default = "default_per_level_m")]
    pub per_level_m: f32,
    /// Least and greatest distance that levels can make of `aggro_m`, in metres; levels never take it beyond the leash.
    #[serde(default = "default_limits_m")]
    pub limits_m: (f32, f32),
    /// Greatest difference in height at which it notices, in metres.
    #[serde(default = "default_z_m")]
    pub z_m: f32,
    /// Whether geometry hides what is behind it.
    #[serde(default = "default_los")]
    pub los: bool,
    /// How far its call for help carries, in metres; 0 for a loner.
    #[serde(default)]
    pub assist_m: f32,
}

const fn default_per_level_m() -> f32 {
    1.0
}

const fn default_limits_m() -> (f32, f32) {
    (5.0, 45.0)
}

const fn default_z_m() -> f32 {
    4.0
}

const fn default_los() -> bool {
    true
}

/// How far and how long a monster follows.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeashDef {
    /// How far from its home, or its beat, it follows before it gives up, in metres.
    pub radius_m: f32,
    /// How long it follows without coming nearer, in ms.
    #[serde(default = "default_timer_ms")]
    pub timer_ms: u32,
    /// How long it waits for a victim to which no way leads, in ms.
    #[serde(default = "default_unreachable_ms")]
    pub unreachable_ms: u32,
    /// What becomes of it when it comes home.
    #[serde(default)]
    pub on_evade: OnEvade,
}

const fn default_timer_ms() -> u32 {
    10_000
}

const fn default_unreachable_ms() -> u32 {
    2_000
}

/// What becomes of a monster that has given up and come home.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum OnEvade {
    /// It is as new: all hit points and mana, no effects, no cooldowns, no phases, no adds.
    #[default]
    FullReset,
    /// As new, but for its hit points.
    KeepHealth,
}

/// One phase of a fight.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PhaseDef {
    /// What trees call it.
    pub name: String,
    /// When it begins; a phase never comes before the one in front of it.
    pub when: PhaseStart,
    /// What is done as it begins, in order.
    #[serde(default, rename = "do")]
    pub deeds: Vec<Deed>,
    /// How it decides from then on, if in another way.
    #[serde(default)]
    pub ai: Option<Ref<AiDef>>,
}

/// When a phase of a fight begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum PhaseStart {
    /// Below so many percent of hit points.
    HpBelow(u32),
    /// So long after the phase in front of it, or the fight, began, in ms.
    After(u32),
    /// When none of its adds is alive.
    AddsDead,
    /// Only when a tree says so (`SetPhase`).
    Told,
}

/// What becomes of a monster whose fight takes too long.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrageDef {
    /// How long, in ms.
    pub after_ms: u32,
    /// What it puts on itself then.
    pub effect: Ref<EffectDef>,
    /// What it says then.
    #[serde(default)]
    pub say: Option<String>,
}

impl MonsterDef {
    /// Ground distance in metres at which one of level `own` attacks someone of level `other` unasked. The published rule
    /// of World of Warcraft is a metre a level, at least 5 and at most 45 m; a circle that is smaller or larger among
    /// equals is its own limit.
    #[must_use]
    pub fn aggro_m(&self, own: u16, other: u16) -> f32 {
        let Senses { aggro_m, per_level_m, limits_m: (least_m, most_m), .. } = self.senses;
        if aggro_m <= 0.0 || own == other {
            return aggro_m;
        }
        let risen_m = per_level_m.mul_add(f32::from(own) - f32::from(other), aggro_m);
        let most_m = most_m.min(self.leash.radius_m).max(aggro_m);
        risen_m.clamp(least_m.min(aggro_m), most_m)
    }

    /// The greatest distance at which one of level `own` can attack anyone unasked, in metres.
    #[must_use]
    pub fn aggro_most_m(&self, own: u16) -> f32 {
        self.aggro_m(own, 1).max(self.aggro_m(own, u16::MAX))
    }

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
        self.movement.profile.visit("move.profile", visitor);
        self.threat.visit("threat", visitor);
        self.ai.visit("ai", visitor);
        for (index, skill) in self.skills.iter_mut().enumerate() {
            skill.visit(&format!("skills.{index}"), visitor);
        }
        for (index, phase) in self.phases.iter_mut().enumerate() {
            for (place, deed) in phase.deeds.iter_mut().enumerate() {
                deed.visit_refs(&format!("phases.{index}.do.{place}"), visitor);
            }
            if let Some(ai) = &mut phase.ai {
                ai.visit(&format!("phases.{index}.ai"), visitor);
            }
        }
        if let Some(enrage) = &mut self.enrage {
            enrage.effect.visit("enrage.effect", visitor);
        }
        if let Some(loot) = &mut self.loot {
            loot.visit("loot", visitor);
        }
    }
}
