//! Actions: what a skill, an effect, a projectile, an area or an item does to someone. One flat list, so that whatever
//! works in one place works in all of them. Coefficients are thousandths, chances are percent, durations milliseconds.
//! What an action comes to is decided in the Resolve stage (`features/combat`).

use std::fmt;

use schemars::JsonSchema;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{AreaDef, DispelKind, EffectDef, FormulaDef, ProjectileDef, Ref, RefVisitor, ShortRef, SkillDef};

/// What kind of harm it is, and what resists it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
pub enum School {
    /// Blades, claws and falling rocks.
    #[default]
    Physical,
    /// Burns.
    Fire,
    /// Freezes.
    Frost,
    /// Poison, storm and thorns.
    Nature,
    /// Decay and curses.
    Shadow,
    /// Light.
    Holy,
    /// Raw magic.
    Arcane,
}

impl School {
    /// Every school, in the order of `index()`.
    pub const ALL: [Self; 7] =
        [Self::Physical, Self::Fire, Self::Frost, Self::Nature, Self::Shadow, Self::Holy, Self::Arcane];

    /// Position in `ALL`.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A pool of points that is filled and spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pool {
    /// Hit points.
    Hp,
    /// Mana points.
    Mana,
}

impl Pool {
    /// The name in the data.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hp => "hp",
            Self::Mana => "mana",
        }
    }
}

/// Written as the name of the pool, `"mana"`.
impl<'de> Deserialize<'de> for Pool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Pool;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"hp\" or \"mana\"")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Pool, E> {
                let pools = [Pool::Hp, Pool::Mana];
                let found = pools.into_iter().find(|pool| pool.name() == name);
                found.ok_or_else(|| E::custom(format!("there is no pool `{name}`, only \"hp\" and \"mana\"")))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

impl Serialize for Pool {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl JsonSchema for Pool {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pool".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "enum": ["hp", "mana"], "description": "A pool of points that is filled and spent." })
    }
}

/// One thing that is done to someone.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Action {
    /// Damages by a formula.
    Damage {
        /// What kind of harm it is.
        #[serde(default)]
        school: School,
        /// What it is worked out with; without one it is `coef` thousandths of the source's attack.
        #[serde(default)]
        formula: Option<ShortRef<FormulaDef>>,
        /// Handed to the formula: thousandths by convention.
        coef: u32,
        /// Whether it takes exactly what the formula says, rounded as that says: nothing is rolled, kept off or added.
        /// Immunity and shields still count. For what gives a blow back.
        #[serde(default)]
        exact: bool,
    },
    /// Heals by a formula.
    Heal {
        /// What it is worked out with; without one it is `coef` thousandths of the source's attack.
        #[serde(default)]
        formula: Option<ShortRef<FormulaDef>>,
        /// Handed to the formula: thousandths by convention.
        coef: u32,
        /// Whether it gives exactly what the formula says, rounded as that says: nothing is rolled or added. What absorbs
        /// healing still counts.
        #[serde(default)]
        exact: bool,
    },
    /// Fills a pool.
    Gain {
        /// Which pool, `"hp"` or `"mana"`.
        attr: Pool,
        /// Points.
        amount: u32,
    },
    /// Applies an effect.
    ApplyEffect {
        /// Who receives it.
        #[serde(default)]
        to: ActionTarget,
        /// The effect.
        effect: Ref<EffectDef>,
        /// Chance in percent.
        #[serde(default = "always_pct")]
        chance_pct: u32,
    },
    /// Applies an effect to the target in any case.
    Apply(Ref<EffectDef>),
    /// Offers a dead player to be raised where it lies.
    Resurrect {
        /// Hit points and mana it would have, in percent.
        hp_pct: u32,
    },
    /// Makes the target's threat list count this much more against the source.
    Threat {
        /// Points of threat; a point of damage is one. Negative points are taken away, down to none.
        amount: i32,
    },
    /// Ends an effect that the target has, whoever applied it.
    Remove {
        /// The effect.
        effect: Ref<EffectDef>,
        /// How many stacks it loses; 0 for all.
        #[serde(default)]
        stacks: u16,
    },
    /// Takes effects away, the newest first: harmful ones from friends, helpful ones from others.
    Dispel {
        /// What it takes away.
        kinds: Vec<DispelKind>,
        /// How many effects, from 1.
        #[serde(default = "one_effect")]
        count: u16,
        /// Chance for each of them in percent, before what the effect itself resists.
        #[serde(default = "always_pct")]
        chance_pct: u32,
        /// Whether whoever does it gets what it takes away, for the time that remains.
        #[serde(default)]
        steal: bool,
    },
    /// Wears the target's break bar down, if it has one.
    Stagger {
        /// Points.
        amount: u32,
    },
    /// Opens the nearest door if it is closed, and closes it if it is open; once per cast, whoever the targets are.
    WorkDoor {
        /// How far from the caster the door may be, in metres.
        reach_m: f32,
    },
    /// Launches a projectile at the target, or to where the skill is aimed.
    Launch {
        /// Which.
        projectile: Ref<ProjectileDef>,
    },
    /// Lays an area where the skill is aimed, or where the target stands.
    Area {
        /// Which.
        area: Ref<AreaDef>,
    },
    /// Ends what the target casts, if it can be ended, and locks the schools of it.
    Interrupt {
        /// For how long.
        #[serde(default)]
        lockout_ms: u32,
    },
    /// Moves someone by force.
    Displace(Displacement),
    /// Ends the cooldown of a skill of the target.
    ResetCooldown {
        /// Of which.
        skill: Ref<SkillDef>,
    },
    /// Shortens the cooldown of a skill of the target.
    ReduceCooldown {
        /// Of which.
        skill: Ref<SkillDef>,
        /// By how much.
        ms: u32,
    },
    /// Raises the source on the target's threat list to the highest that is on it, if it is below. Who shall also be
    /// attacked for a while applies an effect that grants `threat.taunt` besides.
    Taunt,
    /// Multiplies what the target's threat list holds against the source.
    ScaleThreat {
        /// In percent: 0 takes everything away, 100 changes nothing.
        pct: u32,
    },
}

/// A move by force. It ends before walls, edges and slopes that its body could not have walked.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Displacement {
    /// The target, away from the source.
    Knockback {
        /// How far, in metres.
        distance_m: f32,
    },
    /// The target, towards the source, to arm's length.
    Pull {
        /// How far at most, in metres.
        distance_m: f32,
    },
    /// The source, straight on.
    Leap {
        /// How far, in metres.
        distance_m: f32,
    },
    /// The source, straight on, over gaps and through others but not through walls.
    Blink {
        /// How far, in metres.
        distance_m: f32,
    },
    /// The source, to arm's length of the target.
    ChargeTo {
        /// How far at most, in metres.
        distance_m: f32,
    },
}

impl Displacement {
    /// How far, in metres.
    #[must_use]
    pub const fn distance_m(self) -> f32 {
        match self {
            Self::Knockback { distance_m }
            | Self::Pull { distance_m }
            | Self::Leap { distance_m }
            | Self::Blink { distance_m }
            | Self::ChargeTo { distance_m } => distance_m,
        }
    }
}

const fn always_pct() -> u32 {
    100
}

const fn one_effect() -> u16 {
    1
}

/// Who receives an effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum ActionTarget {
    /// Each target.
    #[default]
    Target,
    /// Whoever does it, once.
    Caster,
}

impl Action {
    /// Shows every reference in this action to `visitor`; `path` is where the action stands.
    pub(crate) fn visit_refs(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        match self {
            Self::ApplyEffect { effect, .. } | Self::Remove { effect, .. } => {
                effect.visit(&format!("{path}.effect"), visitor);
            }
            Self::Apply(effect) => effect.visit(&format!("{path}.0"), visitor),
            Self::Launch { projectile } => projectile.visit(&format!("{path}.projectile"), visitor),
            Self::Area { area } => area.visit(&format!("{path}.area"), visitor),
            Self::ResetCooldown { skill } | Self::ReduceCooldown { skill, .. } => {
                skill.visit(&format!("{path}.skill"), visitor);
            }
            Self::Damage { formula, .. } | Self::Heal { formula, .. } => {
                if let Some(formula) = formula {
                    formula.visit(&format!("{path}.formula"), visitor);
                }
            }
            Self::Gain { .. } | Self::Threat { .. } | Self::Resurrect { .. } => {}
            Self::WorkDoor { .. } | Self::Interrupt { .. } | Self::Displace(_) => {}
            Self::Dispel { .. } | Self::Stagger { .. } | Self::Taunt | Self::ScaleThreat { .. } => {}
        }
    }

    /// The effect it applies, if it applies one.
    #[must_use]
    pub const fn applied(&self) -> Option<&Ref<EffectDef>> {
        match self {
            Self::ApplyEffect { effect, .. } | Self::Apply(effect) => Some(effect),
            _ => None,
        }
    }
}

/// Shows the references of a list of actions that stands at `path`.
pub(crate) fn visit_actions(actions: &mut [Action], path: &str, visitor: &mut dyn RefVisitor) {
    for (index, action) in actions.iter_mut().enumerate() {
        action.visit_refs(&format!("{path}.{index}"), visitor);
    }
}
