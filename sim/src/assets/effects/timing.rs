//! How long an effect lasts, how often it acts, and what ends it before its time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::assets::ticks_of;

/// How long an effect lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Duration {
    /// So many milliseconds.
    Ms(u32),
    /// Until something ends it.
    Infinite,
    /// No time at all: its `on_apply` happens and nothing stays.
    Instant,
}

impl Duration {
    /// Ticks it lasts; `None` for one without an end, 0 for an instant.
    #[must_use]
    pub const fn ticks(self) -> Option<u32> {
        match self {
            Self::Ms(ms) => Some(ticks_of(ms)),
            Self::Infinite => None,
            Self::Instant => Some(0),
        }
    }
}

/// What happens again and again while an effect lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeriodDef {
    /// Length of a period in ms.
    pub ms: u32,
    /// When it acts for the first time.
    #[serde(default)]
    pub first: FirstTick,
    /// What another application does to the period that is running.
    #[serde(default)]
    pub on_refresh: PeriodRefresh,
    /// Whether an effect that ends within a period acts once more at its end, with the share of the period that has passed.
    #[serde(default)]
    pub partial_last: bool,
    /// Whether the source's haste shortens periods; the duration stays, so that there are more of them.
    #[serde(default)]
    pub hasted: bool,
}

/// When a periodic effect acts for the first time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum FirstTick {
    /// When the first period is over.
    #[default]
    AfterPeriod,
    /// At once, and again when the first period is over. Another application does not act at once again.
    Immediately,
}

/// What another application does to the period that is running.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum PeriodRefresh {
    /// It goes on, so that nothing is lost.
    #[default]
    Keep,
    /// It begins anew.
    Restart,
}

/// Whether the values of a source count as they were when it applied the effect, or as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Capture {
    /// As they were.
    #[default]
    SnapshotOnApply,
    /// As they are; once the source has gone, as they were last.
    Dynamic,
}

/// What damage to its bearer does to an effect. Damage in the tick it was applied in does nothing to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum DamageBreak {
    /// Nothing.
    #[default]
    Never,
    /// Any damage ends it.
    Always,
    /// Each damage ends it with a chance.
    Chance {
        /// In percent, 1 to 100.
        pct: u32,
    },
    /// It ends when all damage since it was last applied comes to so much.
    Above {
        /// Percent of the bearer's greatest hit points, 1 to 100.
        hp_pct: u32,
    },
}

/// What becomes of an effect when its bearer leaves the scene: logs out or goes through a portal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Logout {
    /// It travels with the character and its time stands still meanwhile.
    #[default]
    Keep,
    /// It travels with the character and its time runs on meanwhile.
    KeepRealTime,
    /// It ends.
    Drop,
}

/// What becomes of an effect when its bearer dies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum OnDeath {
    /// It ends.
    #[default]
    Drop,
    /// It stays; its time runs on.
    Keep,
}
