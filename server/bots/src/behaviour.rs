//! What bots do. Most behaviours are those of players; the others are those of cheats and vandals, to show
//! that they gain nothing. A [`Brain`] decides; how its decisions travel is the bot's business.

use std::str::FromStr;

use sim::features::combat::ReleaseCommand;
use sim::features::loot::TakeCommand;
use sim::features::players::EnterPortalCommand;
use sim::features::skills::CastCommand;
use sim::locomotion::StepInput;
use sim::random::Draw;

use crate::Plan;
use crate::commute::Commuter;
use crate::crowd::Miller;
use crate::fight::Fighter;
use crate::hostile::{Caster, Claimer, Flooder, Garbler, Lie, Runner};
use crate::idle::Idler;
use crate::roam::Roamer;
use crate::senses::Senses;

/// What a bot does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Walks to random places.
    Roam,
    /// Looks for monsters and fights them.
    Fight,
    /// Half of the bots roam, half fight.
    Mixed,
    /// Go to one place and mill about there.
    Crowd,
    /// Walks from portal to portal, through all scenes that are connected.
    Commute,
    /// Stays logged in and does nothing.
    Idle,
    /// Sends twice as many steps as time passes.
    Speed,
    /// Claims to be somewhere else.
    Teleport,
    /// Claims to be behind the wall in front of it.
    Wall,
    /// Casts without regard to cooldowns.
    Cooldown,
    /// Casts at what is out of range.
    Range,
    /// Sends bytes that mean nothing.
    Garbage,
    /// Sends far too much.
    Flood,
}

/// There is no such behaviour.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bots can roam, fight, do both (mixed), crowd, commute, or idle")]
pub struct UnknownBehaviour;

impl FromStr for Behaviour {
    type Err = UnknownBehaviour;

    fn from_str(text: &str) -> Result<Self, UnknownBehaviour> {
        Self::ALL.into_iter().find(|behaviour| behaviour.name() == text).ok_or(UnknownBehaviour)
    }
}

impl Behaviour {
    /// All behaviours, the players' first.
    pub const ALL: [Self; 13] = [
        Self::Roam,
        Self::Fight,
        Self::Mixed,
        Self::Crowd,
        Self::Commute,
        Self::Idle,
        Self::Speed,
        Self::Teleport,
        Self::Wall,
        Self::Cooldown,
        Self::Range,
        Self::Garbage,
        Self::Flood,
    ];

    /// The word on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Roam => "roam",
            Self::Fight => "fight",
            Self::Mixed => "mixed",
            Self::Crowd => "crowd",
            Self::Commute => "commute",
            Self::Idle => "idle",
            Self::Speed => "speed",
            Self::Teleport => "teleport",
            Self::Wall => "wall",
            Self::Cooldown => "cooldown",
            Self::Range => "range",
            Self::Garbage => "garbage",
            Self::Flood => "flood",
        }
    }

    /// True for what no player would do; that the server closes such a session is no failure of the server.
    #[must_use]
    pub const fn is_hostile(self) -> bool {
        !matches!(self, Self::Roam | Self::Fight | Self::Mixed | Self::Crowd | Self::Commute | Self::Idle)
    }

    /// True when bots of this kind send no inputs, and so need no turns of their own.
    pub(crate) const fn is_still(self) -> bool {
        matches!(self, Self::Idle)
    }

    /// The brain of the bot with this number.
    pub(crate) fn brain(self, plan: &Plan, number: u32) -> Box<dyn Brain> {
        match self {
            Self::Mixed if number.is_multiple_of(2) => Box::new(Fighter::default()),
            Self::Roam | Self::Mixed => Box::new(Roamer::default()),
            Self::Fight => Box::new(Fighter::default()),
            Self::Crowd => Box::new(Miller::within(plan.radius_m)),
            Self::Commute => Box::new(Commuter::default()),
            Self::Idle => Box::new(Idler),
            Self::Speed => Box::new(Runner::default()),
            Self::Teleport => Box::new(Claimer::new(Lie::Elsewhere)),
            Self::Wall => Box::new(Claimer::new(Lie::BehindWall)),
            Self::Cooldown => Box::new(Caster::impatient()),
            Self::Range => Box::new(Caster::distant()),
            Self::Garbage => Box::new(Garbler),
            Self::Flood => Box::new(Flooder),
        }
    }
}

/// Decides what one bot does next.
pub(crate) trait Brain: Send {
    /// One turn, every 50 ms. `draw` is this turn's own source of random numbers.
    fn decide(&mut self, senses: &Senses<'_>, draw: &mut Draw) -> Turn;

    /// Whether its decisions depend on where others are.
    fn looks_at_others(&self) -> bool {
        false
    }

    /// A command was refused, for this reason.
    fn on_rejection(&mut self, _reason: &str) {}
}

/// What a bot does in one turn.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// Its step.
    pub(crate) step: StepInput,
    /// Besides its step.
    pub(crate) acts: Vec<Act>,
}

impl Turn {
    /// Only a step.
    pub(crate) fn step(step: StepInput) -> Self {
        Self { step, acts: Vec::new() }
    }

    /// The same with an act.
    pub(crate) fn and(mut self, act: Act) -> Self {
        self.acts.push(act);
        self
    }
}

/// Something a bot does besides its step.
#[derive(Debug)]
pub(crate) enum Act {
    /// Casts.
    Cast(CastCommand),
    /// Picks something up.
    Take(TakeCommand),
    /// Asks to be taken from where it died to the spawn point.
    Release(ReleaseCommand),
    /// Walks through the portal it stands in.
    EnterPortal(EnterPortalCommand),
    /// Makes another step in the same turn.
    Hurry,
    /// Sends this turn's datagram so many times more.
    Repeat(usize),
    /// Adds this to where it says it is, in centimetres (x, z).
    Claim(i32, i32),
    /// Sends a datagram of these bytes.
    Datagram(Vec<u8>),
    /// Sends a frame of these bytes.
    Frame(Vec<u8>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_behaviour_is_read_back_from_its_name() {
        for behaviour in Behaviour::ALL {
            assert_eq!(behaviour.name().parse(), Ok(behaviour));
        }
        assert_eq!("dance".parse::<Behaviour>(), Err(UnknownBehaviour));
    }
}
