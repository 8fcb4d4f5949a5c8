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
        /// What moving does to it; without it, what the table of interruptions says.
        #[serde(rename = "move", default)]
        movement: Option<CastMove>,
        /// What a blow does to it: the end moves away.
        #[serde(default)]
        pushback: Option<Pushback>,
        /// Whether a kick ends it; without it, what the table of interruptions says.
        #[serde(default)]
        interruptible: Option<bool>,
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
        /// What moving does to it; without it, what the table of interruptions says.
        #[serde(rename = "move", default)]
        movement: Option<CastMove>,
        /// What a blow does to it: the end comes nearer.
        #[serde(default)]
        pushback: Option<Pushback>,
        /// Whether a kick ends it; without it, what the table of interruptions says.
        #[serde(default)]
        interruptible: Option<bool>,
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
        /// What moving does to it; without it, what the table of interruptions says.
        #[serde(rename = "move", default)]
        movement: Option<CastMove>,
        /// Whether a kick ends it; without it, what the table of interruptions says.
        #[serde(default)]
        interruptible: Option<bool>,
    },
}

const fn yes() -> bool {
    true
}

/// Kinds of casts that take time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, schemars::JsonSchema)]
pub enum CastKind {
    /// It takes effect at its end.
    Cast,
    /// It takes effect again and again.
    Channel,
    /// It is held and let go.
    Charge,
}

impl CastKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cast, Self::Channel, Self::Charge];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cast => "cast",
            Self::Channel => "channel",
            Self::Charge => "charge",
        }
    }
}

/// What moving does to a cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum CastMove {
    /// It ends the cast.
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

    /// Of what kind it is while it is under way; `None` for what never is.
    #[must_use]
    pub const fn kind(&self) -> Option<CastKind> {
        match self {
            Self::Instant => None,
            Self::Cast { .. } => Some(CastKind::Cast),
            Self::Channel { .. } => Some(CastKind::Channel),
            Self::Charge { .. } => Some(CastKind::Charge),
        }
    }

    /// What it says that moving does to it.
    #[must_use]
    pub const fn movement(&self) -> Option<CastMove> {
        match self {
            Self::Instant => None,
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

    /// What it says on whether a kick ends it.
    #[must_use]
    pub const fn interruptible(&self) -> Option<bool> {
        match self {
            Self::Instant => None,
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
