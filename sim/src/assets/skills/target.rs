//! What a skill is aimed at and whom it reaches. Whatever reaches several has a cap, and the nearest come first, ties by
//! id; along a line and a chain the order is that of the way.

use serde::{Deserialize, Serialize};

/// The shape of what a skill reaches.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum SkillTarget {
    /// The caster alone.
    Caster,
    /// One unit the caster names.
    Unit {
        /// Which units may be named.
        filter: Filter,
        /// Greatest distance in metres.
        range_m: f32,
        /// Least distance in metres.
        #[serde(default)]
        min_range_m: f32,
        /// When geometry between the two prevents it.
        #[serde(default)]
        los: Los,
        /// Full width of the arc in front of the caster the target must be in, in degrees; `None` for any facing.
        #[serde(default)]
        facing_deg: Option<f32>,
        /// Whether it is for the dead, and only for them.
        #[serde(default)]
        dead: bool,
    },
    /// A circle around a point the caster names.
    Ground {
        /// Greatest distance of the point in metres.
        range_m: f32,
        /// Radius of the circle in metres.
        radius_m: f32,
        /// Which units in it are hit.
        filter: Filter,
        /// Most units hit, nearest first.
        targets_max: u16,
    },
    /// A circle around the caster.
    Around {
        /// Radius of the circle in metres.
        radius_m: f32,
        /// Which units in it are hit.
        filter: Filter,
        /// Most units hit, nearest first.
        targets_max: u16,
    },
    /// A sector in front of the caster.
    Cone {
        /// Radius of the sector in metres.
        radius_m: f32,
        /// Full width of the sector in degrees.
        angle_deg: f32,
        /// Which units in it are hit.
        filter: Filter,
        /// Most units hit, nearest first.
        targets_max: u16,
    },
    /// A strip in front of the caster.
    Line {
        /// How far it goes, in metres.
        length_m: f32,
        /// How wide it is, in metres.
        width_m: f32,
        /// Which units in it are hit.
        filter: Filter,
        /// Most units hit, in the order of the way.
        targets_max: u16,
    },
    /// One unit the caster names, and from it on to others: each time the nearest that was not hit yet, ties by id.
    Chain {
        /// Which units it goes to.
        filter: Filter,
        /// Greatest distance of the first in metres.
        range_m: f32,
        /// How often it goes on.
        jumps: u16,
        /// Greatest distance of a jump in metres.
        jump_m: f32,
        /// What each jump takes from the amounts of the one before, in percent.
        #[serde(default)]
        falloff_pct: u32,
        /// When geometry between caster and first target prevents it.
        #[serde(default)]
        los: Los,
    },
}

/// When geometry between caster and target prevents a cast.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum Los {
    /// Never.
    No,
    /// When it begins.
    AtStart,
    /// When it begins and when it takes effect.
    #[default]
    AtStartAndEnd,
}

impl SkillTarget {
    /// How far from the caster the skill can reach at all, in metres.
    #[must_use]
    pub fn reach_m(&self) -> f32 {
        match self {
            Self::Caster => 0.0,
            Self::Unit { range_m, .. } => *range_m,
            Self::Ground { range_m, radius_m, .. } => *range_m + *radius_m,
            Self::Around { radius_m, .. } | Self::Cone { radius_m, .. } => *radius_m,
            Self::Line { length_m, .. } => *length_m,
            Self::Chain { range_m, .. } => *range_m,
        }
    }

    /// Which units it affects; the caster counts as an ally.
    #[must_use]
    pub const fn filter(&self) -> Filter {
        match self {
            Self::Caster => Filter::Ally,
            Self::Unit { filter, .. }
            | Self::Ground { filter, .. }
            | Self::Around { filter, .. }
            | Self::Cone { filter, .. }
            | Self::Line { filter, .. }
            | Self::Chain { filter, .. } => *filter,
        }
    }

    /// Most units it can affect at once.
    #[must_use]
    pub const fn targets_max(&self) -> u16 {
        match self {
            Self::Caster | Self::Unit { .. } => 1,
            Self::Ground { targets_max, .. }
            | Self::Around { targets_max, .. }
            | Self::Cone { targets_max, .. }
            | Self::Line { targets_max, .. } => *targets_max,
            Self::Chain { jumps, .. } => jumps.saturating_add(1),
        }
    }

    /// Whether its caster has to name a unit.
    #[must_use]
    pub const fn names_unit(&self) -> bool {
        matches!(self, Self::Unit { .. } | Self::Chain { .. })
    }

    /// Full width of the arc in front of the caster the target must be in, in degrees.
    #[must_use]
    pub const fn facing_deg(&self) -> Option<f32> {
        match self {
            Self::Unit { facing_deg, .. } => *facing_deg,
            _ => None,
        }
    }
}

/// Which units a skill affects, seen from its caster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum Filter {
    /// Units of hostile factions.
    Enemy,
    /// Units of friendly factions, the caster included.
    Ally,
    /// All units.
    Any,
}
