//! What players may ask about skills, and the archives it travels in.

use glam::Vec3;
use rkyv::{Archive, Deserialize, Serialize};

use crate::assets::{Assets, Id, SkillDef};
use crate::command::{ClientCommand, CommandError, read_archive, write_archive};
use crate::ids::SimId;
use crate::intent::CastTarget;

/// Places farther than this from the origin exist in no scene, in metres.
const PLACE_MAX_M: f32 = 100_000.0;
/// Kinds of target on the wire.
const CASTER: u8 = 0;
const UNIT: u8 = 1;
const GROUND: u8 = 2;

/// Asks to cast a skill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CastCommand {
    /// What.
    pub skill: Id<SkillDef>,
    /// At what.
    pub target: CastTarget,
}

/// The archive of [`CastCommand`]: what the kind of target does not use is ignored.
#[derive(Archive, Serialize, Deserialize, Debug, Clone, Copy, PartialEq)]
struct CastWire {
    skill: u32,
    target: u8,
    unit: u32,
    place: (f32, f32, f32),
}

impl ClientCommand for CastCommand {
    const NAME: &'static str = "cast";

    fn decode(body: &[u8], assets: &Assets) -> Result<Self, CommandError> {
        let wire: CastWire = read_archive(body)?;
        // A skill that has just gone is refused by name; its button is no offence.
        let skill = assets.skills.id_of_raw_ever(wire.skill).ok_or(CommandError::UnknownId)?;
        let place = Vec3::from(wire.place);
        let target = match wire.target {
            CASTER => CastTarget::Caster,
            UNIT => CastTarget::Unit(SimId::from_bits(wire.unit)),
            GROUND if place.is_finite() && place.abs().max_element() <= PLACE_MAX_M => CastTarget::Ground(place),
            GROUND => return Err(CommandError::OutOfRange),
            _ => return Err(CommandError::Malformed),
        };
        Ok(Self { skill, target })
    }

    fn encode(&self) -> Vec<u8> {
        let (target, unit, place) = match self.target {
            CastTarget::Caster => (CASTER, 0, Vec3::ZERO),
            CastTarget::Unit(id) => (UNIT, id.bits(), Vec3::ZERO),
            CastTarget::Ground(place) => (GROUND, 0, place),
        };
        write_archive(&CastWire { skill: self.skill.raw(), target, unit, place: place.into() })
    }
}

/// Asks to break off the cast under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopCastCommand;

impl ClientCommand for StopCastCommand {
    const NAME: &'static str = "stop_cast";

    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        if body.is_empty() { Ok(Self) } else { Err(CommandError::Malformed) }
    }

    fn encode(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// Asks to let go of the charge under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseCastCommand;

impl ClientCommand for ReleaseCastCommand {
    const NAME: &'static str = "release_cast";

    fn decode(body: &[u8], _: &Assets) -> Result<Self, CommandError> {
        if body.is_empty() { Ok(Self) } else { Err(CommandError::Malformed) }
    }

    fn encode(&self) -> Vec<u8> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::test_assets;

    fn decode(wire: CastWire) -> Result<CastCommand, CommandError> {
        CastCommand::decode(&write_archive(&wire), &test_assets(&[]))
    }

    #[test]
    fn commands_come_back_as_they_were() {
        let assets = test_assets(&[]);
        let (skill, unit) = (Id::new(1), SimId::new(7, 2));
        for target in [CastTarget::Caster, CastTarget::Unit(unit), CastTarget::Ground(Vec3::new(1.0, -2.0, 499.5))] {
            let command = CastCommand { skill, target };
            assert_eq!(CastCommand::decode(&command.encode(), &assets), Ok(command));
        }
    }

    #[test]
    fn unknown_skills_and_impossible_places_are_refused() {
        let good = CastWire { skill: 0, target: GROUND, unit: 0, place: (1.0, 2.0, 3.0) };
        assert!(decode(good).is_ok());
        assert_eq!(decode(CastWire { skill: 9_999, ..good }), Err(CommandError::UnknownId));
        assert_eq!(decode(CastWire { target: 3, ..good }), Err(CommandError::Malformed));
        for bad in [f32::NAN, f32::INFINITY, -1e9] {
            assert_eq!(decode(CastWire { place: (bad, 0.0, 0.0), ..good }), Err(CommandError::OutOfRange));
            assert!(decode(CastWire { place: (bad, 0.0, 0.0), target: CASTER, ..good }).is_ok());
        }
        assert_eq!(CastCommand::decode(&[1, 2, 3], &test_assets(&[])), Err(CommandError::Malformed));
        assert_eq!(StopCastCommand::decode(&[0], &test_assets(&[])), Err(CommandError::Malformed));
        assert_eq!(ReleaseCastCommand::decode(&[0], &test_assets(&[])), Err(CommandError::Malformed));
        assert_eq!(ReleaseCastCommand::decode(&[], &test_assets(&[])), Ok(ReleaseCastCommand));
    }
}
