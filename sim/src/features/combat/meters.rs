//! Meters: what everyone has done in the present or last fight, summed up from the combat log, by skill and effect.
//! Resolve, after the log is complete. Nothing in the scene depends on them; the laboratory and consoles read them.
//!
//! An actor's meter begins anew with its first deed after it had been calm. At most [`METERS_MAX`] actors are kept and
//! [`SOURCES_MAX`] origins each; what does not fit is counted under [`METER_REFUSED`], never silently lost.

use std::collections::BTreeMap;

use bevy_ecs::prelude::*;

use super::{Fight, HealthChanged, Origin};
use crate::counters::Counters;
use crate::ids::SimId;
use crate::roster::Roster;
use crate::tick::{SimTick, TICKS_PER_SECOND};

/// Entries of the log that no meter had room for, by reason.
pub const METER_REFUSED: &str = "meter_refused_total";
/// Actors with a meter.
pub const METERS_MAX: usize = 4_096;
/// Skills and effects of one actor.
pub const SOURCES_MAX: usize = 32;

/// Sums of one skill or effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Hit points taken.
    pub damage: u64,
    /// Hit points given.
    pub healing: u64,
    /// Points that shields of its targets took.
    pub absorbed: u64,
    /// Points beyond what was there or missing.
    pub over: u64,
    /// Blows and healings, whatever became of them.
    pub count: u32,
    /// Critical ones.
    pub crits: u32,
    /// Those that came to nothing: missed, dodged, parried, immune.
    pub avoided: u32,
}

impl Tally {
    fn add(&mut self, entry: &HealthChanged) {
        let points = u64::from(entry.amount.unsigned_abs());
        if entry.amount > 0 {
            self.healing += points;
        } else {
            self.damage += points;
        }
        self.absorbed += u64::from(entry.absorbed);
        self.over += u64::from(entry.over);
        self.count += 1;
        self.crits += u32::from(entry.is_crit());
        self.avoided += u32::from(entry.outcome.is_avoided());
    }
}

/// One actor's fight.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meter {
    /// When the fight began.
    pub since_tick: u32,
    /// Its last deed, done or suffered.
    pub last_tick: u32,
    /// All that it has done.
    pub done: Tally,
    /// All that was done to it by others.
    pub taken: Tally,
    /// What it has done, by origin.
    pub by_origin: BTreeMap<Origin, Tally>,
}

impl Meter {
    /// How long the fight has lasted, in ticks, from 1.
    #[must_use]
    pub const fn ticks(&self) -> u32 {
        self.last_tick - self.since_tick + 1
    }

    /// Damage done per second, in thousandths.
    #[must_use]
    pub fn damage_per_second_milli(&self) -> u64 {
        self.done.damage * 1_000 * u64::from(TICKS_PER_SECOND) / u64::from(self.ticks())
    }
}

/// The meters of a scene. Written in the Resolve stage.
#[derive(Resource, Debug, Default)]
pub struct Meters {
    meters: BTreeMap<SimId, Meter>,
}

impl Meters {
    /// Someone's present or last fight.
    #[must_use]
    pub fn of(&self, id: SimId) -> Option<&Meter> {
        self.meters.get(&id)
    }

    /// Everyone's, by id.
    pub fn iter(&self) -> impl Iterator<Item = (SimId, &Meter)> {
        self.meters.iter().map(|(&id, meter)| (id, meter))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.meters.clear();
    }

    /// Someone's meter; begun anew when it has been calm since. `None` when there are too many.
    fn open(&mut self, id: SimId, tick: u32, calm_ticks: u32) -> Option<&mut Meter> {
        let fresh = Meter { since_tick: tick, last_tick: tick, ..Meter::default() };
        if self.meters.len() >= METERS_MAX && !self.meters.contains_key(&id) {
            return None;
        }
        let meter = self.meters.entry(id).or_insert_with(|| fresh.clone());
        if tick.saturating_sub(meter.last_tick) >= calm_ticks.max(1) {
            *meter = fresh;
        }
        meter.last_tick = tick;
        Some(meter)
    }

    /// Adds an entry of the log; `calm_ticks` after the last one a new fight begins.
    ///
    /// # Errors
    /// Why there was no room.
    pub fn add(&mut self, entry: &HealthChanged, tick: u32, calm_ticks: u32) -> Result<(), &'static str> {
        let source = self.open(entry.source, tick, calm_ticks).ok_or("actors")?;
        source.done.add(entry);
        let full = source.by_origin.len() >= SOURCES_MAX && !source.by_origin.contains_key(&entry.origin);
        if !full {
            source.by_origin.entry(entry.origin).or_default().add(entry);
        }
        if entry.source != entry.target {
            self.open(entry.target, tick, calm_ticks).ok_or("actors")?.taken.add(entry);
        }
        if full { Err("origins") } else { Ok(()) }
    }
}

/// Takes in the log of the tick, and forgets who has gone.
pub(super) fn keep_meters(
    (tick, roster, rules): (Res<SimTick>, Res<Roster>, Res<super::CombatRules>),
    mut log: MessageReader<HealthChanged>,
    fights: Query<(), With<Fight>>,
    mut meters: ResMut<Meters>,
    mut counters: ResMut<Counters>,
) {
    let calm_ticks = rules.0.recovery.calm_ticks();
    for entry in log.read().filter(|entry| entry.is_deed()) {
        if let Err(reason) = meters.add(entry, tick.0, calm_ticks) {
            counters.add(METER_REFUSED, reason);
        }
    }
    if tick.0.is_multiple_of(60 * TICKS_PER_SECOND) {
        meters.meters.retain(|&id, _| roster.entity(id).is_some_and(|entity| fights.contains(entity)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::{Id, School};
    use crate::features::combat::{HealthKind, Outcome};

    fn entry(source: u32, target: u32, amount: i32, origin: u32) -> HealthChanged {
        HealthChanged {
            target: SimId::new(target, 0),
            source: SimId::new(source, 0),
            amount,
            kind: HealthKind::Direct,
            outcome: Outcome::Hit,
            school: School::Fire,
            absorbed: 3,
            over: 0,
            origin: Origin::Skill(Id::new(origin)),
        }
    }

    #[test]
    fn what_is_done_and_taken_adds_up_by_skill() {
        let mut meters = Meters::default();
        for (tick, entry) in [(10, entry(1, 2, -50, 0)), (20, entry(1, 2, -70, 1)), (29, entry(1, 1, 30, 2))] {
            assert_eq!(meters.add(&entry, tick, 100), Ok(()));
        }
        let meter = meters.of(SimId::new(1, 0)).unwrap();
        assert_eq!((meter.done.damage, meter.done.healing, meter.done.absorbed, meter.done.count), (120, 30, 9, 3));
        assert_eq!(meter.by_origin[&Origin::Skill(Id::new(1))].damage, 70);
        // 120 points in 20 ticks.
        assert_eq!((meter.ticks(), meter.damage_per_second_milli()), (20, 120_000));
        assert_eq!(meters.of(SimId::new(2, 0)).unwrap().taken.damage, 120);
    }

    #[test]
    fn a_fight_after_a_calm_begins_anew() {
        let mut meters = Meters::default();
        meters.add(&entry(1, 2, -50, 0), 10, 100).unwrap();
        meters.add(&entry(1, 2, -50, 0), 109, 100).unwrap();
        assert_eq!(meters.of(SimId::new(1, 0)).unwrap().done.damage, 100);
        meters.add(&entry(1, 2, -50, 0), 209, 100).unwrap();
        assert_eq!(meters.of(SimId::new(1, 0)).unwrap().done.damage, 50);
    }

    #[test]
    fn there_is_an_end_to_what_is_kept_and_it_is_said() {
        let mut meters = Meters::default();
        for origin in 0..SOURCES_MAX as u32 {
            assert_eq!(meters.add(&entry(1, 1, -1, origin), 1, 100), Ok(()));
        }
        assert_eq!(meters.add(&entry(1, 1, -1, 99), 1, 100), Err("origins"));
        for source in 2..=METERS_MAX as u32 {
            assert_eq!(meters.add(&entry(source, source, -1, 0), 1, 100), Ok(()));
        }
        assert_eq!(meters.add(&entry(9_999, 9_999, -1, 0), 1, 100), Err("actors"));
        assert_eq!(meters.add(&entry(1, 1, -1, 0), 2, 100), Ok(()));
    }
}
