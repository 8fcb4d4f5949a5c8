//! What combat is asked and what it tells. Bodies on the wire (the subject of an event stands before them):
//!
//! | event | body |
//! | --- | --- |
//! | `died` | killer `u32`, 0 for nobody |

use std::sync::Arc;

use bevy_ecs::prelude::*;

use super::{Context, Qualified};
use crate::actor::Faction;
use crate::assets::{
    Action, ActionTarget, AttributeId, Displacement, EffectDef, EventKind, FormulaDef, Id, Pool, School, ShortRef,
    SkillDef,
};
use crate::digest::{Digest, Digester};
use crate::features::skills::Conjuring;
pub use crate::formula::Trigger;
use crate::ids::SimId;
use crate::replicated::ClientEvent;
use crate::wire::Reader;

/// What a source's deeds are worth: its numbers when they were captured (a skill finished, a projectile was launched,
/// an effect was applied).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worth {
    /// Current values of all attributes, by their index.
    pub attributes: Arc<[i32]>,
    /// Those that depend on the deed.
    pub qualified: Qualified,
    /// The source's level.
    pub level: u16,
    /// The source's side.
    pub faction: Faction,
    /// What set it off, for formulas; nothing for what nobody set off. It goes along with what a proc launches, lays down or
    /// applies.
    pub cause: Trigger,
}

impl Digest for Trigger {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.amount);
        digester.u32(self.absorbed);
        digester.u32(u32::from(self.crit));
    }
}

impl Worth {
    /// The value of an attribute for a deed, when it was captured.
    #[must_use]
    pub fn in_context(&self, attribute: AttributeId, context: &Context<'_>) -> i32 {
        self.qualified.value(attribute, context).unwrap_or_else(|| self.of(attribute))
    }

    /// The value of an attribute when it was captured; 0 for one that the source did not have.
    #[must_use]
    pub fn of(&self, attribute: AttributeId) -> i32 {
        self.attributes.get(attribute.index()).copied().unwrap_or(0)
    }
}

/// What stands behind something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A skill.
    Skill(Id<SkillDef>),
    /// An effect: what it does once per period, at its end, or when something sets it off.
    Effect(Id<EffectDef>),
    /// Neither; tests and the world itself.
    World,
}

/// Something that is going to happen to an actor in the Resolve stage. Written in Act by skills and in Resolve
/// by buffs; effects are resolved by their sources' ids, those of one source in the order they were queued.
#[derive(Message, Debug, Clone, PartialEq, Eq)]
pub struct EffectQueued {
    /// Who does it; it may be gone already.
    pub source: SimId,
    /// To whom.
    pub target: SimId,
    /// The source's worth.
    pub worth: Worth,
    /// What.
    pub what: EffectAction,
    /// What stands behind it.
    pub origin: Origin,
    /// Whether it comes once per period; then it is never critical.
    pub periodic: bool,
    /// How many deeds set one another off before it: 0 for what a skill or a period does by itself.
    pub depth: u8,
}

/// What an effect does, ready to happen: an [`Action`](crate::assets::Action) with its references resolved. Harm reaches
/// other sides only, help the own side only; the rest comes to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectAction {
    /// Damages by a formula.
    Damage {
        /// What kind of harm it is.
        school: School,
        /// What it is worked out with; `None` for thousandths of attack.
        formula: Option<Id<FormulaDef>>,
        /// Handed to the formula.
        coef: u32,
    },
    /// Heals by a formula.
    Heal {
        /// What it is worked out with; `None` for thousandths of attack.
        formula: Option<Id<FormulaDef>>,
        /// Handed to the formula.
        coef: u32,
    },
    /// Damages by exactly what a formula says, rounded as it says.
    Wound {
        /// What kind of harm it is.
        school: School,
        /// What it is worked out with; `None` for thousandths of attack.
        formula: Option<Id<FormulaDef>>,
        /// Handed to the formula.
        coef: u32,
    },
    /// Heals by exactly what a formula says, rounded as it says.
    Restore {
        /// What it is worked out with; `None` for thousandths of attack.
        formula: Option<Id<FormulaDef>>,
        /// Handed to the formula.
        coef: u32,
    },
    /// Fills a pool.
    Gain {
        /// Which.
        pool: Pool,
        /// Points.
        amount: u32,
    },
    /// Applies an effect with a chance.
    Apply {
        /// Which.
        effect: Id<EffectDef>,
        /// Chance in percent.
        chance_pct: u32,
    },
    /// Offers a dead player to be raised.
    Resurrect {
        /// Hit points and mana it would have, in percent.
        hp_pct: u32,
    },
    /// Draws the target's anger, or soothes it.
    Threat {
        /// Points; a point of damage is one.
        amount: i32,
    },
    /// Draws as much of the target's anger as anyone has.
    Taunt,
    /// Multiplies the target's anger.
    ScaleThreat {
        /// In percent.
        pct: u32,
    },
    /// Ends an effect, whoever applied it.
    Remove {
        /// Which.
        effect: Id<EffectDef>,
        /// How many stacks it loses; 0 for all.
        stacks: u16,
    },
    /// Takes effects away: harmful ones from friends, helpful ones from others.
    Dispel {
        /// What it takes away, as a mask of [`DispelKind::bit`](crate::assets::DispelKind::bit).
        kinds: u8,
        /// How many effects.
        count: u16,
        /// Chance for each in percent.
        chance_pct: u32,
        /// Whether the source gets what it takes away.
        steal: bool,
    },
    /// Wears the target's break bar down.
    Stagger {
        /// Points.
        amount: u32,
    },
    /// Opens or closes a door; the target is the source.
    WorkDoor {
        /// Index of the door in its scene.
        door: u16,
    },
    /// Makes something that lives on by itself.
    Conjure(Conjuring),
    /// Ends what the target casts and locks its schools.
    Interrupt {
        /// For how long.
        lockout_ms: u32,
    },
    /// Moves the target by force.
    Displace {
        /// How.
        how: Push,
        /// How far at most, in centimetres.
        distance_cm: u32,
    },
    /// Brings the end of a cooldown of the target nearer.
    Cooldown {
        /// Of which skill.
        skill: Id<SkillDef>,
        /// By how much; `None` ends it.
        ms: Option<u32>,
    },
}

/// Who is moved by force, and where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Push {
    /// The target, away from the source.
    Away,
    /// The target, to arm's length of the source.
    Toward,
    /// The target, straight on.
    Ahead,
    /// The target, straight on and over gaps.
    Through,
    /// The source, to arm's length of the target.
    SourceToTarget,
}

impl EffectAction {
    /// What an action of the data does, and whether its source receives it instead of the targets; `None` when nothing
    /// comes of it. `door` finds the door within a reach in metres.
    #[must_use]
    pub fn of(action: &Action, door: impl Fn(f32) -> Option<u16>) -> Option<(Self, bool)> {
        let found = match action {
            Action::Damage { school, formula, coef, exact } => {
                let (school, formula, coef) = (*school, formula.as_ref().map(ShortRef::id), *coef);
                let exactly = Self::Wound { school, formula, coef };
                (if *exact { exactly } else { Self::Damage { school, formula, coef } }, false)
            }
            Action::Heal { formula, coef, exact } => {
                let (formula, coef) = (formula.as_ref().map(ShortRef::id), *coef);
                (if *exact { Self::Restore { formula, coef } } else { Self::Heal { formula, coef } }, false)
            }
            Action::Gain { attr, amount } => (Self::Gain { pool: *attr, amount: *amount }, false),
            Action::Resurrect { hp_pct } => (Self::Resurrect { hp_pct: *hp_pct }, false),
            Action::Threat { amount } => (Self::Threat { amount: *amount }, false),
            Action::Taunt => (Self::Taunt, false),
            Action::ScaleThreat { pct } => (Self::ScaleThreat { pct: *pct }, false),
            Action::Apply(effect) => (Self::Apply { effect: effect.id(), chance_pct: 100 }, false),
            Action::ApplyEffect { effect, to, chance_pct } => {
                let what = Self::Apply { effect: effect.id(), chance_pct: *chance_pct };
                (what, *to == ActionTarget::Caster)
            }
            Action::Remove { effect, stacks } => (Self::Remove { effect: effect.id(), stacks: *stacks }, false),
            Action::Dispel { kinds, count, chance_pct, steal } => {
                let kinds = kinds.iter().fold(0, |mask, kind| mask | kind.bit());
                (Self::Dispel { kinds, count: *count, chance_pct: *chance_pct, steal: *steal }, false)
            }
            Action::Stagger { amount } => (Self::Stagger { amount: *amount }, false),
            Action::WorkDoor { reach_m } => (Self::WorkDoor { door: door(*reach_m)? }, true),
            Action::Launch { projectile } => (Self::Conjure(Conjuring::Projectile(projectile.id())), false),
            Action::Area { area } => (Self::Conjure(Conjuring::Area(area.id())), false),
            Action::Interrupt { lockout_ms } => (Self::Interrupt { lockout_ms: *lockout_ms }, false),
            Action::Displace(how) => return Some(Self::displace(*how)),
            Action::ResetCooldown { skill } => (Self::Cooldown { skill: skill.id(), ms: None }, false),
            Action::ReduceCooldown { skill, ms } => (Self::Cooldown { skill: skill.id(), ms: Some(*ms) }, false),
        };
        Some(found)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked data: 0.1 to 40 m")]
    fn displace(how: Displacement) -> (Self, bool) {
        let distance_cm = (how.distance_m() * 100.0).round() as u32;
        let (how, own) = match how {
            Displacement::Knockback { .. } => (Push::Away, false),
            Displacement::Pull { .. } => (Push::Toward, false),
            Displacement::Leap { .. } => (Push::Ahead, true),
            Displacement::Blink { .. } => (Push::Through, true),
            Displacement::ChargeTo { .. } => (Push::SourceToTarget, false),
        };
        (Self::Displace { how, distance_cm }, own)
    }

    /// The same, so many times as strong: for what an effect does per stack.
    #[must_use]
    pub const fn times(self, stacks: u32) -> Self {
        match self {
            Self::Damage { school, formula, coef } => {
                Self::Damage { school, formula, coef: coef.saturating_mul(stacks) }
            }
            Self::Heal { formula, coef } => Self::Heal { formula, coef: coef.saturating_mul(stacks) },
            Self::Wound { school, formula, coef } => Self::Wound { school, formula, coef: coef.saturating_mul(stacks) },
            Self::Restore { formula, coef } => Self::Restore { formula, coef: coef.saturating_mul(stacks) },
            Self::Gain { pool, amount } => Self::Gain { pool, amount: amount.saturating_mul(stacks) },
            Self::Stagger { amount } => Self::Stagger { amount: amount.saturating_mul(stacks) },
            other => other,
        }
    }

    /// The same with so many more points, where it is about points.
    #[must_use]
    pub const fn plus(self, points: u32) -> Self {
        match self {
            Self::Gain { pool, amount } => Self::Gain { pool, amount: amount.saturating_add(points) },
            Self::Threat { amount } => Self::Threat { amount: amount.saturating_add_unsigned(points) },
            Self::Stagger { amount } => Self::Stagger { amount: amount.saturating_add(points) },
            other => other,
        }
    }

    /// The same in part: for the last period of an effect that ends within it. Thousandths, rounded down.
    #[must_use]
    pub fn in_part(self, thousandths: u32) -> Self {
        let part = |amount: u32| u32::try_from(u64::from(amount) * u64::from(thousandths) / 1_000).unwrap_or(amount);
        match self {
            Self::Damage { school, formula, coef } => Self::Damage { school, formula, coef: part(coef) },
            Self::Heal { formula, coef } => Self::Heal { formula, coef: part(coef) },
            Self::Wound { school, formula, coef } => Self::Wound { school, formula, coef: part(coef) },
            Self::Restore { formula, coef } => Self::Restore { formula, coef: part(coef) },
            Self::Gain { pool, amount } => Self::Gain { pool, amount: part(amount) },
            Self::Threat { amount } => {
                let part = part(amount.unsigned_abs()).cast_signed();
                Self::Threat { amount: if amount < 0 { -part } else { part } }
            }
            Self::Stagger { amount } => Self::Stagger { amount: part(amount) },
            other => other,
        }
    }
}

/// Something that has just happened, as effects that react to it are told. Each blow is told twice: to who struck and to
/// who was struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Happening {
    /// What.
    pub kind: EventKind,
    /// Whose effects are asked.
    pub who: SimId,
    /// The other one.
    pub other: SimId,
    /// Its points, if it has points, and whether it was critical.
    pub cause: Trigger,
    /// What kind of harm.
    pub school: School,
    /// What stands behind it.
    pub origin: Origin,
    /// How many deeds set one another off before it.
    pub depth: u8,
}

/// An actor died.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Died {
    /// Who.
    pub who: SimId,
    /// Who did the last damage.
    pub killer: Option<SimId>,
}

impl Died {
    /// Reads the body of an event about `who`.
    pub fn from_wire(who: SimId, reader: &mut Reader<'_>) -> Option<Self> {
        let killer = reader.u32()?;
        Some(Self { who, killer: (killer != 0).then(|| SimId::from_bits(killer)) })
    }
}

impl ClientEvent for Died {
    const NAME: &'static str = "died";
    fn subject(&self) -> SimId {
        self.who
    }
    fn other(&self) -> Option<SimId> {
        self.killer
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.killer.map_or(0, SimId::bits).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_comes_back_as_it_was() {
        let (target, source) = (SimId::new(3, 1), SimId::new(9, 0));
        for killer in [None, Some(source)] {
            let mut bytes = Vec::new();
            Died { who: target, killer }.encode(&mut bytes);
            assert_eq!(Died::from_wire(target, &mut Reader::new(&bytes)), Some(Died { who: target, killer }));
        }
    }
}
