//! Groups: monsters that fight as one. Think stage, when everybody has decided: while one fights all that are idle join, and
//! who has lost its victim turns to that of the first, by id, that has one. When one gives up by its leash, its patience or
//! its tree, or nobody has a victim left, all give up. Whoever is home first waits, untouched, until all are, so that they
//! are as new in one and the same tick.

use bevy_ecs::prelude::*;

use super::brain::{Brain, Mood};
use super::decide::{Scenery, Thinker, ThinkerItem};
use super::senses::SEEN_MILLI;
use crate::digest::{Digest, Digester};
use crate::ids::SimId;
use crate::tick::SimTick;

/// The group a monster belongs to. Written when it is spawned, and when the data is exchanged.
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// Place in the scene's list of groups.
    pub index: u32,
    /// Why it would give up if it were alone; nothing between two Think stages.
    quits: Option<Quit>,
}

/// Why a monster gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quit {
    /// Home is too far, the chase hopeless, or its tree says so.
    Leash,
    /// Nobody is left that it could attack.
    Bereft,
}

impl Group {
    pub(super) const fn new(index: u32) -> Self {
        Self { index, quits: None }
    }

    /// It would give up, and leaves it to the others.
    pub(super) const fn quit(&mut self, why: Quit) {
        self.quits = Some(why);
    }
}

impl Digest for Group {
    fn digest(&self, digester: &mut Digester) {
        digester.u32(self.index);
    }
}

/// What a group does that has a fight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Goes on; who has nobody attacks this one.
    Fight(SimId),
    GiveUp,
}

/// One that fights: its group, its id, why it would give up, its victim.
type Voice = (u32, SimId, Option<Quit>, SimId);

pub(super) fn agree(mut scenery: Scenery, mut monsters: Query<Thinker, With<Group>>) {
    let voice = |(id, brain, group): (&SimId, &Brain, Option<&Group>)| match (brain.mood, group) {
        (Mood::Fighting { victim }, Some(group)) => Some((group.index, *id, group.quits, victim)),
        _ => None,
    };
    let mut voices: Vec<Voice> =
        monsters.iter().filter_map(|monster| voice((monster.id, monster.brain, monster.group))).collect();
    if voices.is_empty() {
        return;
    }
    voices.sort_unstable_by_key(|&(group, id, ..)| (group, id));
    let verdicts: Vec<(u32, Verdict)> =
        voices.chunk_by(|one, other| one.0 == other.0).map(|voices| (voices[0].0, verdict(voices))).collect();
    for mut monster in &mut monsters {
        let Some(group) = &mut monster.group else { continue };
        let Ok(at) = verdicts.binary_search_by_key(&group.index, |&(index, _)| index) else { continue };
        let quits = group.quits;
        if quits.is_some() {
            group.quits = None;
        }
        match (verdicts[at].1, monster.brain.mood) {
            (Verdict::GiveUp, Mood::Fighting { .. }) => monster.retreat(&mut scenery),
            (Verdict::Fight(victim), Mood::Fighting { .. }) if quits.is_some() => monster.join(victim),
            (Verdict::Fight(victim), Mood::Idle) => monster.join(victim),
            _ => {}
        }
    }
}

fn verdict(voices: &[Voice]) -> Verdict {
    let goes_on = voices.iter().find(|(_, _, quits, _)| quits.is_none());
    match goes_on {
        Some(&(.., victim)) if voices.iter().all(|(_, _, quits, _)| *quits != Some(Quit::Leash)) => {
            Verdict::Fight(victim)
        }
        _ => Verdict::GiveUp,
    }
}

impl ThinkerItem<'_, '_> {
    /// Attacks whom another of its group attacks.
    fn join(&mut self, victim: SimId) {
        self.stay();
        self.brain.mood = Mood::Fighting { victim };
        if self.threat.of(victim).is_none() {
            self.threat.add(victim, SEEN_MILLI);
        }
    }
}

/// Whoever is home while another is on its way waits for it.
pub(super) fn wait_for_others(tick: Res<SimTick>, mut monsters: Query<(&Group, &mut Brain)>) {
    if !monsters.iter().any(|(_, brain)| brain.mood == Mood::Arrived) {
        return;
    }
    let evades = |brain: &Brain| matches!(brain.mood, Mood::Evading { .. });
    let mut late: Vec<u32> = monsters.iter().filter(|(_, brain)| evades(brain)).map(|(group, _)| group.index).collect();
    late.sort_unstable();
    for (group, mut brain) in &mut monsters {
        if brain.mood == Mood::Arrived && late.binary_search(&group.index).is_ok() {
            brain.mood = Mood::Evading { since_tick: tick.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(id: u32, quits: Option<Quit>) -> Voice {
        (0, SimId::new(id, 0), quits, SimId::new(100 + id, 0))
    }

    #[test]
    fn a_fight_goes_on_while_one_has_a_victim_and_nobody_is_at_the_end_of_its_leash() {
        let victim = |id: u32| Verdict::Fight(SimId::new(100 + id, 0));
        assert_eq!(verdict(&[voice(1, None), voice(2, None)]), victim(1));
        assert_eq!(verdict(&[voice(1, Some(Quit::Bereft)), voice(2, None)]), victim(2));
        assert_eq!(verdict(&[voice(1, Some(Quit::Bereft)), voice(2, Some(Quit::Bereft))]), Verdict::GiveUp);
        assert_eq!(verdict(&[voice(1, None), voice(2, Some(Quit::Leash))]), Verdict::GiveUp);
    }
}
