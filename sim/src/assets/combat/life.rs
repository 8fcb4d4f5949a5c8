//! The part of a combat profile that is not about blows: recovery, PvP, resurrection and experience.
//! What is left out has the seed's numbers, or the published ones where the seed has none.

use serde::{Deserialize, Serialize};

use crate::assets::{CurveDef, EffectDef, Ref, ShortRef, ticks_of};

/// How long fights last and what comes back when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryRules {
    /// Time after the last hit given or taken until one is out of combat, in ms.
    #[serde(default = "default_calm_ms")]
    pub calm_ms: u32,
    /// Regeneration of hit points and mana in combat, in percent of the attributes.
    #[serde(default = "default_fighting_pct")]
    pub fighting_pct: u32,
    /// The same out of combat.
    #[serde(default = "default_calm_pct")]
    pub calm_pct: u32,
    /// Time from a player's death to its return at a spawn point, in ms.
    #[serde(default = "default_respawn_ms")]
    pub respawn_ms: u32,
}

const fn default_calm_ms() -> u32 {
    5_000
}

const fn default_fighting_pct() -> u32 {
    100
}

const fn default_calm_pct() -> u32 {
    300
}

const fn default_respawn_ms() -> u32 {
    10_000
}

impl RecoveryRules {
    /// Ticks until one is out of combat.
    #[must_use]
    pub const fn calm_ticks(&self) -> u32 {
        ticks_of(self.calm_ms)
    }

    /// Ticks from death to return.
    #[must_use]
    pub const fn respawn_ticks(&self) -> u32 {
        ticks_of(self.respawn_ms)
    }
}

impl Default for RecoveryRules {
    fn default() -> Self {
        Self {
            calm_ms: default_calm_ms(),
            fighting_pct: default_fighting_pct(),
            calm_pct: default_calm_pct(),
            respawn_ms: default_respawn_ms(),
        }
    }
}

/// Where players may fight one another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize, schemars::JsonSchema)]
pub enum PvpRule {
    /// Nowhere but in duels.
    Forbidden,
    /// Whoever has raised the flag can be attacked.
    #[default]
    Flagged,
    /// Everyone can be attacked by everyone outside their party.
    FreeForAll,
}

/// What is different between players.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PvpRules {
    /// Damage of players to players in percent.
    #[serde(default = "whole_pct")]
    pub damage_pct: u32,
    /// Healing of players in a fight with players in percent.
    #[serde(default = "whole_pct")]
    pub healing_pct: u32,
    /// Time from lowering the flag, or from the last deed against a player, until it is down, in ms.
    #[serde(default = "default_flag_ms")]
    pub flag_ms: u32,
    /// How far from where a duel began one may go, in metres.
    #[serde(default = "default_duel_radius_m")]
    pub duel_radius_m: f32,
    /// Time from acceptance to the first blow of a duel, in ms.
    #[serde(default = "default_duel_countdown_ms")]
    pub duel_countdown_ms: u32,
    /// How long a challenge stands, in ms.
    #[serde(default = "default_offer_ms")]
    pub duel_offer_ms: u32,
}

const fn whole_pct() -> u32 {
    100
}

const fn default_flag_ms() -> u32 {
    300_000
}

const fn default_duel_radius_m() -> f32 {
    40.0
}

const fn default_duel_countdown_ms() -> u32 {
    3_000
}

const fn default_offer_ms() -> u32 {
    60_000
}

impl Default for PvpRules {
    fn default() -> Self {
        Self {
            damage_pct: whole_pct(),
            healing_pct: whole_pct(),
            flag_ms: default_flag_ms(),
            duel_radius_m: default_duel_radius_m(),
            duel_countdown_ms: default_duel_countdown_ms(),
            duel_offer_ms: default_offer_ms(),
        }
    }
}

/// How the dead return.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResurrectionRules {
    /// How long an offer to be raised stands, in ms.
    #[serde(default = "default_offer_ms")]
    pub offer_ms: u32,
    /// Time from a player's death until it may ask to be taken to a spawn point before its time, in ms.
    #[serde(default)]
    pub release_after_ms: u32,
    /// Hit points and mana after a return at a spawn point, in percent.
    #[serde(default = "whole_pct")]
    pub release_pct: u32,
    /// Effects that whoever returns at a spawn point bears for a while.
    #[serde(default)]
    pub sickness: Vec<Ref<EffectDef>>,
}

impl Default for ResurrectionRules {
    fn default() -> Self {
        Self { offer_ms: default_offer_ms(), release_after_ms: 0, release_pct: whole_pct(), sickness: Vec::new() }
    }
}

/// What kills teach.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExperienceRules {
    /// Points added to five times the player's level: the content's constant.
    #[serde(default = "default_base")]
    pub base: u32,
    /// What an elite kill is worth in percent of a normal one.
    #[serde(default = "default_elite_pct")]
    pub elite_pct: u32,
    /// What a group of 2, 3, 4, ... gets in all, in basis points of what one gets; larger groups get the last.
    #[serde(default = "default_group_bp")]
    pub group_bp: Vec<u32>,
    /// How near to the kill members must be to share it, in metres.
    #[serde(default = "default_share_m")]
    pub share_m: u32,
    /// Experience from each level to the next.
    #[serde(default = "default_curve")]
    pub curve: ShortRef<CurveDef>,
    /// The highest level of players.
    #[serde(default = "default_level_max")]
    pub level_max: u16,
}

const fn default_base() -> u32 {
    45
}

const fn default_elite_pct() -> u32 {
    200
}

fn default_group_bp() -> Vec<u32> {
    vec![10_000, 11_660, 13_000, 14_000]
}

const fn default_share_m() -> u32 {
    75
}

fn default_curve() -> ShortRef<CurveDef> {
    ShortRef::by_name("xp")
}

const fn default_level_max() -> u16 {
    60
}

impl Default for ExperienceRules {
    fn default() -> Self {
        Self {
            base: default_base(),
            elite_pct: default_elite_pct(),
            group_bp: default_group_bp(),
            share_m: default_share_m(),
            curve: default_curve(),
            level_max: default_level_max(),
        }
    }
}

/// Whose a kill is, and what it teaches whom.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TapRules {
    /// Whose the kill and its loot are; whoever it is, its party shares them.
    #[serde(default)]
    pub owner: TapOwner,
    /// Who learns from it.
    #[serde(default)]
    pub experience: KillShare,
}

/// Whose a kill is. All forget when the monster gives up and goes home.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize, schemars::JsonSchema)]
pub enum TapOwner {
    /// Of the party of whoever took hit points from it first.
    #[default]
    FirstHit,
    /// Of the party that took the most; of equals, of the one that began.
    MostDamage,
    /// Of the party of the player who took hit points from it last.
    LastHit,
}

/// Who learns from a kill.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize, Serialize, schemars::JsonSchema)]
pub enum KillShare {
    /// Those whose kill it is.
    #[default]
    Owner,
    /// Every party, and everyone without one, by its part of all damage.
    ByDamage,
}
