//! Designers' tests: who is there, what is done, and what must come of it, as data. `mainspring assets check` plays
//! each on empty, level ground (`laboratory`) and reports every expectation that does not come true, at its place in
//! the file. Names of units are the test's own. Times are milliseconds since the beginning, whole ticks.

use serde::{Deserialize, Serialize};

use super::{AttrRef, ClassDef, EffectDef, MonsterDef, Record, Ref, RefVisitor, SkillDef, Tag};

/// One test.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestDef {
    /// Full id, `test/name`: what is claimed, in a few words.
    pub id: String,
    /// Who is there, 1 to 40 units.
    pub given: Vec<GivenUnit>,
    /// What is done, in any order.
    #[serde(default, rename = "do")]
    pub deeds: Vec<TimedDeed>,
    /// How long it is watched, in milliseconds, up to ten minutes.
    pub run_ms: u32,
    /// What must come of it; at least one.
    pub expect: Vec<Expectation>,
    /// Seed of everything random in it.
    #[serde(default = "first_seed")]
    pub seed: u64,
}

const fn first_seed() -> u64 {
    1
}

/// One unit of a test.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GivenUnit {
    /// What the test calls it.
    pub unit: String,
    /// What it is, and who decides for it.
    pub is: UnitKind,
    /// Its level; a monster's own and 1 for a class, if it is not given.
    #[serde(default)]
    pub level: Option<u16>,
    /// Where it stands, in metres (x, z), within 100 m of the middle.
    pub at: (f32, f32),
    /// Where it looks, in degrees from `+z` towards `+x`.
    #[serde(default)]
    pub yaw_deg: f32,
    /// Hit points in the beginning, in percent of the greatest.
    #[serde(default = "all_of_it")]
    pub hp_pct: u32,
    /// What rests on it in the beginning, applied by itself.
    #[serde(default)]
    pub effects: Vec<Ref<EffectDef>>,
}

const fn all_of_it() -> u32 {
    100
}

/// What a unit is, and who decides for it.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum UnitKind {
    /// A player's character, which does what the test says and nothing else.
    Player(Ref<ClassDef>),
    /// A class on the players' side, played by its behaviour tree; it goes for all monsters and foes.
    Champion(Ref<ClassDef>),
    /// The same on no player's side; it goes for all players and champions.
    Foe(Ref<ClassDef>),
    /// A monster, at home where it stands.
    Monster(Ref<MonsterDef>),
}

/// Something done at a time.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimedDeed {
    /// When.
    #[serde(default)]
    pub at_ms: u32,
    /// What.
    #[serde(rename = "do")]
    pub deed: Deed,
}

/// What a test does.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Deed {
    /// A player asks to cast a skill, as a client would; the server's rules apply.
    Cast {
        /// The player.
        unit: String,
        /// What.
        skill: Ref<SkillDef>,
        /// At what.
        #[serde(default)]
        target: Aim,
    },
    /// A player asks to break off its cast.
    StopCast {
        /// The player.
        unit: String,
    },
    /// A player walks straight to a place.
    Walk {
        /// The player.
        unit: String,
        /// Where to, in metres (x, z).
        to: (f32, f32),
    },
    /// Any unit is set down at a place.
    Place {
        /// Which.
        unit: String,
        /// Where, in metres (x, z).
        at: (f32, f32),
    },
    /// An effect comes upon a unit, as if another had applied it.
    Apply {
        /// Upon whom.
        unit: String,
        /// Which.
        effect: Ref<EffectDef>,
        /// By whom; by itself if nobody is named.
        #[serde(default)]
        from: Option<String>,
    },
    /// A unit's hit points become so many percent of the greatest, outside the combat log.
    SetHp {
        /// Whose.
        unit: String,
        /// Percent, 1 to 100.
        pct: u32,
    },
    /// A unit hits another so hard that it dies, unless something protects it.
    Kill {
        /// Whom.
        unit: String,
        /// Who does it.
        by: String,
    },
}

/// What a cast is aimed at.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Aim {
    /// The caster, and whatever is around it.
    #[default]
    Caster,
    /// A unit.
    Unit(String),
    /// A place on the ground, in metres (x, z).
    Ground(f32, f32),
}

/// What must come of a test. Without `at_ms` the end of the test is meant.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Expectation {
    /// An effect rests on a unit, with a number of stacks (of all sources together).
    HasEffect {
        /// On whom.
        unit: String,
        /// Which.
        effect: Ref<EffectDef>,
        /// Least and greatest number of stacks.
        #[serde(default = "any_stacks")]
        stacks: (u32, u32),
        /// When.
        #[serde(default)]
        at_ms: Option<u32>,
    },
    /// An effect does not rest on a unit.
    LacksEffect {
        /// On whom.
        unit: String,
        /// Which.
        effect: Ref<EffectDef>,
        /// When.
        #[serde(default)]
        at_ms: Option<u32>,
    },
    /// A unit's hit points are within a range.
    Hp {
        /// Whose.
        unit: String,
        /// Least and greatest percent.
        pct: (u32, u32),
        /// When.
        #[serde(default)]
        at_ms: Option<u32>,
    },
    /// A unit has a tag, such as `state.stunned`.
    HasTag {
        /// Which unit.
        unit: String,
        /// Which tag.
        tag: Tag,
        /// When.
        #[serde(default)]
        at_ms: Option<u32>,
    },
    /// A unit does not have a tag.
    LacksTag {
        /// Which unit.
        unit: String,
        /// Which tag.
        tag: Tag,
        /// When.
        #[serde(default)]
        at_ms: Option<u32>,
    },
    /// An attribute of a unit is within a range, everything that modifies it included.
    Attribute {
        /// Whose.
        unit: String,
        /// Which, such as `armor`.
        attr: AttrRef,
        /// Least and greatest value.
        value: (i32, i32),
        /// When.
        #[serde(default)]
        at_ms: Option<u32>,
    },
    /// A unit's mana is within a range.
    Mana {
        /// Whose.
        unit: String,
        /// Least and greatest number of points.
        points: (u32, u32),
        /// When.
        #[serde(default)]
        at_ms: Option<u32>,
    },
    /// A unit is dead.
    Dead {
        /// Which.
        unit: String,
        /// When at the latest.
        #[serde(default)]
        by_ms: Option<u32>,
    },
    /// A unit is alive.
    Alive {
        /// Which.
        unit: String,
        /// When.
        #[serde(default)]
        at_ms: Option<u32>,
    },
    /// A unit begins to cast a skill so many times in all.
    Casts {
        /// Who.
        unit: String,
        /// What.
        skill: Ref<SkillDef>,
        /// Least and greatest number of times.
        #[serde(default = "at_least_once")]
        times: (u32, u32),
    },
    /// A unit decides to cast a skill soon enough.
    Decides {
        /// Who.
        unit: String,
        /// What.
        skill: Ref<SkillDef>,
        /// When at the latest.
        within_ms: u32,
    },
    /// A monster is after somebody: its victim.
    Attacks {
        /// The monster.
        unit: String,
        /// Its victim.
        victim: String,
        /// When.
        #[serde(default)]
        at_ms: Option<u32>,
    },
    /// A unit damages another, by skills and effects together, by so much in all.
    Damages {
        /// Who.
        unit: String,
        /// Whom.
        target: String,
        /// Least and greatest number of hit points.
        points: (u32, u32),
    },
    /// A player's command is refused, for a reason such as `cooldown`.
    Refused {
        /// Whose.
        unit: String,
        /// The word that clients are told.
        reason: String,
    },
    /// Two units are within a distance of each other.
    Near {
        /// One.
        unit: String,
        /// The other.
        to: String,
        /// Metres.
        within_m: f32,
        /// When.
        #[serde(default)]
        at_ms: Option<u32>,
    },
    /// Two units are farther apart than a distance.
    Far {
        /// One.
        unit: String,
        /// The other.
        from: String,
        /// Metres.
        beyond_m: f32,
        /// When.
        #[serde(default)]
        at_ms: Option<u32>,
    },
    /// So many monsters of a kind are alive, the given ones included.
    Count {
        /// Which kind.
        monster: Ref<MonsterDef>,
        /// Least and greatest number.
        alive: (u32, u32),
        /// When.
        #[serde(default)]
        at_ms: Option<u32>,
    },
}

const fn any_stacks() -> (u32, u32) {
    (1, u32::MAX)
}

const fn at_least_once() -> (u32, u32) {
    (1, u32::MAX)
}

impl Record for TestDef {
    const KIND: &'static str = "test";
    const FOLDER: &'static str = "tests";

    fn id(&self) -> &str {
        &self.id
    }

    fn visit_refs(&mut self, visitor: &mut dyn RefVisitor) {
        for (index, given) in self.given.iter_mut().enumerate() {
            match &mut given.is {
                UnitKind::Player(class) | UnitKind::Champion(class) | UnitKind::Foe(class) => {
                    class.visit(&format!("given.{index}.is.0"), visitor);
                }
                UnitKind::Monster(monster) => monster.visit(&format!("given.{index}.is.0"), visitor),
            }
            for (place, effect) in given.effects.iter_mut().enumerate() {
                effect.visit(&format!("given.{index}.effects.{place}"), visitor);
            }
        }
        for (index, timed) in self.deeds.iter_mut().enumerate() {
            match &mut timed.deed {
                Deed::Cast { skill, .. } => skill.visit(&format!("do.{index}.do.skill"), visitor),
                Deed::Apply { effect, .. } => effect.visit(&format!("do.{index}.do.effect"), visitor),
                Deed::StopCast { .. } | Deed::Walk { .. } | Deed::Place { .. } => {}
                Deed::SetHp { .. } | Deed::Kill { .. } => {}
            }
        }
        for (index, expectation) in self.expect.iter_mut().enumerate() {
            let path = format!("expect.{index}");
            match expectation {
                Expectation::HasEffect { effect, .. } | Expectation::LacksEffect { effect, .. } => {
                    effect.visit(&format!("{path}.effect"), visitor);
                }
                Expectation::Casts { skill, .. } | Expectation::Decides { skill, .. } => {
                    skill.visit(&format!("{path}.skill"), visitor);
                }
                Expectation::HasTag { tag, .. } | Expectation::LacksTag { tag, .. } => {
                    tag.visit(&format!("{path}.tag"), visitor);
                }
                Expectation::Attribute { attr, .. } => attr.visit(&format!("{path}.attr"), visitor),
                Expectation::Count { monster, .. } => monster.visit(&format!("{path}.monster"), visitor),
                _ => {}
            }
        }
    }
}

impl Deed {
    /// The units it names, with the fields they stand in.
    pub(crate) fn units(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Cast { unit, target: Aim::Unit(target), .. } => vec![("unit", unit), ("target.0", target)],
            Self::Cast { unit, .. } | Self::StopCast { unit } | Self::Walk { unit, .. } => vec![("unit", unit)],
            Self::Place { unit, .. } | Self::SetHp { unit, .. } => vec![("unit", unit)],
            Self::Apply { unit, from, .. } => [("unit", unit)]
                .into_iter()
                .chain(from.as_ref().map(|from| ("from", from)))
                .map(|(f, u)| (f, u.as_str()))
                .collect(),
            Self::Kill { unit, by } => vec![("unit", unit), ("by", by)],
        }
    }

    /// True for what only a player's client can ask.
    pub(crate) const fn is_a_players(&self) -> bool {
        matches!(self, Self::Cast { .. } | Self::StopCast { .. } | Self::Walk { .. })
    }
}

impl Expectation {
    /// The units it names, with the fields they stand in.
    pub(crate) fn units(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Attacks { unit, victim, .. } => vec![("unit", unit), ("victim", victim)],
            Self::Damages { unit, target, .. } => vec![("unit", unit), ("target", target)],
            Self::Near { unit, to, .. } => vec![("unit", unit), ("to", to)],
            Self::Far { unit, from, .. } => vec![("unit", unit), ("from", from)],
            Self::HasEffect { unit, .. }
            | Self::LacksEffect { unit, .. }
            | Self::Hp { unit, .. }
            | Self::Mana { unit, .. }
            | Self::HasTag { unit, .. }
            | Self::LacksTag { unit, .. }
            | Self::Attribute { unit, .. }
            | Self::Dead { unit, .. }
            | Self::Alive { unit, .. }
            | Self::Casts { unit, .. }
            | Self::Decides { unit, .. }
            | Self::Refused { unit, .. } => vec![("unit", unit)],
            Self::Count { .. } => Vec::new(),
        }
    }

    /// The time it names, with its field.
    pub(crate) const fn time_ms(&self) -> Option<(&'static str, u32)> {
        match self {
            Self::HasEffect { at_ms: Some(ms), .. }
            | Self::LacksEffect { at_ms: Some(ms), .. }
            | Self::Hp { at_ms: Some(ms), .. }
            | Self::Mana { at_ms: Some(ms), .. }
            | Self::HasTag { at_ms: Some(ms), .. }
            | Self::LacksTag { at_ms: Some(ms), .. }
            | Self::Attribute { at_ms: Some(ms), .. }
            | Self::Alive { at_ms: Some(ms), .. }
            | Self::Attacks { at_ms: Some(ms), .. }
            | Self::Near { at_ms: Some(ms), .. }
            | Self::Far { at_ms: Some(ms), .. }
            | Self::Count { at_ms: Some(ms), .. } => Some(("at_ms", *ms)),
            Self::Dead { by_ms: Some(ms), .. } => Some(("by_ms", *ms)),
            Self::Decides { within_ms, .. } => Some(("within_ms", *within_ms)),
            _ => None,
        }
    }
}
