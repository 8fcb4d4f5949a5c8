//! Who is where: the one place that decides which scene a player belongs to, and that keeps characters between
//! their sessions, in memory, for the life of the process.
//!
//! A player is entered before the session reaches the scene, and moved only by the thread of the scene it is in.
//! So a session that arrives at a scene its player has just left is known to, and is sent on.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use net::mailbox::SessionId;
use sim::features::buffs::Away;
use sim::ids::PlayerId;
use sim::input::Character;

/// Characters kept between sessions; beyond it the one that left longest ago is forgotten.
pub const STORED_MAX: usize = 65_536;

/// Shorter absences are none: going through a portal takes that long.
const AWAY_MIN: Duration = Duration::from_secs(1);

/// A scene as the directory sees it.
#[derive(Debug, Clone)]
pub struct SceneEntry {
    /// Id such as `scene/field`.
    pub name: String,
    /// Most players in it.
    pub players_max: usize,
}

/// Where a session belongs.
#[derive(Debug, PartialEq, Eq)]
pub enum Settled {
    /// In this scene, with this character if it is not there already.
    Here(Box<Character>),
    /// In another scene, by its place in the list.
    Elsewhere(usize),
    /// Nowhere: the same player has logged in again since.
    Superseded,
}

/// No scene has a free place for the player, or there is no such scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no free place for another player")]
pub struct NoPlace;

#[derive(Clone, Copy)]
struct Presence {
    scene: usize,
    /// The newest login; sessions can overtake one another on their way to a scene.
    session: SessionId,
}

struct Stored {
    character: Character,
    scene: usize,
    left: Instant,
    departure: u64,
}

impl Stored {
    /// The character as it comes back, with the time it was away: the simulation has no clock of its own.
    fn returning(&self) -> Character {
        let mut character = self.character.clone();
        let away = self.left.elapsed();
        if away >= AWAY_MIN {
            character.parts.push(Away::part(u64::try_from(away.as_millis()).unwrap_or(u64::MAX)));
        }
        character
    }
}

struct State {
    scenes: Vec<SceneEntry>,
    start: usize,
    players_max: usize,
    present: BTreeMap<PlayerId, Presence>,
    counts: Vec<usize>,
    stored: BTreeMap<PlayerId, Stored>,
    /// The stored ones by when they left.
    departures: BTreeMap<u64, PlayerId>,
    departed_count: u64,
}

/// Who is where. Shared by the gateway and all tick threads; every call is short.
pub struct Directory(Mutex<State>);

impl Directory {
    /// An empty directory; newcomers enter `scenes[start]`, and `players_max` may be present in all.
    #[must_use]
    pub fn new(scenes: Vec<SceneEntry>, start: usize, players_max: usize) -> Self {
        Self(Mutex::new(State {
            counts: vec![0; scenes.len()],
            scenes,
            start,
            players_max,
            present: BTreeMap::new(),
            stored: BTreeMap::new(),
            departures: BTreeMap::new(),
            departed_count: 0,
        }))
    }

    /// Enters a player who logs in: into the scene they are in, else the one they left, else the first. True when
    /// the player was not present before.
    ///
    /// # Errors
    /// [`NoPlace`] when there is none.
    pub fn enter(&self, player: PlayerId, session: SessionId) -> Result<(usize, bool), NoPlace> {
        let mut state = self.locked();
        if let Some(presence) = state.present.get_mut(&player) {
            presence.session = presence.session.max(session);
            return Ok((presence.scene, false));
        }
        let left = state.stored.get(&player).map(|stored| stored.scene);
        let scene = left.into_iter().chain([state.start]).find(|&scene| state.has_place(scene)).ok_or(NoPlace)?;
        if state.present.len() >= state.players_max {
            return Err(NoPlace);
        }
        state.place(player, Presence { scene, session });
        Ok((scene, true))
    }

    /// Says where a session that has reached `scene` belongs, and hands out the character: the stored one, or the
    /// one that `newcomer` makes. A player who is in no scene any more is entered here.
    pub fn settle(
        &self,
        player: PlayerId,
        session: SessionId,
        scene: usize,
        newcomer: impl FnOnce() -> Character,
    ) -> Settled {
        let mut state = self.locked();
        match state.present.get(&player) {
            Some(presence) if presence.session > session => return Settled::Superseded,
            Some(presence) if presence.scene != scene => return Settled::Elsewhere(presence.scene),
            Some(_) => {}
            // Left between login and arrival: the place that was just freed is taken again.
            None => state.place(player, Presence { scene, session }),
        }
        Settled::Here(Box::new(state.stored.get(&player).map_or_else(newcomer, Stored::returning)))
    }

    /// A character has left the world from `scene`, and is kept.
    pub fn leave(&self, player: PlayerId, scene: usize, character: Character) {
        let mut state = self.locked();
        state.remove(player);
        state.store(player, scene, character);
    }

    /// A session will not reach its scene. If it is still the player's newest, the player is in none.
    pub fn cancel(&self, player: PlayerId, session: SessionId) {
        let mut state = self.locked();
        if state.present.get(&player).is_some_and(|presence| presence.session == session) {
            state.remove(player);
        }
    }

    /// A character goes to the scene called `to`; from now on the player belongs there. Answers its place in the list.
    ///
    /// # Errors
    /// [`NoPlace`] when that scene is full or does not exist; the player then stays where they are, with the
    /// character kept for them.
    pub fn transfer(&self, player: PlayerId, from: usize, to: &str, character: Character) -> Result<usize, NoPlace> {
        let mut state = self.locked();
        let scene = state.scenes.iter().position(|scene| scene.name == to);
        let scene = scene.filter(|&scene| scene == from || state.has_place(scene));
        state.store(player, scene.unwrap_or(from), character);
        let scene = scene.ok_or(NoPlace)?;
        if let Some(presence) = state.remove(player) {
            state.place(player, Presence { scene, ..presence });
        }
        Ok(scene)
    }

    /// Players in a scene or on their way to it.
    #[must_use]
    pub fn count(&self, scene: usize) -> usize {
        self.locked().counts.get(scene).copied().unwrap_or(0)
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        // No call can panic half-way, so a poisoned directory is still a true one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_place(&self, scene: usize) -> bool {
        let pair = self.counts.get(scene).zip(self.scenes.get(scene));
        pair.is_some_and(|(&count, entry)| count < entry.players_max)
    }

    fn place(&mut self, player: PlayerId, presence: Presence) {
        if let Some(count) = self.counts.get_mut(presence.scene)
            && self.present.insert(player, presence).is_none()
        {
            *count += 1;
        }
    }

    fn remove(&mut self, player: PlayerId) -> Option<Presence> {
        let presence = self.present.remove(&player)?;
        if let Some(count) = self.counts.get_mut(presence.scene) {
            *count = count.saturating_sub(1);
        }
        Some(presence)
    }

    fn store(&mut self, player: PlayerId, scene: usize, character: Character) {
        self.departed_count += 1;
        let departure = self.departed_count;
        if let Some(earlier) = self.stored.insert(player, Stored { character, scene, left: Instant::now(), departure })
        {
            self.departures.remove(&earlier.departure);
        }
        self.departures.insert(departure, player);
        if self.stored.len() > STORED_MAX
            && let Some((_, longest_gone)) = self.departures.pop_first()
        {
            self.stored.remove(&longest_gone);
            tracing::warn!(player = %longest_gone, limit = STORED_MAX, "a stored character was forgotten to make room");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(players_max: usize) -> Directory {
        let scene = |name: &str, players_max| SceneEntry { name: name.to_owned(), players_max };
        Directory::new(vec![scene("scene/dungeon", 1), scene("scene/field", 2)], 1, players_max)
    }

    fn character(name: &str) -> Character {
        Character { name: name.to_owned(), ..Character::default() }
    }

    fn here(name: &str) -> Settled {
        Settled::Here(Box::new(character(name)))
    }

    const FIRST: SessionId = SessionId(1);
    const SECOND: SessionId = SessionId(2);
    const A: PlayerId = PlayerId(1);
    const B: PlayerId = PlayerId(2);
    const C: PlayerId = PlayerId(3);

    #[test]
    fn a_newcomer_enters_the_start_scene_and_a_second_login_goes_to_the_same_place() {
        let directory = directory(10);
        assert_eq!(directory.enter(A, FIRST), Ok((1, true)));
        assert_eq!(directory.enter(A, SECOND), Ok((1, false)));
        assert_eq!(directory.settle(A, SECOND, 1, || character("new")), here("new"));
        assert_eq!(directory.count(1), 1);
    }

    #[test]
    fn a_full_scene_and_a_full_server_take_nobody() {
        let crowded = directory(10);
        assert_eq!([A, B, C].map(|player| crowded.enter(player, FIRST).is_ok()), [true, true, false]);
        let small = directory(1);
        assert_eq!([A, B].map(|player| small.enter(player, FIRST).is_ok()), [true, false]);
        small.cancel(A, FIRST);
        assert_eq!(small.enter(B, FIRST), Ok((1, true)));
    }

    #[test]
    fn a_session_that_arrives_where_its_player_has_just_left_is_sent_on() {
        let directory = directory(10);
        assert_eq!(directory.enter(A, FIRST), Ok((1, true)));
        assert_eq!(directory.transfer(A, 1, "scene/dungeon", character("a")), Ok(0));
        assert_eq!(directory.settle(A, FIRST, 1, || character("new")), Settled::Elsewhere(0));
        assert_eq!(directory.settle(A, FIRST, 0, || character("new")), here("a"));
        assert_eq!((directory.count(0), directory.count(1)), (1, 0));
    }

    #[test]
    fn a_full_scene_behind_a_portal_leaves_the_player_where_they_are() {
        let directory = directory(10);
        for player in [A, B] {
            assert!(directory.enter(player, FIRST).is_ok());
        }
        assert_eq!(directory.transfer(A, 1, "scene/dungeon", character("a")), Ok(0));
        assert_eq!(directory.transfer(B, 1, "scene/dungeon", character("b")), Err(NoPlace));
        assert_eq!(directory.settle(B, FIRST, 1, || character("new")), here("b"));
    }

    #[test]
    fn a_character_comes_back_to_the_scene_it_left() {
        let directory = directory(10);
        assert!(directory.enter(A, FIRST).is_ok());
        directory.leave(A, 0, character("a"));
        assert_eq!(directory.enter(A, FIRST), Ok((0, true)));
        assert_eq!(directory.settle(A, FIRST, 0, || character("new")), here("a"));
    }

    #[test]
    fn a_player_who_left_between_login_and_arrival_is_entered_again() {
        let directory = directory(10);
        assert_eq!(directory.enter(A, FIRST), Ok((1, true)));
        directory.leave(A, 1, character("a"));
        assert_eq!((directory.count(1), directory.settle(A, FIRST, 1, || character("new"))), (0, here("a")));
        assert_eq!(directory.count(1), 1);
    }

    #[test]
    fn a_session_that_was_overtaken_by_a_newer_login_is_superseded() {
        let directory = directory(10);
        assert!(directory.enter(A, FIRST).is_ok());
        assert_eq!(directory.enter(A, SECOND), Ok((1, false)));
        assert_eq!(directory.settle(A, SECOND, 1, || character("new")), here("new"));
        assert_eq!(directory.settle(A, FIRST, 1, || character("new")), Settled::Superseded);
    }
}
