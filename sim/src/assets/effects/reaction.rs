//! Procs: what an effect does when something happens to its bearer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::assets::{Action, Ref, School, SkillDef, TagList};

/// Kinds of things that happen in a fight and that effects may react to. The first of the two is whose effects are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
pub enum EventKind {
    /// One damaged another with a skill.
    HitDealt,
    /// One was damaged by a skill of another.
    HitTaken,
    /// One damaged another by an effect, once per period.
    PeriodicDealt,
    /// One was damaged by an effect of another.
    PeriodicTaken,
    /// One healed another (or itself).
    HealDealt,
    /// One was healed.
    HealTaken,
    /// One killed another.
    Killed,
    /// One died.
    Died,
    /// One applied an effect to another (or itself).
    EffectGiven,
    /// One got an effect.
    EffectTaken,
    /// A shield of another took damage that one did; the points are what it took.
    ShieldHit,
    /// A shield of one took damage that another did; the points are what it took.
    Absorbed,
}

impl EventKind {
    /// This kind as a bit of a mask.
    #[must_use]
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Something an effect does when something happens to its bearer. All conditions must hold.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcDef {
    /// What it reacts to.
    pub on: Vec<EventKind>,
    /// Schools it reacts to; all when empty.
    #[serde(default)]
    pub schools: Vec<School>,
    /// Of these tags, the skill or effect behind it must have one; none needed when empty.
    #[serde(default)]
    pub tags: TagList,
    /// The skill that must be behind it.
    #[serde(default)]
    pub skill: Option<Ref<SkillDef>>,
    /// Whether only critical hits count.
    #[serde(default)]
    pub crit_only: bool,
    /// Least points that count.
    #[serde(default)]
    pub amount_min: u32,
    /// Tags the bearer must have, all of them.
    #[serde(default)]
    pub self_has: TagList,
    /// Tags the other one must have, all of them.
    #[serde(default)]
    pub other_has: TagList,
    /// The bearer must have less than so many percent of its hit points.
    #[serde(default)]
    pub self_hp_below_pct: Option<u32>,
    /// The other one must have less than so many percent of its hit points.
    #[serde(default)]
    pub other_hp_below_pct: Option<u32>,
    /// Chance in percent; with `ppm_milli` it must stay 100.
    #[serde(default = "always_pct")]
    pub chance_pct: u32,
    /// Instead of a chance: procs per minute of fighting, in thousandths, whatever the speed of the blows.
    #[serde(default)]
    pub ppm_milli: u32,
    /// Whether the bearer's haste raises procs per minute.
    #[serde(default)]
    pub hasted: bool,
    /// Time after a proc in which there is no other, in ms.
    #[serde(default)]
    pub cooldown_ms: u32,
    /// Procs after which the effect ends; 0 for no end.
    #[serde(default)]
    pub charges: u16,
    /// To whom it is done.
    #[serde(default)]
    pub to: ProcTarget,
    /// Percent of the points that happened, which are added to the `amount` of each `Gain`, `Threat` and `Stagger` in `do`:
    /// 20 gives a fifth of the damage back as life.
    #[serde(default)]
    pub share_pct: u32,
    /// Whether it reacts to what its own effect does.
    #[serde(default)]
    pub allow_self: bool,
    /// What is done. A helpful effect's procs are its bearer's deeds, a harmful one's those of whoever applied it.
    #[serde(rename = "do")]
    pub actions: Vec<Action>,
}

const fn always_pct() -> u32 {
    100
}

/// To whom a proc is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum ProcTarget {
    /// The other one of the two: whoever was hit, or whoever hit.
    #[default]
    Other,
    /// The bearer.
    #[serde(rename = "Self")]
    Bearer,
    /// Whoever applied the effect.
    Source,
}
