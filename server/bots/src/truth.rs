//! What the server told each bot about itself, to compare what it shows of it to others. Nothing but the server is asked: a
//! bot's own state is exact and comes with every frame, so whoever sees that bot has to see it there.

use std::collections::VecDeque;

use glam::Vec3;
use net::client::ClientSession;
use net::client::world::CurrentScene;
use sim::ids::SimId;
use sim::wire::Reader;

use crate::measure::Measures;

/// Own states that are kept of every bot, 6.4 s of ticks.
const STATES_MAX: usize = 128;
/// A place on the wire is off by at most this, in metres: half a step of a centimetre grid in each direction.
const WIRE_M: f32 = 0.03;
/// What has come to rest has to be shown where it is after so many ticks (500 ms).
const CONVERGED_TICKS: u32 = 10;
/// After so many ticks there is no excuse (3 s): the bound on silence and some lost frames are over.
const EXCUSED_TICKS: u32 = 60;
/// Length of a tick in microseconds.
const TICK_US: u32 = 50_000;
/// Entities compared by one look of a bot in a large herd.
const COMPARED_MAX: usize = 8;

/// Where everybody was, by the server's word.
#[derive(Debug, Default)]
pub(crate) struct Truths {
    /// By the index of the entity.
    stays: Vec<Option<Box<Stay>>>,
}

/// One bot's stay in a scene.
#[derive(Debug)]
struct Stay {
    id: SimId,
    /// Scene epochs of different sessions cannot be compared; the id of the scene can.
    scene: String,
    track: Track,
}

/// Where the server told a bot that it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Truth {
    id: SimId,
    tick: u32,
    place: Vec3,
}

impl Truth {
    /// In words how what is shown contradicts this; `None` when it does not.
    pub(crate) fn contradiction(&self, session: &ClientSession) -> Option<String> {
        let shown = session.world().position(self.id)?;
        let Self { id, tick, place } = self;
        (!is_at(shown, *place))
            .then(|| format!("{id} is shown at {shown}, but was told to be at {place} in tick {tick}"))
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let numbers =
            [self.id.bits(), self.tick, self.place.x.to_bits(), self.place.y.to_bits(), self.place.z.to_bits()];
        numbers.into_iter().flat_map(u32::to_le_bytes).collect()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let (id, tick) = (SimId::from_bits(reader.u32()?), reader.u32()?);
        let mut number = || reader.u32().map(f32::from_bits);
        Some(Self { id, tick, place: Vec3::new(number()?, number()?, number()?) })
    }
}

fn is_at(shown: Vec3, truth: Vec3) -> bool {
    (truth - shown).abs().max_element() <= WIRE_M
}

/// Where one bot was.
#[derive(Debug, Default)]
struct Track {
    /// (tick, place), oldest first.
    states: VecDeque<(u32, Vec3)>,
    /// The tick in which the last place was taken.
    rests_since: u32,
}

/// How what a bot sees of another compares with where that one was.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    /// It was there in that tick.
    Right,
    /// It has rested for half a second, and is shown elsewhere.
    Late,
    /// It was not there, or has rested elsewhere for long.
    Wrong,
    /// The tick is not known.
    Unknown,
}

impl Truths {
    /// Takes over what the server has told a bot about itself.
    pub(crate) fn note(&mut self, session: &ClientSession) {
        let world = session.world();
        let Some(scene) = world.scene() else { return };
        let index = scene.own.index();
        if self.stays.len() <= index {
            self.stays.resize_with(index + 1, || None);
        }
        let Some(place) = self.stays.get_mut(index) else { return };
        let stay = match place {
            Some(stay) if stay.is(scene.own, scene) => stay,
            other => other.insert(Box::new(Stay::of(scene))),
        };
        stay.track.note(world.newest_tick(), Vec3::from(world.own().position));
    }

    fn track(&self, id: SimId, scene: &CurrentScene) -> Option<&Track> {
        let stay = self.stays.get(id.index())?.as_ref()?;
        stay.is(id, scene).then_some(&stay.track)
    }

    /// Compares what a bot sees of others, a few from the `start`-th on; answers the truth that it contradicts, if any.
    pub(crate) fn compare(
        &self,
        session: &ClientSession,
        position: u8,
        start: u32,
        measures: &mut Measures,
    ) -> Option<Truth> {
        let world = session.world();
        let scene = world.scene()?;
        let seen = world.entities();
        let first = start as usize % seen.len().max(1);
        let mut wrong = None;
        for entity in seen.skip(first).take(COMPARED_MAX).filter(|entity| entity.id() != scene.own) {
            let Some(track) = self.track(entity.id(), scene) else { continue };
            let Some((tick, place)) = entity.value_tick(position).zip(world.position(entity.id())) else { continue };
            let verdict = track.judge(tick, place, world.newest_tick());
            measures.counts.views_compared += u64::from(verdict != Verdict::Unknown);
            measures.counts.views_late += u64::from(verdict == Verdict::Late);
            measures.view_lag.record(track.lag(tick, world.newest_tick()) * TICK_US);
            if verdict == Verdict::Wrong {
                wrong = wrong.or_else(|| track.truth_as_of(entity.id(), tick));
            }
        }
        wrong
    }
}

impl Stay {
    fn of(scene: &CurrentScene) -> Self {
        Self { id: scene.own, scene: scene.id.clone(), track: Track::default() }
    }

    fn is(&self, id: SimId, scene: &CurrentScene) -> bool {
        self.id == id && self.scene == scene.id
    }
}

impl Track {
    fn note(&mut self, tick: u32, place: Vec3) {
        match self.states.back() {
            Some((last, _)) if *last >= tick => return,
            Some((last, before)) if before.distance(place) > WIRE_M || tick - last > EXCUSED_TICKS => {
                self.rests_since = tick;
            }
            Some(_) => {}
            None => self.rests_since = tick,
        }
        if self.states.len() == STATES_MAX {
            self.states.pop_front();
        }
        self.states.push_back((tick, place));
    }

    fn at(&self, tick: u32) -> Option<Vec3> {
        let index = self.states.binary_search_by_key(&tick, |(at, _)| *at).ok()?;
        self.states.get(index).map(|(_, place)| *place)
    }

    /// The newest that is known to hold for what is shown as of `tick`.
    fn truth_as_of(&self, id: SimId, tick: u32) -> Option<Truth> {
        let &(at, place) = if tick >= self.rests_since {
            self.states.back()?
        } else {
            self.states.iter().rev().find(|(at, _)| *at <= tick)?
        };
        Some(Truth { id, tick: at, place })
    }

    /// `place` is what is shown as of `tick` to somebody who knows of `now`.
    fn judge(&self, tick: u32, place: Vec3, now: u32) -> Verdict {
        let (Some((newest, rests)), true) = (self.states.back(), self.states.len() > 1) else {
            return Verdict::Unknown;
        };
        // Only what this bot knows for all the time up to `now` can be said to rest.
        let rested = newest.min(&now).saturating_sub(self.rests_since);
        if rested >= CONVERGED_TICKS && *newest >= now && !is_at(place, *rests) {
            return if rested >= EXCUSED_TICKS { Verdict::Wrong } else { Verdict::Late };
        }
        match self.at(tick) {
            Some(truth) if is_at(place, truth) => Verdict::Right,
            Some(_) => Verdict::Wrong,
            None => Verdict::Unknown,
        }
    }

    /// Ticks by which what is shown lags behind; 0 for what rests.
    fn lag(&self, tick: u32, now: u32) -> u32 {
        if tick >= self.rests_since { 0 } else { now.saturating_sub(tick) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bot that runs east for 20 ticks from tick 100 on and stands from then on.
    fn runner() -> Track {
        let mut track = Track::default();
        (100..=220u32).for_each(|tick| track.note(tick, Vec3::X * (tick.min(120) - 100) as f32 * 0.3));
        track
    }

    #[test]
    fn whoever_is_shown_where_it_was_in_that_tick_is_shown_right() {
        let track = runner();
        assert_eq!(track.judge(110, Vec3::X * 3.01, 112), Verdict::Right);
        assert_eq!(track.judge(110, Vec3::X * 3.6, 112), Verdict::Wrong, "that is two ticks on");
        assert_eq!(track.judge(99, Vec3::ZERO, 112), Verdict::Unknown);
    }

    #[test]
    fn a_place_of_rest_may_come_half_a_second_late_and_not_three() {
        let track = runner();
        assert_eq!(track.judge(118, Vec3::X * 5.4, 125), Verdict::Right, "a frame may be lost");
        assert_eq!(track.judge(118, Vec3::X * 5.4, 131), Verdict::Late);
        assert_eq!(track.judge(118, Vec3::X * 5.4, 181), Verdict::Wrong);
        assert_eq!(track.judge(121, Vec3::X * 6.0, 181), Verdict::Right);
    }

    #[test]
    fn what_rests_does_not_lag() {
        let track = runner();
        assert_eq!((track.lag(118, 125), track.lag(120, 200)), (7, 0));
    }
}
