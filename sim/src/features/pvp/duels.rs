//! The book of duels of one scene: challenges, countdowns and fights. Pure: no entity and no clock. Everybody is in at
//! most one duel, the challenge included; duels are kept in the order they were offered.

use glam::Vec2;

use crate::digest::{Digest, Digester};
use crate::ids::SimId;

/// How far a duel has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The challenged has not answered.
    Offered {
        /// When the challenge lapses.
        until_tick: u32,
    },
    /// Accepted; the fight begins at a tick.
    Agreed {
        /// The first tick of the fight.
        begin_tick: u32,
    },
    /// They fight.
    On,
}

/// Two players and what is between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Duel {
    /// Who challenged.
    pub challenger: SimId,
    /// Who was challenged.
    pub challenged: SimId,
    /// The middle of the ground, where the two stood when the challenge was accepted.
    pub middle: Vec2,
    /// How far it has come.
    pub phase: Phase,
}

impl Duel {
    /// The other one.
    #[must_use]
    pub fn opponent(&self, of: SimId) -> SimId {
        if self.challenger == of { self.challenged } else { self.challenger }
    }

    fn concerns(&self, id: SimId) -> bool {
        self.challenger == id || self.challenged == id
    }
}

/// Why something about a duel is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DuelRefusal {
    /// There is no such player in view, or it is dead.
    NoTarget,
    /// One of the two is in a duel already.
    InDuel,
    /// Nobody has challenged the player.
    NoChallenge,
    /// The player is in no duel.
    NoDuel,
    /// One of the two is in a fight.
    Fighting,
}

impl DuelRefusal {
    /// Stable word for clients and metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoTarget => "no_target",
            Self::InDuel => "in_duel",
            Self::NoChallenge => "no_challenge",
            Self::NoDuel => "no_duel",
            Self::Fighting => "fighting",
        }
    }
}

/// The duels of a scene. Written in Validate and Resolve.
#[derive(bevy_ecs::prelude::Resource, Debug, Clone, PartialEq, Default)]
pub struct Duels {
    duels: Vec<Duel>,
    /// Who has given up since the last Resolve stage.
    forfeits: Vec<SimId>,
}

impl Duels {
    /// The duel someone is in, the challenge included.
    #[must_use]
    pub fn of(&self, id: SimId) -> Option<Duel> {
        self.duels.iter().copied().find(|duel| duel.concerns(id))
    }

    /// Whether nobody has anything to fight out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.duels.is_empty()
    }

    /// Every duel, in the order they were offered.
    pub fn iter(&self) -> impl Iterator<Item = Duel> + '_ {
        self.duels.iter().copied()
    }

    /// One challenges another.
    ///
    /// # Errors
    /// [`DuelRefusal`].
    pub fn challenge(&mut self, challenger: SimId, challenged: SimId, until_tick: u32) -> Result<(), DuelRefusal> {
        if challenger == challenged {
            return Err(DuelRefusal::NoTarget);
        }
        if self.of(challenger).or(self.of(challenged)).is_some() {
            return Err(DuelRefusal::InDuel);
        }
        let phase = Phase::Offered { until_tick };
        self.duels.push(Duel { challenger, challenged, middle: Vec2::ZERO, phase });
        Ok(())
    }

    /// The challenged agrees; the fight is on ground around `middle` and begins at `begin_tick`.
    ///
    /// # Errors
    /// [`DuelRefusal::NoChallenge`].
    pub fn accept(&mut self, challenged: SimId, middle: Vec2, begin_tick: u32) -> Result<Duel, DuelRefusal> {
        let waits = |duel: &&mut Duel| duel.challenged == challenged && matches!(duel.phase, Phase::Offered { .. });
        let duel = self.duels.iter_mut().find(waits).ok_or(DuelRefusal::NoChallenge)?;
        (duel.middle, duel.phase) = (middle, Phase::Agreed { begin_tick });
        Ok(*duel)
    }

    /// Either of the two takes an offer off the table.
    ///
    /// # Errors
    /// [`DuelRefusal::NoChallenge`].
    pub fn decline(&mut self, by: SimId) -> Result<Duel, DuelRefusal> {
        let duel = self.of(by).filter(|duel| matches!(duel.phase, Phase::Offered { .. }));
        let duel = duel.ok_or(DuelRefusal::NoChallenge)?;
        self.end(by);
        Ok(duel)
    }

    /// Someone gives up.
    pub fn forfeit(&mut self, by: SimId) {
        self.forfeits.push(by);
    }

    /// Who has given up since the last call.
    pub fn take_forfeits(&mut self) -> Vec<SimId> {
        std::mem::take(&mut self.forfeits)
    }

    /// Takes the duel of someone out of the book.
    pub fn end(&mut self, of: SimId) -> Option<Duel> {
        let place = self.duels.iter().position(|duel| duel.concerns(of))?;
        Some(self.duels.remove(place))
    }

    /// Lets agreed duels begin and offers lapse whose time has come; returns those that began and those that lapsed.
    pub fn follow(&mut self, tick: u32) -> (Vec<Duel>, Vec<Duel>) {
        let mut begun = Vec::new();
        for duel in &mut self.duels {
            if matches!(duel.phase, Phase::Agreed { begin_tick } if begin_tick <= tick) {
                duel.phase = Phase::On;
                begun.push(*duel);
            }
        }
        let lapses = |duel: &mut Duel| matches!(duel.phase, Phase::Offered { until_tick } if until_tick <= tick);
        let lapsed = self.duels.extract_if(.., lapses).collect();
        (begun, lapsed)
    }
}

impl Digest for Duels {
    fn digest(&self, digester: &mut Digester) {
        for duel in &self.duels {
            digester.u32(duel.challenger.bits());
            digester.u32(duel.challenged.bits());
            duel.middle.to_array().into_iter().for_each(|metres| digester.f32(metres));
            let (phase, tick) = match duel.phase {
                Phase::Offered { until_tick } => (0, until_tick),
                Phase::Agreed { begin_tick } => (1, begin_tick),
                Phase::On => (2, 0),
            };
            digester.u32(phase);
            digester.u32(tick);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(index: u32) -> SimId {
        SimId::new(index, 0)
    }

    #[test]
    fn a_challenge_is_accepted_begins_after_its_countdown_and_ends() {
        let mut duels = Duels::default();
        assert_eq!(duels.challenge(id(1), id(2), 100), Ok(()));
        assert_eq!(duels.accept(id(1), Vec2::ZERO, 60), Err(DuelRefusal::NoChallenge), "not by who offered it");
        assert!(duels.accept(id(2), Vec2::ONE, 60).is_ok());
        assert!(duels.follow(59).0.is_empty());
        assert_eq!(duels.follow(60).0.len(), 1);
        assert!(duels.follow(61).0.is_empty());
        assert_eq!(duels.end(id(1)).map(|duel| duel.opponent(id(1))), Some(id(2)));
        assert!(duels.is_empty());
    }

    #[test]
    fn nobody_is_in_two_duels_or_in_one_alone() {
        let mut duels = Duels::default();
        duels.challenge(id(1), id(2), 100).unwrap();
        for (one, other) in [(1, 3), (3, 1), (2, 3), (3, 2)] {
            assert_eq!(duels.challenge(id(one), id(other), 100), Err(DuelRefusal::InDuel));
        }
        assert_eq!(duels.challenge(id(4), id(4), 100), Err(DuelRefusal::NoTarget));
    }

    #[test]
    fn an_offer_lapses_or_is_taken_back_but_a_fight_is_neither() {
        let mut duels = Duels::default();
        duels.challenge(id(1), id(2), 100).unwrap();
        assert!(duels.follow(99).1.is_empty());
        assert_eq!(duels.follow(100).1.len(), 1);
        duels.challenge(id(1), id(2), 200).unwrap();
        duels.accept(id(2), Vec2::ZERO, 110).unwrap();
        assert_eq!(duels.decline(id(1)), Err(DuelRefusal::NoChallenge));
        duels.follow(110);
        assert!(duels.follow(500).1.is_empty());
    }
}
