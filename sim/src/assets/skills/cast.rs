//! How a skill is cast: at once, after a while, for a while, or as long as its caster holds it.

use serde::{Deserialize, Serialize};

use crate::assets::FirstTick;

/// How a skill is cast.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum CastDef {
    /// At once.
    #[default]
    Instant,
    /// It takes effect at the end.
    Cast {
        /// How long.
        ms: u32,
        /// What moving does to it.
        #[serde(rename = "move", default)]
        movement: CastMove,
        /// What a blow does to it: the end moves away.
        #[serde(default)]
        pushback: Option<Pushback>,
        /// Whether a kick ends it.
        #[serde(default = "yes")]
        interruptible: bool,
        /// Whether haste shortens it.
        #[serde(default = "yes")]
        hasted: bool,
    },
    /// It takes effect again and again until it ends.
    Channel {
        /// How long.
        ms: u32,
        /// Time between two ticks; haste shortens it with the whole, so that their number stays.
        tick_ms: u32,
        /// When the first tick is.
        #[serde(default)]
        first: FirstTick,
        /// What moving does to it.
        #[serde(rename = "move", default)]
        movement: CastMove,
        /// What a blow does to it: the end comes nearer.
        #[serde(default)]
        pushback: Option<Pushback>,
        /// Whether a kick ends it.
        #[serde(default = "yes")]
        interruptible: bool,
        /// Whether haste shortens it.
        #[serde(default = "yes")]
        hasted: bool,
    },
    /// Its caster holds it and lets it go; at the latest it goes by itself.
    Charge {
        /// Shortest hold; let go earlier, it waits for it.
        min_ms: u32,
        /// Longest hold.
        max_ms: u32,
        /// What it is worth from which hold on, ascending; before the first, 100 %.
        #[serde(default)]
        levels: Vec<ChargeLevel>,
        /// What moving does to it.
        #[serde(rename = "move", default)]
        movement: CastMove,
        /// Whether a kick ends it.
        #[serde(default = "yes")]
        interruptible: bool,
    },
}

const fn yes() -> bool {
    true
}

/// What moving does to a cast.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum CastMove {
    /// It ends the cast.
    #[default]
    Cancels,
    /// Nothing.
    Allows,
    /// The caster moves at so many basis points of its speed while it casts.
    Slows(u16),
}

/// What a blow does to a cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pushback {
    /// By how much the end moves.
    pub ms: u32,
    /// How often at most.
    pub max: u8,
}

/// What a charge is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChargeLevel {
    /// From this hold on.
    pub from_ms: u32,
    /// Percent of its amounts.
    pub scale_pct: u32,
}

impl CastDef {
    /// How long it lasts before haste, in milliseconds: the longest for a charge.
    #[must_use]
    pub const fn length_ms(&self) -> u32 {
        match self {
            Self::Instant => 0,
            Self::Cast { ms, .. } | Self::Channel { ms, .. } => *ms,
            Self::Charge { max_ms, .. } => *max_ms,
        }
    }

    /// What moving does to it.
    #[must_use]
    pub const fn movement(&self) -> CastMove {
        match self {
            Self::Instant => CastMove::Allows,
            Self::Cast { movement, .. } | Self::Channel { movement, .. } | Self::Charge { movement, .. } => *movement,
        }
    }

    /// What a blow does to it.
    #[must_use]
    pub const fn pushback(&self) -> Option<Pushback> {
        match self {
            Self::Cast { pushback, .. } | Self::Channel { pushback, .. } => *pushback,
            Self::Instant | Self::Charge { .. } => None,
        }
    }

    /// Whether a kick ends it.
    #[must_use]
    pub const fn is_interruptible(&self) -> bool {
        match self {
            Self::Instant => false,
            Self::Cast { interruptible, .. }
            | Self::Channel { interruptible, .. }
            | Self::Charge { interruptible, .. } => *interruptible,
        }
    }

    /// Whether haste shortens it.
    #[must_use]
    pub const fn is_hasted(&self) -> bool {
        match self {
            Self::Cast { hasted, .. } | Self::Channel { hasted, .. } => *hasted,
            Self::Instant | Self::Charge { .. } => false,
        }
    }

    /// Percent that the amounts of a charge are worth after a hold of so many milliseconds; 100 for everything else.
    #[must_use]
    pub fn scale_pct(&self, held_ms: u32) -> u32 {
        let Self::Charge { levels, .. } = self else { return 100 };
        levels.iter().rev().find(|level| held_ms >= level.from_ms).map_or(100, |level| level.scale_pct)
    }
}
