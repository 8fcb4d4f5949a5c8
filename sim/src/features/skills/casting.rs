//! Casts under way and what becomes of them. On the wire `casting` is one varint 0 for nothing, or varint skill
//! index + 1, varint tick in which it ends, varint ticks it lasts in all, and a byte: 0 cast, 1 channel, 2 charge. The body
//! of `cast_ended` is varint skill, outcome byte.

use std::sync::Arc;

use bevy_ecs::prelude::*;

use super::cooldowns::tick_of;
use crate::assets::{CastKind, CastMove, Disturbance, Id, InterruptDef, SkillDef};
use crate::digest::{Digest, Digester};
use crate::ids::SimId;
use crate::intent::CastTarget;
use crate::replicated::{ClientEvent, Replicate};
use crate::wire::{Reader, put_varint};

/// What an actor is casting; nothing for most. Written in the Act and Resolve stages.
#[derive(Component, Debug, Clone, PartialEq, Default)]
pub struct Casting(pub Option<Cast>);

/// A cast under way. It keeps the definition it began with.
#[derive(Debug, Clone, PartialEq)]
pub struct Cast {
    /// What.
    pub skill: Id<SkillDef>,
    /// Its definition when it began.
    pub def: Arc<SkillDef>,
    /// What ends it or pushes it back, as it was when it began.
    pub table: Arc<InterruptDef>,
    /// At what.
    pub target: CastTarget,
    /// The scene's time it is dated, in milliseconds.
    pub start_ms: u64,
    /// The scene's time it ends at, in milliseconds; a charge at the latest.
    pub finish_ms: u64,
    /// Time between two ticks of a channel, after haste; 0 without ticks.
    pub tick_ms: u32,
    /// Up to when its timeline is done; later than `start_ms` by what has passed.
    pub done_ms: u64,
    /// Ticks of the channel that have been.
    pub ticks: u16,
    /// Blows that have pushed it back.
    pub pushes: u8,
    /// What the amounts of its actions are worth, in percent (a combo).
    pub scale_pct: u32,
}

impl Cast {
    /// The first tick in which it is over.
    #[must_use]
    pub fn finish_tick(&self) -> u32 {
        tick_of(self.finish_ms)
    }
}

/// A cast as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CastSeen {
    /// What.
    pub skill: Id<SkillDef>,
    /// The tick it ends in.
    pub finish_tick: u32,
    /// Ticks it lasts in all.
    pub length_ticks: u32,
    /// Of what kind it is.
    pub kind: CastKind,
}

impl Casting {
    /// Reads the replicated value; the inner `None` is "nothing".
    #[allow(clippy::option_option, reason = "unreadable and nothing are two things")]
    pub fn from_wire(reader: &mut Reader<'_>) -> Option<Option<CastSeen>> {
        let Some(raw) = reader.varint()?.checked_sub(1) else { return Some(None) };
        let (finish_tick, length_ticks) = (reader.varint()?, reader.varint()?);
        let kind = match reader.u8()? {
            0 => CastKind::Cast,
            1 => CastKind::Channel,
            2 => CastKind::Charge,
            _ => return None,
        };
        Some(Some(CastSeen { skill: Id::new(raw), finish_tick, length_ticks, kind }))
    }

    /// Basis points of its speed that the caster moves with; `None` when casting does not slow it.
    #[must_use]
    pub fn slowed_bp(&self) -> Option<u16> {
        match self.0.as_ref()?.def.cast.movement() {
            Some(CastMove::Slows(bp)) => Some(bp),
            Some(CastMove::Cancels | CastMove::Allows) | None => None,
        }
    }
}

impl Replicate for Casting {
    const NAME: &'static str = "casting";
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.0.as_ref().map_or(0, |cast| cast.skill.raw() + 1));
        if let Some(cast) = &self.0 {
            put_varint(out, cast.finish_tick());
            put_varint(out, cast.finish_tick().saturating_sub(tick_of(cast.start_ms)));
            out.push(match cast.def.cast.kind() {
                None | Some(CastKind::Cast) => 0,
                Some(CastKind::Channel) => 1,
                Some(CastKind::Charge) => 2,
            });
        }
    }
}

impl Digest for Casting {
    fn digest(&self, digester: &mut Digester) {
        if let Some(cast) = &self.0 {
            digester.u32(cast.skill.raw());
            [cast.start_ms, cast.finish_ms, cast.done_ms].into_iter().for_each(|ms| digester.u64(ms));
            digester.u32(u32::from(cast.ticks) << 8 | u32::from(cast.pushes));
            digester.u32(cast.tick_ms);
            digester.u32(cast.scale_pct);
            match cast.target {
                CastTarget::Caster => digester.u32(0),
                CastTarget::Unit(id) => digester.u32(id.bits()),
                CastTarget::Ground(place) => place.to_array().into_iter().for_each(|metres| digester.f32(metres)),
            }
        }
    }
}

/// An actor lets go of what it charges. Written in Validate or Think, read in Act.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseIntent {
    /// Who.
    pub caster: SimId,
}

/// An actor breaks off what it is casting, if anything and if it can. Written in Validate or Think, read in Act.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopIntent {
    /// Who.
    pub caster: SimId,
    /// Why: because it wants to, or because it wants to cast something else.
    pub by: Disturbance,
}

/// A cast began. Written in Act, read in Resolve.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct CastStarted {
    /// Who casts.
    pub caster: SimId,
    /// What.
    pub skill: Id<SkillDef>,
    /// At whom, if at somebody.
    pub target: Option<SimId>,
    /// Whether it is aimed at enemies.
    pub hostile: bool,
}

/// How a cast ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CastOutcome {
    /// It took effect.
    Finished,
    /// Its caster broke it off.
    Cancelled,
    /// Others, or its caster's death, ended it.
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
        let assets = crate::testing::test_assets(&[]);
        let skill = assets.skills.by_name("skill/bolt").unwrap();
        let def = Arc::clone(assets.skills.arc(skill).unwrap());
        let table = assets.interrupts.by_name(InterruptDef::DEFAULT).and_then(|id| assets.interrupts.arc(id)).cloned();
        let table = table.unwrap();
        let (start_ms, finish_ms) = (33_480, 34_980);
        let cast = Cast {
            skill,
            def,
            table,
            target: CastTarget::Caster,
            start_ms,
            finish_ms,
            tick_ms: 0,
            done_ms: 0,
            ticks: 0,
            pushes: 0,
            scale_pct: 100,
        };
        let mut bytes = Vec::new();
        Casting(Some(cast)).encode(&mut bytes);
        let seen = CastSeen { skill, finish_tick: 700, length_ticks: 30, kind: CastKind::Cast };
        assert_eq!(Casting::from_wire(&mut Reader::new(&bytes)), Some(Some(seen)));
        bytes.clear();
        Casting(None).encode(&mut bytes);
        assert_eq!(Casting::from_wire(&mut Reader::new(&bytes)), Some(None));
        assert_eq!(Casting::from_wire(&mut Reader::new(&[3])), None);
    }
}
