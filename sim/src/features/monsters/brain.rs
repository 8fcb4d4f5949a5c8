//! What a monster is about, and the messages between monsters.

use bevy_ecs::prelude::*;

use crate::digest::{Digest, Digester};
use crate::ids::SimId;

/// What a monster is about. Written in the Think stage, and in Resolve when it dies.
#[derive(Component, Debug, Clone, Copy, PartialEq, Default)]
pub struct Brain {
    /// What it is about.
    pub mood: Mood,
}

/// The moods of a monster.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Mood {
    /// Nothing is going on: it follows its course.
    #[default]
    Idle,
    /// It fights.
    Fighting {
        /// Whom.
        victim: SimId,
    },
    /// It has given up and runs home; nothing can touch it.
    Evading {
        /// Since when.
        since_tick: u32,
    },
    /// It has reached home and becomes as new in this very tick.
    Arrived,
    /// It lies dead.
    Dead {
        /// The tick in which its corpse goes.
        until_tick: u32,
    },
}

impl Mood {
    /// True when nothing is going on.
    #[must_use]
    pub const fn is_idle(self) -> bool {
        matches!(self, Self::Idle)
    }
}

impl Digest for Brain {
    fn digest(&self, digester: &mut Digester) {
        let (tag, number) = match self.mood {
            Mood::Idle => (0, 0),
            Mood::Fighting { victim } => (1, victim.bits()),
            Mood::Evading { since_tick } => (2, since_tick),
            Mood::Arrived => (3, 0),
            Mood::Dead { until_tick } => (4, until_tick),
        };
        digester.u32(tag);
        digester.u32(number);
    }
}

/// A monster that was attacked, or attacks, calls its kind. Those who come do not call in turn.
#[derive(Message, Debug, Clone, Copy, PartialEq)]
pub struct HelpCall {
    /// Who calls.
    pub caller: SimId,
    /// Against whom.
    pub victim: SimId,
    /// How far the call carries, in metres; `None` for as far as the caller's senses say.
    pub radius_m: Option<f32>,
}
