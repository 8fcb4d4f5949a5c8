//! What combat is asked and what it tells. Bodies on the wire (the subject of an event stands before them):
//!
//! | event | body |
//! | --- | --- |
//! | `health_changed` | source `u32`, zigzag varint amount, byte: kind, bit 7 crit |
//! | `died` | killer `u32`, 0 for nobody |

use bevy_ecs::prelude::*;

use crate::actor::Faction;
use crate::assets::{EffectDef, Id, SkillDef};
use crate::ids::SimId;
use crate::replicated::ClientEvent;
use crate::wire::{Reader, put_varint};

/// What a source's effects are worth, captured when they are queued or applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Power {
    /// Attack points.
    pub attack: i32,
    /// Chance of a critical hit in basis points.
    pub crit_rate_bp: i32,
    /// Size of a critical hit in basis points.
    pub crit_damage_bp: i32,
    /// The source's side.
    pub faction: Faction,
}

/// Something that is going to happen to an actor in the Resolve stage. Written in Act by skills and in Resolve
/// by buffs; effects are resolved by their sources' ids, those of one source in the order they were queued.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct EffectQueued {
    /// Who does it; it may be gone already.
    pub source: SimId,
    /// To whom.
    pub target: SimId,
    /// The source's worth.
    pub power: Power,
    /// What.
    pub what: EffectAction,
    /// The skill behind it; `None` for a periodic action of an effect, which is never critical.
    pub skill: Option<Id<SkillDef>>,
}

/// What an effect does. Harm reaches other sides only, help the own side only; the rest comes to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectAction {
    /// Damages by basis points of the source's attack.
    Damage {
        /// Basis points.
        ratio_bp: u32,
    },
    /// Heals by basis points of the source's attack.
    Heal {
        /// Basis points.
        ratio_bp: u32,
    },
    /// Gives mana points.
    RestoreMp {
        /// Points.
        amount: u32,
    },
    /// Applies an effect with a chance.
    Apply {
        /// Which.
        effect: Id<EffectDef>,
        /// Chance in basis points.
        chance_bp: u32,
    },
    /// Draws the target's anger.
    Threat {
        /// Points; a point of damage is one.
        amount: u32,
    },
    /// Opens or closes a door; the target is the source.
    WorkDoor {
        /// Index of the door in its scene.
        door: u16,
    },
}

/// Why hit points changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HealthKind {
    /// A skill.
    Direct,
    /// An effect, once per period.
    Periodic,
    /// The dead returned to life.
    Respawn,
    /// A monster came home and is as new.
    Reset,
    /// The greatest possible hit points fell below what was there.
    Limit,
}

/// Hit points changed: one entry of the combat log.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthChanged {
    /// Whose.
    pub target: SimId,
    /// By whom; the target itself when nobody did it.
    pub source: SimId,
    /// What was added, negative for damage; never 0, and never more than was there.
    pub amount: i32,
    /// Why.
    pub kind: HealthKind,
    /// Whether it was a critical hit.
    pub crit: bool,
}

impl HealthChanged {
    /// Reads the body of an event about `target`.
    pub fn from_wire(target: SimId, reader: &mut Reader<'_>) -> Option<Self> {
        let source = SimId::from_bits(reader.u32()?);
        let zigzag = reader.varint()?;
        let amount = (zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed());
        let flags = reader.u8()?;
        let kind = match flags & 0x7f {
            0 => HealthKind::Direct,
            1 => HealthKind::Periodic,
            2 => HealthKind::Respawn,
            3 => HealthKind::Reset,
            4 => HealthKind::Limit,
            _ => return None,
        };
        Some(Self { target, source, amount, kind, crit: flags & 0x80 != 0 })
    }
}

impl ClientEvent for HealthChanged {
    const NAME: &'static str = "health_changed";
    fn subject(&self) -> SimId {
        self.target
    }
    fn other(&self) -> Option<SimId> {
        Some(self.source)
    }
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.source.bits().to_le_bytes());
        put_varint(out, ((self.amount << 1) ^ (self.amount >> 31)).cast_unsigned());
        let kind = match self.kind {
            HealthKind::Direct => 0,
            HealthKind::Periodic => 1,
            HealthKind::Respawn => 2,
            HealthKind::Reset => 3,
            HealthKind::Limit => 4,
        };
        out.push(kind | (u8::from(self.crit) << 7));
    }
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
    fn events_come_back_as_they_were_and_cut_ones_are_refused() {
        let (target, source) = (SimId::new(3, 1), SimId::new(9, 0));
        for amount in [-1, 1, -200, 1_000_000, i32::MIN / 2] {
            for kind in [HealthKind::Direct, HealthKind::Periodic, HealthKind::Limit] {
                let event = HealthChanged { target, source, amount, kind, crit: amount > 0 };
                let mut bytes = Vec::new();
                event.encode(&mut bytes);
                assert_eq!(HealthChanged::from_wire(target, &mut Reader::new(&bytes)), Some(event));
                bytes.pop();
                assert_eq!(HealthChanged::from_wire(target, &mut Reader::new(&bytes)), None);
            }
        }
        for killer in [None, Some(source)] {
            let mut bytes = Vec::new();
            Died { who: target, killer }.encode(&mut bytes);
            assert_eq!(Died::from_wire(target, &mut Reader::new(&bytes)), Some(Died { who: target, killer }));
        }
    }
}
