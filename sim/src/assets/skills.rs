//! Skills: what a unit can do on purpose, to whom, at what price, and what happens when it works.
//! Durations are milliseconds and multiples of the tick; ratios and chances are basis points (10,000 = 100 %).
//! The systems that run them live in `features/skills`.

use serde::{Deserialize, Serialize};

use super::{Action, Record, RefVisitor, TagList, actions::visit_actions, ticks_of};

/// One skill, `skill/..`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkillDef {
    /// `skill/name`.
    pub id: String,
    /// What players read.
    #[serde(default)]
    pub name: String,
    /// Free words such as `school.fire`.
    #[serde(default)]
    pub tags: TagList,
    /// Time from start to effect in ms, 0 for instant.
    #[serde(default)]
    pub cast_ms: u32,
    /// Whether moving ends the cast.
    #[serde(default)]
    pub move_cancels: bool,
    /// Time during which no other skill can start, in ms.
    pub gcd_ms: u32,
    /// Time until the same skill can start again, in ms.
    #[serde(default)]
    pub cooldown_ms: u32,
    /// Mana points paid when the cast starts.
    #[serde(default)]
    pub cost_mp: u32,
    /// Who or what it is aimed at.
    pub target: SkillTarget,
    /// Full width of the arc in front of the caster the target must be in, in degrees; `None` for any facing.
    #[serde(default)]
    pub facing_deg: Option<f32>,
    /// What happens on success, in order, to each target.
    pub actions: Vec<Action>,
}

impl SkillDef {
    /// Cast time in ticks.
    pub const fn cast_ticks(&self) -> u32 {
        ticks_of(self.cast_ms)
    }

    /// Global cooldown in ticks.
    pub const fn gcd_ticks(&self) -> u32 {
        ticks_of(self.gcd_ms)
    }

    /// Cooldown in ticks.
    pub const fn cooldown_ticks(&self) -> u32 {
        ticks_of(self.cooldown_ms)
    }

    /// How near the door has to be that it works, in metres; `None` for a skill that works no door.
    pub fn door_reach_m(&self) -> Option<f32> {
        self.actions.iter().find_map(|action| match action {
            Action::WorkDoor { reach_m } => Some(*reach_m),
            _ => None,
        })
    }
}

impl Record for SkillDef {
    const KIND: &'static str = "skill";
    const FOLDER: &'static str = "skills";

    fn id(&self) -> &str {
        &self.id
    }

    fn name_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.name)
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        self.tags.visit("tags", visitor);
        visit_actions(&mut self.actions, "actions", visitor);
    }
}

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
        /// Whether geometry between the two prevents it.
        #[serde(default = "needs_line_of_sight")]
        los: bool,
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
}

const fn needs_line_of_sight() -> bool {
    true
}

impl SkillTarget {
    /// How far from the caster the skill can reach at all, in metres.
    pub const fn reach_m(&self) -> f32 {
        match self {
            Self::Caster => 0.0,
            Self::Unit { range_m, .. } => *range_m,
            Self::Ground { range_m, radius_m, .. } => *range_m + *radius_m,
            Self::Around { radius_m, .. } | Self::Cone { radius_m, .. } => *radius_m,
        }
    }

    /// Which units it affects; the caster counts as an ally.
    pub const fn filter(&self) -> Filter {
        match self {
            Self::Caster => Filter::Ally,
            Self::Unit { filter, .. }
            | Self::Ground { filter, .. }
            | Self::Around { filter, .. }
            | Self::Cone { filter, .. } => *filter,
        }
    }

    /// Most units it can affect at once.
    pub const fn targets_max(&self) -> u16 {
        match self {
            Self::Caster | Self::Unit { .. } => 1,
            Self::Ground { targets_max, .. } | Self::Around { targets_max, .. } | Self::Cone { targets_max, .. } => {
                *targets_max
            }
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
