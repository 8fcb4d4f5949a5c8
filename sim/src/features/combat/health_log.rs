//! The combat log: one entry for every change of hit points that is not regeneration or birth, and one for every blow
//! that came to nothing (its amount is 0, its outcome says why). The amounts of all entries about one actor, added to
//! where it began and to what it regenerated, are its hit points. Body on the wire (the subject stands before it):
//!
//! | part | content |
//! | --- | --- |
//! | source | `u32` |
//! | amount | zigzag varint |
//! | byte | bits 0-2 kind, bits 3-6 outcome |
//! | byte | bits 0-2 school, bit 3 absorbed follows, bit 4 over follows, bits 5-6 origin: 0 none, 1 skill, 2 effect |
//! | absorbed, over, origin | varints, those that the byte names |

use bevy_ecs::prelude::*;

use super::{Origin, Outcome};
use crate::assets::{Id, School};
use crate::ids::SimId;
use crate::replicated::ClientEvent;
use crate::wire::{Reader, put_varint};

/// Why hit points changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HealthKind {
    /// A skill, or what a skill or an effect set off.
    Direct,
    /// An effect, once per period.
    Periodic,
    /// The dead returned to life.
    Respawn,
    /// A monster came home and is as new.
    Reset,
    /// The greatest possible hit points fell below what was there.
    Limit,
    /// A player rose to a level and is whole again.
    Level,
    /// What a skill costs, paid by its caster with its own hit points, or given back.
    Price,
}

impl HealthKind {
    /// Every kind, in the order of their numbers on the wire.
    const ALL: [Self; 7] =
        [Self::Direct, Self::Periodic, Self::Respawn, Self::Reset, Self::Limit, Self::Level, Self::Price];
}

/// One entry of the combat log.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthChanged {
    /// Whose hit points.
    pub target: SimId,
    /// By whom; the target itself when nobody did it.
    pub source: SimId,
    /// What was added, negative for damage; never more than was there or missing. 0 only for a blow or a healing that
    /// changed nothing.
    pub amount: i32,
    /// Why.
    pub kind: HealthKind,
    /// What became of the blow.
    pub outcome: Outcome,
    /// What kind of harm or healing it was.
    pub school: School,
    /// Points that shields took.
    pub absorbed: u32,
    /// Points beyond what was there (of damage) or missing (of healing).
    pub over: u32,
    /// What stands behind it.
    pub origin: Origin,
}

impl HealthChanged {
    /// The entry for a change that nobody did to `target`.
    #[must_use]
    pub const fn own(target: SimId, amount: i32, kind: HealthKind) -> Self {
        let (outcome, school, origin) = (Outcome::Hit, School::Physical, Origin::World);
        Self { target, source: target, amount, kind, outcome, school, absorbed: 0, over: 0, origin }
    }

    /// Whether it was critical.
    #[must_use]
    pub fn is_crit(&self) -> bool {
        self.outcome == Outcome::Crit
    }

    /// Whether somebody did it with a skill or an effect.
    #[must_use]
    pub const fn is_deed(&self) -> bool {
        matches!(self.kind, HealthKind::Direct | HealthKind::Periodic)
    }

    /// Reads the body of an event about `target`.
    pub fn from_wire(target: SimId, reader: &mut Reader<'_>) -> Option<Self> {
        let source = SimId::from_bits(reader.u32()?);
        let zigzag = reader.varint()?;
        let amount = (zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed());
        let (first, second) = (reader.u8()?, reader.u8()?);
        let kind = *HealthKind::ALL.get(usize::from(first & 0x07))?;
        let outcome = *Outcome::ALL.get(usize::from(first >> 3))?;
        let school = *School::ALL.get(usize::from(second & 0x07))?;
        let absorbed = if second & 0x08 == 0 { 0 } else { reader.varint()? };
        let over = if second & 0x10 == 0 { 0 } else { reader.varint()? };
        let origin = match second >> 5 {
            0 => Origin::World,
            1 => Origin::Skill(Id::new(reader.varint()?)),
            2 => Origin::Effect(Id::new(reader.varint()?)),
            _ => return None,
        };
        Some(Self { target, source, amount, kind, outcome, school, absorbed, over, origin })
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
        out.push(self.kind as u8 | (self.outcome as u8) << 3);
        let (tag, id) = match self.origin {
            Origin::World => (0, None),
            Origin::Skill(skill) => (1, Some(skill.raw())),
            Origin::Effect(effect) => (2, Some(effect.raw())),
        };
        let follows = u8::from(self.absorbed > 0) << 3 | u8::from(self.over > 0) << 4;
        out.push(self.school as u8 | follows | tag << 5);
        for points in [self.absorbed, self.over].into_iter().filter(|points| *points > 0) {
            put_varint(out, points);
        }
        if let Some(id) = id {
            put_varint(out, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_entry() -> impl Strategy<Value = HealthChanged> {
        let origin = prop_oneof![
            Just(Origin::World),
            any::<u32>().prop_map(|id| Origin::Skill(Id::new(id))),
            (0..4_096_u32).prop_map(|id| Origin::Effect(Id::new(id))),
        ];
        let sorts = (
            prop::sample::select(&HealthKind::ALL[..]),
            prop::sample::select(&Outcome::ALL[..]),
            prop::sample::select(&School::ALL[..]),
            origin,
        );
        let points =
            (-1_000_000_i32..1_000_000, prop_oneof![Just(0), any::<u32>()], prop_oneof![Just(0), any::<u32>()]);
        (sorts, points).prop_map(|((kind, outcome, school, origin), (amount, absorbed, over))| {
            let (target, source) = (SimId::new(3, 1), SimId::new(9, 0));
            HealthChanged { target, source, amount, kind, outcome, school, absorbed, over, origin }
        })
    }

    proptest! {
        #[test]
        fn an_entry_comes_back_from_the_wire_and_a_cut_one_is_refused(entry in any_entry()) {
            let mut bytes = Vec::new();
            entry.encode(&mut bytes);
            prop_assert_eq!(HealthChanged::from_wire(entry.target, &mut Reader::new(&bytes)), Some(entry));
            bytes.pop();
            prop_assert_eq!(HealthChanged::from_wire(entry.target, &mut Reader::new(&bytes)), None);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
            let _ = HealthChanged::from_wire(SimId::new(1, 0), &mut Reader::new(&bytes));
        }
    }
}
