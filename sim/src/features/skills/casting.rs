//! Casts under way and what becomes of them. On the wire `casting` is one varint 0 for nothing, or varint skill
//! index + 1 and varint tick in which it finishes; the body of `cast_ended` is varint skill, outcome byte.

use bevy_ecs::prelude::*;

use crate::assets::{Id, SkillDef};
use crate::digest::{Digest, Digester};
use crate::ids::SimId;
use crate::intent::CastTarget;
use crate::replicated::{ClientEvent, Replicate};
use crate::wire::{Reader, put_varint};

/// What an actor is casting; nothing for most. Written in the Act stage.
#[derive(Component, Debug, Clone, Copy, PartialEq, Default)]
pub struct Casting(pub Option<Cast>);

/// A cast under way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cast {
    /// What.
    pub skill: Id<SkillDef>,
    /// At what.
    pub target: CastTarget,
    /// The tick it takes effect in.
    pub finish_tick: u32,
}

/// A cast as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CastSeen {
    /// What.
    pub skill: Id<SkillDef>,
    /// The tick it takes effect in.
    pub finish_tick: u32,
}

impl Casting {
    /// Reads the replicated value; the inner `None` is "nothing".
    #[allow(clippy::option_option, reason = "unreadable and nothing are two things")]
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Option<CastSeen>> {
        let Some(raw) = reader.varint()?.checked_sub(1) else { return Some(None) };
        Some(Some(CastSeen { skill: Id::new(raw), finish_tick: reader.varint()? }))
    }
}

impl Replicate for Casting {
    const NAME: &'static str = "casting";
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.0.map_or(0, |cast| cast.skill.raw() + 1));
        if let Some(cast) = self.0 {
            put_varint(out, cast.finish_tick);
        }
    }
}

impl Digest for Casting {
    fn digest(&self, digester: &mut Digester) {
        if let Some(cast) = self.0 {
            digester.u32(cast.skill.raw());
            digester.u32(cast.finish_tick);
            match cast.target {
                CastTarget::Caster => digester.u32(0),
                CastTarget::Unit(id) => digester.u32(id.bits()),
                CastTarget::Ground(place) => place.to_array().into_iter().for_each(|metres| digester.f32(metres)),
            }
        }
    }
}

/// An actor breaks off what it is casting, if anything. Written in Validate or Think, read in Act.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopIntent {
    /// Who.
    pub caster: SimId,
}

/// A cast began. Written in Act, read in Resolve.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct CastStarted {
    /// Who casts.
    pub caster: SimId,
    /// What.
    pub skill: Id<SkillDef>,
    /// Whether it is aimed at enemies.
    pub hostile: bool,
}

/// How a cast ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CastOutcome {
    /// It took effect.
    Finished,
    /// Its caster broke it off; mana and cooldown were given back.
    Cancelled,
    /// A stun, a silence or death ended it.
    Interrupted,
    /// At its end the target was gone, too far away or out of sight.
    Failed,
    /// It never began: something changed within the tick.
    Refused,
}

/// A cast ended.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct CastEnded {
    /// Whose.
    pub caster: SimId,
    /// What.
    pub skill: Id<SkillDef>,
    /// How.
    pub outcome: CastOutcome,
}

impl CastEnded {
    /// Reads the body of an event about `caster`.
    pub fn from_wire(caster: SimId, reader: &mut Reader<'_>) -> Option<Self> {
        let skill = Id::new(reader.varint()?);
        let outcome = match reader.u8()? {
            0 => CastOutcome::Finished,
            1 => CastOutcome::Cancelled,
            2 => CastOutcome::Interrupted,
            3 => CastOutcome::Failed,
            4 => CastOutcome::Refused,
            _ => return None,
        };
        Some(Self { caster, skill, outcome })
    }
}

impl ClientEvent for CastEnded {
    const NAME: &'static str = "cast_ended";
    fn subject(&self) -> SimId {
        self.caster
    }
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.skill.raw());
        out.push(match self.outcome {
            CastOutcome::Finished => 0,
            CastOutcome::Cancelled => 1,
            CastOutcome::Interrupted => 2,
            CastOutcome::Failed => 3,
            CastOutcome::Refused => 4,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cast_and_no_cast_are_told_apart_on_the_wire() {
        let cast = Cast { skill: Id::new(0), target: CastTarget::Caster, finish_tick: 700 };
        let mut bytes = Vec::new();
        Casting(Some(cast)).encode(&mut bytes);
        let seen = CastSeen { skill: Id::new(0), finish_tick: 700 };
        assert_eq!(Casting::from_wire(&mut Reader::new(&bytes)), Some(Some(seen)));
        bytes.clear();
        Casting(None).encode(&mut bytes);
        assert_eq!(Casting::from_wire(&mut Reader::new(&bytes)), Some(None));
        assert_eq!(Casting::from_wire(&mut Reader::new(&[3])), None);
    }
}
