//! The leaves of behaviour trees: what can be asked, what can be done, and what a score is made of. Distances are in metres
//! on the ground, parts in percent, durations in ms. What they mean in a scene stands in `features/monsters/view.rs`.

use serde::{Deserialize, Serialize};

use crate::assets::{EffectDef, MonsterDef, Ref, RefVisitor, SkillDef, Tag};

/// Something that is so or not.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Condition {
    /// It has less than this many percent of its hit points.
    HpBelow(u32),
    /// It has less than this many percent of its mana.
    ManaBelow(u32),
    /// Its victim has less than this many percent of its hit points.
    TargetHpBelow(u32),
    /// Its victim is nearer than so many metres.
    TargetWithin(f32),
    /// Nothing stands between its eyes and its victim's.
    TargetInSight,
    /// Its victim is casting.
    TargetCasting,
    /// At least so many friends, besides itself, are near.
    AlliesNear {
        /// How near, in metres.
        radius_m: f32,
        /// How many.
        #[serde(default = "one")]
        least: u32,
    },
    /// At least so many enemies are near.
    EnemiesNear {
        /// How near, in metres.
        radius_m: f32,
        /// How many.
        #[serde(default = "one")]
        least: u32,
    },
    /// Some friend near, or itself, has less than so many percent of its hit points.
    AllyBelow {
        /// Percent of hit points.
        hp_pct: u32,
        /// How near, in metres.
        radius_m: f32,
    },
    /// It has been granted a tag.
    HasTag(Tag),
    /// Its victim has been granted a tag.
    TargetHasTag(Tag),
    /// An effect rests on it.
    HasEffect(Ref<EffectDef>),
    /// An effect rests on its victim.
    TargetHasEffect(Ref<EffectDef>),
    /// It could cast a skill now: no cooldown, enough mana, nothing that keeps it from casting.
    SkillReady(Ref<SkillDef>),
    /// The fight is in a phase of the monster.
    PhaseIs(String),
    /// It has been fighting at least so long, in ms.
    FightingFor(u32),
    /// At least so many of those it summoned are alive.
    AddsAlive(u32),
    /// It may not leave its victim to itself: its home is farther than so many metres.
    HomeBeyond(f32),
    /// A timer of its own has run out; one that was never set has.
    TimerElapsed(String),
    /// A number of its own, 0 at first, is at least so much.
    VarAtLeast {
        /// Which.
        name: String,
        /// How much.
        value: i32,
    },
    /// So many of a hundred times.
    Random(u32),
}

/// Something it does.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Deed {
    /// Casts a skill; fails when it cannot now.
    Cast {
        /// Which, whether its record lists it or not.
        skill: Ref<SkillDef>,
        /// At whom.
        #[serde(default)]
        at: Aimed,
    },
    /// Casts the first skill of its own list that it can cast and that is worth it; fails without one.
    CastAny,
    /// Casts the first skill of its own list that has a tag; fails when it can cast none.
    CastTagged {
        /// The tag.
        tag: Tag,
        /// At whom.
        #[serde(default)]
        at: Aimed,
    },
    /// Goes to its victim; succeeds when it is near enough.
    Approach {
        /// How near, in metres; without it, as near as its next skill needs.
        #[serde(default)]
        within_m: Option<f32>,
    },
    /// Keeps a distance to its victim; succeeds when it has it.
    KeepDistance {
        /// Nearer than this it goes back, in metres.
        least_m: f32,
        /// Farther than this it comes nearer, in metres.
        most_m: f32,
    },
    /// Runs from its victim; succeeds when it is so far away.
    Flee {
        /// How far, in metres.
        until_m: f32,
    },
    /// Walks round its victim; never done.
    Circle {
        /// At which distance, in metres.
        radius_m: f32,
    },
    /// Stands still, facing its victim; never done.
    Hold,
    /// Calls all of its kind within a radius to help.
    CallForHelp {
        /// How far the call carries, in metres.
        radius_m: f32,
    },
    /// Turns to another victim; fails when there is none.
    SwitchTarget(Aimed),
    /// Gives up and runs home.
    ReturnHome,
    /// Goes over to a phase of the monster.
    SetPhase(String),
    /// Puts an effect on itself.
    Gain(Ref<EffectDef>),
    /// Says something to all who see it.
    Say(String),
    /// Brings monsters to its side; fails when as many as allowed are alive.
    Summon {
        /// Which.
        monster: Ref<MonsterDef>,
        /// How many at once.
        #[serde(default = "one")]
        count: u32,
        /// Most of its adds alive at a time.
        most: u32,
        /// How far from it they appear, in metres.
        #[serde(default = "near_m")]
        radius_m: f32,
    },
    /// Runs for so long, in ms, then succeeds.
    Wait(u32),
    /// Sets a timer of its own.
    SetTimer {
        /// Which.
        name: String,
        /// When it runs out, in ms.
        ms: u32,
    },
    /// Sets a number of its own.
    SetVar {
        /// Which.
        name: String,
        /// To what.
        value: i32,
    },
    /// Adds to a number of its own.
    AddVar {
        /// Which.
        name: String,
        /// How much.
        value: i32,
    },
}

const fn one() -> u32 {
    1
}

const fn near_m() -> f32 {
    4.0
}

/// Whom a deed is aimed at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
pub enum Aimed {
    /// Whom it fights.
    #[default]
    Victim,
    /// Itself.
    Caster,
    /// The friend near it, or itself, that has the least part of its hit points left.
    LowestAlly,
    /// One of those on its threat list.
    RandomEnemy,
    /// The one on its threat list that is farthest away.
    FarthestEnemy,
    /// The one on its threat list with the second most threat.
    SecondEnemy,
    /// The place where its victim stands.
    Ground,
}

/// One thing that speaks for or against an option.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consideration {
    /// What is measured.
    pub of: Measure,
    /// What it is worth.
    pub worth: Response,
}

/// Something that is measured.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Measure {
    /// Its hit points in percent.
    Hp,
    /// Its mana in percent.
    Mana,
    /// Its victim's hit points in percent.
    TargetHp,
    /// The distance to its victim in decimetres.
    TargetDistance,
    /// The least hit points, in percent, of friends near and of itself.
    LowestAllyHp(f32),
    /// Friends near, besides itself.
    AlliesNear(f32),
    /// Enemies near.
    EnemiesNear(f32),
    /// How long it has been fighting, in seconds.
    FightingFor,
    /// A number of its own.
    Var(String),
}

/// How a measure becomes a percentage.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub enum Response {
    /// From one (measure, percent) in a straight line to another, level outside.
    Linear {
        /// Where the line begins.
        from: (i32, u32),
        /// Where it ends.
        to: (i32, u32),
    },
    /// As `Linear`, but slow at first: the square of the way.
    Quadratic {
        /// Where the curve begins.
        from: (i32, u32),
        /// Where it ends.
        to: (i32, u32),
    },
    /// One percentage below a measure, another from it on.
    Step {
        /// The measure.
        at: i32,
        /// Percent below it.
        below: u32,
        /// Percent from it on.
        above: u32,
    },
    /// Straight lines through (measure, percent), by ascending measure, level outside.
    Points(Vec<(i32, u32)>),
}

impl Response {
    /// The percentage of a measure.
    #[must_use]
    pub fn percent(&self, measure: i32) -> u32 {
        match self {
            Self::Linear { from, to } => between(*from, *to, measure, false),
            Self::Quadratic { from, to } => between(*from, *to, measure, true),
            Self::Step { at, below, above } => *if measure < *at { below } else { above },
            Self::Points(points) => {
                let after = points.partition_point(|(at, _)| *at <= measure);
                match (after.checked_sub(1).and_then(|before| points.get(before)), points.get(after)) {
                    (Some(&before), Some(&next)) => between(before, next, measure, false),
                    (Some(&(_, percent)), None) | (None, Some(&(_, percent))) => percent,
                    (None, None) => 0,
                }
            }
        }
    }
}

fn between(from: (i32, u32), to: (i32, u32), measure: i32, square: bool) -> u32 {
    let (from, to) = if from.0 <= to.0 || square { (from, to) } else { (to, from) };
    let (start, span) = (i64::from(from.0), i64::from(to.0) - i64::from(from.0));
    if span == 0 {
        return if measure < from.0 { from.1 } else { to.1 };
    }
    let milli = ((i64::from(measure) - start) * 1_000 / span).clamp(0, 1_000);
    let milli = if square { milli * milli / 1_000 } else { milli };
    let percent = i64::from(from.1) + (i64::from(to.1) - i64::from(from.1)) * milli / 1_000;
    u32::try_from(percent).unwrap_or(0)
}

impl Condition {
    pub(super) fn visit_refs(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        let path = format!("{path}.0");
        match self {
            Self::HasTag(tag) | Self::TargetHasTag(tag) => tag.visit(&path, visitor),
            Self::HasEffect(effect) | Self::TargetHasEffect(effect) => effect.visit(&path, visitor),
            Self::SkillReady(skill) => skill.visit(&path, visitor),
            _ => {}
        }
    }
}

impl Deed {
    /// Whether it is done in the moment it begins.
    #[must_use]
    pub const fn is_immediate(&self) -> bool {
        match self {
            Self::Cast { .. }
            | Self::CallForHelp { .. }
            | Self::SwitchTarget(_)
            | Self::Say(_)
            | Self::Summon { .. }
            | Self::Gain(_) => true,
            Self::CastAny
            | Self::CastTagged { .. }
            | Self::Approach { .. }
            | Self::KeepDistance { .. }
            | Self::Flee { .. }
            | Self::Circle { .. }
            | Self::Hold
            | Self::ReturnHome
            | Self::SetPhase(_)
            | Self::Wait(_)
            | Self::SetTimer { .. }
            | Self::SetVar { .. }
            | Self::AddVar { .. } => false,
        }
    }

    /// How it is written, without what it is given.
    pub(crate) fn word(&self) -> String {
        let text = format!("{self:?}");
        let end = text.find([' ', '(', '{']).unwrap_or(text.len());
        format!("`{}`", &text[..end])
    }

    pub(crate) fn visit_refs(&mut self, path: &str, visitor: &mut dyn RefVisitor) {
        match self {
            Self::Gain(effect) => effect.visit(&format!("{path}.0"), visitor),
            Self::Cast { skill, .. } => skill.visit(&format!("{path}.skill"), visitor),
            Self::CastTagged { tag, .. } => tag.visit(&format!("{path}.tag"), visitor),
            Self::Summon { monster, .. } => monster.visit(&format!("{path}.monster"), visitor),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_level_outside_and_straight_or_square_inside() {
        let linear = Response::Linear { from: (20, 100), to: (80, 0) };
        assert_eq!([0, 20, 50, 80, 99].map(|hp| linear.percent(hp)), [100, 100, 50, 0, 0]);
        let quadratic = Response::Quadratic { from: (100, 0), to: (0, 100) };
        assert_eq!([100, 50, 0].map(|hp| quadratic.percent(hp)), [0, 25, 100]);
        let step = Response::Step { at: 3, below: 10, above: 90 };
        assert_eq!([2, 3].map(|count| step.percent(count)), [10, 90]);
        let points = Response::Points(vec![(0, 0), (10, 100), (20, 40)]);
        assert_eq!([-5, 5, 10, 15, 30].map(|at| points.percent(at)), [0, 50, 100, 70, 40]);
    }
}
