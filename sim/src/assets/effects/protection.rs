//! Shields, break bars and dispels: what keeps harm off, what wears resistance down, and what takes effects away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::assets::{Action, FormulaDef, School, ShortRef};

/// Points that take damage (or healing) in place of the bearer.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AbsorbDef {
    /// What one application absorbs; without one it is thousandths of the source's attack.
    #[serde(default)]
    pub formula: Option<ShortRef<FormulaDef>>,
    /// Handed to the formula; 0 for nothing but `amount`.
    #[serde(default)]
    pub coef: u32,
    /// Points beside that.
    #[serde(default)]
    pub amount: u32,
    /// What it takes.
    #[serde(default)]
    pub takes: AbsorbKind,
    /// Schools of damage it takes; all when empty.
    #[serde(default)]
    pub schools: Vec<School>,
    /// Percent of each blow that it takes, 1 to 100.
    #[serde(default = "whole_pct")]
    pub share_pct: u32,
    /// Whether every stack adds to it; otherwise another application only fills it up.
    #[serde(default)]
    pub per_stack: bool,
    /// Which shield is used up first: the highest, then the one that ends first, then the oldest.
    #[serde(default)]
    pub priority: i32,
    /// What happens to the bearer when all of it is used up. The effect ends then.
    #[serde(default)]
    pub on_break: Vec<Action>,
}

const fn whole_pct() -> u32 {
    100
}

/// What a shield takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum AbsorbKind {
    /// Damage.
    #[default]
    Damage,
    /// Healing: the bearer must be healed so much more first.
    Healing,
}

/// A bar that `Stagger` wears down: while it is up, crowd control does not hold its bearer but wears the bar down too.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakBarDef {
    /// Points of the full bar.
    pub amount: u32,
    /// Points that come back per second.
    #[serde(default)]
    pub regen: u32,
    /// Points that crowd control (an effect with `diminish`) takes off per second it would last.
    #[serde(default)]
    pub crowd_control_per_s: u32,
    /// What happens to the bearer when the bar is empty.
    #[serde(default)]
    pub on_break: Vec<Action>,
    /// How long the bar then stays down in ms; crowd control works meanwhile. It comes back full.
    pub lockout_ms: u32,
}

/// What takes an effect away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
pub enum DispelKind {
    /// Nothing does.
    #[default]
    None,
    /// What dispels magic.
    Magic,
    /// What lifts curses.
    Curse,
    /// What neutralises poison.
    Poison,
    /// What cures disease.
    Disease,
    /// What stops bleeding.
    Bleed,
    /// What calms rage.
    Enrage,
}

impl DispelKind {
    /// This kind as a bit of a mask; none for what nothing takes away.
    #[must_use]
    pub const fn bit(self) -> u8 {
        match self {
            Self::None => 0,
            kind => 1 << kind as u8,
        }
    }
}
