//! Why somebody did what it did: one fight, and every decision of the first member of its first side with what the tree
//! asked and what came of it. The fight is the same that a series of one fight with that seed fights.

use bevy_ecs::message::MessageCursor;
use bevy_ecs::prelude::*;

use super::bout::{self, Bout, Hall, Onlooker, Seat};
use super::{Contest, Laboratory, LaboratoryError};
use crate::assets::{Id, SkillDef};
use crate::features::combat::{Died, Vitals};
use crate::features::monsters::{AiTrace, Thought};
use crate::features::skills::CastStarted;
use crate::roster::Roster;

/// A fight as one of those who fought it went through it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reasons {
    /// What the fight came to.
    pub bout: Bout,
    /// Everything that happened to the one that is watched, in order.
    pub moments: Vec<Moment>,
}

/// Something that happened, after so many ticks of the fight.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// Ticks since the fight began.
    pub tick: u32,
    /// What it was.
    pub what: Happening,
}

/// Something that happens to one that is watched.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// It decided.
    Decided {
        /// How it came about.
        thought: Thought,
        /// Its hit points, and the most it can have.
        hp: (u32, u32),
        /// Whom it fights: side and place in it; `None` for somebody's summons.
        victim: Option<(usize, usize)>,
    },
    /// It began to cast.
    Cast(Id<SkillDef>),
    /// It died.
    Died,
}

impl Laboratory {
    /// Fights one fight and keeps why the first member of the first side did what it did.
    ///
    /// # Errors
    /// When a side is empty or too large.
    pub fn reasons(&self, contest: &Contest, seed: u64) -> Result<Reasons, LaboratoryError> {
        contest.check_sides()?;
        let mut listener = Listener::default();
        let bouts = bout::run(self.batch_scene(seed, 0), contest, &(0..1), &mut listener);
        let bout = bouts.into_iter().next().ok_or(LaboratoryError::BadSide(0))?;
        Ok(Reasons { bout, moments: listener.moments })
    }
}

/// Who is watched.
const WATCHED: Seat = Seat { arena: 0, side: 0, member: 0 };

#[derive(Default)]
struct Listener {
    moments: Vec<Moment>,
    casts: MessageCursor<CastStarted>,
    deaths: MessageCursor<Died>,
}

impl Onlooker for Listener {
    fn before(&mut self, world: &mut World, hall: &Hall) {
        if let Some(id) = hall.sitter(WATCHED) {
            let mut trace = world.resource_mut::<AiTrace>();
            trace.watched.insert(id);
            trace.last.clear();
        }
    }

    fn after(&mut self, world: &World, hall: &Hall, tick: u32) {
        let Some(id) = hall.sitter(WATCHED) else { return };
        let mut note = |what| self.moments.push(Moment { tick, what });
        if let Some(thought) = world.resource::<AiTrace>().last.get(&id).cloned() {
            let vitals = world.resource::<Roster>().entity(id).and_then(|entity| world.get::<Vitals>(entity));
            let hp = vitals.map_or((0, 0), |vitals| (vitals.hp, vitals.hp_max));
            let victim = hall.seat_of(thought.victim).map(|seat| (seat.side, seat.member));
            note(Happening::Decided { thought, hp, victim });
        }
        let casts = self.casts.read(world.resource::<Messages<CastStarted>>());
        casts.filter(|cast| cast.caster == id).for_each(|cast| note(Happening::Cast(cast.skill)));
        let deaths = self.deaths.read(world.resource::<Messages<Died>>());
        deaths.filter(|death| death.who == id).for_each(|_| note(Happening::Died));
    }
}
